// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/layer_norm/layer_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/layer_norm/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/quantize/quantize_row-inl.h"
#include "lib/ops/sum16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::layer_norm {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

RowFunction Get() { return nullptr; }

#else

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
constexpr size_t kLanes = hn::MaxLanes(D());
constexpr size_t kVectors = 16 / kLanes;

// Of x − mean, or of its squares.
template <bool kSquares>
HWY_INLINE float Sum(const float* HWY_RESTRICT x, size_t width, float mean) {
  const D d;
  const auto shift = hn::Set(d, mean);
  hn::Vec<D> sums[kVectors];
  for (auto& sum : sums) sum = hn::Zero(d);
  size_t i = 0;
  for (; i + 16 <= width; i += 16) {
    for (size_t v = 0; v < kVectors; ++v) {
      auto value = hn::LoadU(d, x + i + v * kLanes);
      if (kSquares) {
        value = hn::Sub(value, shift);
        value = hn::Mul(value, value);
      }
      sums[v] = hn::Add(sums[v], value);
    }
  }
  if (i == width) return ops::HWY_NAMESPACE::SumOf16(d, sums);
  float lanes[16];
  for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, lanes + v * kLanes);
  for (size_t lane = 0; i < width; ++i, ++lane) {
    const float distance = x[i] - mean;
    lanes[lane] += kSquares ? distance * distance : x[i];
  }
  for (size_t v = 0; v < kVectors; ++v) sums[v] = hn::LoadU(d, lanes + v * kLanes);
  return ops::HWY_NAMESPACE::SumOf16(d, sums);
}

HWY_INLINE void Scale(const float* HWY_RESTRICT x, const float* HWY_RESTRICT weight,
                      const float* HWY_RESTRICT bias, float mean, float factor, size_t count,
                      float* HWY_RESTRICT y) {
  const D d;
  const auto f = hn::Set(d, factor), m = hn::Set(d, mean);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto scaled = hn::Mul(hn::Sub(hn::LoadU(d, x + i), m), f);
    hn::StoreU(hn::Add(hn::Mul(scaled, hn::LoadU(d, weight + i)), hn::LoadU(d, bias + i)), d,
               y + i);
  }
  for (; i < count; ++i) y[i] = (x[i] - mean) * factor * weight[i] + bias[i];
}

void Row(const Params& params, const float* x, uint8_t* out) {
  constexpr size_t kPiece = 256;  // columns between norm and quantisation
  const size_t width = params.width;
  const auto columns = static_cast<float>(width);
  const float mean = Sum<false>(x, width, 0) / columns;
  const float factor = 1.0f / std::sqrt(Sum<true>(x, width, mean) / columns + params.epsilon);
  if (params.terms == 0) {
    Scale(x, params.weight, params.bias, mean, factor, width, reinterpret_cast<float*>(out));
    return;
  }
  const Q8Row q8(out, width, params.terms);
  HWY_ALIGN float y[kPiece];
  for (size_t i = 0; i < width; i += kPiece) {
    const size_t count = HWY_MIN(kPiece, width - i);
    Scale(x + i, params.weight + i, params.bias + i, mean, factor, count, y);
    ops::HWY_NAMESPACE::QuantizeBlocks(y, count / 32, q8, i);
  }
}

RowFunction Get() { return &Row; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::layer_norm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::layer_norm {

RowFunction SimdRow(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::layer_norm
#endif
