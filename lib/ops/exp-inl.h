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

// x ≤ 88.37; below -87.33 the result stays what it is there, 1.2e-38. NaN stays NaN on x86.
template <class D, class V>
HWY_INLINE V ExpNoOverflow(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToSigned<D> di;
  // The bound comes first: x86's max returns the second operand when one is NaN.
  x = hn::Max(hn::Set(d, -87.33f), x);
  // x = n·ln 2 + r, |r| ≤ ln 2 / 2. Adding 1.5·2²³ rounds to an integer and leaves it in the low
  // bits.
  const auto magic = hn::Set(d, 12582912.0f);
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const auto n = hn::Sub(shifted, magic);
  // ln 2 in two parts, the first short enough for n·high to be exact.
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693145752f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 1.42860677e-6f), r);
  // Minimax polynomial of degree 6 in relative error (2e-9 before rounding of the coefficients).
  auto p = hn::MulAdd(hn::Set(d, 0x1.6ae71ap-10f), r, hn::Set(d, 0x1.126792p-7f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.555822p-5f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.55541ap-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 0x1.fffffcp-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto exponent =
      hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, shifted)), hn::Set(di, 127 << 23));
  return hn::Mul(p, hn::BitCast(d, exponent));
}

// x is clamped to [-87.33, 88.37], where the result is a normal number.
template <class D, class V>
HWY_INLINE V Exp(D d, V x) {
  namespace hn = hwy::HWY_NAMESPACE;
  return ExpNoOverflow(d, hn::Min(hn::Set(d, 88.37f), x));
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
