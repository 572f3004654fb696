// SPDX-License-Identifier: Apache-2.0
// The products of the int8 cache with AVX-512 VNNI: vpdpbusd sums four products of unsigned and
// signed bytes a lane exactly. A block holds 6 × 4 sums (lines times terms, vectors).
#include "lib/ops/attention/int8/products.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__)

#include <immintrin.h>

#include <cstring>

namespace hob::ops::attention {
namespace {

constexpr int kVectors = 4;

inline __m512i Broadcast(const void* four) {
  int32_t word;
  std::memcpy(&word, four, sizeof(word));
  return _mm512_set1_epi32(word);
}

// sum + four products a lane. As an intrinsic gcc 12 spills the sums of a block.
inline void Dot(__m512i& sum, __m512i unsigned_bytes, __m512i signed_bytes) {
#if defined(__GNUC__)
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsigned_bytes), "v"(signed_bytes));
#else
  sum = _mm512_dpbusd_epi32(sum, unsigned_bytes, signed_bytes);
#endif
}

inline void Prefetch(const uint8_t* from) {
  _mm_prefetch(reinterpret_cast<const char*>(from), _MM_HINT_T0);
}

// Two terms put together: `base`·high + low.
template <int kTerms, int kBase>
inline __m512i Sum(const __m512i* terms, size_t stride) {
  if constexpr (kTerms == 1) return terms[0];
  const __m512i high = _mm512_slli_epi32(terms[0], 8);
  return _mm512_add_epi32(kBase == 256 ? high : _mm512_sub_epi32(high, terms[0]), terms[stride]);
}

template <int kTerms, int kLines>
void Score(const ScoreArgs& args, size_t line) {
  constexpr int kRows = kLines * kTerms;
  const int8_t* queries = args.queries + line * kTerms * args.width;
  __m512i sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const __m512i start = _mm512_set1_epi32(args.start[line * kTerms + static_cast<size_t>(r)]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = start;
  }
  const uint8_t* keys = args.keys;
  const uint8_t* next = line == 0 ? args.next : nullptr;
  for (size_t d = 0; d < args.width; d += 4) {
    if (next != nullptr) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) Prefetch(next + 64 * v);
      next += 4 * kPageTokens;
    }
    __m512i column[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) column[v] = _mm512_loadu_si512(keys + 64 * v);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512i query = Broadcast(queries + static_cast<size_t>(r) * args.width + d);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        Dot(sums[r][v], column[v], query);
      }
    }
    keys += 4 * kPageTokens;
  }
  if (next != nullptr) {  // the scales
    for (int v = 0; v < kVectors; ++v) Prefetch(next + 64 * v);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kLines; ++i) {
    const __m512 scale = _mm512_set1_ps(args.query_scales[line + static_cast<size_t>(i)]);
    float* scores = args.scores + (line + static_cast<size_t>(i)) * kInt8ScoreStride;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const __m512 sum = _mm512_cvtepi32_ps(Sum<kTerms, 255>(&sums[i * kTerms][v], kVectors));
      const __m512 key = _mm512_loadu_ps(args.key_scales + 16 * v);
      _mm512_storeu_ps(scores + 16 * v, _mm512_mul_ps(_mm512_mul_ps(sum, key), scale));
    }
  }
}

// kCount vectors of channels from d on; with kHalf one of eight channels.
template <int kLines, int kCount, bool kHalf>
inline void WeighBlock(const WeighArgs& args, size_t line, size_t d) {
  constexpr int kRows = 2 * kLines;
  constexpr __mmask16 kMask = kHalf ? 0x00ff : 0xffff;
  const uint8_t* weights = args.weights + line * 2 * kWeightStride;
  __m512i sums[kRows][kCount];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) sums[r][v] = _mm512_setzero_si512();
  }
  constexpr size_t kQuads = kPageTokens / 4;
  const size_t stride = 4 * args.width;
  for (size_t quad = args.first; quad < args.end;) {
    const size_t page = quad / kQuads;
    const size_t end = (page + 1) * kQuads < args.end ? (page + 1) * kQuads : args.end;
    const size_t at = (quad - page * kQuads) * stride + 4 * d;
    const uint8_t* values = args.pages[page] + at;
    const uint8_t* next = nullptr;
    if (line == 0 && args.next != nullptr)
      next = (end < args.end ? args.pages[page + 1] : args.next) + at;
    for (; quad < end; ++quad) {
      if (next != nullptr) {
#pragma GCC unroll 8
        for (int v = 0; v < kCount; ++v) Prefetch(next + 64 * v);
        next += stride;
      }
      __m512i column[kCount];
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v) {
        column[v] = kHalf ? _mm512_maskz_loadu_epi32(kMask, values + 64 * v)
                          : _mm512_loadu_si512(values + 64 * v);
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const __m512i weight =
            Broadcast(weights + static_cast<size_t>(r) * kWeightStride + 4 * quad);
#pragma GCC unroll 8
        for (int v = 0; v < kCount; ++v) {
          Dot(sums[r][v], weight, column[v]);
        }
      }
      values += stride;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kLines; ++i) {
    const __m512 scale = _mm512_set1_ps(args.scales[line + static_cast<size_t>(i)]);
    float* out = args.out + (line + static_cast<size_t>(i)) * args.width + d;
#pragma GCC unroll 8
    for (int v = 0; v < kCount; ++v) {
      const __m512 sum = _mm512_cvtepi32_ps(Sum<2, 256>(&sums[2 * i][v], kCount));
      _mm512_mask_storeu_ps(out + 16 * v, kMask, _mm512_mul_ps(sum, scale));
    }
  }
}

template <int kLines>
void Weigh(const WeighArgs& args, size_t line) {
  size_t d = 0;
  for (; d + 16 * kVectors <= args.width; d += 16 * kVectors) {
    WeighBlock<kLines, kVectors, false>(args, line, d);
  }
  for (; d + 16 <= args.width; d += 16) WeighBlock<kLines, 1, false>(args, line, d);
  if (d < args.width) WeighBlock<kLines, 1, true>(args, line, d);
}

#define HOB_LINES(f, n) \
  case n:               \
    f(args, line);      \
    break

// The lines in near-equal blocks of at most `most`.
template <typename F>
inline void Blocks(size_t lines, size_t most, F call) {
  const size_t blocks = (lines + most - 1) / most;
  for (size_t b = 0; b < blocks; ++b) {
    const size_t begin = lines * b / blocks;
    call(begin, lines * (b + 1) / blocks - begin);
  }
}

void ScoreLines(const ScoreArgs& args, size_t lines, int terms) {
  if (terms == 2) {
    Blocks(lines, kMaxProductLines / 2, [&](size_t line, size_t count) {
      switch (count) {
        HOB_LINES((Score<2, 1>), 1);
        HOB_LINES((Score<2, 2>), 2);
        HOB_LINES((Score<2, 3>), 3);
      }
    });
    return;
  }
  Blocks(lines, kMaxProductLines, [&](size_t line, size_t count) {
    switch (count) {
      HOB_LINES((Score<1, 1>), 1);
      HOB_LINES((Score<1, 2>), 2);
      HOB_LINES((Score<1, 3>), 3);
      HOB_LINES((Score<1, 4>), 4);
      HOB_LINES((Score<1, 5>), 5);
      HOB_LINES((Score<1, 6>), 6);
    }
  });
}

void WeighLines(const WeighArgs& args, size_t lines) {
  Blocks(lines, kMaxProductLines / 2, [&](size_t line, size_t count) {
    switch (count) {
      HOB_LINES(Weigh<1>, 1);
      HOB_LINES(Weigh<2>, 2);
      HOB_LINES(Weigh<3>, 3);
    }
  });
}
#undef HOB_LINES

constexpr Products kProducts = {&ScoreLines, &WeighLines};

}  // namespace

const Products* Avx512VnniProducts() { return &kProducts; }

}  // namespace hob::ops::attention

#else

namespace hob::ops::attention {

const Products* Avx512VnniProducts() { return nullptr; }

}  // namespace hob::ops::attention

#endif
