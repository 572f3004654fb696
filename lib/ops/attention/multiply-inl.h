// SPDX-License-Identifier: Apache-2.0
// The register-blocked product that scores and weighted values share, for each Highway target.
#if defined(HOB_OPS_ATTENTION_MULTIPLY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_ATTENTION_MULTIPLY_INL_H_
#undef HOB_OPS_ATTENTION_MULTIPLY_INL_H_
#else
#define HOB_OPS_ATTENTION_MULTIPLY_INL_H_
#endif

#include <cstddef>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "lib/ops/attention/lines-inl.h"
#include "lib/ops/f16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::attention {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

using F16 = hwy::float16_t;

// Vectors of a register block: with 32 registers 6 × 4 sums, with 16 of them 6 × 2.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr size_t kWide = 4;
#else
constexpr size_t kWide = 2;
#endif

template <class DF>
HWY_INLINE hn::Vec<DF> LoadAsF32(DF d, const float* from) {
  return hn::LoadU(d, from);
}
template <class DF>
HWY_INLINE hn::Vec<DF> LoadAsF32(DF d, const F16* from) {
  return ops::HWY_NAMESPACE::LoadF16(d, from);
}

// c[i][·] (+)= Σ_k a[i][k]·b[k][·] over kVectors vectors of columns, k in order: a column depends
// on its own column of b alone, whatever the block.
template <size_t kLineCount, size_t kVectors, class DF, class T>
HWY_INLINE void Block(DF d, size_t depth, const float* HWY_RESTRICT a, size_t a_stride,
                      const T* HWY_RESTRICT b, size_t b_stride, float* HWY_RESTRICT c,
                      size_t c_stride, bool accumulate, Next next) {
  constexpr size_t kN = hn::MaxLanes(DF());
  hn::Vec<DF> sums[kLineCount][kVectors];
  if (accumulate) {
#pragma GCC unroll 8
    for (size_t i = 0; i < kLineCount; ++i) {
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) sums[i][v] = hn::LoadU(d, c + i * c_stride + v * kN);
    }
  } else {
#pragma GCC unroll 8
    for (size_t i = 0; i < kLineCount; ++i) {
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) sums[i][v] = hn::Zero(d);
    }
  }
  for (size_t k = 0; k < depth; ++k) {
    if (kLineCount <= kPrefetchLines && next != nullptr) {
      for (size_t i = 0; i < kVectors * kN * sizeof(T); i += 64) hwy::Prefetch(next + i);
      next += b_stride * sizeof(T);
    }
    hn::Vec<DF> row[kVectors];
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) row[v] = LoadAsF32(d, b + v * kN);
#pragma GCC unroll 8
    for (size_t i = 0; i < kLineCount; ++i) {
      const auto factor = hn::Set(d, a[i * a_stride]);
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) sums[i][v] = hn::MulAdd(factor, row[v], sums[i][v]);
    }
    ++a;
    b += b_stride;
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < kLineCount; ++i) {
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[i][v], d, c + i * c_stride + v * kN);
  }
}

// The same over `columns` columns, a multiple of 8.
template <size_t kLineCount, class T>
HWY_NOINLINE void Multiply(size_t depth, const float* a, size_t a_stride, const T* b,
                           size_t b_stride, float* c, size_t c_stride, size_t columns,
                           bool accumulate, Next next) {
  const D d;
  size_t j = 0;
  const auto ahead = [&] { return next == nullptr ? nullptr : next + j * sizeof(T); };
  for (; j + kWide * kLanes <= columns; j += kWide * kLanes) {
    Block<kLineCount, kWide>(d, depth, a, a_stride, b + j, b_stride, c + j, c_stride, accumulate,
                             ahead());
  }
  for (; j + kLanes <= columns; j += kLanes) {
    Block<kLineCount, 1>(d, depth, a, a_stride, b + j, b_stride, c + j, c_stride, accumulate,
                         ahead());
  }
  if (kLanes > 8 && j < columns) {
    const hn::CappedTag<float, 8> half;
    Block<kLineCount, 1>(half, depth, a, a_stride, b + j, b_stride, c + j, c_stride, accumulate,
                         ahead());
  }
}

template <class T>
HWY_INLINE void MultiplyLines(size_t lines, size_t depth, const float* a, size_t a_stride,
                              const T* b, size_t b_stride, float* c, size_t c_stride,
                              size_t columns, bool accumulate, Next next) {
  switch (lines) {
#define HOB_LINES(n) \
  case n:            \
    return Multiply<n>(depth, a, a_stride, b, b_stride, c, c_stride, columns, accumulate, next)
    HOB_LINES(1);
    HOB_LINES(2);
    HOB_LINES(3);
    HOB_LINES(4);
    HOB_LINES(5);
    HOB_LINES(6);
#undef HOB_LINES
  }
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::attention
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
