// SPDX-License-Identifier: Apache-2.0
// What the attention kernels share. Keys are walked in chunks of kKvChunkTokens positions counted
// from 0. In a chunk: scores, their maximum m, p = e^(s − m), l = Σp, a = Σp·v; then (m, l, a) of
// the chunks are merged in order. A row's sums thus depend on its position alone, not on the rows
// beside it, the threads, or how a prompt was cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"
#include "lib/ops/op.h"

namespace hob::ops::attention {

inline constexpr int32_t kMaxHeadDim = 512;

struct Products;

struct Params {
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int32_t group = 0;  // heads that share a KV head
  int32_t head_dim = 0;
  int32_t window = 0;  // keys a row sees, itself included; 0: all
  int32_t layer = 0;
  float scale = 0;
  int64_t terms = 0;  // of the output, Int8Terms: 0 is f32
  KvLayout kv;        // its type is that of the rows in hand
  // Of the int8 cache: the int8 terms of queries, and hand-written products or null.
  int query_terms = 2;
  const Products* products = nullptr;

  size_t query_columns() const { return static_cast<size_t>(heads) * head_dim; }
  size_t OutputStride() const {
    const size_t columns = query_columns();
    return terms == 0 ? columns * sizeof(float)
                      : Q8ActLayout(columns, static_cast<size_t>(terms)).stride();
  }
  size_t key_columns() const { return static_cast<size_t>(kv_heads) * head_dim; }
  bool int8() const { return kv.type == DType::kQC8; }
  // The same for a cache of another type.
  Params As(DType type) const {
    Params other = *this;
    other.kv = kv.As(type);
    return other;
  }
  // First position that the row at `position` sees; the last is its own.
  int32_t FirstKey(int32_t position) const {
    return window == 0 ? 0 : std::max(0, position + 1 - window);
  }
};

// What the cache stores of x: beyond f16's range the largest value, so that no score is infinite.
inline constexpr float kMaxF16 = 65504.0f;
inline uint16_t ToCacheF16(float x) {
  return F32ToF16(x > kMaxF16 ? kMaxF16 : x < -kMaxF16 ? -kMaxF16 : x);
}

std::unique_ptr<Kernel> MakeScalar(const Params& params, const PlanContext& context);
// Null if the CPU has no vectors known or head_dim is not a multiple of 8.
std::unique_ptr<Kernel> MakeSimd(const Params& params, const PlanContext& context);

}  // namespace hob::ops::attention
