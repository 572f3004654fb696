// SPDX-License-Identifier: Apache-2.0
#include "lib/base/quantize_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"

namespace hob {
namespace {

constexpr size_t kBlock = 32;

float Inverse(float d) { return d == 0 ? 0.0f : 1.0f / d; }

// The value of largest magnitude, with its sign: it becomes the lowest step, whose magnitude is one
// more than the highest's.
float Largest(const float* w) {
  float largest = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    if (std::fabs(w[i]) > std::fabs(largest)) largest = w[i];
  }
  return largest;
}

// The whole steps in `scaled`. A scale too small to be inverted makes infinities and NaN of them.
uint8_t Step(float scaled, int most) {
  if (!(scaled > 0)) return 0;
  return static_cast<uint8_t>(scaled < static_cast<float>(most) ? static_cast<int>(scaled) : most);
}

// Steps of weights i and i + 16 side by side, their fifth bits in `high` (null: there is none).
void Store(const uint8_t* q, uint8_t* nibbles, uint8_t* high) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kBlock / 2; ++i) {
    nibbles[i] = static_cast<uint8_t>((q[i] & 15) | ((q[i + 16] & 15) << 4));
    bits |= static_cast<uint32_t>(q[i] >> 4) << i;
    bits |= static_cast<uint32_t>(q[i + 16] >> 4) << (i + 16);
  }
  for (int i = 0; high != nullptr && i < 4; ++i) high[i] = static_cast<uint8_t>(bits >> (8 * i));
}

// Symmetric: w = d·(q − half).
template <typename Block>
void Symmetric(const float* w, int half, uint8_t* high, Block& block) {
  const float d = Largest(w) / static_cast<float>(-half);
  const float inverse = Inverse(d);
  uint8_t q[kBlock];
  for (size_t i = 0; i < kBlock; ++i) {
    q[i] = Step(w[i] * inverse + (static_cast<float>(half) + 0.5f), 2 * half - 1);
  }
  block.d = F32ToF16(d);
  Store(q, block.qs, high);
}

// With a minimum: w = d·q + m.
template <typename Block>
void Affine(const float* w, int most, uint8_t* high, Block& block) {
  const auto [low, top] = std::minmax_element(w, w + kBlock);
  const float d = (*top - *low) / static_cast<float>(most);
  const float inverse = Inverse(d);
  uint8_t q[kBlock];
  for (size_t i = 0; i < kBlock; ++i) q[i] = Step((w[i] - *low) * inverse + 0.5f, most);
  block.d = F32ToF16(d);
  block.m = F32ToF16(*low);
  Store(q, block.qs, high);
}

void Encode(const float* w, BlockQ8_0& block) {
  const float d = std::fabs(Largest(w)) / 127.0f;
  const float inverse = Inverse(d);
  for (size_t i = 0; i < kBlock; ++i) {
    const float q = std::clamp(std::round(w[i] * inverse), -127.0f, 127.0f);
    block.qs[i] = static_cast<int8_t>(q == q ? q : 0.0f);
  }
  block.d = F32ToF16(d);
}

template <typename T>
void Put(const T& value, uint8_t* out) {
  std::memcpy(out, &value, sizeof(value));
}

// Whether the stored halves are finite: a scale may pass what f16 holds.
bool Finite(uint16_t half) { return (half & 0x7c00u) != 0x7c00u; }

// One block of `w`, or one value of a float type; false if it does not fit the type.
bool EncodeBlock(DType type, const float* w, uint8_t* out) {
  switch (type) {
    case DType::kF32:
      Put(*w, out);
      return true;
    case DType::kF16: {
      const uint16_t half = F32ToF16(*w);
      Put(half, out);
      return Finite(half);
    }
    case DType::kBF16: {  // to the nearest, ties to even
      const auto bits = std::bit_cast<uint32_t>(*w);
      const auto half = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
      Put(half, out);
      return (half & 0x7f80u) != 0x7f80u;
    }
    case DType::kQ4_0: {
      BlockQ4_0 block;
      Symmetric(w, 8, nullptr, block);
      Put(block, out);
      return Finite(block.d);
    }
    case DType::kQ4_1: {
      BlockQ4_1 block;
      Affine(w, 15, nullptr, block);
      Put(block, out);
      return Finite(block.d) && Finite(block.m);
    }
    case DType::kQ5_0: {
      BlockQ5_0 block;
      Symmetric(w, 16, block.qh, block);
      Put(block, out);
      return Finite(block.d);
    }
    case DType::kQ5_1: {
      BlockQ5_1 block;
      Affine(w, 31, block.qh, block);
      Put(block, out);
      return Finite(block.d) && Finite(block.m);
    }
    case DType::kQ8_0: {
      BlockQ8_0 block;
      Encode(w, block);
      Put(block, out);
      return Finite(block.d);
    }
    default:
      return false;
  }
}

bool Quantizes(DType type) {
  switch (type) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ8_0:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status QuantizeRows(DType type, std::span<const float> weights, int64_t rows, int64_t columns,
                    std::span<uint8_t> out) {
  const DTypeInfo* info = FindDType(type);
  if (info == nullptr || !Quantizes(type)) {
    return Error(StatusCode::kUnimplemented,
                 Concat("hob does not quantise to ",
                        info == nullptr ? std::string_view("this type") : info->name),
                 "There are F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and per-channel int8.");
  }
  const auto block = static_cast<size_t>(info->block_elements);
  const size_t blocks = weights.size() / block;
  if (rows < 1 || columns < 1 || columns % info->block_elements != 0 ||
      weights.size() / static_cast<size_t>(columns) != static_cast<size_t>(rows) ||
      weights.size() % static_cast<size_t>(columns) != 0 ||
      out.size() != blocks * info->block_bytes) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("a matrix of ", rows, " × ", columns, " as ", info->name, " has not ",
                        weights.size(), " values and ", out.size(), " bytes"));
  }
  for (size_t b = 0; b < blocks; ++b) {
    const float* w = weights.data() + b * block;
    bool fits = true;
    size_t at = 0;
    for (; at < block && std::isfinite(w[at]); ++at) {
    }
    if (at == block) fits = EncodeBlock(type, w, out.data() + b * info->block_bytes);
    if (at < block || !fits) {
      const size_t index = b * block + (at < block ? at : 0);
      return Error(StatusCode::kInvalidArgument,
                   Concat("row ", index / static_cast<size_t>(columns), ", column ",
                          index % static_cast<size_t>(columns),
                          at < block ? " is not finite" : " begins what the type's range passes"));
    }
  }
  return absl::OkStatus();
}

}  // namespace hob
