// SPDX-License-Identifier: Apache-2.0
// Quantised weights rearranged for int8 dot products, values unchanged, one layout for all ISAs:
// docs/reference/hob-format.md describes it type by type. 32 rows of the matrix (outputs) make a
// panel; a panel is a header, then groups of blocks of 32 columns:
//
//   panel header   QC8: scale f32[32]
//   group header   Q4_0 … Q8_0: d f16[32], of the x_1 types then m f16[32]; a group is one block.
//                  K types: d f16[32], then dmin f16[32] but for Q6_K; a group is 8 blocks.
//   block          Q4_K, Q5_K: scale u8[32], min u8[32]; Q6_K: scale i8[2][32], one each 16
//                  columns. Then the quants.
//
// Quants are unsigned: w = scale·(q − zero) + min. A vector (j, h), j = 0…7, h = 0…1, is 64 bytes:
// byte 4·r + i holds q of row 16·h + r, column 4·j + i. High bits come first, then low bits.
//
//   fifth bits     for h, 64 bytes whose bit j is the fifth bit of vector j
//   Q6_K           for j < 4 and j ≥ 4, for h, 64 bytes whose bits 2·(j mod 4) … are the high bits
//   4 low bits     for p = 0…3, for h, 64 bytes: low nibbles vector p, high nibbles vector p + 4
//   8 low bits     for j, for h, 64 bytes
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/base/dtype.h"

namespace hob {

inline constexpr int64_t kPanelRows = 32;
inline constexpr int64_t kBlockColumns = 32;

struct PanelFormat {
  DType type;
  int32_t low_bits;      // 4 or 8, stored a weight
  int32_t high_bits;     // 0, 1 or 2
  int32_t group_blocks;  // blocks that share the group header: 1 or 8
  int32_t group_bytes;   // of a group's header, but where a group is one block, which counts it
  int32_t block_bytes;   // of a block
  int32_t zero;          // subtracted from q
  bool has_min;
  int32_t panel_bytes = 0;  // of the panel's header
};

// Null for types that have no panel form, and where columns do not fill whole groups.
const PanelFormat* FindPanelFormat(DType type, int64_t columns);

// Bytes of a panel of `columns` columns.
inline uint64_t PanelBytes(const PanelFormat& format, int64_t columns) {
  const uint64_t blocks = static_cast<uint64_t>(columns / kBlockColumns);
  const uint64_t groups = blocks / static_cast<uint64_t>(format.group_blocks);
  return static_cast<uint64_t>(format.panel_bytes) +
         groups * static_cast<uint64_t>(format.group_bytes) +
         blocks * static_cast<uint64_t>(format.block_bytes);
}

// Of a whole matrix.
inline uint64_t PanelsBytes(const PanelFormat& format, int64_t rows, int64_t columns) {
  return static_cast<uint64_t>((rows + kPanelRows - 1) / kPanelRows) * PanelBytes(format, columns);
}

// Packs up to 32 rows, `row_bytes` apart in the file's format, into a panel (zeroed memory).
void PackPanel(const PanelFormat& format, const uint8_t* rows, size_t row_bytes, int64_t row_count,
               int64_t columns, uint8_t* panel);

// The same of QC8, whose scales are not beside its values: `values` is [row_count, columns].
void PackPerChannelPanel(const int8_t* values, const float* scales, int64_t row_count,
                         int64_t columns, uint8_t* panel);

// One row of a panel, read element by element: for references, and for single rows.
class PanelRow {
 public:
  PanelRow(const PanelFormat& format, const uint8_t* panel, int64_t row)
      : format_(format), panel_(panel), row_(row) {}

  // Of the block's columns 16·part … 16·part + 15: w = scale·(q − zero) + min.
  float Scale(int64_t block, int part) const;
  float Min(int64_t block) const;
  int32_t Quant(int64_t block, int64_t column) const;  // column 0 … 31 of the block

  // Writes the row's `columns` values, as hob::Dequantize does of the file's blocks.
  void Dequantize(int64_t columns, float* out) const;

 private:
  const uint8_t* Group(int64_t block) const {
    return panel_ + format_.panel_bytes +
           block / format_.group_blocks *
               (format_.group_bytes + format_.group_blocks * format_.block_bytes);
  }
  const uint8_t* Block(int64_t block) const {
    return Group(block) + format_.group_bytes + block % format_.group_blocks * format_.block_bytes;
  }
  static float Half(const uint8_t* vector, int64_t row);

  const PanelFormat& format_;
  const uint8_t* panel_;
  int64_t row_;
};

}  // namespace hob
