// SPDX-License-Identifier: Apache-2.0
// QuantizeBlockScalar in Highway, for each target: the same bits. Include after hwy/highway.h in a
// file that foreach_target compiles; not for HWY_SCALAR.
#if defined(HOB_OPS_QUANTIZE_QUANTIZE_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_QUANTIZE_QUANTIZE_ROW_INL_H_
#undef HOB_OPS_QUANTIZE_QUANTIZE_ROW_INL_H_
#else
#define HOB_OPS_QUANTIZE_QUANTIZE_ROW_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/ops/quantize/quantize_row.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

// Σq over 16 int8: Σ(q + 128) as bytes, less 16·128.
HWY_INLINE int32_t SumOf16Bytes(const int8_t* q) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::Full128<uint8_t> d;
  const auto eights =
      hn::SumsOf8(hn::Xor(hn::LoadU(d, reinterpret_cast<const uint8_t*>(q)), hn::Set(d, 0x80)));
  return static_cast<int32_t>(hn::ExtractLane(eights, 0) + hn::ExtractLane(eights, 1)) - 2048;
}

template <bool kTwo>
HWY_INLINE void QuantizeBlocksAs(const float* HWY_RESTRICT x, size_t blocks, int8_t* HWY_RESTRICT q,
                                 int8_t* HWY_RESTRICT low, float* HWY_RESTRICT scale,
                                 float* HWY_RESTRICT scaled_sum, int32_t* HWY_RESTRICT sum) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int8_t, decltype(d)> d8;
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kVectors = 32 / kLanes;

  const auto magnitude = hn::Set(di, 0x7fffffff);
  for (size_t b = 0; b < blocks; ++b, x += 32, q += 32, low += 32, sum += 2) {
    auto largest = hn::And(hn::BitCast(di, hn::LoadU(d, x)), magnitude);
    for (size_t i = 1; i < kVectors; ++i) {
      largest = hn::Max(largest, hn::And(hn::BitCast(di, hn::LoadU(d, x + i * kLanes)), magnitude));
    }
    const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
    if (HWY_UNLIKELY(bits < kQ8TinyBits || bits >= kQ8InfinityBits)) {
      for (size_t i = 0; i < 32; ++i) q[i] = 0;
      if constexpr (kTwo) {
        for (size_t i = 0; i < 32; ++i) low[i] = 0;
      }
      sum[0] = sum[1] = 0;
      // The bits of QuantizeBlockScalar's quiet NaN.
      const uint32_t s = bits < kQ8TinyBits ? 0u : 0x7fc00000u;
      std::memcpy(&scale[b], &s, sizeof(s));
      std::memcpy(&scaled_sum[b], &s, sizeof(s));
      continue;
    }
    float max;
    std::memcpy(&max, &bits, sizeof(max));
    const float s = max / static_cast<float>(kTwo ? kQ16Max : 127);
    scale[b] = s;
    const auto inverse = hn::Set(d, 1.0f / s);
    for (size_t i = 0; i < 32; i += kLanes) {
      const auto a = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), inverse));
      if constexpr (kTwo) {
        const auto high = hn::NearestInt(hn::Mul(hn::ConvertTo(d, a), hn::Set(d, kQ16High)));
        hn::StoreU(hn::DemoteTo(d8, high), d8, q + i);
        // a − 255·high.
        const auto rest = hn::Add(hn::Sub(a, hn::ShiftLeft<8>(high)), high);
        hn::StoreU(hn::DemoteTo(d8, rest), d8, low + i);
      } else {
        hn::StoreU(hn::DemoteTo(d8, a), d8, q + i);
      }
    }
    for (size_t i = 0; i < 2; ++i) {
      sum[i] = SumOf16Bytes(q + 16 * i);
      if constexpr (kTwo) sum[i] = sum[i] * kQ16Base + SumOf16Bytes(low + 16 * i);
    }
    scaled_sum[b] = static_cast<float>(sum[0] + sum[1]) * s;
  }
}

// `blocks` blocks of 32 values, the row's columns from `column` on.
HWY_INLINE void QuantizeBlocks(const float* x, size_t blocks, const Q8Row& row, size_t column) {
  float* scale = row.scale + column / 32;
  float* scaled_sum = row.scaled_sum + column / 32;
  int32_t* sum = row.sum + column / 16;
  if (row.terms == 2) {
    QuantizeBlocksAs<true>(x, blocks, row.q + column, row.low + column, scale, scaled_sum, sum);
  } else {
    QuantizeBlocksAs<false>(x, blocks, row.q + column, row.low + column, scale, scaled_sum, sum);
  }
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
