// SPDX-License-Identifier: Apache-2.0
// The products of the int8 cache for each Highway target. Bytes become 16-bit lanes, the even and
// the odd ones of each 32-bit lane, whose products are widened before they are added.
#if defined(HOB_OPS_ATTENTION_INT8_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_ATTENTION_INT8_PRODUCTS_INL_H_
#undef HOB_OPS_ATTENTION_INT8_PRODUCTS_INL_H_
#else
#define HOB_OPS_ATTENTION_INT8_PRODUCTS_INL_H_
#endif

#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "lib/ops/attention/int8/products.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::attention {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

// Four bytes a lane as two vectors of 16-bit lanes. (A constructor that the compiler makes up would
// not be compiled for the target.)
template <class DI>
struct Words {
  using D16 = hn::Repartition<int16_t, DI>;
  HWY_INLINE Words() {}
  hn::Vec<D16> even, odd;
};
template <bool kSigned, class DI>
HWY_INLINE Words<DI> WordsOf(DI di, hn::Vec<DI> bytes) {
  const typename Words<DI>::D16 d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto v = hn::BitCast(d, bytes);
  Words<DI> words;
  if constexpr (kSigned) {
    words.even = hn::ShiftRight<8>(hn::ShiftLeft<8>(v));
    words.odd = hn::ShiftRight<8>(v);
  } else {
    words.even = hn::And(v, hn::Set(d, 0xff));
    words.odd = hn::BitCast(d, hn::ShiftRight<8>(hn::BitCast(du, v)));
  }
  return words;
}

// sum + the products of both 16-bit lanes of each 32-bit lane.
template <class DI, class V16>
HWY_INLINE hn::Vec<DI> AddPairs(DI di, V16 a, V16 b, hn::Vec<DI> sum) {
#if HWY_ARCH_X86
  auto unused = hn::Zero(di);
  return hn::ReorderWidenMulAccumulate(di, a, b, sum, unused);
#else
  const auto pairs = hn::BitCast(di, hn::Mul(a, b));  // 255·128 fits
  return hn::Add(sum,
                 hn::Add(hn::ShiftRight<16>(hn::ShiftLeft<16>(pairs)), hn::ShiftRight<16>(pairs)));
#endif
}

// sums[i][v] += memory · factors over `steps` quads; kKeys: memory is unsigned, factors signed,
// else the other way round.
template <bool kKeys, size_t kRows, size_t kVectors, class DI>
HWY_INLINE void Dots(DI di, size_t steps, const uint8_t* HWY_RESTRICT memory, size_t memory_stride,
                     const uint8_t* HWY_RESTRICT factors, size_t factor_stride,
                     hn::Vec<DI> (&sums)[kRows][kVectors], const uint8_t* next) {
  const hn::Repartition<uint8_t, DI> d8;
  constexpr size_t kBytes = hn::MaxLanes(d8);
  for (size_t k = 0; k < steps; ++k) {
    if (next != nullptr) {
      hwy::Prefetch(next);
      next += memory_stride;
    }
    Words<DI> column[kVectors];
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) {
      column[v] = WordsOf<!kKeys>(di, hn::BitCast(di, hn::LoadU(d8, memory + v * kBytes)));
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      int32_t word;
      std::memcpy(&word, factors + r * factor_stride, sizeof(word));
      const Words<DI> factor = WordsOf<kKeys>(di, hn::Set(di, word));
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = AddPairs(di, column[v].even, factor.even, sums[r][v]);
        sums[r][v] = AddPairs(di, column[v].odd, factor.odd, sums[r][v]);
      }
    }
    memory += memory_stride;
    factors += 4;
  }
}

// Two terms put together: kBase·high + low.
template <int32_t kBase, class DI>
HWY_INLINE hn::Vec<DI> Together(DI, hn::Vec<DI> high, hn::Vec<DI> low) {
  const auto shifted = hn::ShiftLeft<8>(high);
  if constexpr (kBase == 256) return hn::Add(shifted, low);
  return hn::Add(hn::Sub(shifted, high), low);
}

#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr size_t kProductVectors = 4;
#else
constexpr size_t kProductVectors = 2;
#endif

template <size_t kTerms>
void ScoreLine(const ScoreArgs& args, size_t line) {
  const hn::CappedTag<int32_t, 16> di;
  const hn::RebindToFloat<decltype(di)> d;
  constexpr size_t kN = hn::MaxLanes(di), kWidth = kProductVectors * kN;
  const auto* queries = reinterpret_cast<const uint8_t*>(args.queries + line * kTerms * args.width);
  const auto scale = hn::Set(d, args.query_scales[line]);
  for (size_t t = 0; t < kPageTokens; t += kWidth) {
    hn::Vec<decltype(di)> sums[kTerms][kProductVectors];
    for (size_t r = 0; r < kTerms; ++r) {
      for (auto& sum : sums[r]) sum = hn::Set(di, args.start[line * kTerms + r]);
    }
    const uint8_t* next = line == 0 && args.next != nullptr ? args.next + 4 * t : nullptr;
    Dots<true>(di, args.width / 4, args.keys + 4 * t, 4 * kPageTokens, queries, args.width, sums,
               next);
    for (size_t v = 0; v < kProductVectors; ++v) {
      auto sum = sums[0][v];
      if constexpr (kTerms == 2) sum = Together<255>(di, sum, sums[1][v]);
      const size_t at = t + v * kN;
      const auto key = hn::LoadU(d, args.key_scales + at);
      hn::StoreU(hn::Mul(hn::Mul(hn::ConvertTo(d, sum), key), scale), d,
                 args.scores + line * kInt8ScoreStride + at);
    }
  }
}

// kVectors vectors of channels from c on.
template <size_t kVectors, class DI>
HWY_INLINE void WeighLine(DI di, const WeighArgs& args, size_t line, size_t c) {
  constexpr size_t kQuads = kPageTokens / 4, kN = hn::MaxLanes(DI());
  const hn::RebindToFloat<DI> d;
  const uint8_t* weights = args.weights + line * 2 * kWeightStride;
  const size_t stride = 4 * args.width;
  hn::Vec<DI> sums[2][kVectors];
  for (auto& terms : sums) {
    for (auto& sum : terms) sum = hn::Zero(di);
  }
  for (size_t quad = args.first; quad < args.end;) {
    const size_t page = quad / kQuads;
    const size_t end = HWY_MIN((page + 1) * kQuads, args.end);
    const size_t at = (quad - page * kQuads) * stride + 4 * c;
    const uint8_t* next = nullptr;
    if (line == 0 && args.next != nullptr) {
      next = (end < args.end ? args.pages[page + 1] : args.next) + at;
    }
    Dots<false>(di, end - quad, args.pages[page] + at, stride, weights + 4 * quad, kWeightStride,
                sums, next);
    quad = end;
  }
  const auto scale = hn::Set(d, args.scales[line]);
  for (size_t v = 0; v < kVectors; ++v) {
    const auto sum = Together<256>(di, sums[0][v], sums[1][v]);
    hn::StoreU(hn::Mul(hn::ConvertTo(d, sum), scale), d, args.out + line * args.width + c + v * kN);
  }
}

void WeighAll(const WeighArgs& args, size_t line) {
  const hn::CappedTag<int32_t, 16> di;
  constexpr size_t kN = hn::MaxLanes(di), kWidth = kProductVectors * kN;
  size_t c = 0;
  for (; c + kWidth <= args.width; c += kWidth) {
    WeighLine<kProductVectors>(di, args, line, c);
  }
  for (; c + kN <= args.width; c += kN) WeighLine<1>(di, args, line, c);
  if (kN > 8 && c < args.width) WeighLine<1>(hn::CappedTag<int32_t, 8>(), args, line, c);
}

void Score(const ScoreArgs& args, size_t lines, int terms) {
  for (size_t i = 0; i < lines; ++i) terms == 2 ? ScoreLine<2>(args, i) : ScoreLine<1>(args, i);
}
void Weigh(const WeighArgs& args, size_t lines) {
  for (size_t i = 0; i < lines; ++i) WeighAll(args, i);
}

constexpr Products kProducts = {&Score, &Weigh};

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::attention
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
