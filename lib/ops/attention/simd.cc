// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <limits>

#include "lib/ops/attention/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/attention/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/attention/lines-inl.h"
#include "lib/ops/attention/multiply-inl.h"
#include "lib/ops/exp-inl.h"
#include "lib/ops/quantize/quantize_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::attention {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

const TileFunctions* Get() { return nullptr; }

#else

HWY_INLINE float ExpOf(float x) {
  const D d;
  return hn::GetLane(ops::HWY_NAMESPACE::Exp(d, hn::Set(d, x)));
}

HWY_INLINE void ConvertPage(const F16* HWY_RESTRICT from, size_t count, float* HWY_RESTRICT to) {
  const D d;
  for (size_t i = 0; i < count; i += kLanes) hn::StoreU(LoadAsF32(d, from + i), d, to + i);
}

// scores = queries · keys of one page, for the columns that each block of lines needs.
template <class T>
void ScorePage(const Params& params, const Tile& tile, int32_t page_begin, int32_t chunk_begin,
               const T* keys, const TileMemory& memory, Next next) {
  const auto width = static_cast<size_t>(params.head_dim);
  const Lines lines(static_cast<size_t>(tile.rows) * params.group);
  for (size_t block = 0; block < lines.blocks; ++block) {
    const size_t i = lines.begin(block), end = lines.begin(block + 1);
    const int32_t page_end = page_begin + kKvPageTokens;
    const int32_t first = KeysOf(params, tile, i, page_begin, page_end).first;
    const int32_t last = KeysOf(params, tile, end - 1, page_begin, page_end).end;
    if (first >= last) continue;
    const size_t from = static_cast<size_t>(first - page_begin) / kLanes * kLanes;
    const size_t to = (static_cast<size_t>(last - page_begin) + kLanes - 1) / kLanes * kLanes;
    float* scores = memory.scores + i * kScoreStride + (page_begin - chunk_begin) + from;
    MultiplyLines(end - i, width, memory.queries + i * width, width, keys + from, kPage, scores,
                  kScoreStride, to - from, false, next);
  }
}

// out += weights · values of one page. Each line takes its own keys and no others (0·v is not 0 for
// every v), so a block has a part in common and rests for each line.
template <class T>
void WeighPage(const Params& params, const Tile& tile, int32_t page_begin, int32_t chunk_begin,
               const T* values, const TileMemory& memory, const Partial& out, Next next) {
  const auto width = static_cast<size_t>(params.head_dim);
  const Lines lines(static_cast<size_t>(tile.rows) * params.group);
  const int32_t page_end = page_begin + kKvPageTokens;
  const auto weigh = [&](size_t line, size_t count, int32_t first, int32_t end) HWY_ATTR {
    if (first >= end) return;
    MultiplyLines(count, static_cast<size_t>(end - first),
                  memory.scores + line * kScoreStride + (first - chunk_begin), kScoreStride,
                  values + static_cast<size_t>(first - page_begin) * width, width,
                  out.values + line * width, width, width, true, next);
  };
  for (size_t block = 0; block < lines.blocks; ++block) {
    const size_t begin = lines.begin(block), end = lines.begin(block + 1);
    const Keys low = KeysOf(params, tile, begin, page_begin, page_end);
    const Keys high = KeysOf(params, tile, end - 1, page_begin, page_end);
    const int32_t first = high.first, last = low.end;  // in common
    if (low.first == high.first && low.end == high.end) {
      weigh(begin, end - begin, first, last);
      continue;
    }
    for (size_t i = begin; i < end; ++i) {
      const Keys own = KeysOf(params, tile, i, page_begin, page_end);
      weigh(i, 1, own.first, first < last ? first : own.end);
    }
    if (first >= last) continue;
    weigh(begin, end - begin, first, last);
    for (size_t i = begin; i < end; ++i) {
      weigh(i, 1, last, KeysOf(params, tile, i, page_begin, page_end).end);
    }
  }
}

// From this many lines on, a page is converted once instead of in each block.
constexpr size_t kConvertLines = 2 * kMaxLines;

template <class T>
HWY_INLINE const T* CachePointer(const Tile& tile, int32_t page, size_t offset) {
  return reinterpret_cast<const T*>(tile.sequence->pages[page] + offset);
}

void Chunk(const Params& params, const Tile& tile, int32_t chunk, const TileMemory& memory,
           const Partial& out) {
  const auto width = static_cast<size_t>(params.head_dim);
  const size_t lines = static_cast<size_t>(tile.rows) * params.group;
  const int32_t begin = chunk * kKvChunkTokens, end = begin + kKvChunkTokens;
  const int32_t first = KeysOf(params, tile, 0, begin, end).first;
  const int32_t last = KeysOf(params, tile, lines - 1, begin, end).end;
  for (size_t i = 0; i < lines; ++i) out.sum[i] = 0;
  if (first >= last) return;
  const bool f32 = params.kv.type == DType::kF32;
  const bool convert = !f32 && lines >= kConvertLines;
  const int32_t first_page = first / kKvPageTokens, last_page = (last - 1) / kKvPageTokens;

  size_t offset = params.kv.key_offset(params.layer, tile.kv_head);
  for (int32_t page = first_page; page <= last_page; ++page) {
    const int32_t at = page * kKvPageTokens;
    const Next next =
        convert ? nullptr : NextPage(params, tile, false, page, first_page, last_page);
    if (convert) ConvertPage(CachePointer<F16>(tile, page, offset), kPage * width, memory.page);
    if (f32 || convert) {
      const float* keys = f32 ? CachePointer<float>(tile, page, offset) : memory.page;
      ScorePage(params, tile, at, begin, keys, memory, next);
    } else {
      ScorePage(params, tile, at, begin, CachePointer<F16>(tile, page, offset), memory, next);
    }
  }

  for (size_t i = 0; i < lines; ++i) {
    const Keys keys = KeysOf(params, tile, i, begin, end);
    if (keys.first >= keys.end) continue;
    const auto from = static_cast<size_t>(keys.first - begin);
    const auto to = static_cast<size_t>(keys.end - begin);
    float* scores = memory.scores + i * kScoreStride;
    out.max[i] = MaskAndMax(scores, from, to);
    out.sum[i] = ExpAndSum(scores, from, to, out.max[i]);
  }

  std::memset(out.values, 0, lines * width * sizeof(float));
  offset = params.kv.value_offset(params.layer, tile.kv_head);
  for (int32_t page = first_page; page <= last_page; ++page) {
    const int32_t at = page * kKvPageTokens;
    const Next next = convert ? nullptr : NextPage(params, tile, true, page, first_page, last_page);
    if (convert) {
      const auto used = static_cast<size_t>(HWY_MIN(last - at, kKvPageTokens));
      ConvertPage(CachePointer<F16>(tile, page, offset), used * width, memory.page);
    }
    if (f32 || convert) {
      const float* values = f32 ? CachePointer<float>(tile, page, offset) : memory.page;
      WeighPage(params, tile, at, begin, values, memory, out, next);
    } else {
      WeighPage(params, tile, at, begin, CachePointer<F16>(tile, page, offset), memory, out, next);
    }
  }
}

void LoadQueries(const Params& params, const Tile& tile, const float* q, const TileMemory& memory) {
  const D d;
  const size_t columns = static_cast<size_t>(params.heads) * params.head_dim;
  const size_t count = static_cast<size_t>(params.group) * params.head_dim;
  const auto scale = hn::Set(d, params.scale);
  float* to = memory.queries;
  for (int32_t r = 0; r < tile.rows; ++r, to += count) {
    const float* from = q + (tile.step_row() + static_cast<size_t>(r)) * columns +
                        static_cast<size_t>(tile.kv_head) * count;
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      hn::StoreU(hn::Mul(hn::LoadU(d, from + i), scale), d, to + i);
    }
    for (; i < count; ++i) to[i] = from[i] * params.scale;
  }
}

void Merge(const Params& params, size_t lines, const Partial& from, const Partial& into) {
  const hn::CappedTag<float, 8> d;  // head_dim is a multiple of 8
  constexpr size_t kN = hn::MaxLanes(d);
  const auto width = static_cast<size_t>(params.head_dim);
  for (size_t i = 0; i < lines; ++i) {
    if (from.sum[i] == 0) continue;
    const float* part = from.values + i * width;
    float* all = into.values + i * width;
    if (into.sum[i] == 0) {
      into.max[i] = from.max[i];
      into.sum[i] = from.sum[i];
      std::memcpy(all, part, width * sizeof(float));
      continue;
    }
    const float max = HWY_MAX(into.max[i], from.max[i]);
    const float old = ExpOf(into.max[i] - max), fresh = ExpOf(from.max[i] - max);
    into.max[i] = max;
    into.sum[i] = into.sum[i] * old + from.sum[i] * fresh;
    const auto a = hn::Set(d, old), b = hn::Set(d, fresh);
    for (size_t j = 0; j < width; j += kN) {
      hn::StoreU(hn::MulAdd(hn::LoadU(d, all + j), a, hn::Mul(hn::LoadU(d, part + j), b)), d,
                 all + j);
    }
  }
}

void Finish(const Params& params, const Tile& tile, const Partial& all, bool quantized,
            uint8_t* out, size_t stride) {
  const hn::CappedTag<float, 8> d;
  constexpr size_t kN = hn::MaxLanes(d);
  const auto width = static_cast<size_t>(params.head_dim);
  const auto group = static_cast<size_t>(params.group);
  const size_t column = static_cast<size_t>(tile.kv_head) * group * width;
  for (size_t r = 0; r < static_cast<size_t>(tile.rows); ++r) {
    uint8_t* row = out + (tile.step_row() + r) * stride;
    float* values = all.values + r * group * width;
    float* y = quantized ? values : reinterpret_cast<float*>(row) + column;
    for (size_t h = 0; h < group; ++h) {
      const auto factor = hn::Set(d, 1.0f / all.sum[r * group + h]);
      for (size_t j = h * width; j < (h + 1) * width; j += kN) {
        hn::StoreU(hn::Mul(hn::LoadU(d, values + j), factor), d, y + j);
      }
    }
    if (!quantized) continue;
    ops::HWY_NAMESPACE::QuantizeBlocks(values, group * width / 32,
                                       Q8Row(row, params.query_columns(), params.terms), column);
  }
}

// Highway's f16 conversion without F16C truncates; the cache rounds.
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
HWY_INLINE void StoreCache(const float* from, size_t count, F16* to) {
  auto* bits = reinterpret_cast<uint16_t*>(to);
  for (size_t i = 0; i < count; ++i) bits[i] = ToCacheF16(from[i]);
}
#else
HWY_INLINE void StoreCache(const float* from, size_t count, F16* to) {
  const hn::CappedTag<float, 8> d;
  const hn::Rebind<F16, decltype(d)> d16;
  constexpr size_t kN = hn::MaxLanes(d);
  const auto low = hn::Set(d, -kMaxF16), high = hn::Set(d, kMaxF16);
  for (size_t i = 0; i < count; i += kN) {
    const auto x = hn::Min(high, hn::Max(low, hn::LoadU(d, from + i)));
    hn::StoreU(hn::DemoteTo(d16, x), d16, to + i);
  }
}
#endif
HWY_INLINE void StoreCache(const float* from, size_t count, float* to) {
  std::memcpy(to, from, count * sizeof(float));
}

template <class T>
void WriteAs(const Params& params, const Tile& tile, const float* k, const float* v) {
  const auto width = static_cast<size_t>(params.head_dim);
  const size_t stride = static_cast<size_t>(params.kv_heads) * width;
  const int32_t position = tile.position(0);
  uint8_t* page = tile.sequence->pages[position / kKvPageTokens];
  const auto slot = static_cast<size_t>(position % kKvPageTokens);
  const auto rows = static_cast<size_t>(tile.rows);
  T* keys = reinterpret_cast<T*>(page + params.kv.key_offset(params.layer, tile.kv_head)) + slot;
  T* values = reinterpret_cast<T*>(page + params.kv.value_offset(params.layer, tile.kv_head)) +
              slot * width;
  const size_t at = tile.step_row() * stride + static_cast<size_t>(tile.kv_head) * width;
  k += at;
  v += at;
  for (size_t r = 0; r < rows; ++r) StoreCache(v + r * stride, width, values + r * width);
  if (rows < 8) {
    HWY_ALIGN T row[kMaxHeadDim];
    for (size_t r = 0; r < rows; ++r) {
      StoreCache(k + r * stride, width, row);
      for (size_t d = 0; d < width; ++d) keys[d * kPage + r] = row[d];
    }
    return;
  }
  HWY_ALIGN float channel[kPage] = {};
  HWY_ALIGN T stored[kPage];
  for (size_t d = 0; d < width; ++d) {
    for (size_t r = 0; r < rows; ++r) channel[r] = k[r * stride + d];
    StoreCache(channel, (rows + 7) / 8 * 8, stored);
    std::memcpy(keys + d * kPage, stored, rows * sizeof(T));
  }
}

void Write(const Params& params, const Tile& tile, const float* k, const float* v) {
  if (params.kv.type == DType::kF32) {
    WriteAs<float>(params, tile, k, v);
  } else {
    WriteAs<F16>(params, tile, k, v);
  }
}

constexpr TileFunctions kFunctions = {&Write, &LoadQueries, &Chunk, &Merge, &Finish};

const TileFunctions* Get() { return &kFunctions; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::attention
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::attention {

const TileFunctions* SimdFunctions(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::attention
#endif
