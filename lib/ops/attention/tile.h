// SPDX-License-Identifier: Apache-2.0
// The vector code of attention works on tiles: query rows of one sequence times the heads that
// share a KV head. Such a (row, head) is a line; line i is head i % group of row i / group.
// tiles.cc cuts a step into tiles, simd.cc computes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/isa/cpu.h"
#include "lib/ops/attention/attention.h"

namespace hob::ops::attention {

struct Tile {
  const SequenceRows* sequence = nullptr;
  int32_t kv_head = 0;
  int32_t row = 0;  // first row, counted in the sequence's rows
  int32_t rows = 0;
  int32_t position(int32_t tile_row) const { return sequence->position + row + tile_row; }
  size_t step_row() const { return static_cast<size_t>(sequence->first_row + row); }
};

// The softmax of lines over some of their keys: the largest score, Σe^(score − max), and the values
// so weighted, [lines][head_dim]. sum 0: no key yet.
struct Partial {
  float* max;
  float* sum;
  float* values;
};

// Floats between the scores of two lines: a chunk's and some more, against cache-set conflicts.
inline constexpr size_t kScoreStride = kKvChunkTokens + 16;

// Where a thread works on a tile.
struct TileMemory {
  float* queries;  // [lines][head_dim], scaled; of the int8 cache integers (int8/simd.cc)
  float* scores;   // [lines][kScoreStride]; not used for the int8 cache
  float* page;     // [kKvPageTokens · head_dim]: keys or values of a page as f32; likewise
  Partial chunk;
  Partial all;
};

// `params` is for the type of the tile's cache. Those of merge and finish, and what they do, are
// the same for every type.
struct TileFunctions {
  // Writes k and v ([step rows][kv_heads · head_dim]) of the tile's rows, all in one page.
  void (*write)(const Params& params, const Tile& tile, const float* k, const float* v);
  // q [step rows][heads · head_dim] → memory.queries.
  void (*load_queries)(const Params& params, const Tile& tile, const float* q,
                       const TileMemory& memory);
  // Attention to the keys of one chunk → `out`.
  void (*chunk)(const Params& params, const Tile& tile, int32_t chunk, const TileMemory& memory,
                const Partial& out);
  // Adds what follows `into` in key order.
  void (*merge)(const Params& params, size_t lines, const Partial& from, const Partial& into);
  // values / sum → f32 rows `stride` bytes apart, or int8 terms if `quantized` (group · head_dim is
  // then a multiple of 32). `all.values` is overwritten.
  void (*finish)(const Params& params, const Tile& tile, const Partial& all, bool quantized,
                 uint8_t* out, size_t stride);
};

// For f16 and f32 caches; null if the CPU has no vectors known.
const TileFunctions* SimdFunctions(const CpuFeatures& cpu);
// For the int8 cache.
std::optional<TileFunctions> Int8Functions(const CpuFeatures& cpu);

}  // namespace hob::ops::attention
