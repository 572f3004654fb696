// SPDX-License-Identifier: Apache-2.0
// Weights as F32, F16 or BF16 times f32 activations, for each Highway target. Include after
// hwy/highway.h in a file that foreach_target compiles.
//
// Each (row, output) has one vector of sums that runs along the columns, summed up at the end, then
// the columns that do not fill a vector one by one: the same order however many rows and outputs
// are computed beside it.
#if defined(HOB_OPS_MATMUL_SIMD_F32_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_MATMUL_SIMD_F32_INL_H_
#undef HOB_OPS_MATMUL_SIMD_F32_INL_H_
#else
#define HOB_OPS_MATMUL_SIMD_F32_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "lib/base/f16.h"
#include "lib/ops/f16-inl.h"
#include "lib/ops/matmul/simd_f32.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::matmul {
namespace HWY_NAMESPACE {
#if !HWY_HAVE_SCALABLE  // the sums are arrays of vectors

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;

// How weights are read: one vector or one element at column k. File data has no alignment.
struct ReadF32 {
  static HWY_INLINE VF Load(const uint8_t* row, size_t k) {
    return hn::LoadU(DF(), reinterpret_cast<const float*>(row + 4 * k));
  }
  static HWY_INLINE float One(const uint8_t* row, size_t k) {
    float value;
    std::memcpy(&value, row + 4 * k, sizeof(value));
    return value;
  }
};
struct Read16 {
  static HWY_INLINE uint16_t Bits(const uint8_t* row, size_t k) {
    uint16_t bits;
    std::memcpy(&bits, row + 2 * k, sizeof(bits));
    return bits;
  }
};
struct ReadF16 : Read16 {
  static HWY_INLINE VF Load(const uint8_t* row, size_t k) {
    return ops::HWY_NAMESPACE::LoadF16(DF(), row + 2 * k);
  }
  static HWY_INLINE float One(const uint8_t* row, size_t k) { return F16ToF32(Bits(row, k)); }
};
struct ReadBF16 : Read16 {
  static HWY_INLINE VF Load(const uint8_t* row, size_t k) {
    const hn::Rebind<uint16_t, DF> d16;
    const hn::RebindToUnsigned<DF> d32;
    const auto bits = hn::LoadU(d16, reinterpret_cast<const uint16_t*>(row + 2 * k));
    return hn::BitCast(DF(), hn::ShiftLeft<16>(hn::PromoteTo(d32, bits)));
  }
  static HWY_INLINE float One(const uint8_t* row, size_t k) { return BF16ToF32(Bits(row, k)); }
};

// kRows rows of x times kColumns outputs.
template <class Read, int kRows, int kColumns>
HWY_INLINE void F32Block(const F32Args& args, const uint8_t* weights, size_t row_bytes, int64_t row,
                         int64_t output) {
  const DF d;
  const size_t lanes = hn::Lanes(d), count = static_cast<size_t>(args.columns);
  const float* x = args.x + row * args.columns;
  VF sum[kRows][kColumns];
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) sum[r][c] = hn::Zero(d);
  }
  size_t k = 0;
  for (; k + lanes <= count; k += lanes) {
    VF w[kColumns];
    for (int c = 0; c < kColumns; ++c) {
      w[c] = Read::Load(weights + static_cast<size_t>(c) * row_bytes, k);
    }
    for (int r = 0; r < kRows; ++r) {
      const VF a = hn::LoadU(d, x + static_cast<size_t>(r) * count + k);
      for (int c = 0; c < kColumns; ++c) sum[r][c] = hn::MulAdd(a, w[c], sum[r][c]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) {
      float total = hn::GetLane(hn::SumOfLanes(d, sum[r][c]));
      for (size_t i = k; i < count; ++i) {
        total += x[static_cast<size_t>(r) * count + i] *
                 Read::One(weights + static_cast<size_t>(c) * row_bytes, i);
      }
      args.out[(row + r) * args.out_stride + output + c] = total;
    }
  }
}

// Registers: 32 with AVX-512 and NEON on 64-bit ARM, else 16.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
inline constexpr bool kManyRegisters = true;
#else
inline constexpr bool kManyRegisters = false;
#endif

inline constexpr int kF32Rows = 4;

template <class Read, int kRows>
HWY_INLINE void F32Outputs(const F32Args& args, const uint8_t* weights, size_t row_bytes,
                           int64_t row, int64_t output, int64_t count) {
  constexpr int kColumns = kManyRegisters || kRows < 3 ? 4 : 2;
  int64_t c = 0;
  for (; c + kColumns <= count; c += kColumns) {
    F32Block<Read, kRows, kColumns>(args, weights + static_cast<size_t>(c) * row_bytes, row_bytes,
                                    row, output + c);
  }
  for (; c < count; ++c) {
    F32Block<Read, kRows, 1>(args, weights + static_cast<size_t>(c) * row_bytes, row_bytes, row,
                             output + c);
  }
}

// All rows times up to kF32Outputs outputs.
template <class Read>
void F32AllRows(const F32Args& args, const uint8_t* weights, size_t row_bytes, int64_t output,
                int64_t count) {
  int64_t row = 0;
  for (; row + kF32Rows <= args.rows; row += kF32Rows) {
    F32Outputs<Read, kF32Rows>(args, weights, row_bytes, row, output, count);
  }
  switch (args.rows - row) {
    case 3:
      F32Outputs<Read, 3>(args, weights, row_bytes, row, output, count);
      break;
    case 2:
      F32Outputs<Read, 2>(args, weights, row_bytes, row, output, count);
      break;
    case 1:
      F32Outputs<Read, 1>(args, weights, row_bytes, row, output, count);
      break;
    default:
      break;
  }
}

template <class Read>
HWY_INLINE void F32Convert(const uint8_t* source, size_t count, float* out) {
  const DF d;
  const size_t lanes = hn::Lanes(d);
  size_t k = 0;
  for (; k + lanes <= count; k += lanes) hn::StoreU(Read::Load(source, k), d, out + k);
  for (; k < count; ++k) out[k] = Read::One(source, k);
}

// 16-bit weights are converted on the way for a few rows, and once for many.
template <class Read>
void F32Multiply(const F32Args& args) {
  constexpr bool kIsF32 = std::is_same_v<Read, ReadF32>;
  const size_t count = static_cast<size_t>(args.columns);
  for (int64_t n = 0; n < args.outputs; n += kF32Outputs) {
    const int64_t outputs = args.outputs - n < kF32Outputs ? args.outputs - n : kF32Outputs;
    const uint8_t* weights = args.weights + static_cast<size_t>(n) * args.row_bytes;
    if (kIsF32 || args.rows <= kF32Rows) {
      F32AllRows<Read>(args, weights, args.row_bytes, n, outputs);
    } else {
      for (int64_t c = 0; c < outputs; ++c) {
        F32Convert<Read>(weights + static_cast<size_t>(c) * args.row_bytes, count,
                         args.scratch + static_cast<size_t>(c) * count);
      }
      F32AllRows<ReadF32>(args, reinterpret_cast<const uint8_t*>(args.scratch),
                          count * sizeof(float), n, outputs);
    }
  }
}

F32Function GetF32(DType type) {
  switch (type) {
    case DType::kF32:
      return F32Multiply<ReadF32>;
    case DType::kF16:
      return F32Multiply<ReadF16>;
    case DType::kBF16:
      return F32Multiply<ReadBF16>;
    default:
      return nullptr;
  }
}

#else
F32Function GetF32(DType) { return nullptr; }
#endif  // HWY_HAVE_SCALABLE
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::matmul
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
