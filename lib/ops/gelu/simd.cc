// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/gelu/gelu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/gelu/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/exp-inl.h"
#include "lib/ops/quantize/quantize_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::gelu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

RowFunction Get() { return nullptr; }

#else

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
constexpr size_t kLanes = hn::MaxLanes(D());

// Φ(−z) = e^(−z²/2)·g(z) for z = |x|. With t = 1/(1 + 0.3z), g is a polynomial in t to 1.5e-7 of
// its value (least maximum of the relative error over 0 ≤ z ≤ 14), so that the small results of
// negative x keep their digits.
template <class V>
HWY_INLINE V Gelu(D d, V x) {
  const V z = hn::Abs(x), one = hn::Set(d, 1.0f);
  const V t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3f), z, one));
  V g = hn::MulAdd(hn::Set(d, 0.03567429259f), t, hn::Set(d, -0.15720099210f));
  g = hn::MulAdd(g, t, hn::Set(d, 0.20634977520f));
  g = hn::MulAdd(g, t, hn::Set(d, -0.05368009582f));
  g = hn::MulAdd(g, t, hn::Set(d, 0.12855969369f));
  g = hn::MulAdd(g, t, hn::Set(d, 0.09991408885f));
  g = hn::MulAdd(g, t, hn::Set(d, 0.12075386196f));
  g = hn::MulAdd(g, t, hn::Set(d, 0.11962930858f));
  const V power = hn::Mul(hn::Mul(z, z), hn::Set(d, -0.5f));
  const V tail = hn::Mul(hn::Mul(g, t), ops::HWY_NAMESPACE::ExpNoOverflow(d, power));
  // x·Φ(x) = x − x·Φ(−x) above 0.
  const V small = hn::Mul(x, tail);
  return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Sub(x, small), small);
}

// y may be x.
HWY_INLINE void Span(const float* x, size_t count, float* y) {
  const D d;
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(Gelu(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == count) return;
  float rest[kLanes] = {};
  for (size_t j = 0; i + j < count; ++j) rest[j] = x[i + j];
  hn::StoreU(Gelu(d, hn::LoadU(d, rest)), d, rest);
  for (size_t j = 0; i + j < count; ++j) y[i + j] = rest[j];
}

void Row(const Params& params, const float* x, uint8_t* out) {
  if (params.terms == 0) {
    Span(x, params.columns, reinterpret_cast<float*>(out));
    return;
  }
  constexpr size_t kPiece = 256;  // columns between activation and quantisation
  const Q8Row q8(out, params.columns, params.terms);
  HWY_ALIGN float y[kPiece];
  for (size_t i = 0; i < params.columns; i += kPiece) {
    const size_t count = HWY_MIN(kPiece, params.columns - i);
    Span(x + i, count, y);
    ops::HWY_NAMESPACE::QuantizeBlocks(y, count / 32, q8, i);
  }
}

RowFunction Get() { return &Row; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::gelu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::gelu {

RowFunction SimdRow(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::gelu
#endif
