// SPDX-License-Identifier: Apache-2.0
// The integer products of the int8 cache (cache.h) for up to kMaxProductLines lines: the portable
// ones are in simd.cc, those for one instruction set in a file named for it. All give the same
// bits. Plain types only: files for an instruction set include this.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hob::ops::attention {

inline constexpr size_t kMaxProductLines = 6;
inline constexpr size_t kPageTokens = 64;
inline constexpr size_t kWeightStride = 256;  // from the high to the low bytes of a line's weights
inline constexpr size_t kInt8ScoreStride = 256 + 16;

// scores[i·kInt8ScoreStride + t] for the 64 tokens of a page.
struct ScoreArgs {
  const uint8_t* keys;        // the page's, of one head
  const float* key_scales;    // [64]
  size_t width;               // channels, a multiple of 8
  const int8_t* queries;      // [lines][terms][width], of two the high ones first
  const int32_t* start;       // [lines][terms]: −128·Σa
  const float* query_scales;  // [lines]
  float* scores;
  const uint8_t* next;  // as many bytes to fetch into the cache meanwhile; may be null
};

// out[i·width + d] = float(Σ weights·values) · scales[i] over the keys [4·first, 4·end), counted
// from the first of `pages`, the values of up to four pages.
struct WeighArgs {
  const uint8_t* const* pages;
  size_t first, end;
  size_t width;            // channels, a multiple of 8
  const uint8_t* weights;  // [lines][2][kWeightStride], the high bytes first
  const float* scales;     // [lines]
  float* out;
  const uint8_t* next;  // what follows the last page; null: fetch nothing ahead
};

struct Products {
  void (*score)(const ScoreArgs& args, size_t lines, int terms);
  void (*weigh)(const WeighArgs& args, size_t lines);
};

// Null where the compiler or target has none. The caller checks the CPU.
const Products* Avx512VnniProducts();

}  // namespace hob::ops::attention
