// SPDX-License-Identifier: Apache-2.0
// Attention over the int8 cache (cache.h): what is written to it, queries, and a chunk's softmax
// around the integer products.
#include <cstring>

#include "lib/ops/attention/int8/cache.h"
#include "lib/ops/attention/int8/products.h"
#include "lib/ops/attention/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/attention/int8/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/attention/int8/products-inl.h"
#include "lib/ops/attention/lines-inl.h"
#include "lib/ops/exp-inl.h"
#include "lib/ops/sum16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::attention {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

TileFunctions GetInt8() { return {}; }

#else

static_assert(kMaxLines == kMaxProductLines && kPage == kPageTokens);
static_assert(kKvChunkTokens == kWeightStride && kScoreStride == kInt8ScoreStride);

// 8 lanes, for what is a multiple of 8 long.
using D8 = hn::CappedTag<float, 8>;
using DI8 = hn::RebindToSigned<D8>;

// QuantizeScalar's integers and scale of `count` values, a multiple of 8.
HWY_INLINE float QuantizeWide(const float* HWY_RESTRICT x, size_t count, int32_t limit,
                              int32_t* HWY_RESTRICT q) {
  const D8 d;
  const DI8 di;
  constexpr size_t kN = hn::MaxLanes(d);
  const auto magnitude = hn::Set(di, 0x7fffffff);
  auto largest = hn::Zero(di);
  for (size_t i = 0; i < count; i += kN) {
    largest = hn::Max(largest, hn::And(hn::BitCast(di, hn::LoadU(d, x + i)), magnitude));
  }
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  if (HWY_UNLIKELY(!HasIntegers(bits))) {
    std::memset(q, 0, count * sizeof(int32_t));
    return ScaleOf(bits, limit);
  }
  const float scale = ScaleOf(bits, limit);
  const auto inverse = hn::Set(d, 1.0f / scale);
  for (size_t i = 0; i < count; i += kN) {
    hn::StoreU(hn::NearestInt(hn::Mul(hn::LoadU(d, x + i), inverse)), di, q + i);
  }
  return scale;
}

// Where the quantised queries of a tile lie in memory.queries: int8 [lines][terms][width], then
// f32 scales [lines], then int32 [lines][terms], −128·Σ.
struct Queries {
  Queries(const Params& params, const TileMemory& memory, size_t lines)
      : q(reinterpret_cast<int8_t*>(memory.queries)),
        scales(reinterpret_cast<float*>(q + lines * static_cast<size_t>(params.query_terms) *
                                                static_cast<size_t>(params.head_dim))),
        start(reinterpret_cast<int32_t*>(scales + lines)) {}
  int8_t* q;
  float* scales;
  int32_t* start;
};

void LoadInt8(const Params& params, const Tile& tile, const float* q, const TileMemory& memory) {
  const auto width = static_cast<size_t>(params.head_dim);
  const auto group = static_cast<size_t>(params.group);
  const auto terms = static_cast<size_t>(params.query_terms);
  const Queries queries(params, memory, static_cast<size_t>(tile.rows) * group);
  const int32_t limit = QueryLimit(params.query_terms);
  const DI8 di;
  const D8 d;
  const hn::Rebind<int8_t, DI8> d8;
  constexpr size_t kN = hn::MaxLanes(di);
  HWY_ALIGN int32_t a[kMaxHeadDim];
  int8_t* to = queries.q;
  for (size_t line = 0; line < static_cast<size_t>(tile.rows) * group; ++line) {
    const size_t head = static_cast<size_t>(tile.kv_head) * group + line % group;
    const float* from =
        q + (tile.step_row() + line / group) * params.query_columns() + head * width;
    queries.scales[line] = QuantizeWide(from, width, limit, a) * params.scale;
    auto sum = hn::Zero(di), low_sum = hn::Zero(di);
    for (size_t i = 0; i < width; i += kN) {
      auto high = hn::LoadU(di, a + i);
      if (terms == 2) {
        const auto value = high;
        high = hn::NearestInt(hn::Mul(hn::ConvertTo(d, value), hn::Set(d, kQ16High)));
        const auto low = hn::Add(hn::Sub(value, hn::ShiftLeft<8>(high)), high);
        hn::StoreU(hn::DemoteTo(d8, low), d8, to + width + i);
        low_sum = hn::Add(low_sum, low);
      }
      hn::StoreU(hn::DemoteTo(d8, high), d8, to + i);
      sum = hn::Add(sum, high);
    }
    int32_t* start = queries.start + line * terms;
    start[0] = -kKeyBias * hn::GetLane(hn::SumOfLanes(di, sum));
    if (terms == 2) start[1] = -kKeyBias * hn::GetLane(hn::SumOfLanes(di, low_sum));
    to += terms * width;
  }
}

// Scores of a line's keys [begin, end) of a chunk, in place, to e^(s − max) times the scale of the
// key's values; *sum = Σe^(s − max), summed as the float cache's are. Returns the bits of the
// largest.
HWY_INLINE int32_t ScaledExp(float* HWY_RESTRICT s, const float* const* value_scales, size_t begin,
                             size_t end, float max, float* HWY_RESTRICT sum) {
  const D d;
  const hn::RebindToUnsigned<D> du;
  constexpr size_t kVectors = 16 / kLanes;
  const V shift = hn::Set(d, max), none = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto largest = hn::Zero(du);  // none is negative, and a NaN of either sign is larger than all
  V sums[kVectors];
  for (auto& lane : sums) lane = hn::Zero(d);
  for (size_t i = begin / 16 * 16; i < end; i += 16) {
    const float* scales = value_scales[i / kPage] + i % kPage;
    for (size_t v = 0; v < kVectors; ++v) {
      float* at = s + i + v * kLanes;
      const V score = hn::LoadU(d, at);
      const V p = ops::HWY_NAMESPACE::ExpNoOverflow(d, hn::Sub(score, shift));
      sums[v] = hn::Add(sums[v], p);
      // A key beside the line's has the score −∞, and maybe no scale yet.
      const V w =
          hn::IfThenZeroElse(hn::Eq(score, none), hn::Mul(p, hn::LoadU(d, scales + v * kLanes)));
      hn::StoreU(w, d, at);
      largest = hn::Max(largest, hn::BitCast(du, w));
    }
  }
  *sum = ops::HWY_NAMESPACE::SumOf16(d, sums);
  return static_cast<int32_t>(hn::GetLane(hn::MaxOfLanes(du, largest)) & 0x7fffffffu);
}

// The low bytes of 32-bit lanes.
template <class V32>
HWY_INLINE void StoreLowBytes(V32 v, uint8_t* to) {
#if HWY_TARGET == HWY_AVX3
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(v.raw));
#else
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint8_t, D> d8;
  hn::StoreU(hn::DemoteTo(d8, hn::And(v, hn::Set(di, 255))), d8, to);
#endif
}

// ScaledExp's results to integers, whole groups of 16.
HWY_INLINE void StoreWeights(const float* HWY_RESTRICT s, size_t begin, size_t end, float scale,
                             uint8_t* HWY_RESTRICT weights) {
  const D d;
  const V inverse = hn::Set(d, 1.0f / scale);
  const size_t first = begin / 16 * 16, last = (end + 15) / 16 * 16;
  for (size_t i = first; i < last; i += kLanes) {
    const auto w = hn::NearestInt(hn::Mul(hn::LoadU(d, s + i), inverse));
    StoreLowBytes(hn::ShiftRight<8>(w), weights + i);
    StoreLowBytes(w, weights + kWeightStride + i);
  }
}

// Scores of the lines [line, line + count), all chunk-relative keys in [from, to), to weights and
// their scales; max and sum to `out`. Lines take turns in each pass: a line's own passes wait for
// one another.
HWY_INLINE void Softmax(const Params& params, const Tile& tile, int32_t chunk_begin, size_t line,
                        size_t count, size_t from, size_t to, float* HWY_RESTRICT scores,
                        const float* const* value_scales, const Partial& out,
                        uint8_t* HWY_RESTRICT weights, float* HWY_RESTRICT scales) {
  size_t first[kMaxLines], end[kMaxLines];
  int32_t bits[kMaxLines];
  for (size_t i = 0; i < count; ++i) {
    const Keys keys = KeysOf(params, tile, line + i, chunk_begin, chunk_begin + kKvChunkTokens);
    first[i] = static_cast<size_t>(keys.first - chunk_begin);
    end[i] = keys.first < keys.end ? static_cast<size_t>(keys.end - chunk_begin) : first[i];
    if (first[i] < end[i]) {
      out.max[line + i] = MaskAndMax(scores + i * kScoreStride, first[i], end[i]);
    }
  }
  for (size_t i = 0; i < count; ++i) {
    bits[i] = 0;
    if (first[i] >= end[i]) continue;
    bits[i] = ScaledExp(scores + i * kScoreStride, value_scales, first[i], end[i],
                        out.max[line + i], &out.sum[line + i]);
  }
  for (size_t i = 0; i < count; ++i) {
    uint8_t* own = weights + i * 2 * kWeightStride;
    scales[i] = ScaleOf(bits[i], kWeightLimit);
    // Zeros for keys of the block that are not the line's.
    const bool all = first[i] / 16 == from / 16 && (end[i] + 15) / 16 == (to + 15) / 16;
    const bool integers = HasIntegers(bits[i]);
    if (!all || !integers) {
      const size_t low = from / 16 * 16, high = (to + 15) / 16 * 16;
      std::memset(own + low, 0, high - low);
      std::memset(own + kWeightStride + low, 0, high - low);
    }
    if (integers) {
      StoreWeights(scores + i * kScoreStride, first[i], end[i], scales[i], own);
    }
  }
}

void ChunkInt8(const Params& params, const Tile& tile, int32_t chunk, const TileMemory& memory,
               const Partial& out) {
  const auto width = static_cast<size_t>(params.head_dim);
  const Int8Cache cache(params.head_dim);
  const Lines lines(static_cast<size_t>(tile.rows) * params.group);
  const Queries queries(params, memory, lines.count);
  const Products& products = params.products != nullptr ? *params.products : kProducts;
  const int32_t begin = chunk * kKvChunkTokens, end = begin + kKvChunkTokens;
  const size_t key_offset = params.kv.key_offset(params.layer, tile.kv_head);
  const size_t value_offset = params.kv.value_offset(params.layer, tile.kv_head);
  const auto query_terms = static_cast<size_t>(params.query_terms);
  constexpr size_t kPages = kKvChunkTokens / kPage;
  HWY_ALIGN float scores[kMaxLines * kScoreStride];
  HWY_ALIGN uint8_t weights[kMaxLines * 2 * kWeightStride];
  float scales[kMaxLines];

  for (size_t block = 0; block < lines.blocks; ++block) {
    const size_t line = lines.begin(block), count = lines.begin(block + 1) - line;
    const int32_t first = KeysOf(params, tile, line, begin, end).first;
    const int32_t last = KeysOf(params, tile, line + count - 1, begin, end).end;
    for (size_t i = line; i < line + count; ++i) out.sum[i] = 0;
    if (first >= last) continue;
    const int32_t first_page = first / kKvPageTokens, last_page = (last - 1) / kKvPageTokens;
    const bool ahead = lines.count <= kPrefetchLines;

    const uint8_t* values[kPages] = {};
    const float* value_scales[kPages] = {};
    for (int32_t page = first_page; page <= last_page; ++page) {
      const uint8_t* memory_page = tile.sequence->pages[page];
      const uint8_t* keys = memory_page + key_offset;
      const auto at = static_cast<size_t>(page - begin / kKvPageTokens);
      values[at] = memory_page + value_offset;
      value_scales[at] = cache.scales(values[at]);
      products.score(
          {.keys = keys,
           .key_scales = cache.scales(keys),
           .width = width,
           .queries = queries.q + line * query_terms * width,
           .start = queries.start + line * query_terms,
           .query_scales = queries.scales + line,
           .scores = scores + at * kPage,
           .next = ahead ? NextPage(params, tile, false, page, first_page, last_page) : nullptr},
          count, params.query_terms);
    }

    const auto from = static_cast<size_t>(first - begin), to = static_cast<size_t>(last - begin);
    Softmax(params, tile, begin, line, count, from, to, scores, value_scales, out, weights, scales);

    products.weigh(
        {.pages = values,
         .first = from / 4,
         .end = (to + 3) / 4,
         .width = width,
         .weights = weights,
         .scales = scales,
         .out = out.values + line * width,
         .next = ahead ? NextPage(params, tile, true, last_page, first_page, last_page) : nullptr},
        count);
  }
}

void WriteInt8(const Params& params, const Tile& tile, const float* k, const float* v) {
  const auto width = static_cast<size_t>(params.head_dim);
  const Int8Cache cache(params.head_dim);
  const size_t stride = params.key_columns();
  const int32_t position = tile.position(0);
  uint8_t* page = tile.sequence->pages[position / kKvPageTokens];
  uint8_t* keys = page + params.kv.key_offset(params.layer, tile.kv_head);
  uint8_t* values = page + params.kv.value_offset(params.layer, tile.kv_head);
  const size_t at = tile.step_row() * stride + static_cast<size_t>(tile.kv_head) * width;
  k += at;
  v += at;
  const DI8 di;
  constexpr size_t kN = hn::MaxLanes(di);
  HWY_ALIGN int32_t q[kMaxHeadDim];
  for (size_t r = 0; r < static_cast<size_t>(tile.rows); ++r, k += stride, v += stride) {
    const size_t slot = static_cast<size_t>(position % kKvPageTokens) + r;
    cache.scales(keys)[slot] = QuantizeWide(k, width, kCacheLimit, q);
    for (size_t d = 0; d < width; d += 4) {
      uint32_t four = 0;
      for (size_t i = 0; i < 4; ++i) {
        four |= static_cast<uint32_t>((q[d + i] + kKeyBias) & 255) << (8 * i);
      }
      std::memcpy(keys + cache.key(slot, d), &four, sizeof(four));
    }
    cache.scales(values)[slot] = QuantizeWide(v, width, kCacheLimit, q);
    // The token's byte of each lane of four.
    auto* lanes = reinterpret_cast<int32_t*>(values) + slot / 4 * cache.width;
    const auto shift = static_cast<int>(8 * (slot % 4));
    const auto byte = hn::Set(di, 255);
    const auto mask = hn::ShiftLeftSame(byte, shift);
    for (size_t d = 0; d < width; d += kN) {
      const auto own = hn::ShiftLeftSame(hn::And(hn::LoadU(di, q + d), byte), shift);
      hn::StoreU(hn::Or(hn::AndNot(mask, hn::LoadU(di, lanes + d)), own), di, lanes + d);
    }
  }
}

TileFunctions GetInt8() { return {&WriteInt8, &LoadInt8, &ChunkInt8, nullptr, nullptr}; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::attention
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::attention {

std::optional<TileFunctions> Int8Functions(const CpuFeatures& cpu) {
  const TileFunctions* floats = SimdFunctions(cpu);
  if (floats == nullptr) return std::nullopt;
  TileFunctions functions = HOB_SIMD_CHOOSE(cpu, GetInt8)();
  functions.merge = floats->merge;
  functions.finish = floats->finish;
  return functions;
}

}  // namespace hob::ops::attention
#endif
