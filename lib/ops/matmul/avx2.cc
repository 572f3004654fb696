// SPDX-License-Identifier: Apache-2.0
// Panels times int8 activations with AVX2. vpmaddubsw multiplies unsigned weights by signed
// activations and adds pairs in 16 bits; as many of its results are added up there as cannot
// overflow (15, 31 or 63 · 127 · 2 each), then vpmaddwd with ones widens: a 32-bit lane is an
// output. Q8_0 and QC8 move the weight's sign to the activation. Integer sums are exact and the
// floats follow the order that avx512vnni.cc documents, so both give the same bits.
#include "lib/ops/matmul/panel_kernels.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>

namespace hob::ops::matmul {
namespace {

#define HOB_INLINE inline __attribute__((always_inline))
#define HOB_UNROLL _Pragma("GCC unroll 8")

// Keeps the compiler from turning chains of integer sums into trees, whose leaves it would spill.
HOB_INLINE void KeepInOrder(__m256i& v) { __asm__("" : "+x"(v)); }

// Quarter q = 0…3 of a panel is outputs 8·q … 8·q + 7: 32 of the 128 bytes of a pair of vectors.
// The scales and mins of a block for one quarter. Types with a scale each 16 columns use both
// scales, the others the first.
struct BlockScales {
  __m256 scale[2];
  __m256 min;
};

HOB_INLINE __m256i Vector(const uint8_t* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}
HOB_INLINE __m256 Halves(const uint8_t* p) {
  return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(p)));
}
HOB_INLINE __m256 Bytes(const uint8_t* p, __m256 factor) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), factor);
}
HOB_INLINE __m256 SignedBytes(const uint8_t* p, __m256 factor) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), factor);
}

// Vectors p (low) and p + 4 (high) of one quarter from their nibbles.
HOB_INLINE void UnpackNibbles(__m256i packed, __m256i& low, __m256i& high) {
  const __m256i mask = _mm256_set1_epi8(15);
  low = _mm256_and_si256(packed, mask);
  high = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
}
template <int p>
HOB_INLINE void AddFifthBits(__m256i bits, __m256i& low, __m256i& high) {
  const __m256i bit = _mm256_set1_epi8(16);  // bit p to bit 4, and bit p + 4 to bit 4
  low = _mm256_or_si256(low, _mm256_and_si256(_mm256_slli_epi16(bits, 4 - p), bit));
  high = _mm256_or_si256(high, _mm256_and_si256(_mm256_srli_epi16(bits, p), bit));
}

// Formats: where block b of a panel begins, its scales, and quants of vectors p and p + 4.
// kZeroShift: log2 of the zero, or −1; kAdd: products that 16 bits hold.
template <bool kMin, bool kFifth, int kZeroLog2>
struct Simple4 {
  static constexpr bool kHasMin = kMin, kSplit = false, kSigned = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = kZeroLog2, kAdd = kFifth ? 4 : 8;
  static constexpr int kHeader = kMin ? 128 : 64;
  static constexpr int kBlock = kHeader + (kFifth ? 128 : 0) + 512;
  struct Cursor {
    const uint8_t* block;
  };
  static HOB_INLINE Cursor At(const uint8_t* panel, int64_t b) { return {panel + b * kBlock}; }
  static HOB_INLINE BlockScales Scales(Cursor c, int q) {
    BlockScales s;
    s.scale[0] = Halves(c.block + 16 * q);
    if constexpr (kMin) s.min = Halves(c.block + 64 + 16 * q);
    return s;
  }
  template <int p>
  static HOB_INLINE void Quants(Cursor c, int q, __m256i& low, __m256i& high) {
    const uint8_t* quants = c.block + kHeader + 32 * q;
    UnpackNibbles(Vector(quants + (kFifth ? 128 : 0) + p * 128), low, high);
    if constexpr (kFifth) AddFifthBits<p>(Vector(quants), low, high);
  }
};

template <bool kPerChannel>
struct Simple8 {
  static constexpr int kScales = kPerChannel ? 0 : 64;
  static constexpr bool kHasMin = false, kSplit = false, kSigned = true;
  static constexpr bool kChannel = kPerChannel;
  static constexpr int kZeroShift = -1, kAdd = 1;
  struct Cursor {
    const uint8_t* block;
  };
  static HOB_INLINE Cursor At(const uint8_t* panel, int64_t b) {
    return {panel + (kPerChannel ? 128 : 0) + b * (kScales + 1024)};
  }
  static HOB_INLINE BlockScales Scales(Cursor c, int q) {
    BlockScales s;
    if constexpr (!kPerChannel) s.scale[0] = Halves(c.block + 16 * q);
    return s;
  }
  template <int p>
  static HOB_INLINE void Quants(Cursor c, int q, __m256i& low, __m256i& high) {
    const __m256i flip = _mm256_set1_epi8(-128);
    const uint8_t* quants = c.block + kScales + 32 * q;
    low = _mm256_xor_si256(Vector(quants + p * 128), flip);
    high = _mm256_xor_si256(Vector(quants + (p + 4) * 128), flip);
  }
};

template <bool kFifth>
struct GroupedK {
  static constexpr bool kHasMin = true, kSplit = false, kSigned = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = -1, kAdd = kFifth ? 4 : 8;
  static constexpr int kBlock = 64 + (kFifth ? 128 : 0) + 512;
  struct Cursor {
    const uint8_t *group, *block;
  };
  static HOB_INLINE Cursor At(const uint8_t* panel, int64_t b) {
    const uint8_t* group = panel + (b / 8) * (128 + 8 * kBlock);
    return {group, group + 128 + (b % 8) * kBlock};
  }
  static HOB_INLINE BlockScales Scales(Cursor c, int q) {
    BlockScales s;
    s.scale[0] = Bytes(c.block + 8 * q, Halves(c.group + 16 * q));
    s.min = _mm256_sub_ps(_mm256_setzero_ps(),
                          Bytes(c.block + 32 + 8 * q, Halves(c.group + 64 + 16 * q)));
    return s;
  }
  template <int p>
  static HOB_INLINE void Quants(Cursor c, int q, __m256i& low, __m256i& high) {
    const uint8_t* quants = c.block + 64 + 32 * q;
    UnpackNibbles(Vector(quants + (kFifth ? 128 : 0) + p * 128), low, high);
    if constexpr (kFifth) AddFifthBits<p>(Vector(quants), low, high);
  }
};

struct SixK {
  static constexpr bool kHasMin = false, kSplit = true, kSigned = false;
  static constexpr bool kChannel = false;
  static constexpr int kZeroShift = 5, kAdd = 2;
  static constexpr int kBlock = 64 + 256 + 512;
  struct Cursor {
    const uint8_t *group, *block;
  };
  static HOB_INLINE Cursor At(const uint8_t* panel, int64_t b) {
    const uint8_t* group = panel + (b / 8) * (64 + 8 * kBlock);
    return {group, group + 64 + (b % 8) * kBlock};
  }
  static HOB_INLINE BlockScales Scales(Cursor c, int q) {
    BlockScales s;
    const __m256 d = Halves(c.group + 16 * q);
    s.scale[0] = SignedBytes(c.block + 8 * q, d);
    s.scale[1] = SignedBytes(c.block + 32 + 8 * q, d);
    return s;
  }
  template <int p>
  static HOB_INLINE void Quants(Cursor c, int q, __m256i& low, __m256i& high) {
    const uint8_t* quants = c.block + 64 + 32 * q;
    UnpackNibbles(Vector(quants + 256 + p * 128), low, high);
    const __m256i mask = _mm256_set1_epi8(0x30);
    low = _mm256_or_si256(low, _mm256_and_si256(HighBits<p>(Vector(quants)), mask));
    high = _mm256_or_si256(high, _mm256_and_si256(HighBits<p>(Vector(quants + 128)), mask));
  }
  template <int p>
  static HOB_INLINE __m256i HighBits(__m256i bits) {  // bits 2p, 2p + 1 to bits 4, 5
    if constexpr (p < 2) return _mm256_slli_epi16(bits, 4 - 2 * p);
    if constexpr (p == 2) return bits;
    return _mm256_srli_epi16(bits, 2);
  }
};

// A panel expanded once for many rows: quants as bytes, [block][j][quarter][32], scales and mins
// f32.
template <typename Format>
struct Expanded {
  static constexpr bool kHasMin = Format::kHasMin, kSplit = Format::kSplit;
  static constexpr bool kChannel = Format::kChannel;
  static constexpr bool kSigned = Format::kSigned;
  static constexpr int kZeroShift = Format::kZeroShift, kAdd = Format::kAdd;
  static constexpr int kBlock = 1024 + 128 * (1 + (kSplit ? 1 : 0) + (kHasMin ? 1 : 0));
  struct Cursor {
    const uint8_t* block;
  };
  static HOB_INLINE Cursor At(const uint8_t* panel, int64_t b) { return {panel + b * kBlock}; }
  static HOB_INLINE BlockScales Scales(Cursor c, int q) {
    BlockScales s;
    const float* p = reinterpret_cast<const float*>(c.block + 1024 + 32 * q);
    if constexpr (!kChannel) s.scale[0] = _mm256_load_ps(p);
    if constexpr (kSplit) s.scale[1] = _mm256_load_ps(p + 32);
    if constexpr (kHasMin) s.min = _mm256_load_ps(p + 32);
    return s;
  }
  template <int p>
  static HOB_INLINE void Quants(Cursor c, int q, __m256i& low, __m256i& high) {
    low = Vector(c.block + p * 128 + 32 * q);
    high = Vector(c.block + (p + 4) * 128 + 32 * q);
  }

  template <int p>
  static HOB_INLINE void ExpandVectors(typename Format::Cursor c, int q, uint8_t* out) {
    __m256i low, high;
    Format::template Quants<p>(c, q, low, high);
    _mm256_store_si256(reinterpret_cast<__m256i*>(out + p * 128 + 32 * q), low);
    _mm256_store_si256(reinterpret_cast<__m256i*>(out + (p + 4) * 128 + 32 * q), high);
  }
  static void Expand(const uint8_t* panel, int64_t blocks, uint8_t* out) {
    for (int64_t b = 0; b < blocks; ++b, out += kBlock) {
      const typename Format::Cursor c = Format::At(panel, b);
      for (int q = 0; q < 4; ++q) {
        ExpandVectors<0>(c, q, out);
        ExpandVectors<1>(c, q, out);
        ExpandVectors<2>(c, q, out);
        ExpandVectors<3>(c, q, out);
        const BlockScales s = Format::Scales(c, q);
        float* scales = reinterpret_cast<float*>(out + 1024 + 32 * q);
        if constexpr (!kChannel) _mm256_store_ps(scales, s.scale[0]);
        if constexpr (kSplit) _mm256_store_ps(scales + 32, s.scale[1]);
        if constexpr (kHasMin) _mm256_store_ps(scales + 32, s.min);
      }
    }
  }
};

HOB_INLINE __m256i Broadcast(const uint8_t* a, int index) {
  return _mm256_set1_epi32(reinterpret_cast<const int32_t*>(a)[index]);
}

enum class Part { kAll, kLow, kHigh };  // columns of a block: all, 0–15, 16–31

// Adds vectors p and p + 4, or one of them, of quarter q to the 16-bit sums of kLines int8 rows
// and, when those are full, these to the 32-bit ones.
template <typename F, int kLines, Part kPart, int p>
HOB_INLINE void Products(typename F::Cursor c, int q, const uint8_t* const* a,
                         __m256i (&narrow)[kLines], __m256i (&wide)[kLines]) {
  constexpr int kEach = kPart == Part::kAll ? 2 : 1;  // products of one p
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i w[2];
  F::template Quants<p>(c, q, w[0], w[1]);
  HOB_UNROLL
  for (int h = kPart == Part::kHigh ? 1 : 0; h < (kPart == Part::kLow ? 1 : 2); ++h) {
    const __m256i weights = F::kSigned ? _mm256_abs_epi8(w[h]) : w[h];
    HOB_UNROLL
    for (int r = 0; r < kLines; ++r) {
      __m256i activations = Broadcast(a[r], p + 4 * h);
      if constexpr (F::kSigned) activations = _mm256_sign_epi8(activations, w[h]);
      const __m256i product = _mm256_maddubs_epi16(weights, activations);
      if constexpr (F::kAdd < kEach) {
        wide[r] = _mm256_add_epi32(wide[r], _mm256_madd_epi16(product, ones));
        KeepInOrder(wide[r]);
      } else {
        constexpr bool kFirst = p * kEach % F::kAdd == 0;
        constexpr bool kLast = (p + 1) * kEach % F::kAdd == 0 || p == 3;
        narrow[r] =
            kFirst && (kEach == 1 || h == 0) ? product : _mm256_add_epi16(narrow[r], product);
        KeepInOrder(narrow[r]);
        if (kLast && (kEach == 1 || h == 1)) {
          wide[r] = _mm256_add_epi32(wide[r], _mm256_madd_epi16(narrow[r], ones));
        }
      }
    }
  }
}

template <typename F, int kLines, Part kPart>
HOB_INLINE void Dot(typename F::Cursor c, int q, const uint8_t* const* a, __m256i (&wide)[kLines]) {
  __m256i narrow[kLines];
  Products<F, kLines, kPart, 0>(c, q, a, narrow, wide);
  Products<F, kLines, kPart, 1>(c, q, a, narrow, wide);
  Products<F, kLines, kPart, 2>(c, q, a, narrow, wide);
  Products<F, kLines, kPart, 3>(c, q, a, narrow, wide);
}

// The integer sum of row r as float, of its one term or as 255 · the high one's + the low one's.
template <int kTerms>
HOB_INLINE __m256 Sum(const __m256i* terms, int r) {
  __m256i sum = terms[r * kTerms];
  if constexpr (kTerms == 2) {
    sum = _mm256_add_epi32(_mm256_sub_epi32(_mm256_slli_epi32(sum, 8), sum), terms[2 * r + 1]);
  }
  return _mm256_cvtepi32_ps(sum);
}

// kRows rows of x times kQuarters quarters of one panel, from `first` on.
template <typename F, int kTerms, int kRows, int kQuarters>
HOB_INLINE void Tile(const uint8_t* panel, const uint8_t* header, const PanelArgs& args,
                     int64_t row, int64_t n, int first) {
  constexpr int kLines = kTerms * kRows;  // int8 rows; of two terms the high one first
  const int64_t columns = args.columns, blocks = columns / kBlockColumns;
  const uint8_t* x[kRows];
  HOB_UNROLL
  for (int r = 0; r < kRows; ++r) x[r] = args.x + static_cast<size_t>(row + r) * args.x_stride;
  const auto row_floats = [&](int r, int64_t offset) {
    return reinterpret_cast<const float*>(x[r] + kTerms * columns + offset);
  };
  const auto row_sums = [&](int r) {
    return reinterpret_cast<const int32_t*>(row_floats(r, columns / 4));
  };
  __m256 sum[kRows][kQuarters];
  HOB_UNROLL
  for (int r = 0; r < kRows; ++r) {
    HOB_UNROLL
    for (int v = 0; v < kQuarters; ++v) sum[r][v] = _mm256_setzero_ps();
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const typename F::Cursor c = F::At(panel, b);
    const uint8_t* a[kLines];
    __m256 a_scale[kRows];
    HOB_UNROLL
    for (int i = 0; i < kLines; ++i) {
      a[i] = x[i / kTerms] + i % kTerms * columns + b * kBlockColumns;
    }
    HOB_UNROLL
    for (int r = 0; r < kRows; ++r) {
      a_scale[r] = _mm256_set1_ps(row_floats(r, 0)[b]);
    }
    HOB_UNROLL
    for (int v = 0; v < kQuarters; ++v) {
      const int q = first + v;
      __m256i dot[kLines];
      HOB_UNROLL
      for (int i = 0; i < kLines; ++i) dot[i] = _mm256_setzero_si256();
      if constexpr (F::kSplit) {
        HOB_UNROLL
        for (int r = 0; r < kRows; ++r) {
          dot[r * kTerms + kTerms - 1] =
              _mm256_set1_epi32(row_sums(r)[2 * b] * -(1 << F::kZeroShift));
        }
        Dot<F, kLines, Part::kLow>(c, q, a, dot);
        const BlockScales s = F::Scales(c, q);
        HOB_UNROLL
        for (int r = 0; r < kRows; ++r) {
          sum[r][v] = _mm256_fmadd_ps(Sum<kTerms>(dot, r), _mm256_mul_ps(s.scale[0], a_scale[r]),
                                      sum[r][v]);
        }
        HOB_UNROLL
        for (int i = 0; i < kLines; ++i) dot[i] = _mm256_setzero_si256();
        HOB_UNROLL
        for (int r = 0; r < kRows; ++r) {
          dot[r * kTerms + kTerms - 1] =
              _mm256_set1_epi32(row_sums(r)[2 * b + 1] * -(1 << F::kZeroShift));
        }
        Dot<F, kLines, Part::kHigh>(c, q, a, dot);
        HOB_UNROLL
        for (int r = 0; r < kRows; ++r) {
          sum[r][v] = _mm256_fmadd_ps(Sum<kTerms>(dot, r), _mm256_mul_ps(s.scale[1], a_scale[r]),
                                      sum[r][v]);
        }
      } else {
        if constexpr (F::kZeroShift >= 0) {
          HOB_UNROLL
          for (int r = 0; r < kRows; ++r) {
            const int32_t* sums = row_sums(r) + 2 * b;
            dot[r * kTerms + kTerms - 1] =
                _mm256_set1_epi32((sums[0] + sums[1]) * -(1 << F::kZeroShift));
          }
        }
        Dot<F, kLines, Part::kAll>(c, q, a, dot);
        const BlockScales s = F::Scales(c, q);
        HOB_UNROLL
        for (int r = 0; r < kRows; ++r) {
          __m256 scale = a_scale[r];
          if constexpr (!F::kChannel) scale = _mm256_mul_ps(s.scale[0], scale);
          sum[r][v] = _mm256_fmadd_ps(Sum<kTerms>(dot, r), scale, sum[r][v]);
          if constexpr (F::kHasMin) {
            const __m256 scaled_sum = _mm256_set1_ps(row_floats(r, columns / 8)[b]);
            sum[r][v] = _mm256_fmadd_ps(s.min, scaled_sum, sum[r][v]);
          }
        }
      }
    }
  }
  const int outputs = static_cast<int>(args.outputs - n < 32 ? args.outputs - n : 32);
  HOB_UNROLL
  for (int v = 0; v < kQuarters; ++v) {
    const int column = 8 * (first + v);
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(outputs - column),
                                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    HOB_UNROLL
    for (int r = 0; r < kRows; ++r) {
      __m256 value = sum[r][v];
      if constexpr (F::kChannel) {
        value =
            _mm256_mul_ps(value, _mm256_load_ps(reinterpret_cast<const float*>(header) + column));
      }
      if (args.addend != nullptr) {
        const float* more = args.addend + (row + r) * args.addend_stride + n + column;
        value = _mm256_add_ps(value, _mm256_maskload_ps(more, mask));
      }
      _mm256_maskstore_ps(args.out + (row + r) * args.out_stride + n + column, mask, value);
    }
  }
}

// Sixteen registers hold the sums of one int8 row for a whole panel, or of more rows for a part.
// `header` is the panel as it is stored, `panel` perhaps what it was expanded to.
template <typename F, int kTerms, int kRows>
void Rows(const uint8_t* panel, const uint8_t* header, const PanelArgs& args, int64_t row,
          int64_t n) {
  constexpr int kLines = kTerms * kRows;
  constexpr int kQuarters = kLines == 1 ? 4 : kLines == 2 ? 2 : 1;
  for (int q = 0; q < 4 && n + 8 * q < args.outputs; q += kQuarters) {
    Tile<F, kTerms, kRows, kQuarters>(panel, header, args, row, n, q);
  }
}

constexpr int kTileLines = 4;  // int8 rows

// The last rows, at most kRows.
template <typename F, int kTerms, int kRows>
void LastRows(const uint8_t* panel, const uint8_t* header, const PanelArgs& args, int64_t row,
              int64_t n) {
  if (args.rows - row == kRows) {
    Rows<F, kTerms, kRows>(panel, header, args, row, n);
  } else if constexpr (kRows > 1) {
    LastRows<F, kTerms, kRows - 1>(panel, header, args, row, n);
  }
}

template <typename F, int kTerms>
void AllRows(const uint8_t* panel, const uint8_t* header, const PanelArgs& args, int64_t n) {
  constexpr int kRows = kTileLines / kTerms;
  int64_t row = 0;
  for (; row + kRows <= args.rows; row += kRows) {
    Rows<F, kTerms, kRows>(panel, header, args, row, n);
  }
  LastRows<F, kTerms, kRows - 1>(panel, header, args, row, n);
}

template <typename Format, int kTerms>
void PanelsOf(const PanelArgs& args) {
  const uint8_t* panel = args.panels;
  for (int64_t n = 0; n < args.outputs; n += kPanelRows, panel += args.panel_bytes) {
    if (args.rows * kTerms <= kTileLines) {
      AllRows<Format, kTerms>(panel, panel, args, n);
    } else {
      Expanded<Format>::Expand(panel, args.columns / kBlockColumns, args.scratch);
      AllRows<Expanded<Format>, kTerms>(args.scratch, panel, args, n);
    }
  }
}

template <typename Format>
void Panels(const PanelArgs& args) {
  args.terms == 1 ? PanelsOf<Format, 1>(args) : PanelsOf<Format, 2>(args);
}

}  // namespace

PanelFunction Avx2Panels(DType type) {
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

#undef HOB_INLINE
#undef HOB_UNROLL

}  // namespace hob::ops::matmul

#else

namespace hob::ops::matmul {
PanelFunction Avx2Panels(DType) { return nullptr; }
}  // namespace hob::ops::matmul

#endif
