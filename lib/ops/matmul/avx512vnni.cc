// SPDX-License-Identifier: Apache-2.0
// Panels times int8 activations with AVX-512 VNNI. Weights are unsigned bytes, activations signed:
// vpdpbusd sums four products a lane exactly, a lane is an output. Activations of two terms have
// two such sums, put together as integers: Σ q·a = 255·Σ q·high + Σ q·low. With the zero's part all
// stay below 2²⁹. Per block of 32 columns:
//   out += float(Σ q·a − zero·Σ a) · (scale · a_scale)  (+ min · (a_scale · Σ a))
// in this order whatever the number of rows, so a row's bits depend on that row alone. Of QC8 the
// scale is an output's alone, and multiplies the sum over all blocks.
#include "lib/ops/matmul/panel_kernels.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

#include <immintrin.h>

namespace hob::ops::matmul {
namespace {

// The scales and mins of a block for one half (16 outputs). Types with a scale each 16 columns use
// both scales, the others the first.
struct BlockScales {
  __m512 scale[2];
  __m512 min;
};

inline __m512 Halves(const uint8_t* p) {
  return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(p)));
}
inline __m512i Vector(const uint8_t* p) { return _mm512_load_si512(p); }

// Formats: where block b of a panel begins, its scales, and quants of vectors p and p + 4.
template <bool kMin, bool kFifth, int kZeroLog2>
struct Simple4 {
  static constexpr bool kHasMin = kMin, kSplit = false;
  static constexpr bool kExpanded = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = kZeroLog2;
  static constexpr int kHeader = kMin ? 128 : 64;
  static constexpr int kBlock = kHeader + (kFifth ? 128 : 0) + 512;
  struct Cursor {
    const uint8_t* block;
  };
  static inline Cursor At(const uint8_t* panel, int64_t b) { return {panel + b * kBlock}; }
  static inline BlockScales Scales(Cursor c, int half) {
    BlockScales s;
    s.scale[0] = Halves(c.block + 32 * half);
    if constexpr (kMin) s.min = Halves(c.block + 64 + 32 * half);
    return s;
  }
  template <int p>
  static inline void Quants(Cursor c, int half, __m512i& low, __m512i& high) {
    const uint8_t* quants = c.block + kHeader;
    const __m512i fifth = kFifth ? Vector(quants + 64 * half) : _mm512_setzero_si512();
    UnpackNibbles<p, kFifth>(Vector(quants + (kFifth ? 128 : 0) + p * 128 + 64 * half), fifth, low,
                             high);
  }
  template <int p, bool kBits>
  static inline void UnpackNibbles(__m512i packed, __m512i fifth, __m512i& low, __m512i& high) {
    const __m512i mask = _mm512_set1_epi8(15);
    low = _mm512_and_si512(packed, mask);
    high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
    if constexpr (kBits) {
      const __m512i bit = _mm512_set1_epi8(16);
      // Bit p to bit 4, and bit p + 4 to bit 4; ternary 0xEA is (a & b) | c.
      low = _mm512_ternarylogic_epi64(_mm512_slli_epi16(fifth, 4 - p), bit, low, 0xEA);
      high = _mm512_ternarylogic_epi64(_mm512_srli_epi16(fifth, p), bit, high, 0xEA);
    }
  }
};

template <bool kPerChannel>
struct Simple8 {
  static constexpr int kScales = kPerChannel ? 0 : 64, kBlock = kScales + 1024;
  static constexpr bool kHasMin = false, kSplit = false;
  static constexpr bool kExpanded = false;
  static constexpr bool kChannel = kPerChannel;
  static constexpr int kZeroShift = 7;
  struct Cursor {
    const uint8_t* block;
  };
  static inline Cursor At(const uint8_t* panel, int64_t b) {
    return {panel + (kPerChannel ? 128 : 0) + b * kBlock};
  }
  static inline BlockScales Scales(Cursor c, int half) {
    BlockScales s;
    if constexpr (!kPerChannel) s.scale[0] = Halves(c.block + 32 * half);
    return s;
  }
  template <int p>
  static inline void Quants(Cursor c, int half, __m512i& low, __m512i& high) {
    low = Vector(c.block + kScales + p * 128 + 64 * half);
    high = Vector(c.block + kScales + (p + 4) * 128 + 64 * half);
  }
};

inline __m512 Bytes(const uint8_t* p, __m512 factor) {
  return _mm512_mul_ps(
      _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(p)))),
      factor);
}
inline __m512 SignedBytes(const uint8_t* p, __m512 factor) {
  return _mm512_mul_ps(
      _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(p)))),
      factor);
}

template <bool kFifth>
struct GroupedK {
  static constexpr bool kHasMin = true, kSplit = false;
  static constexpr bool kExpanded = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = -1;
  static constexpr int kBlock = 64 + (kFifth ? 128 : 0) + 512;
  struct Cursor {
    const uint8_t *group, *block;
  };
  static inline Cursor At(const uint8_t* panel, int64_t b) {
    const uint8_t* group = panel + (b / 8) * (128 + 8 * kBlock);
    return {group, group + 128 + (b % 8) * kBlock};
  }
  static inline BlockScales Scales(Cursor c, int half) {
    BlockScales s;
    s.scale[0] = Bytes(c.block + 16 * half, Halves(c.group + 32 * half));
    s.min = _mm512_sub_ps(_mm512_setzero_ps(),
                          Bytes(c.block + 32 + 16 * half, Halves(c.group + 64 + 32 * half)));
    return s;
  }
  template <int p>
  static inline void Quants(Cursor c, int half, __m512i& low, __m512i& high) {
    const uint8_t* quants = c.block + 64;
    const __m512i fifth = kFifth ? Vector(quants + 64 * half) : _mm512_setzero_si512();
    Simple4<false, false, 0>::UnpackNibbles<p, kFifth>(
        Vector(quants + (kFifth ? 128 : 0) + p * 128 + 64 * half), fifth, low, high);
  }
};

struct SixK {
  static constexpr bool kHasMin = false, kSplit = true;
  static constexpr bool kExpanded = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = 5;
  static constexpr int kBlock = 64 + 256 + 512;
  struct Cursor {
    const uint8_t *group, *block;
  };
  static inline Cursor At(const uint8_t* panel, int64_t b) {
    const uint8_t* group = panel + (b / 8) * (64 + 8 * kBlock);
    return {group, group + 64 + (b % 8) * kBlock};
  }
  static inline BlockScales Scales(Cursor c, int half) {
    BlockScales s;
    const __m512 d = Halves(c.group + 32 * half);
    s.scale[0] = SignedBytes(c.block + 16 * half, d);
    s.scale[1] = SignedBytes(c.block + 32 + 16 * half, d);
    return s;
  }
  template <int p>
  static inline void Quants(Cursor c, int half, __m512i& low, __m512i& high) {
    Simple4<false, false, 0>::UnpackNibbles<p, false>(
        Vector(c.block + 64 + 256 + p * 128 + 64 * half), _mm512_setzero_si512(), low, high);
    const __m512i mask = _mm512_set1_epi8(0x30);
    low = _mm512_ternarylogic_epi64(HighBits<p>(Vector(c.block + 64 + 64 * half)), mask, low, 0xEA);
    high = _mm512_ternarylogic_epi64(HighBits<p>(Vector(c.block + 64 + 128 + 64 * half)), mask,
                                     high, 0xEA);
  }
  template <int p>
  static inline __m512i HighBits(__m512i bits) {  // bits 2p, 2p + 1 to bits 4, 5
    if constexpr (p < 2) return _mm512_slli_epi16(bits, 4 - 2 * p);
    if constexpr (p == 2) return bits;
    return _mm512_srli_epi16(bits, 2);
  }
};

// Decode on one thread: for Q4_1 4 KiB are 3 % slower than 8 KiB, for Q8_0 3 % faster; 16 KiB are
// slower for all.
template <typename F>
constexpr int kPrefetchBytes = F::kBlock >= 1024 ? 4096 : 8192;

// Streamed from memory: asks for what comes in good time, after the last panel what is next.
template <typename F>
inline __attribute__((always_inline)) void Fetch(typename F::Cursor c, const PanelArgs& args) {
  const uint8_t* ahead = c.block + kPrefetchBytes<F>;
  const uint8_t* end =
      args.panels + static_cast<size_t>((args.outputs + 31) / 32) * args.panel_bytes;
  if (args.next != nullptr && ahead >= end) ahead = args.next + (ahead - end);
  for (int i = 0; i < F::kBlock; i += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(ahead) + i, _MM_HINT_T0);
  }
}

// A panel expanded once for many rows: quants as bytes, [block][j][half][64], scales and mins f32.
template <typename Format>
struct Expanded {
  static constexpr bool kHasMin = Format::kHasMin, kSplit = Format::kSplit;
  static constexpr bool kExpanded = true;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = Format::kZeroShift;
  static constexpr int kBlock = 1024 + 128 * (1 + (kSplit ? 1 : 0) + (kHasMin ? 1 : 0));
  struct Cursor {
    const uint8_t* block;
  };
  static inline Cursor At(const uint8_t* panel, int64_t b) { return {panel + b * kBlock}; }
  static inline BlockScales Scales(Cursor c, int half) {
    BlockScales s;
    const uint8_t* p = c.block + 1024 + 64 * half;
    s.scale[0] = _mm512_load_ps(p);
    if constexpr (kSplit) s.scale[1] = _mm512_load_ps(p + 128);
    if constexpr (kHasMin) s.min = _mm512_load_ps(p + 128);
    return s;
  }
  template <int p>
  static inline void Quants(Cursor c, int half, __m512i& low, __m512i& high) {
    low = Vector(c.block + p * 128 + 64 * half);
    high = Vector(c.block + (p + 4) * 128 + 64 * half);
  }

  template <int p>
  static inline void ExpandVectors(typename Format::Cursor c, uint8_t* out) {
    for (int half = 0; half < 2; ++half) {
      __m512i low, high;
      Format::template Quants<p>(c, half, low, high);
      _mm512_store_si512(out + p * 128 + 64 * half, low);
      _mm512_store_si512(out + (p + 4) * 128 + 64 * half, high);
    }
  }
  static void Expand(const uint8_t* panel, const PanelArgs& args) {
    const int64_t blocks = args.columns / kBlockColumns;
    uint8_t* out = args.scratch;
    for (int64_t b = 0; b < blocks; ++b, out += kBlock) {
      const typename Format::Cursor c = Format::At(panel, b);
      Fetch<Format>(c, args);
      ExpandVectors<0>(c, out);
      ExpandVectors<1>(c, out);
      ExpandVectors<2>(c, out);
      ExpandVectors<3>(c, out);
      for (int half = 0; half < 2; ++half) {
        const BlockScales s = Format::Scales(c, half);
        _mm512_store_ps(out + 1024 + 64 * half, s.scale[0]);
        if constexpr (kSplit) _mm512_store_ps(out + 1024 + 128 + 64 * half, s.scale[1]);
        if constexpr (kHasMin) _mm512_store_ps(out + 1024 + 128 + 64 * half, s.min);
      }
    }
  }
};

// Adds the products of vectors p and p + 4 with kLines int8 rows.
template <typename F, int kLines, int p>
inline __attribute__((always_inline)) void Products(typename F::Cursor c, const uint8_t* const* a,
                                                    __m512i (&low)[kLines][2],
                                                    __m512i (&high)[kLines][2]) {
  __m512i w0l, w0h, w1l, w1h;
  F::template Quants<p>(c, 0, w0l, w0h);
  F::template Quants<p>(c, 1, w1l, w1h);
  for (int i = 0; i < kLines; ++i) {
    const __m512i al = _mm512_set1_epi32(reinterpret_cast<const int32_t*>(a[i])[p]);
    low[i][0] = _mm512_dpbusd_epi32(low[i][0], w0l, al);
    low[i][1] = _mm512_dpbusd_epi32(low[i][1], w1l, al);
  }
  for (int i = 0; i < kLines; ++i) {
    const __m512i ah = _mm512_set1_epi32(reinterpret_cast<const int32_t*>(a[i])[p + 4]);
    high[i][0] = _mm512_dpbusd_epi32(high[i][0], w0h, ah);
    high[i][1] = _mm512_dpbusd_epi32(high[i][1], w1h, ah);
  }
}

// The integer sum of row r as float, of its one term or as 255 · the high one's + the low one's.
template <int kTerms>
inline __attribute__((always_inline)) __m512 Sum(const __m512i (*terms)[2], int r, int half) {
  __m512i sum = terms[r * kTerms][half];
  if constexpr (kTerms == 2) {
    sum =
        _mm512_add_epi32(_mm512_sub_epi32(_mm512_slli_epi32(sum, 8), sum), terms[2 * r + 1][half]);
  }
  return _mm512_cvtepi32_ps(sum);
}

// kRows rows of x from `row` on times the panel of outputs n ….
template <typename F, int kTerms, int kRows>
void Tile(const uint8_t* panel, const PanelArgs& args, int64_t row, int64_t n) {
  constexpr int kLines = kTerms * kRows;  // int8 rows; of two terms the high one first
  const int64_t columns = args.columns, blocks = columns / kBlockColumns;
  const uint8_t* x = args.x + static_cast<size_t>(row) * args.x_stride;
  const uint8_t* scales = x + kTerms * columns;
  const auto row_floats = [&](int r, int64_t offset) {
    return reinterpret_cast<const float*>(scales + static_cast<size_t>(r) * args.x_stride + offset);
  };
  const auto row_sums = [&](int r) {
    return reinterpret_cast<const int32_t*>(row_floats(r, columns / 4));
  };
  __m512 sum[kRows][2];
  for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  for (int64_t b = 0; b < blocks; ++b) {
    const typename F::Cursor c = F::At(panel, b);
    if constexpr (!F::kExpanded) {
      if (row == 0) Fetch<F>(c, args);
    }
    const uint8_t* a[kLines];
    __m512i low[kLines][2];
    for (int i = 0; i < kLines; ++i) {
      a[i] = x + static_cast<size_t>(i / kTerms) * args.x_stride + i % kTerms * columns + b * 32;
      low[i][0] = low[i][1] = _mm512_setzero_si512();
    }
    if constexpr (F::kSplit) {
      // Columns 0–15 are vectors 0–3, columns 16–31 vectors 4–7: two sums.
      __m512i high[kLines][2];
      for (int i = 0; i < kLines; ++i) high[i][0] = high[i][1] = _mm512_setzero_si512();
      for (int r = 0; r < kRows; ++r) {
        const int last = r * kTerms + kTerms - 1;
        const int32_t* sums = row_sums(r) + 2 * b;
        low[last][0] = low[last][1] = _mm512_set1_epi32(sums[0] * -(1 << F::kZeroShift));
        high[last][0] = high[last][1] = _mm512_set1_epi32(sums[1] * -(1 << F::kZeroShift));
      }
      Products<F, kLines, 0>(c, a, low, high);
      Products<F, kLines, 1>(c, a, low, high);
      Products<F, kLines, 2>(c, a, low, high);
      Products<F, kLines, 3>(c, a, low, high);
      for (int half = 0; half < 2; ++half) {
        const BlockScales s = F::Scales(c, half);
        for (int r = 0; r < kRows; ++r) {
          const __m512 a_scale = _mm512_set1_ps(row_floats(r, 0)[b]);
          sum[r][half] = _mm512_fmadd_ps(Sum<kTerms>(low, r, half),
                                         _mm512_mul_ps(s.scale[0], a_scale), sum[r][half]);
          sum[r][half] = _mm512_fmadd_ps(Sum<kTerms>(high, r, half),
                                         _mm512_mul_ps(s.scale[1], a_scale), sum[r][half]);
        }
      }
    } else {
      if constexpr (!F::kHasMin) {
        for (int r = 0; r < kRows; ++r) {
          const int last = r * kTerms + kTerms - 1;
          const int32_t* sums = row_sums(r) + 2 * b;
          low[last][0] = low[last][1] =
              _mm512_set1_epi32((sums[0] + sums[1]) * -(1 << F::kZeroShift));
        }
      }
      Products<F, kLines, 0>(c, a, low, low);
      Products<F, kLines, 1>(c, a, low, low);
      Products<F, kLines, 2>(c, a, low, low);
      Products<F, kLines, 3>(c, a, low, low);
      for (int half = 0; half < 2; ++half) {
        const BlockScales s = F::Scales(c, half);
        for (int r = 0; r < kRows; ++r) {
          __m512 scale = _mm512_set1_ps(row_floats(r, 0)[b]);
          if constexpr (!F::kChannel) scale = _mm512_mul_ps(s.scale[0], scale);
          sum[r][half] = _mm512_fmadd_ps(Sum<kTerms>(low, r, half), scale, sum[r][half]);
          if constexpr (F::kHasMin) {
            const __m512 scaled_sum = _mm512_set1_ps(row_floats(r, columns / 8)[b]);
            sum[r][half] = _mm512_fmadd_ps(s.min, scaled_sum, sum[r][half]);
          }
        }
      }
    }
  }
  const int64_t outputs = args.outputs - n;
  const __mmask16 mask0 = static_cast<__mmask16>(outputs >= 16 ? 0xffff : (1u << outputs) - 1);
  const __mmask16 mask1 = static_cast<__mmask16>(
      outputs >= 32 ? 0xffff : (outputs > 16 ? (1u << (outputs - 16)) - 1 : 0));
  for (int r = 0; r < kRows; ++r) {
    if constexpr (F::kChannel) {
      sum[r][0] = _mm512_mul_ps(sum[r][0], _mm512_load_ps(panel));
      sum[r][1] = _mm512_mul_ps(sum[r][1], _mm512_load_ps(panel + 64));
    }
    if (args.addend != nullptr) {
      const float* more = args.addend + (row + r) * args.addend_stride + n;
      sum[r][0] = _mm512_add_ps(sum[r][0], _mm512_maskz_loadu_ps(mask0, more));
      sum[r][1] = _mm512_add_ps(sum[r][1], _mm512_maskz_loadu_ps(mask1, more + 16));
    }
    float* o = args.out + (row + r) * args.out_stride + n;
    _mm512_mask_storeu_ps(o, mask0, sum[r][0]);
    _mm512_mask_storeu_ps(o + 16, mask1, sum[r][1]);
  }
}

// Rows of a tile: what 32 registers hold the sums of, and as measured at 480 rows (Q4_1: 4 rows 60
// % of the int8 peak, 5 rows 65 %, 6 rows 56 %; Q8_0 and QC8: 6 rows are as good as any).
template <typename F, int kTerms>
constexpr int kTileRows = kTerms == 2  ? 4
                          : F::kHasMin ? 5
                                       : 6;

// `rows` rows, at most kRows.
template <typename F, int kTerms, int kRows>
void SomeRows(const uint8_t* panel, const PanelArgs& args, int64_t row, int64_t rows, int64_t n) {
  if (rows == kRows) {
    Tile<F, kTerms, kRows>(panel, args, row, n);
  } else if constexpr (kRows > 1) {
    SomeRows<F, kTerms, kRows - 1>(panel, args, row, rows, n);
  }
}

// Tiles as few and as equal as can be: a tile of one row takes as long as one of three.
template <typename F, int kTerms>
void AllRows(const uint8_t* panel, const PanelArgs& args, int64_t n) {
  constexpr int kRows = kTileRows<F, kTerms>;
  const int64_t tiles = (args.rows + kRows - 1) / kRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.rows * t / tiles, end = args.rows * (t + 1) / tiles;
    SomeRows<F, kTerms, kRows>(panel, args, row, end - row, n);
  }
}

template <typename Format, int kTerms>
void PanelsOf(const PanelArgs& args) {
  const uint8_t* panel = args.panels;
  for (int64_t n = 0; n < args.outputs; n += kPanelRows, panel += args.panel_bytes) {
    if constexpr (Format::kChannel) {  // bytes already
      AllRows<Format, kTerms>(panel, args, n);
    } else if (args.rows <= 2 * kTileRows<Format, kTerms>) {  // to unpack twice takes less time
      AllRows<Format, kTerms>(panel, args, n);
    } else {
      Expanded<Format>::Expand(panel, args);
      AllRows<Expanded<Format>, kTerms>(args.scratch, args, n);
    }
  }
}

template <typename Format>
void Panels(const PanelArgs& args) {
  args.terms == 1 ? PanelsOf<Format, 1>(args) : PanelsOf<Format, 2>(args);
}

}  // namespace

PanelFunction Avx512VnniPanels(DType type) {
  switch (type) {
    case DType::kQ4_0:
      return Panels<Simple4<false, false, 3>>;
    case DType::kQ4_1:
      return Panels<Simple4<true, false, -1>>;
    case DType::kQ5_0:
      return Panels<Simple4<false, true, 4>>;
    case DType::kQ5_1:
      return Panels<Simple4<true, true, -1>>;
    case DType::kQ8_0:
      return Panels<Simple8<false>>;
    case DType::kQC8:
      return Panels<Simple8<true>>;
    case DType::kQ4_K:
      return Panels<GroupedK<false>>;
    case DType::kQ5_K:
      return Panels<GroupedK<true>>;
    case DType::kQ6_K:
      return Panels<SixK>;
    default:
      return nullptr;
  }
}

}  // namespace hob::ops::matmul

#else

namespace hob::ops::matmul {
PanelFunction Avx512VnniPanels(DType) { return nullptr; }
}  // namespace hob::ops::matmul

#endif
