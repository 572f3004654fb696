// SPDX-License-Identifier: Apache-2.0
// Kernels over panels (lib/base/panels.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/base/panels.h"

namespace hob::ops::matmul {

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
  int64_t out_stride;   // floats
  const float* addend;  // added to out, row by row as it lies; may be null
  int64_t addend_stride;
  uint8_t* scratch;     // PanelScratchBytes(K), kAlignment-aligned
  const uint8_t* next;  // what is read after the last panel; null: what follows it in memory
};
using PanelFunction = void (*)(const PanelArgs&);

// Scratch of one call: a panel's quants as bytes, scales and mins as f32, and, for the portable
// kernels, four int8 rows of activations as 16 bits.
inline size_t PanelScratchBytes(int64_t columns) {
  const size_t blocks = static_cast<size_t>(columns / kBlockColumns);
  return blocks * (1024 + 2 * 128 + 4 * 64) + 64;
}

}  // namespace hob::ops::matmul
