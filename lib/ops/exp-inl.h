// SPDX-License-Identifier: Apache-2.0
// e^x of f32 vectors, for each Highway target. Relative error below 2e-7; each lane depends on that
// lane alone.
#if defined(HOB_OPS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_EXP_INL_H_
#undef HOB_OPS_EXP_INL_H_
#else
#define HOB_OPS_EXP_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

// x is clamped to [-87.33, 88.37], where the result is a normal number; NaN stays NaN on x86.
template <class D, class V>
HWY_INLINE V Exp(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  // The bound comes first: x86's max and min return the second operand when one is NaN.
  x = hn::Max(hn::Set(d, -87.33f), x);
  x = hn::Min(hn::Set(d, 88.37f), x);
  // x = n·ln 2 + r, |r| ≤ ln 2 / 2; ln 2 in two parts, the first short enough for n·high to be exact.
  const auto n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693145752f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), r);
  // Minimax polynomial of degree 6 in relative error (2e-9 before rounding of the coefficients).
  auto p = hn::MulAdd(hn::Set(d, 0x1.6ae71ap-10f), r, hn::Set(d, 0x1.126792p-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555822p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.55541ap-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffcp-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::Mul(p, hn::BitCast(d, exponent));
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
