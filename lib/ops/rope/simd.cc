// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/rope/rope.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/rope/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::rope {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

RowFunction Get() { return nullptr; }

#else

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
HWY_INLINE void Turn(V a, V b, V cosine, V sine, V& turned_a, V& turned_b) {
  turned_a = hn::Sub(hn::Mul(a, cosine), hn::Mul(b, sine));
  turned_b = hn::Add(hn::Mul(a, sine), hn::Mul(b, cosine));
}

void Row(const Params& params, const float* HWY_RESTRICT x, const float* HWY_RESTRICT angles,
         float* HWY_RESTRICT y) {
  const hn::CappedTag<float, 16> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  using V = hn::Vec<decltype(d)>;
  const size_t half = params.dimensions / 2;
  const float* cosine = angles;
  const float* sine = angles + half;
  const size_t first = params.neox ? 1 : 2, second = params.neox ? half : 1;
  for (size_t h = 0; h < params.heads; ++h, x += params.head_dim, y += params.head_dim) {
    size_t i = 0;
    for (; i + kLanes <= half; i += kLanes) {
      const V c = hn::LoadU(d, cosine + i), s = hn::LoadU(d, sine + i);
      V a, b;
      if (params.neox) {
        Turn(hn::LoadU(d, x + i), hn::LoadU(d, x + half + i), c, s, a, b);
        hn::StoreU(a, d, y + i);
        hn::StoreU(b, d, y + half + i);
      } else {
        V even, odd;
        hn::LoadInterleaved2(d, x + 2 * i, even, odd);
        Turn(even, odd, c, s, a, b);
        hn::StoreInterleaved2(a, b, d, y + 2 * i);
      }
    }
    for (; i < half; ++i) {
      const float a = x[i * first], b = x[i * first + second];
      y[i * first] = a * cosine[i] - b * sine[i];
      y[i * first + second] = a * sine[i] + b * cosine[i];
    }
    for (i = params.dimensions; i < params.head_dim; ++i) y[i] = x[i];
  }
}

RowFunction Get() { return &Row; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::rope
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::rope {

RowFunction SimdRow(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::rope
#endif
