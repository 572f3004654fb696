// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/matmul_swiglu/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/matmul_swiglu/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/swiglu/swiglu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::matmul_swiglu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

TileFunction Get() { return nullptr; }

#else

void Run(const swiglu::Params& params, const Tile& tile) {
  constexpr size_t kPiece = 256;
  HWY_ALIGN float y[kPiece];
  for (size_t r = 0; r < tile.rows; ++r) {
    const float* gate = tile.gate + r * tile.tile_columns;
    const float* up = tile.up + r * tile.tile_columns;
    uint8_t* row = tile.out + r * tile.out_stride;
    if (params.terms == 0) {
      ops::HWY_NAMESPACE::GatedSpan(params.activation, gate, up, tile.tile_columns,
                                    reinterpret_cast<float*>(row) + tile.begin);
      continue;
    }
    const Q8Row q8(row, params.columns, params.terms);
    for (size_t i = 0; i < tile.tile_columns; i += kPiece) {
      const size_t count = HWY_MIN(kPiece, tile.tile_columns - i);
      ops::HWY_NAMESPACE::GatedSpan(params.activation, gate + i, up + i, count, y);
      ops::HWY_NAMESPACE::QuantizeBlocks(y, count / 32, q8, tile.begin + i);
    }
  }
}

TileFunction Get() { return &Run; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::matmul_swiglu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::matmul_swiglu {

TileFunction SimdTile(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::matmul_swiglu
#endif
