// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/add/add.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/add/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::add {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

SpanFunction Get() { return nullptr; }

#else

void Span(const float* a, const float* b, size_t count, float* out) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, 16> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
  }
  for (; i < count; ++i) out[i] = a[i] + b[i];
}

SpanFunction Get() { return &Span; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::add
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::add {

SpanFunction SimdSpan(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::add
#endif
