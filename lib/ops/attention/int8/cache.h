// SPDX-License-Identifier: Apache-2.0
// The int8 KV cache: where a page's integers lie, and what they are. A token's keys of one head
// are scale · q with one scale, max|x| / 127, and so are its values. Four channels of a key, or
// four tokens' values of a channel, are the four bytes of a 32-bit lane, as integer dot products
// take them:
//   keys    uint8 [head_dim / 4][64 tokens][4 channels], q + 128; then f32 scales [64]
//   values  int8  [64 / 4][head_dim][4 tokens], q; then f32 scales [64]
// where head_dim is rounded up to a multiple of 4.
//
// A line's query is quantised too, q ≈ scale · a with a of one or two int8 terms as kQ8Act and
// kQ16Act have them, but with one scale for the head. So is p·(scale of the token's values) of the
// keys of a chunk, to 16-bit unsigned integers with one scale for the line and chunk: a token with
// large keys and small values, as the first of a text often is, then takes no precision from
// others.
//   score[t] = (float(Σ a·q[t]) · key_scale[t]) · (query_scale · params.scale)
//   out[d]   = float(Σ w[t]·v[t][d]) · w_scale
// Integer sums are exact and never leave 32 bits: |Σ a·q| ≤ 512·32512·127 < 2³¹ with the longest
// head, and Σ w·v ≤ 256·65535·127 < 2³¹ over a chunk (vector sums may wrap on the way, biased).
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "lib/ops/attention/attention.h"
#include "lib/ops/quantize/quantize_row.h"

namespace hob::ops::attention {

struct Int8Cache {
  explicit Int8Cache(int32_t head_dim) : width((static_cast<size_t>(head_dim) + 3) / 4 * 4) {}

  size_t key(size_t slot, size_t d) const { return (d / 4 * kKvPageTokens + slot) * 4 + d % 4; }
  size_t value(size_t slot, size_t d) const { return (slot / 4 * width + d) * 4 + slot % 4; }
  float* scales(uint8_t* head) const {
    return reinterpret_cast<float*>(head + kKvPageTokens * width);
  }
  const float* scales(const uint8_t* head) const {
    return reinterpret_cast<const float*>(head + kKvPageTokens * width);
  }
  size_t width;  // channels with padding
};

inline constexpr int32_t kKeyBias = 128;
inline constexpr int32_t kCacheLimit = 127;  // of keys and values

// The largest integer of weights, which are two bytes, 256·high + low. One byte would drop keys
// below a 510th of the largest, which may be many.
inline constexpr int32_t kWeightLimit = 65535;
// The largest integer of queries of 1 or 2 int8 terms.
inline constexpr int32_t QueryLimit(int terms) { return terms == 2 ? kQ16Max : 127; }

// The scale of integers up to `limit` for values whose largest magnitude has these bits: 0 where
// all count as zero, NaN where one is not finite, so that the error shows in the result. In both
// cases the integers are 0.
inline bool HasIntegers(int32_t bits) { return bits >= kQ8TinyBits && bits < kQ8InfinityBits; }
inline float ScaleOf(int32_t bits, int32_t limit) {
  if (HasIntegers(bits)) return std::bit_cast<float>(bits) / static_cast<float>(limit);
  return bits < kQ8TinyBits ? 0.0f : std::numeric_limits<float>::quiet_NaN();
}
inline int32_t MagnitudeBits(float x) { return std::bit_cast<int32_t>(x) & 0x7fffffff; }

// The definition of the integers, in scalar code. Returns the scale.
inline float QuantizeScalar(const float* x, size_t count, int32_t limit, int32_t* q) {
  int32_t bits = 0;
  for (size_t i = 0; i < count; ++i) bits = std::max(bits, MagnitudeBits(x[i]));
  const float scale = ScaleOf(bits, limit);
  const float inverse = 1.0f / scale;
  for (size_t i = 0; i < count; ++i) {
    q[i] = HasIntegers(bits) ? static_cast<int32_t>(std::nearbyint(x[i] * inverse)) : 0;
  }
  return scale;
}

// scalar.cc: one token's k and v of one head to its slot of a page; the keys [first, end) of one
// chunk for one line, whose query QuantizeScalar made: `part` [head_dim], the largest score, Σp.
void WriteInt8Scalar(const Params& params, int32_t kv_head, size_t slot, const float* k,
                     const float* v, uint8_t* page);
struct ScalarChunk {
  int32_t first, end;
  float max, sum;
};
void ChunkInt8Scalar(const Params& params, const SequenceRows& sequence, int32_t kv_head,
                     const int32_t* query, float query_scale, ScalarChunk& chunk, float* part);

}  // namespace hob::ops::attention
