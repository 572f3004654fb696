// SPDX-License-Identifier: Apache-2.0
// The block formats of GGUF tensors, bit for bit (source: ggml's documented layouts), and their
// reference dequantisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/dtype.h"

namespace hob {

#pragma pack(push, 1)
struct BlockQ4_0 {
  uint16_t d;
  uint8_t qs[16];
};
struct BlockQ4_1 {
  uint16_t d, m;
  uint8_t qs[16];
};
struct BlockQ5_0 {
  uint16_t d;
  uint8_t qh[4];
  uint8_t qs[16];
};
struct BlockQ5_1 {
  uint16_t d, m;
  uint8_t qh[4];
  uint8_t qs[16];
};
struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};
struct BlockQ4_K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t qs[128];
};
struct BlockQ5_K {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};
struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
};
#pragma pack(pop)

// Eight 6-bit scales and mins of a Q4_K or Q5_K block.
inline void UnpackScalesK(const uint8_t packed[12], uint8_t scale[8], uint8_t min[8]) {
  for (int i = 0; i < 4; ++i) {
    scale[i] = packed[i] & 63;
    min[i] = packed[i + 4] & 63;
    scale[i + 4] = static_cast<uint8_t>((packed[i + 8] & 15) | ((packed[i] >> 6) << 4));
    min[i + 4] = static_cast<uint8_t>((packed[i + 8] >> 4) | ((packed[i + 4] >> 6) << 4));
  }
}

// Writes `count` f32 values of the file type `type` from `source`. `count` is a multiple of the
// type's block; `source` holds them all and needs no alignment. False, with nothing written, for
// types without a float value (I32), for QC8 and Q8ACT (a row's scales are not beside its values)
// and for a count that is no multiple of the block.
bool Dequantize(DType type, const uint8_t* source, size_t count, float* out);

// One row of quantised activations, K a multiple of 32: integers a, K/32 scales, K/32 scaled
// sums scale·Σa, and K/16 sums of a, with x ≈ scale[k/32]·a[k]. DType::kQ8Act has one int8 term, a
// itself; DType::kQ16Act has two, all the high ones before the low ones: a = kQ16Base·high + low,
// each in −127…127, so |a| ≤ kQ16Max. The base is odd, which
// keeps −128 out: kernels negate terms and add up products in 16 bits.
inline constexpr int32_t kQ16Base = 255;
inline constexpr int32_t kQ16Max = kQ16Base * 127 + 127;

struct Q8ActLayout {
  explicit Q8ActLayout(size_t k, size_t terms = 1)
      : scale_offset(terms * k),
        scaled_sum_offset(scale_offset + k / 8),
        sum_offset(scaled_sum_offset + k / 8),
        bytes(sum_offset + k / 4) {}
  size_t scale_offset;  // bytes from the row's start
  size_t scaled_sum_offset;
  size_t sum_offset;
  size_t bytes;  // of a row; rows are `stride` apart
  size_t stride() const { return (bytes + 63) / 64 * 64; }
};

// How many int8 terms stand for a value of activations of `type`: 1 or 2; 0 for f32.
constexpr int64_t Int8Terms(DType type) {
  return type == DType::kQ8Act ? 1 : type == DType::kQ16Act ? 2 : 0;
}

// Bytes from one row of activations to the next.
inline size_t ActivationRowBytes(DType type, size_t columns) {
  const size_t terms = static_cast<size_t>(Int8Terms(type));
  return terms == 0 ? columns * sizeof(float) : Q8ActLayout(columns, terms).stride();
}

}  // namespace hob
