// SPDX-License-Identifier: Apache-2.0
#include "lib/base/panels.h"

#include <cstring>
#include <type_traits>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"

namespace hob {
namespace {

constexpr PanelFormat kFormats[] = {
    // type       low high group header block zero min
    {DType::kQ4_0, 4, 0, 1, 0, 64 + 512, 8, false},
    {DType::kQ4_1, 4, 0, 1, 0, 128 + 512, 0, true},
    {DType::kQ5_0, 4, 1, 1, 0, 64 + 128 + 512, 16, false},
    {DType::kQ5_1, 4, 1, 1, 0, 128 + 128 + 512, 0, true},
    {DType::kQ8_0, 8, 0, 1, 0, 64 + 1024, 128, false},
    {DType::kQ4_K, 4, 0, 8, 128, 64 + 512, 0, true},
    {DType::kQ5_K, 4, 1, 8, 128, 64 + 128 + 512, 0, true},
    {DType::kQ6_K, 4, 2, 8, 64, 64 + 256 + 512, 32, false},
    {DType::kQC8, 8, 0, 1, 0, 1024, 128, false, 128},
};

uint32_t Load32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}
void Store32(uint8_t* p, uint32_t v) { std::memcpy(p, &v, 4); }
void StoreHalf(uint8_t* vector, int64_t row, uint16_t value) {
  std::memcpy(vector + 2 * row, &value, 2);
}

// Where row `row` has its four bytes in the 128 bytes of a vector's two halves.
size_t RowOffset(int64_t row) { return static_cast<size_t>(row / 16 * 64 + row % 16 * 4); }

// `low(p)` gives columns 4p … 4p+3 (low nibbles) and 16+4p … (high nibbles).
template <typename F>
void StoreNibbles(uint8_t* quants, int64_t row, F low) {
  for (size_t p = 0; p < 4; ++p) Store32(quants + p * 128 + RowOffset(row), low(p));
}

// `bit(k)` is the fifth bit of column k.
template <typename F>
void StoreFifthBits(uint8_t* bits, int64_t row, F bit) {
  for (int i = 0; i < 4; ++i) {
    unsigned byte = 0;
    for (int j = 0; j < 8; ++j) byte |= static_cast<unsigned>(bit(4 * j + i) & 1u) << j;
    bits[RowOffset(row) + static_cast<size_t>(i)] = static_cast<uint8_t>(byte);
  }
}

void PackBlock(const BlockQ4_0& b, int64_t row, uint8_t* out) {
  StoreHalf(out, row, b.d);
  StoreNibbles(out + 64, row, [&](size_t p) { return Load32(b.qs + 4 * p); });
}
void PackBlock(const BlockQ4_1& b, int64_t row, uint8_t* out) {
  StoreHalf(out, row, b.d);
  StoreHalf(out + 64, row, b.m);
  StoreNibbles(out + 128, row, [&](size_t p) { return Load32(b.qs + 4 * p); });
}
void PackBlock(const BlockQ5_0& b, int64_t row, uint8_t* out) {
  const uint32_t high = Load32(b.qh);
  StoreHalf(out, row, b.d);
  StoreFifthBits(out + 64, row, [&](int k) { return high >> k; });
  StoreNibbles(out + 192, row, [&](size_t p) { return Load32(b.qs + 4 * p); });
}
void PackBlock(const BlockQ5_1& b, int64_t row, uint8_t* out) {
  const uint32_t high = Load32(b.qh);
  StoreHalf(out, row, b.d);
  StoreHalf(out + 64, row, b.m);
  StoreFifthBits(out + 128, row, [&](int k) { return high >> k; });
  StoreNibbles(out + 256, row, [&](size_t p) { return Load32(b.qs + 4 * p); });
}
void PackBlock(const BlockQ8_0& b, int64_t row, uint8_t* out) {
  StoreHalf(out, row, b.d);
  const uint8_t* q = reinterpret_cast<const uint8_t*>(b.qs);
  for (size_t j = 0; j < 8; ++j) {
    Store32(out + 64 + j * 128 + RowOffset(row), Load32(q + 4 * j) ^ 0x80808080u);
  }
}

// The low nibbles of a K block's 32 columns at `qs`, taken at bit `shift`.
void StoreNibblesK(uint8_t* quants, int64_t row, const uint8_t* qs, int shift) {
  StoreNibbles(quants, row, [&](size_t p) {
    const uint32_t low = (Load32(qs + 4 * p) >> shift) & 0x0f0f0f0fu;
    const uint32_t high = (Load32(qs + 16 + 4 * p) >> shift) & 0x0f0f0f0fu;
    return low | (high << 4);
  });
}

template <typename Block>
void PackGroupK(const Block& b, int64_t row, uint8_t* out, size_t block_bytes) {
  uint8_t scale[8], min[8];
  UnpackScalesK(b.scales, scale, min);
  StoreHalf(out, row, b.d);
  StoreHalf(out + 64, row, b.dmin);
  for (size_t s = 0; s < 8; ++s) {
    uint8_t* block = out + 128 + s * block_bytes;
    block[row] = scale[s];
    block[32 + row] = min[s];
    uint8_t* quants = block + 64;
    if constexpr (requires { b.qh; }) {
      StoreFifthBits(quants, row, [&](int k) { return static_cast<uint32_t>(b.qh[k] >> s); });
      quants += 128;
    }
    StoreNibblesK(quants, row, b.qs + 32 * (s / 2), s % 2 == 0 ? 0 : 4);
  }
}

void PackGroup(const BlockQ6_K& b, int64_t row, uint8_t* out, size_t block_bytes) {
  StoreHalf(out, row, b.d);
  for (size_t s = 0; s < 8; ++s) {
    uint8_t* block = out + 64 + s * block_bytes;
    block[row] = static_cast<uint8_t>(b.scales[2 * s]);
    block[32 + row] = static_cast<uint8_t>(b.scales[2 * s + 1]);
    const size_t half = s / 4, part = s % 4;
    const uint8_t* high = b.qh + 32 * half;
    for (size_t v = 0; v < 2; ++v) {  // vectors 0…3 and 4…7
      for (size_t i = 0; i < 4; ++i) {
        unsigned byte = 0;
        for (size_t j = 0; j < 4; ++j) {
          byte |= ((static_cast<unsigned>(high[16 * v + 4 * j + i]) >> (2 * part)) & 3u) << (2 * j);
        }
        block[64 + v * 128 + RowOffset(row) + i] = static_cast<uint8_t>(byte);
      }
    }
    StoreNibblesK(block + 64 + 256, row, b.ql + 64 * half + 32 * (part % 2), part < 2 ? 0 : 4);
  }
}

template <typename Block>
void PackRow(const PanelFormat& format, const uint8_t* source, int64_t row, int64_t columns,
             uint8_t* panel) {
  const size_t block_bytes = static_cast<size_t>(format.block_bytes);
  const size_t group = static_cast<size_t>(format.group_bytes) +
                       static_cast<size_t>(format.group_blocks) * block_bytes;
  const int64_t groups = columns / kBlockColumns / format.group_blocks;
  for (int64_t g = 0; g < groups; ++g) {
    Block block;  // file data has no alignment to speak of
    std::memcpy(&block, source + static_cast<size_t>(g) * sizeof(Block), sizeof(Block));
    uint8_t* out = panel + static_cast<size_t>(g) * group;
    if constexpr (std::is_same_v<Block, BlockQ6_K>) {
      PackGroup(block, row, out, block_bytes);
    } else if constexpr (requires { block.dmin; }) {
      PackGroupK(block, row, out, block_bytes);
    } else {
      PackBlock(block, row, out);
    }
  }
}

}  // namespace

const PanelFormat* FindPanelFormat(DType type, int64_t columns) {
  for (const PanelFormat& format : kFormats) {
    if (format.type != type) continue;
    return columns % (kBlockColumns * format.group_blocks) == 0 ? &format : nullptr;
  }
  return nullptr;
}

void PackPanel(const PanelFormat& format, const uint8_t* rows, size_t row_bytes, int64_t row_count,
               int64_t columns, uint8_t* panel) {
  for (int64_t row = 0; row < row_count; ++row) {
    const uint8_t* source = rows + static_cast<size_t>(row) * row_bytes;
    switch (format.type) {
      case DType::kQ4_0:
        PackRow<BlockQ4_0>(format, source, row, columns, panel);
        break;
      case DType::kQ4_1:
        PackRow<BlockQ4_1>(format, source, row, columns, panel);
        break;
      case DType::kQ5_0:
        PackRow<BlockQ5_0>(format, source, row, columns, panel);
        break;
      case DType::kQ5_1:
        PackRow<BlockQ5_1>(format, source, row, columns, panel);
        break;
      case DType::kQ8_0:
        PackRow<BlockQ8_0>(format, source, row, columns, panel);
        break;
      case DType::kQ4_K:
        PackRow<BlockQ4_K>(format, source, row, columns, panel);
        break;
      case DType::kQ5_K:
        PackRow<BlockQ5_K>(format, source, row, columns, panel);
        break;
      case DType::kQ6_K:
        PackRow<BlockQ6_K>(format, source, row, columns, panel);
        break;
      default:
        break;
    }
  }
}

void PackPerChannelPanel(const int8_t* values, const float* scales, int64_t row_count,
                         int64_t columns, uint8_t* panel) {
  std::memcpy(panel, scales, static_cast<size_t>(row_count) * sizeof(float));
  for (int64_t row = 0; row < row_count; ++row) {
    const uint8_t* q = reinterpret_cast<const uint8_t*>(values + row * columns);
    uint8_t* out = panel + 128 + RowOffset(row);
    for (int64_t k = 0; k < columns; k += 4, out += 128) Store32(out, Load32(q + k) ^ 0x80808080u);
  }
}

float PanelRow::Half(const uint8_t* vector, int64_t row) {
  return F16ToF32(static_cast<uint16_t>(vector[2 * row] | vector[2 * row + 1] << 8));
}

float PanelRow::Scale(int64_t block, int part) const {
  if (format_.panel_bytes != 0) {
    float scale;
    std::memcpy(&scale, panel_ + 4 * row_, sizeof(scale));
    return scale;
  }
  const float d = Half(Group(block), row_);
  if (format_.type == DType::kQ6_K) {
    return static_cast<float>(static_cast<int8_t>(Block(block)[32 * part + row_])) * d;
  }
  return format_.group_blocks == 8 ? static_cast<float>(Block(block)[row_]) * d : d;
}

float PanelRow::Min(int64_t block) const {
  if (!format_.has_min) return 0.0f;
  const float m = Half(Group(block) + 64, row_);
  return format_.group_blocks == 8 ? 0.0f - static_cast<float>(Block(block)[32 + row_]) * m : m;
}

int32_t PanelRow::Quant(int64_t block, int64_t column) const {
  const int32_t quant_bytes = 128 * (format_.low_bits + format_.high_bits);
  const uint8_t* quants = Block(block) + (format_.block_bytes - quant_bytes);
  const int64_t j = column / 4, i = column % 4;
  const int64_t byte = row_ / 16 * 64 + row_ % 16 * 4 + i;
  if (format_.low_bits == 8) return quants[j * 128 + byte];
  int32_t high = 0;
  if (format_.high_bits == 1) {
    high = (quants[byte] >> j & 1) << 4;
    quants += 128;
  } else if (format_.high_bits == 2) {
    high = (quants[j / 4 * 128 + byte] >> (2 * (j % 4)) & 3) << 4;
    quants += 256;
  }
  const int32_t packed = quants[j % 4 * 128 + byte];
  return (j < 4 ? packed & 15 : packed >> 4) | high;
}

void PanelRow::Dequantize(int64_t columns, float* out) const {
  for (int64_t block = 0; block < columns / kBlockColumns; ++block) {
    const float scale[2] = {Scale(block, 0), Scale(block, 1)}, min = Min(block);
    for (int64_t k = 0; k < kBlockColumns; ++k) {
      const float value = scale[k / 16] * static_cast<float>(Quant(block, k) - format_.zero);
      *out++ = format_.has_min ? value + min : value;
    }
  }
}

}  // namespace hob
