// SPDX-License-Identifier: Apache-2.0
// The arithmetic follows ggml's dequantize_row_* in f32, operation for operation, so results are
// equal bit for bit where multiplication and subtraction are not fused (-ffp-contract=off).
#include "lib/base/block_formats.h"

#include <cstring>

#include "lib/base/f16.h"

namespace hob {
namespace {

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20);
static_assert(sizeof(BlockQ5_0) == 22 && sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34);
static_assert(sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176 && sizeof(BlockQ6_K) == 210);

void Decode(const BlockQ4_0& block, float* out) {
  const float d = F16ToF32(block.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = static_cast<float>((block.qs[i] & 15) - 8) * d;
    out[i + 16] = static_cast<float>((block.qs[i] >> 4) - 8) * d;
  }
}

void Decode(const BlockQ4_1& block, float* out) {
  const float d = F16ToF32(block.d);
  const float m = F16ToF32(block.m);
  for (int i = 0; i < 16; ++i) {
    out[i] = static_cast<float>(block.qs[i] & 15) * d + m;
    out[i + 16] = static_cast<float>(block.qs[i] >> 4) * d + m;
  }
}

// The fifth bit of weight i is bit i of qh.
int Q5(const uint8_t* qs, const uint8_t* qh, int i) {
  const int nibble = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
  return nibble | (((qh[i / 8] >> (i % 8)) & 1) << 4);
}

void Decode(const BlockQ5_0& block, float* out) {
  const float d = F16ToF32(block.d);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(Q5(block.qs, block.qh, i) - 16) * d;
}

void Decode(const BlockQ5_1& block, float* out) {
  const float d = F16ToF32(block.d);
  const float m = F16ToF32(block.m);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(Q5(block.qs, block.qh, i)) * d + m;
}

void Decode(const BlockQ8_0& block, float* out) {
  const float d = F16ToF32(block.d);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(block.qs[i]) * d;
}

// Scale and min of the eight groups of 32 weights. Group 2g is in the low nibbles of bytes
// 32g … 32g+31, group 2g+1 in their high nibbles.
struct GroupsK {
  float scale[8];
  float min[8];

  GroupsK(uint16_t d, uint16_t dmin, const uint8_t packed[12]) {
    uint8_t scales[8];
    uint8_t mins[8];
    UnpackScalesK(packed, scales, mins);
    for (int g = 0; g < 8; ++g) {
      scale[g] = F16ToF32(d) * static_cast<float>(scales[g]);
      min[g] = F16ToF32(dmin) * static_cast<float>(mins[g]);
    }
  }
};

void Decode(const BlockQ4_K& block, float* out) {
  const GroupsK groups(block.d, block.dmin, block.scales);
  for (int g = 0; g < 8; ++g) {
    const uint8_t* qs = block.qs + g / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int q = g % 2 == 0 ? qs[i] & 15 : qs[i] >> 4;
      out[g * 32 + i] = groups.scale[g] * static_cast<float>(q) - groups.min[g];
    }
  }
}

void Decode(const BlockQ5_K& block, float* out) {
  const GroupsK groups(block.d, block.dmin, block.scales);
  for (int g = 0; g < 8; ++g) {  // the fifth bit of weight i of group g is bit g of qh[i]
    const uint8_t* qs = block.qs + g / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      const int low = g % 2 == 0 ? qs[i] & 15 : qs[i] >> 4;
      const int q = low | (((block.qh[i] >> g) & 1) << 4);
      out[g * 32 + i] = groups.scale[g] * static_cast<float>(q) - groups.min[g];
    }
  }
}

void Decode(const BlockQ6_K& block, float* out) {
  const float d = F16ToF32(block.d);
  for (int half = 0; half < 2; ++half) {  // 128 weights: four runs of 32
    const uint8_t* ql = block.ql + half * 64;
    const uint8_t* qh = block.qh + half * 32;
    for (int run = 0; run < 4; ++run) {
      for (int i = 0; i < 32; ++i) {
        const uint8_t pair = ql[run % 2 * 32 + i];
        const int low = run < 2 ? pair & 15 : pair >> 4;
        const int q = (low | (((qh[i] >> (2 * run)) & 3) << 4)) - 32;
        const int8_t multiple = block.scales[half * 8 + run * 2 + i / 16];
        const float scale = d * static_cast<float>(multiple);
        out[half * 128 + run * 32 + i] = scale * static_cast<float>(q);
      }
    }
  }
}

template <typename Block, size_t kWeights>
bool DecodeAll(const uint8_t* source, size_t count, float* out) {
  if (count % kWeights != 0) return false;
  for (size_t i = 0; i < count; i += kWeights) {
    Block block;
    std::memcpy(&block, source + i / kWeights * sizeof(Block), sizeof(Block));
    Decode(block, out + i);
  }
  return true;
}

bool DecodeHalves(const uint8_t* source, size_t count, float* out, float (*convert)(uint16_t)) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t half;
    std::memcpy(&half, source + i * sizeof(half), sizeof(half));
    out[i] = convert(half);
  }
  return true;
}

}  // namespace

bool Dequantize(DType type, const uint8_t* source, size_t count, float* out) {
  switch (type) {
    case DType::kF32:
      if (count != 0) std::memcpy(out, source, count * sizeof(float));
      return true;
    case DType::kF16:
      return DecodeHalves(source, count, out, F16ToF32);
    case DType::kBF16:
      return DecodeHalves(source, count, out, BF16ToF32);
    case DType::kQ4_0:
      return DecodeAll<BlockQ4_0, 32>(source, count, out);
    case DType::kQ4_1:
      return DecodeAll<BlockQ4_1, 32>(source, count, out);
    case DType::kQ5_0:
      return DecodeAll<BlockQ5_0, 32>(source, count, out);
    case DType::kQ5_1:
      return DecodeAll<BlockQ5_1, 32>(source, count, out);
    case DType::kQ8_0:
      return DecodeAll<BlockQ8_0, 32>(source, count, out);
    case DType::kQ4_K:
      return DecodeAll<BlockQ4_K, 256>(source, count, out);
    case DType::kQ5_K:
      return DecodeAll<BlockQ5_K, 256>(source, count, out);
    case DType::kQ6_K:
      return DecodeAll<BlockQ6_K, 256>(source, count, out);
    case DType::kI32:
    case DType::kQC8:  // needs the row's scale, which is not beside the values
    case DType::kQ8Act:
    case DType::kQ16Act:
      return false;
  }
  return false;
}

}  // namespace hob
