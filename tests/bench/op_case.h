// SPDX-License-Identifier: Apache-2.0
// One operator on one shape, with weights, and what it costs at least: the operations that it does
// and the bytes that it reads.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "lib/ops/op.h"

namespace hob::bench {

// What is asked for. Each operator looks at what concerns it.
struct OpQuery {
  std::string op;                      // as in OpNames()
  DType type = DType::kQ4_0;           // of weights
  DType activations = DType::kQ16Act;  // what block-quantised weights are multiplied by
  DType cache = DType::kF16;           // of keys and values
  int64_t columns = 576;               // K
  int64_t outputs = 1536;              // N; the vocabulary of embedding and lm_head
  int64_t rows = 1;
  int32_t heads = 9, kv_heads = 3, head_dim = 64;
  int64_t context = 512;  // positions that the cache holds before the step
};

// "matmul/Q4_0/int16/K:576/N:1536/rows:1"
std::string Describe(const OpQuery& query);

// The operators that can be timed: all of lib/ops, and lm_head, the product that gives the logits.
std::vector<std::string> OpNames();

enum class Bound { kInt8, kF32 };

struct OpCase {
  std::string op;  // the OpDef's name
  OpSpec spec;     // its weights are those below
  std::deque<std::vector<uint8_t>> bytes;
  std::deque<Tensor> weights;
  // A run's multiplications and additions, each int8 term counted, and what does them at best.
  double operations = 0;
  Bound bound = Bound::kF32;
  // Bytes of weights, as the file has them, or of cache, that a run must read from memory.
  double streamed = 0;
  // Bytes of activations that it reads and writes.
  double activations = 0;
  KvLayout kv = {};  // of one layer

  OpCase() = default;
  OpCase(OpCase&&) = default;  // what is pointed at stays where it is
  OpCase& operator=(OpCase&&) = default;
};

// INVALID_ARGUMENT for operators unknown and shapes that do not fit.
StatusOr<OpCase> MakeCase(const OpQuery& query);

}  // namespace hob::bench
