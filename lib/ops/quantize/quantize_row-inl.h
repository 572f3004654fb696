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

// `blocks` blocks of 32 values.
HWY_INLINE void QuantizeBlocks(const float* HWY_RESTRICT x, size_t blocks, int8_t* HWY_RESTRICT q,
                               float* HWY_RESTRICT scale, int32_t* HWY_RESTRICT sum) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<int8_t, decltype(d)> d8;
  const hn::Full128<uint8_t> du8;
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kVectors = 32 / kLanes;

  const auto magnitude = hn::Set(di, 0x7fffffff);
  const auto flip = hn::Set(du8, 0x80);
  for (size_t b = 0; b < blocks; ++b, x += 32, q += 32, sum += 2) {
    auto largest = hn::And(hn::BitCast(di, hn::LoadU(d, x)), magnitude);
    for (size_t i = 1; i < kVectors; ++i) {
      largest = hn::Max(largest, hn::And(hn::BitCast(di, hn::LoadU(d, x + i * kLanes)), magnitude));
    }
    const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
    if (HWY_UNLIKELY(bits < kQ8TinyBits || bits >= kQ8InfinityBits)) {
      for (size_t i = 0; i < 32; ++i) q[i] = 0;
      sum[0] = sum[1] = 0;
      // The bits of QuantizeBlockScalar's quiet NaN.
      const uint32_t s = bits < kQ8TinyBits ? 0u : 0x7fc00000u;
      std::memcpy(&scale[b], &s, sizeof(s));
      continue;
    }
    float max;
    std::memcpy(&max, &bits, sizeof(max));
    const float s = max / 127.0f;
    scale[b] = s;
    const auto inverse = hn::Set(d, 1.0f / s);
    for (size_t i = 0; i < kVectors; ++i) {
      const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, x + i * kLanes), inverse));
      hn::StoreU(hn::DemoteTo(d8, rounded), d8, q + i * kLanes);
    }
    for (size_t i = 0; i < 2; ++i) {  // Σ(q + 128) over 16 as bytes, less 16·128
      const auto eights =
          hn::SumsOf8(hn::Xor(hn::LoadU(du8, reinterpret_cast<const uint8_t*>(q + 16 * i)), flip));
      sum[i] = static_cast<int32_t>(hn::ExtractLane(eights, 0) + hn::ExtractLane(eights, 1)) - 2048;
    }
  }
}

HWY_INLINE void QuantizeRow(const float* HWY_RESTRICT x, size_t k, uint8_t* HWY_RESTRICT row) {
  const Q8Row out(row, k);
  QuantizeBlocks(x, k / 32, out.q, out.scale, out.sum);
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
