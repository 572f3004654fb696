// SPDX-License-Identifier: Apache-2.0
// Quantisation of activations to DType::kQ8Act: the definition, in scalar code. All providers give
// these bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "lib/base/block_formats.h"

namespace hob::ops {

// The parts of a row of K values.
struct Q8Row {
  Q8Row(uint8_t* row, size_t k)
      : q(reinterpret_cast<int8_t*>(row)),
        scale(reinterpret_cast<float*>(row + Q8ActLayout(k).scale_offset)),
        sum(reinterpret_cast<int32_t*>(row + Q8ActLayout(k).sum_offset)) {}
  int8_t* q;     // [K]
  float* scale;  // [K/32]
  int32_t* sum;  // [K/16]
};

// Bits of the largest magnitude of a block below which it counts as zero (2⁻¹⁰⁰: its reciprocal
// must be finite), and from which it is not finite.
inline constexpr int32_t kQ8TinyBits = 0x0d800000;
inline constexpr int32_t kQ8InfinityBits = 0x7f800000;

// One block of 32: scale = max|x| / 127, q = x · (1 / scale) to the nearest, ties to even. A block
// that holds an infinity or a NaN gets scale NaN and q 0, so that the error shows in what it is
// multiplied with. |q| ≤ 127 needs no clamp: the rounding of scale and 1 / scale moves 127 by less
// than 2⁻¹⁵.
inline void QuantizeBlockScalar(const float* x, int8_t* q, float* scale, int32_t* sum) {
  int32_t largest = 0;
  for (int i = 0; i < 32; ++i) {
    const auto bits = static_cast<int32_t>(std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
    largest = bits > largest ? bits : largest;
  }
  sum[0] = sum[1] = 0;
  if (largest < kQ8TinyBits || largest >= kQ8InfinityBits) {
    std::memset(q, 0, 32);
    *scale = largest < kQ8TinyBits ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    return;
  }
  *scale = std::bit_cast<float>(largest) / 127.0f;
  const float inverse = 1.0f / *scale;
  for (int i = 0; i < 32; ++i) {
    q[i] = static_cast<int8_t>(std::nearbyint(x[i] * inverse));
    sum[i / 16] += q[i];
  }
}

inline void QuantizeRowScalar(const float* x, size_t k, uint8_t* row) {
  const Q8Row out(row, k);
  for (size_t b = 0; b < k / 32; ++b) {
    QuantizeBlockScalar(x + 32 * b, out.q + 32 * b, out.scale + b, out.sum + 2 * b);
  }
}

}  // namespace hob::ops
