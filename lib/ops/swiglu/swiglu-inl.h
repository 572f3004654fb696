// SPDX-License-Identifier: Apache-2.0
// The gated activations in Highway, for each target; for swiglu and matmul_swiglu. Not for
// HWY_SCALAR.
#if defined(HOB_OPS_SWIGLU_SWIGLU_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_SWIGLU_SWIGLU_INL_H_
#undef HOB_OPS_SWIGLU_SWIGLU_INL_H_
#else
#define HOB_OPS_SWIGLU_SWIGLU_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/ops/exp-inl.h"
#include "lib/ops/quantize/quantize_row-inl.h"
#include "lib/ops/swiglu/swiglu.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

template <bool kGelu, class D, class V>
HWY_INLINE V GatedVector(D d, V gate, V up) {
  namespace hn = hwy::HWY_NAMESPACE;
  V z = gate;
  if (kGelu) {
    z = hn::Mul(gate, hn::MulAdd(hn::Set(d, swiglu::kGeluCubic), hn::Mul(gate, gate),
                                 hn::Set(d, swiglu::kGeluLinear)));
  }
  const V one = hn::Set(d, 1.0f);
  return hn::Mul(hn::Div(gate, hn::Add(one, Exp(d, hn::Neg(z)))), up);
}

// y = activation(gate) · up. y may be gate or up.
template <bool kGelu>
HWY_INLINE void GatedSpan(const float* gate, const float* up, size_t count, float* y) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, 16> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(GatedVector<kGelu>(d, hn::LoadU(d, gate + i), hn::LoadU(d, up + i)), d, y + i);
  }
  if (i == count) return;
  float rest[3][kLanes] = {};
  for (size_t j = 0; i + j < count; ++j) {
    rest[0][j] = gate[i + j];
    rest[1][j] = up[i + j];
  }
  hn::StoreU(GatedVector<kGelu>(d, hn::LoadU(d, rest[0]), hn::LoadU(d, rest[1])), d, rest[2]);
  for (size_t j = 0; i + j < count; ++j) y[i + j] = rest[2][j];
}

HWY_INLINE void GatedSpan(swiglu::Activation activation, const float* gate, const float* up,
                          size_t count, float* y) {
  if (activation == swiglu::Activation::kSilu) {
    GatedSpan<false>(gate, up, count, y);
  } else {
    GatedSpan<true>(gate, up, count, y);
  }
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
