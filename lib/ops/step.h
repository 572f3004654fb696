// SPDX-License-Identifier: Apache-2.0
// What one pass over the weights works on: rows of one or more sequences and their KV pages.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/dtype.h"

namespace hob {

// Tokens a KV page holds. Attention walks keys in chunks of kKvChunk positions counted from the
// start of the sequence, so its sums do not depend on how a prompt was cut.
inline constexpr int32_t kKvPageTokens = 64;
inline constexpr int32_t kKvChunkTokens = 256;

// A page holds kKvPageTokens tokens of every layer. Per layer: for each KV head in turn keys, then
// for each KV head values. As f16 or f32, keys are transposed, [head_dim][kKvPageTokens], so that a
// vector holds one channel of many keys; values are [kKvPageTokens][head_dim]. As kQC8, int8 with a
// scale for each token and head, lib/ops/attention/int8/cache.h says how they lie.
struct KvLayout {
  DType type = DType::kF16;
  int32_t layers = 0;
  int32_t heads = 0;  // KV heads
  int32_t head_dim = 0;

  static constexpr std::array<DType, 3> kTypes = {DType::kF16, DType::kF32, DType::kQC8};
  static constexpr bool Holds(DType type) {
    return type == kTypes[0] || type == kTypes[1] || type == kTypes[2];
  }
  // The same model's layout of another type.
  KvLayout As(DType other) const { return {other, layers, heads, head_dim}; }
  // Of one head's keys or values.
  size_t head_bytes() const {
    const auto width = static_cast<size_t>(head_dim);
    const size_t token = type == DType::kQC8   ? (width + 3) / 4 * 4 + sizeof(float)
                         : type == DType::kF32 ? width * 4
                                               : width * 2;
    return kKvPageTokens * token;
  }
  size_t layer_bytes() const { return 2 * head_bytes() * static_cast<size_t>(heads); }
  size_t page_bytes() const { return layer_bytes() * static_cast<size_t>(layers); }
  // Byte offsets in a page.
  size_t key_offset(int32_t layer, int32_t head) const {
    return layer_bytes() * static_cast<size_t>(layer) + head_bytes() * static_cast<size_t>(head);
  }
  size_t value_offset(int32_t layer, int32_t head) const {
    return key_offset(layer, head) + head_bytes() * static_cast<size_t>(heads);
  }
};

// One T for each type that a cache can have; to be asked for no other.
template <typename T>
struct PerKvType {
  T& operator[](DType type) { return items[Index(type)]; }
  const T& operator[](DType type) const { return items[Index(type)]; }
  static constexpr size_t Index(DType type) {
    return type == KvLayout::kTypes[0] ? 0 : type == KvLayout::kTypes[1] ? 1 : 2;
  }
  std::array<T, KvLayout::kTypes.size()> items;
};

// Consecutive rows that belong to one sequence. Those of a step may have caches of several types.
struct SequenceRows {
  uint8_t* const* pages = nullptr;  // page i holds positions [i·64, i·64 + 64); covers all rows
  DType kv_type = DType::kF16;      // of the pages
  int32_t first_row = 0;
  int32_t rows = 0;
  int32_t position = 0;  // of the first row: what the cache already holds
};

// How the rows of a text become one; the numbers are those of GGUF's <architecture>.pooling_type.
enum class Pooling : int32_t {
  kModel = 0,  // as the graph's node says
  kMean = 1,
  kFirst = 2,  // the row of the token before the text, [CLS]
};

struct Step {
  std::span<const int32_t> tokens;          // one a row
  std::span<const SequenceRows> sequences;  // in row order, covering all rows
  std::span<const int32_t> logit_rows;      // rows whose logits are wanted, ascending
  float* logits = nullptr;                  // [logit_rows][columns of the graph's output]
  // An encoder's texts are its sequences: without pages, each whole, and of each the first row is
  // wanted, which stands for the text.
  Pooling pooling = Pooling::kModel;

  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
};

}  // namespace hob
