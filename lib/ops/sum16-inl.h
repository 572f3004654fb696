// SPDX-License-Identifier: Apache-2.0
// The sum of 16 lanes in a fixed tree, for each Highway target: lane i and i + 8, then i + 4, i +
// 2, i + 1, whatever the vectors' length.
#if defined(HOB_OPS_SUM16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_SUM16_INL_H_
#undef HOB_OPS_SUM16_INL_H_
#else
#define HOB_OPS_SUM16_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

template <class D>
HWY_INLINE float SumTree(D d, hwy::HWY_NAMESPACE::Vec<D> v) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D> half;
    return SumTree(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    v = hn::Add(v, hn::Shuffle1032(v));
    return hn::GetLane(hn::Add(v, hn::Shuffle2301(v)));
  }
}

// Lanes v·N … v·N + N − 1 are in lanes[v], N = MaxLanes(d). Overwrites them.
template <class D, size_t kVectors>
HWY_INLINE float SumOf16(D d, hwy::HWY_NAMESPACE::Vec<D> (&lanes)[kVectors]) {
  namespace hn = hwy::HWY_NAMESPACE;
  static_assert(kVectors * hn::MaxLanes(D()) == 16);
  for (size_t half = kVectors / 2; half > 0; half /= 2) {
    for (size_t v = 0; v < half; ++v) lanes[v] = hn::Add(lanes[v], lanes[v + half]);
  }
  return SumTree(d, lanes[0]);
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
