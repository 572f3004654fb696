// SPDX-License-Identifier: Apache-2.0
// Panels times int8 activations for each Highway target: what runs where no hand-written kernel
// does. Include after hwy/highway.h in a file that foreach_target compiles.
//
// A 32-bit lane is an output, its bytes four columns. Even and odd bytes become 16-bit lanes, are
// multiplied there and added up as long as 16 bits hold the sums, which are then widened. The
// activations are split in the same way beforehand. Integer sums are exact and floats follow the
// order that avx512vnni.cc documents: the same bits, except on targets without fused multiply-add.
#if defined(HOB_OPS_MATMUL_SIMD_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_MATMUL_SIMD_PANELS_INL_H_
#undef HOB_OPS_MATMUL_SIMD_PANELS_INL_H_
#else
#define HOB_OPS_MATMUL_SIMD_PANELS_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/ops/f16-inl.h"
#include "lib/ops/matmul/panels.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::matmul {
namespace HWY_NAMESPACE {
// Sums are arrays of vectors, which vectors of unknown length cannot be. Emulated vectors are for
// architectures that have nothing else: an x86 CPU without SSE4 takes the scalar product. One with
// AVX-512 takes AVX2 here, which saves build time: it has its own kernels.
#if HWY_ARCH_X86 && (HWY_TARGET == HWY_EMU128 || HWY_TARGET <= HWY_AVX3)
#define HOB_NO_PANELS 1
#elif HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
#define HOB_NO_PANELS 1
#else
#define HOB_NO_PANELS 0
#endif

#if !HOB_NO_PANELS

namespace panels {

namespace hn = hwy::HWY_NAMESPACE;

using D8 = hn::CappedTag<uint8_t, 64>;
using D16 = hn::Repartition<int16_t, D8>;
using D32 = hn::Repartition<int32_t, D8>;
using DF = hn::Repartition<float, D8>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;

inline constexpr size_t kBytes = hn::MaxLanes(D8());  // of a vector; outputs are a quarter
inline constexpr size_t kLanes = kBytes / 4;

// A block's scales and mins for one vector of outputs, which begins at output o. Types with a scale
// each 16 columns use both scales, the others the first. (A constructor that the compiler makes up
// would not be compiled for the target.)
struct Scales {
  HWY_INLINE Scales() {}
  VF scale0, scale1, min;
};

HWY_INLINE VF Halves(const uint8_t* p, size_t o) {
  return ops::HWY_NAMESPACE::LoadF16(DF(), p + 2 * o);
}
template <typename T>
HWY_INLINE VF Bytes(const uint8_t* p, size_t o) {
  const hn::Rebind<T, DF> d8;
  return hn::ConvertTo(DF(),
                       hn::PromoteTo(D32(), hn::LoadU(d8, reinterpret_cast<const T*>(p + o))));
}
HWY_INLINE V8 Load(const uint8_t* p) { return hn::LoadU(D8(), p); }

template <int kBits>
HWY_INLINE V8 Left(V8 v) {
  if constexpr (kBits == 0) return v;
  const hn::Repartition<uint16_t, D8> d;
  return hn::BitCast(D8(), hn::ShiftLeft<kBits>(hn::BitCast(d, v)));
}
template <int kBits>
HWY_INLINE V8 Right(V8 v) {
  if constexpr (kBits == 0) return v;
  const hn::Repartition<uint16_t, D8> d;
  return hn::BitCast(D8(), hn::ShiftRight<kBits>(hn::BitCast(d, v)));
}

HWY_INLINE void UnpackNibbles(V8 packed, V8& low, V8& high) {
  const V8 mask = hn::Set(D8(), 15);
  low = hn::And(packed, mask);
  high = hn::And(Right<4>(packed), mask);
}
template <int p>
HWY_INLINE void AddFifthBits(V8 bits, V8& low, V8& high) {
  const V8 bit = hn::Set(D8(), 16);  // bit p to bit 4, and bit p + 4 to bit 4
  low = hn::Or(low, hn::And(Left<4 - p>(bits), bit));
  high = hn::Or(high, hn::And(Right<p>(bits), bit));
}

// Formats: where block b of a panel begins, its scales, and quants of vectors p and p + 4 for the
// outputs from o on. kZeroShift: log2 of the zero, or −1. Sums of even (odd) columns fit 16 bits
// for kAdd vectors; with kMerge even and odd ones together do.
template <bool kMin, bool kFifth, int kZeroLog2>
struct Simple4 {
  static constexpr bool kHasMin = kMin, kSplit = false, kSigned = false;
  static constexpr bool kChannel = false;
  static constexpr bool kMerge = !kFifth;
  static constexpr int kZeroShift = kZeroLog2, kAdd = 8;
  static constexpr size_t kHeader = kMin ? 128 : 64;
  static constexpr size_t kBlock = kHeader + (kFifth ? 128 : 0) + 512;
  struct Cursor {
    const uint8_t* block;
  };
  static HWY_INLINE Cursor At(const uint8_t* panel, size_t b) { return {panel + b * kBlock}; }
  static HWY_INLINE Scales GetScales(Cursor c, size_t o) {
    Scales s;
    s.scale0 = Halves(c.block, o);
    if constexpr (kMin) s.min = Halves(c.block + 64, o);
    return s;
  }
  template <int p>
  static HWY_INLINE void Quants(Cursor c, size_t o, V8& low, V8& high) {
    const uint8_t* quants = c.block + kHeader + 4 * o;
    UnpackNibbles(Load(quants + (kFifth ? 128 : 0) + p * 128), low, high);
    if constexpr (kFifth) AddFifthBits<p>(Load(quants), low, high);
  }
};

template <bool kPerChannel>
struct Simple8 {
  static constexpr size_t kScales = kPerChannel ? 0 : 64;
  static constexpr bool kHasMin = false, kSplit = false, kSigned = true, kMerge = false;
  static constexpr bool kChannel = kPerChannel;
  static constexpr int kZeroShift = -1, kAdd = 2;
  struct Cursor {
    const uint8_t* block;
  };
  static HWY_INLINE Cursor At(const uint8_t* panel, size_t b) {
    return {panel + (kPerChannel ? 128 : 0) + b * (kScales + 1024)};
  }
  static HWY_INLINE Scales GetScales(Cursor c, size_t o) {
    Scales s;
    s.scale0 = kPerChannel ? hn::Zero(DF()) : Halves(c.block, o);
    return s;
  }
  template <int p>
  static HWY_INLINE void Quants(Cursor c, size_t o, V8& low, V8& high) {
    const V8 flip = hn::Set(D8(), 0x80);
    const uint8_t* quants = c.block + kScales + 4 * o;
    low = hn::Xor(Load(quants + p * 128), flip);
    high = hn::Xor(Load(quants + (p + 4) * 128), flip);
  }
};

template <bool kFifth>
struct GroupedK {
  static constexpr bool kHasMin = true, kSplit = false, kSigned = false;
  static constexpr bool kChannel = false;
  static constexpr bool kMerge = !kFifth;
  static constexpr int kZeroShift = -1, kAdd = 8;
  static constexpr size_t kBlock = 64 + (kFifth ? 128 : 0) + 512;
  struct Cursor {
    const uint8_t *group, *block;
  };
  static HWY_INLINE Cursor At(const uint8_t* panel, size_t b) {
    const uint8_t* group = panel + (b / 8) * (128 + 8 * kBlock);
    return {group, group + 128 + (b % 8) * kBlock};
  }
  static HWY_INLINE Scales GetScales(Cursor c, size_t o) {
    Scales s;
    s.scale0 = hn::Mul(Bytes<uint8_t>(c.block, o), Halves(c.group, o));
    s.min =
        hn::Sub(hn::Zero(DF()), hn::Mul(Bytes<uint8_t>(c.block + 32, o), Halves(c.group + 64, o)));
    return s;
  }
  template <int p>
  static HWY_INLINE void Quants(Cursor c, size_t o, V8& low, V8& high) {
    const uint8_t* quants = c.block + 64 + 4 * o;
    UnpackNibbles(Load(quants + (kFifth ? 128 : 0) + p * 128), low, high);
    if constexpr (kFifth) AddFifthBits<p>(Load(quants), low, high);
  }
};

struct SixK {
  static constexpr bool kHasMin = false, kSplit = true, kSigned = false, kMerge = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = 5, kAdd = 4;
  static constexpr size_t kBlock = 64 + 256 + 512;
  struct Cursor {
    const uint8_t *group, *block;
  };
  static HWY_INLINE Cursor At(const uint8_t* panel, size_t b) {
    const uint8_t* group = panel + (b / 8) * (64 + 8 * kBlock);
    return {group, group + 64 + (b % 8) * kBlock};
  }
  static HWY_INLINE Scales GetScales(Cursor c, size_t o) {
    Scales s;
    const VF d = Halves(c.group, o);
    s.scale0 = hn::Mul(Bytes<int8_t>(c.block, o), d);
    s.scale1 = hn::Mul(Bytes<int8_t>(c.block + 32, o), d);
    return s;
  }
  template <int p>
  static HWY_INLINE void Quants(Cursor c, size_t o, V8& low, V8& high) {
    const uint8_t* quants = c.block + 64 + 4 * o;
    UnpackNibbles(Load(quants + 256 + p * 128), low, high);
    const V8 mask = hn::Set(D8(), 0x30);
    low = hn::Or(low, hn::And(HighBits<p>(Load(quants)), mask));
    high = hn::Or(high, hn::And(HighBits<p>(Load(quants + 128)), mask));
  }
  template <int p>
  static HWY_INLINE V8 HighBits(V8 bits) {  // bits 2p, 2p + 1 to bits 4, 5
    if constexpr (p < 2) return Left<4 - 2 * p>(bits);
    return Right<2 * p - 4>(bits);
  }
};

// A panel expanded once for many rows: quants as bytes, [block][j][128], scales and mins f32. One
// type for all formats that are alike then.
template <bool kMin, bool kTwoScales, bool kPerChannel, bool kSignedQuants, bool kMergeSums,
          int kZeroLog2, int kAdds>
struct Expanded {
  static constexpr bool kHasMin = kMin, kSplit = kTwoScales;
  static constexpr bool kChannel = kPerChannel;
  static constexpr bool kSigned = kSignedQuants, kMerge = kMergeSums;
  static constexpr int kZeroShift = kZeroLog2, kAdd = kAdds;
  static constexpr size_t kBlock = 1024 + 128 * (1 + (kSplit ? 1 : 0) + (kHasMin ? 1 : 0));
  struct Cursor {
    const uint8_t* block;
  };
  static HWY_INLINE Cursor At(const uint8_t* panel, size_t b) { return {panel + b * kBlock}; }
  static HWY_INLINE Scales GetScales(Cursor c, size_t o) {
    const float* p = reinterpret_cast<const float*>(c.block + 1024) + o;
    Scales s;
    s.scale0 = hn::LoadU(DF(), p);
    if constexpr (kSplit) s.scale1 = hn::LoadU(DF(), p + 32);
    if constexpr (kHasMin) s.min = hn::LoadU(DF(), p + 32);
    return s;
  }
  template <int p>
  static HWY_INLINE void Quants(Cursor c, size_t o, V8& low, V8& high) {
    low = Load(c.block + p * 128 + 4 * o);
    high = Load(c.block + (p + 4) * 128 + 4 * o);
  }
};
template <typename F>
using ExpandedOf =
    Expanded<F::kHasMin, F::kSplit, F::kChannel, F::kSigned, F::kMerge, F::kZeroShift, F::kAdd>;

template <typename F, int p>
HWY_INLINE void ExpandVectors(typename F::Cursor c, size_t o, uint8_t* out) {
  V8 low, high;
  F::template Quants<p>(c, o, low, high);
  hn::StoreU(low, D8(), out + p * 128 + 4 * o);
  hn::StoreU(high, D8(), out + (p + 4) * 128 + 4 * o);
}

template <typename F>
void Expand(const uint8_t* panel, size_t blocks, uint8_t* out) {
  for (size_t b = 0; b < blocks; ++b, out += ExpandedOf<F>::kBlock) {
    const typename F::Cursor c = F::At(panel, b);
    for (size_t o = 0; o < kPanelRows; o += kLanes) {
      ExpandVectors<F, 0>(c, o, out);
      ExpandVectors<F, 1>(c, o, out);
      ExpandVectors<F, 2>(c, o, out);
      ExpandVectors<F, 3>(c, o, out);
      const Scales s = F::GetScales(c, o);
      float* scales = reinterpret_cast<float*>(out + 1024) + o;
      hn::StoreU(s.scale0, DF(), scales);
      if constexpr (F::kSplit) hn::StoreU(s.scale1, DF(), scales + 32);
      if constexpr (F::kHasMin) hn::StoreU(s.min, DF(), scales + 32);
    }
  }
}

// Even and odd columns of four as 16-bit lanes.
template <bool kSigned>
HWY_INLINE void Columns(V8 bytes, V16& even, V16& odd) {
  const D16 d;
  const V16 v = hn::BitCast(d, bytes);
  if constexpr (kSigned) {
    even = hn::ShiftRight<8>(hn::ShiftLeft<8>(v));
    odd = hn::ShiftRight<8>(v);
  } else {
    const hn::RebindToUnsigned<D16> du;
    even = hn::And(v, hn::Set(d, 0xff));
    odd = hn::BitCast(d, hn::ShiftRight<8>(hn::BitCast(du, v)));
  }
}

// Sums of the two 16-bit lanes of each 32-bit one.
HWY_INLINE V32 Widen(V16 v) {
  const V32 pairs = hn::BitCast(D32(), v);
  return hn::Add(hn::ShiftRight<16>(hn::ShiftLeft<16>(pairs)), hn::ShiftRight<16>(pairs));
}

// Activations as pairs of words for each four columns: the even two and the odd two as 16 bits.
HWY_INLINE void Split(const uint8_t* x, size_t columns, int32_t* out) {
  const hn::Full128<uint8_t> d8;
  const hn::Full128<int16_t> d16;
  const hn::Full128<int32_t> d32;
  for (size_t k = 0; k < columns; k += 16, out += 8) {
    const auto v = hn::BitCast(d16, hn::LoadU(d8, x + k));
    const auto even = hn::BitCast(d32, hn::ShiftRight<8>(hn::ShiftLeft<8>(v)));
    const auto odd = hn::BitCast(d32, hn::ShiftRight<8>(v));
    hn::StoreU(hn::InterleaveLower(d32, even, odd), d32, out);
    hn::StoreU(hn::InterleaveUpper(d32, even, odd), d32, out + 4);
  }
}

// Sums of products of one row and one vector of outputs.
template <typename F>
struct Dot {
  HWY_INLINE Dot() {}
  V16 even, odd;
  V32 wide;

  HWY_INLINE void Start(int32_t term) {
    even = odd = hn::Zero(D16());
    wide = hn::Set(D32(), term);
  }
  HWY_INLINE void Add(V16 w_even, V16 w_odd, const int32_t* a) {  // a pair of Split's words
    even = hn::Add(even, hn::Mul(w_even, hn::BitCast(D16(), hn::Set(D32(), a[0]))));
    odd = hn::Add(odd, hn::Mul(w_odd, hn::BitCast(D16(), hn::Set(D32(), a[1]))));
  }
  HWY_INLINE void Flush() {
    if constexpr (F::kMerge) {
      wide = hn::Add(wide, Widen(hn::Add(even, odd)));
    } else {
      wide = hn::Add(wide, hn::Add(Widen(even), Widen(odd)));
    }
    even = odd = hn::Zero(D16());
  }
};

// Vectors p (columns 4·p …) and p + 4 of all int8 rows; Low adds the first to `low`, High the
// second to `high`, which are the same array unless the format has a scale each 16 columns.
template <typename F, int kLines, int p>
HWY_INLINE void Products(typename F::Cursor c, size_t o, const int32_t* const* a, Dot<F>* low,
                         Dot<F>* high) {
  V8 bytes_low, bytes_high;
  F::template Quants<p>(c, o, bytes_low, bytes_high);
  V16 even, odd;
  Columns<F::kSigned>(bytes_low, even, odd);
  for (int r = 0; r < kLines; ++r) low[r].Add(even, odd, a[r] + 2 * p);
  Columns<F::kSigned>(bytes_high, even, odd);
  for (int r = 0; r < kLines; ++r) high[r].Add(even, odd, a[r] + 8 + 2 * p);
  if constexpr (F::kAdd == 2) {
    for (int r = 0; r < kLines; ++r) low[r].Flush();
  }
}

// What is added to the integer sum of a block: −zero·Σa over its columns from 16·part on.
template <typename F>
HWY_INLINE int32_t Term(const int32_t* sums, size_t b, int part) {
  if constexpr (F::kZeroShift < 0) return 0;
  const int32_t sum =
      F::kSplit ? sums[2 * b + static_cast<size_t>(part)] : sums[2 * b] + sums[2 * b + 1];
  return -sum * (1 << (F::kZeroShift < 0 ? 0 : F::kZeroShift));
}

// The integer sum of row r, of its one term or as 255 · the high one's + the low one's.
template <int kTerms, typename F>
HWY_INLINE VF Sum(const Dot<F>* terms, int r) {
  V32 sum = terms[r * kTerms].wide;
  if constexpr (kTerms == 2) {
    sum = hn::Add(hn::Sub(hn::ShiftLeft<8>(sum), sum), terms[2 * r + 1].wide);
  }
  return hn::ConvertTo(DF(), sum);
}

// kRows rows of x times the outputs from o on of one panel, one vector of them.
template <typename F, int kTerms, int kRows>
HWY_INLINE void Tile(const uint8_t* panel, const uint8_t* header, const PanelArgs& args,
                     int64_t row, const int32_t* split, int64_t n, size_t o) {
  constexpr int kLines = kTerms * kRows;  // int8 rows; of two terms the high one first
  const DF df;
  const size_t columns = static_cast<size_t>(args.columns), blocks = columns / kBlockColumns;
  const float* scales[kRows];
  const int32_t* sums[kRows];
  VF sum[kRows];
  for (int r = 0; r < kRows; ++r) {
    const uint8_t* x = args.x + static_cast<size_t>(row + r) * args.x_stride + kTerms * columns;
    scales[r] = reinterpret_cast<const float*>(x);
    sums[r] = reinterpret_cast<const int32_t*>(x + columns / 4);
    sum[r] = hn::Zero(df);
  }
  for (size_t b = 0; b < blocks; ++b) {
    const typename F::Cursor c = F::At(panel, b);
    const int32_t* a[kLines];
    Dot<F> low[kLines];
    for (int i = 0; i < kLines; ++i) {
      a[i] = split + (static_cast<size_t>(i) * blocks + b) * 16;
      low[i].Start(i % kTerms == kTerms - 1 ? Term<F>(sums[i / kTerms], b, 0) : 0);
    }
    if constexpr (F::kSplit) {
      Dot<F> high[kLines];
      for (int i = 0; i < kLines; ++i) {
        high[i].Start(i % kTerms == kTerms - 1 ? Term<F>(sums[i / kTerms], b, 1) : 0);
      }
      Products<F, kLines, 0>(c, o, a, low, high);
      Products<F, kLines, 1>(c, o, a, low, high);
      Products<F, kLines, 2>(c, o, a, low, high);
      Products<F, kLines, 3>(c, o, a, low, high);
      const Scales s = F::GetScales(c, o);
      for (int i = 0; i < kLines; ++i) {
        low[i].Flush();
        high[i].Flush();
      }
      for (int r = 0; r < kRows; ++r) {
        const VF a_scale = hn::Set(df, scales[r][b]);
        sum[r] = hn::MulAdd(Sum<kTerms>(low, r), hn::Mul(s.scale0, a_scale), sum[r]);
        sum[r] = hn::MulAdd(Sum<kTerms>(high, r), hn::Mul(s.scale1, a_scale), sum[r]);
      }
    } else {
      Products<F, kLines, 0>(c, o, a, low, low);
      Products<F, kLines, 1>(c, o, a, low, low);
      Products<F, kLines, 2>(c, o, a, low, low);
      Products<F, kLines, 3>(c, o, a, low, low);
      const Scales s = F::GetScales(c, o);
      if constexpr (F::kAdd == 8) {
        for (int i = 0; i < kLines; ++i) low[i].Flush();
      }
      for (int r = 0; r < kRows; ++r) {
        VF scale = hn::Set(df, scales[r][b]);
        if constexpr (!F::kChannel) scale = hn::Mul(s.scale0, scale);
        sum[r] = hn::MulAdd(Sum<kTerms>(low, r), scale, sum[r]);
        if constexpr (F::kHasMin) {
          const float scaled_sum = scales[r][columns / 32 + b];
          sum[r] = hn::MulAdd(s.min, hn::Set(df, scaled_sum), sum[r]);
        }
      }
    }
  }
  const int64_t first = n + static_cast<int64_t>(o);
  const size_t left = static_cast<size_t>(args.outputs - first);
  for (int r = 0; r < kRows; ++r) {
    float* to = args.out + (row + r) * args.out_stride + first;
    const float* more =
        args.addend == nullptr ? nullptr : args.addend + (row + r) * args.addend_stride + first;
    if constexpr (F::kChannel) {
      sum[r] = hn::Mul(sum[r], hn::LoadU(df, reinterpret_cast<const float*>(header) + o));
    }
    if (left >= kLanes) {
      if (more != nullptr) sum[r] = hn::Add(sum[r], hn::LoadU(df, more));
      hn::StoreU(sum[r], df, to);
    } else {
      HWY_ALIGN float values[kLanes];
      hn::Store(sum[r], df, values);
      for (size_t i = 0; i < left; ++i) to[i] = more == nullptr ? values[i] : values[i] + more[i];
    }
  }
}

template <typename F, int kTerms, int kRows>
void Rows(const uint8_t* panel, const uint8_t* header, const PanelArgs& args, int64_t row,
          int32_t* split, int64_t n) {
  const size_t columns = static_cast<size_t>(args.columns);
  for (size_t r = 0; r < kRows; ++r) {  // all terms of a row are side by side
    Split(args.x + (static_cast<size_t>(row) + r) * args.x_stride, kTerms * columns,
          split + r * kTerms * columns / 2);
  }
  const int64_t left = args.outputs - n;
  const size_t outputs = static_cast<size_t>(left < kPanelRows ? left : kPanelRows);
  for (size_t o = 0; o < outputs; o += kLanes) {
    Tile<F, kTerms, kRows>(panel, header, args, row, split, n, o);
  }
}

inline constexpr int kTileLines = 4;  // int8 rows

template <typename F, int kTerms>
void AllRows(const uint8_t* panel, const uint8_t* header, const PanelArgs& args, int32_t* split,
             int64_t n) {
  constexpr int kRows = kTileLines / kTerms;
  int64_t row = 0;
  for (; row + kRows <= args.rows; row += kRows) {
    Rows<F, kTerms, kRows>(panel, header, args, row, split, n);
  }
  if constexpr (kRows > 2) {
    if (args.rows - row >= 2) {
      Rows<F, kTerms, 2>(panel, header, args, row, split, n);
      row += 2;
    }
  }
  if (row < args.rows) Rows<F, kTerms, 1>(panel, header, args, row, split, n);
}

template <typename Format, int kTerms>
void MultiplyTerms(const PanelArgs& args) {
  const size_t blocks = static_cast<size_t>(args.columns / kBlockColumns);
  int32_t* split = reinterpret_cast<int32_t*>(args.scratch);  // kTileLines rows
  uint8_t* expanded = args.scratch + blocks * 64 * kTileLines;
  const uint8_t* panel = args.panels;
  for (int64_t n = 0; n < args.outputs; n += kPanelRows, panel += args.panel_bytes) {
    if (args.rows == 1) {
      Rows<Format, kTerms, 1>(panel, panel, args, 0, split, n);
    } else {
      Expand<Format>(panel, blocks, expanded);
      AllRows<ExpandedOf<Format>, kTerms>(expanded, panel, args, split, n);
    }
  }
}

template <typename Format>
void Multiply(const PanelArgs& args) {
  args.terms == 1 ? MultiplyTerms<Format, 1>(args) : MultiplyTerms<Format, 2>(args);
}

}  // namespace panels

PanelFunction GetPanels(DType type) {
  switch (type) {
    case DType::kQ4_0:
      return panels::Multiply<panels::Simple4<false, false, 3>>;
    case DType::kQ4_1:
      return panels::Multiply<panels::Simple4<true, false, -1>>;
    case DType::kQ5_0:
      return panels::Multiply<panels::Simple4<false, true, 4>>;
    case DType::kQ5_1:
      return panels::Multiply<panels::Simple4<true, true, -1>>;
    case DType::kQ8_0:
      return panels::Multiply<panels::Simple8<false>>;
    case DType::kQC8:
      return panels::Multiply<panels::Simple8<true>>;
    case DType::kQ4_K:
      return panels::Multiply<panels::GroupedK<false>>;
    case DType::kQ5_K:
      return panels::Multiply<panels::GroupedK<true>>;
    case DType::kQ6_K:
      return panels::Multiply<panels::SixK>;
    default:
      return nullptr;
  }
}

#else
PanelFunction GetPanels(DType) { return nullptr; }
#endif
#undef HOB_NO_PANELS
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::matmul
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
