// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/isa/cpu.h"
#include "lib/ops/swiglu/swiglu.h"

namespace hob::ops::matmul_swiglu {

// A tile of gate and up, rows `tile_columns` floats apart, to columns [begin, begin + tile_columns)
// of the output rows, which are params.columns wide and `out_stride` bytes apart. For a quantised
// output begin and tile_columns are multiples of 32.
struct Tile {
  const float *gate, *up;
  size_t rows, tile_columns, begin;
  uint8_t* out;
  size_t out_stride;
};
using TileFunction = void (*)(const swiglu::Params& params, const Tile& tile);

void ScalarTile(const swiglu::Params& params, const Tile& tile);
TileFunction SimdTile(const CpuFeatures& cpu);  // null if the CPU has no vectors known

}  // namespace hob::ops::matmul_swiglu
