// SPDX-License-Identifier: Apache-2.0
// f16 in memory to f32 vectors, for each Highway target.
#if defined(HOB_OPS_F16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_F16_INL_H_
#undef HOB_OPS_F16_INL_H_
#else
#define HOB_OPS_F16_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops {
namespace HWY_NAMESPACE {

// As many as a vector has, from any address. Infinities and NaN stay what they are.
template <class DF>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<DF> LoadF16(DF d, const void* from) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Rebind<hwy::float16_t, DF> d16;
  const auto x = hn::PromoteTo(d, hn::LoadU(d16, static_cast<const hwy::float16_t*>(from)));
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_SCALAR
  // Without F16C, Highway takes the exponent of infinities and NaN for one more of a number.
  const auto beyond = hn::Ge(hn::Abs(x), hn::Set(d, 65536.0f));
  const hn::RebindToUnsigned<DF> du;
  return hn::Or(x, hn::IfThenElseZero(beyond, hn::BitCast(d, hn::Set(du, 0x7f800000u))));
#else
  return x;
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
