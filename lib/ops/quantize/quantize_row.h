// SPDX-License-Identifier: Apache-2.0
// Quantisation of activations to DType::kQ8Act and kQ16Act: the definition, in scalar code. All
// providers give these bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "lib/base/block_formats.h"

namespace hob::ops {

// The parts of a row of K values with 1 or 2 int8 terms.
struct Q8Row {
  Q8Row(uint8_t* row, size_t k, int64_t terms_each)
      : terms(terms_each),
        q(reinterpret_cast<int8_t*>(row)),
        low(q + (terms == 2 ? k : 0)),
        scale(reinterpret_cast<float*>(row + Layout(k).scale_offset)),
        scaled_sum(reinterpret_cast<float*>(row + Layout(k).scaled_sum_offset)),
        sum(reinterpret_cast<int32_t*>(row + Layout(k).sum_offset)) {}
  Q8ActLayout Layout(size_t k) const { return Q8ActLayout(k, static_cast<size_t>(terms)); }
  int64_t terms;
  int8_t* q;          // [K]: the values, or the high terms of two
  int8_t* low;        // [K]: the low terms of two
  float* scale;       // [K/32]
  float* scaled_sum;  // [K/32]
  int32_t* sum;       // [K/16]
};

// Bits of the largest magnitude of a block below which it counts as zero (2⁻¹⁰⁰: its reciprocal
// must be finite), and from which it is not finite.
inline constexpr int32_t kQ8TinyBits = 0x0d800000;
inline constexpr int32_t kQ8InfinityBits = 0x7f800000;

// The high term of two of the integer a: the nearest to a / kQ16Base, which is never near a tie.
inline constexpr float kQ16High = 1.0f / static_cast<float>(kQ16Base);

// One block of 32, the row's columns from `column` on: scale = max|x| / limit, a = x · (1 / scale)
// to the nearest, ties to even, where the limit is the largest |a| that the terms hold. A block
// that holds an infinity or a NaN gets scale NaN and a 0, so that the error shows in what it is
// multiplied with. |a| needs no clamp: the rounding of scale and 1 / scale moves the largest by
// less than 2⁻⁷.
inline void QuantizeBlockScalar(const float* x, const Q8Row& row, size_t column) {
  int32_t largest = 0;
  for (int i = 0; i < 32; ++i) {
    const auto bits = static_cast<int32_t>(std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
    largest = bits > largest ? bits : largest;
  }
  const bool two = row.terms == 2;
  int8_t *q = row.q + column, *low = row.low + column;
  int32_t* sum = row.sum + column / 16;
  sum[0] = sum[1] = 0;
  float& scale = row.scale[column / 32];
  if (largest < kQ8TinyBits || largest >= kQ8InfinityBits) {
    std::memset(q, 0, 32);
    if (two) std::memset(low, 0, 32);
    scale = largest < kQ8TinyBits ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    row.scaled_sum[column / 32] = scale;
    return;
  }
  scale = std::bit_cast<float>(largest) / static_cast<float>(two ? kQ16Max : 127);
  const float inverse = 1.0f / scale;
  for (int i = 0; i < 32; ++i) {
    const float a = std::nearbyint(x[i] * inverse);
    if (two) {
      const float high = std::nearbyint(a * kQ16High);
      q[i] = static_cast<int8_t>(high);
      low[i] = static_cast<int8_t>(a - high * static_cast<float>(kQ16Base));
    } else {
      q[i] = static_cast<int8_t>(a);
    }
    sum[i / 16] += static_cast<int32_t>(a);
  }
  row.scaled_sum[column / 32] = static_cast<float>(sum[0] + sum[1]) * scale;
}

inline void QuantizeRowScalar(const float* x, size_t k, int64_t terms, uint8_t* row) {
  const Q8Row out(row, k, terms);
  for (size_t i = 0; i < k; i += 32) QuantizeBlockScalar(x + i, out, i);
}

}  // namespace hob::ops
