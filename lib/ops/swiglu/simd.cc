// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/swiglu/swiglu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/swiglu/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/swiglu/swiglu-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::swiglu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

RowFunction Get() { return nullptr; }

#else

void Row(const Params& params, const float* gate, const float* up, uint8_t* out) {
  if (params.terms == 0) {
    ops::HWY_NAMESPACE::GatedSpan(params.activation, gate, up, params.columns,
                                  reinterpret_cast<float*>(out));
    return;
  }
  constexpr size_t kPiece = 256;  // columns between activation and quantisation
  const Q8Row q8(out, params.columns, params.terms);
  HWY_ALIGN float y[kPiece];
  for (size_t i = 0; i < params.columns; i += kPiece) {
    const size_t count = HWY_MIN(kPiece, params.columns - i);
    ops::HWY_NAMESPACE::GatedSpan(params.activation, gate + i, up + i, count, y);
    ops::HWY_NAMESPACE::QuantizeBlocks(y, count / 32, q8, i);
  }
}

RowFunction Get() { return &Row; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::swiglu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::swiglu {

RowFunction SimdRow(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::swiglu
#endif
