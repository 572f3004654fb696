// SPDX-License-Identifier: Apache-2.0
// Block-quantised weights rearranged for int8 dot products, values unchanged, one layout for all
// ISAs. 32 rows of the matrix (outputs) make a panel; a panel is a sequence of blocks of 32
// columns.
//
// Within a block, quants are unsigned (w = scale·(q − zero) + min). A vector (j, h), j = 0…7,
// h = 0…1, is 64 bytes: byte 4·r + i holds q of row 16·h + r, column 4·j + i.
//
//   Q4_0 Q4_1 Q5_0 Q5_1 Q8_0   a block: d f16[32] · m f16[32] (x_1 only) · quants
//   Q4_K Q5_K                  8 blocks: d f16[32] · dmin f16[32] · 8 × (scale u8[32] · min u8[32]
//   · quants) Q6_K                       8 blocks: d f16[32] · 8 × (scale i8[2][32], one each 16
//   columns · quants)
//
// Quants: high bits, then low bits. 5-bit types: for h, 64 bytes whose bit j is the fifth bit of
// vector j. Q6_K: for j < 4 and j ≥ 4, for h, 64 bytes whose bits 2·(j mod 4) … are the high bits.
// 4 low bits: for p = 0…3, for h, 64 bytes: low nibbles vector p, high nibbles vector p + 4.
// Q8_0: for j, for h, 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/base/dtype.h"

namespace hob::ops::matmul {

inline constexpr int64_t kPanelRows = 32;
inline constexpr int64_t kBlockColumns = 32;

struct PanelFormat {
  DType type;
  int32_t low_bits;      // 4 or 8, stored a weight
  int32_t high_bits;     // 0, 1 or 2
  int32_t group_blocks;  // blocks that share the group header: 1 or 8
  int32_t group_bytes;   // of a group's header
  int32_t block_bytes;   // of a block after it
  int32_t zero;          // subtracted from q
  bool has_min;
};

// Null for types that have no panel form.
const PanelFormat* FindPanelFormat(DType type);

// Bytes of a panel of `columns` columns.
inline size_t PanelBytes(const PanelFormat& format, int64_t columns) {
  const size_t blocks = static_cast<size_t>(columns / kBlockColumns);
  const size_t groups = blocks / static_cast<size_t>(format.group_blocks);
  return groups * static_cast<size_t>(format.group_bytes) +
         blocks * static_cast<size_t>(format.block_bytes);
}

// Packs up to 32 rows, `row_bytes` apart in the file's format, into a panel (zeroed memory).
void PackPanel(const PanelFormat& format, const uint8_t* rows, size_t row_bytes, int64_t row_count,
               int64_t columns, uint8_t* panel);

// What a panel kernel computes: out[r][n] = x[r]·W[n] for all rows and the columns given.
struct PanelArgs {
  const uint8_t* panels;  // the first
  size_t panel_bytes;
  int64_t outputs;   // of the panels from the first on; the last may be partial
  const uint8_t* x;  // rows of Q8ActLayout(columns, terms)
  size_t x_stride;
  int64_t rows;
  int64_t columns;  // K
  int64_t terms;    // int8 terms of an activation: 1 or 2
  float* out;
  int64_t out_stride;  // floats
  uint8_t* scratch;    // PanelScratchBytes(K), kAlignment-aligned
};
using PanelFunction = void (*)(const PanelArgs&);

// Scratch of one call: a panel's quants as bytes, scales and mins as f32, and sums of a few rows.
inline size_t PanelScratchBytes(int64_t columns) {
  const size_t blocks = static_cast<size_t>(columns / kBlockColumns);
  return blocks * (1024 + 2 * 128 + 128 + 8 * 16) + 64;
}

}  // namespace hob::ops::matmul
