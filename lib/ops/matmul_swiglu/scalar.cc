// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/matmul_swiglu/tile.h"
#include "lib/ops/quantize/quantize_row.h"

namespace hob::ops::matmul_swiglu {

void ScalarTile(const swiglu::Params& params, const Tile& tile) {
  const swiglu::Params plain{.columns = 32, .activation = params.activation, .terms = 0};
  for (size_t r = 0; r < tile.rows; ++r) {
    uint8_t* row = tile.out + r * tile.out_stride;
    for (size_t i = 0; i < tile.tile_columns; i += 32) {
      swiglu::Params block = plain;
      block.columns = tile.tile_columns - i < 32 ? tile.tile_columns - i : 32;
      const size_t at = tile.begin + i;
      float y[32];
      swiglu::ScalarRow(block, tile.gate + r * tile.tile_columns + i,
                        tile.up + r * tile.tile_columns + i, reinterpret_cast<uint8_t*>(y));
      if (params.terms != 0) {
        QuantizeBlockScalar(y, Q8Row(row, params.columns, params.terms), at);
      } else {
        std::memcpy(reinterpret_cast<float*>(row) + at, y, block.columns * sizeof(float));
      }
    }
  }
}

}  // namespace hob::ops::matmul_swiglu
