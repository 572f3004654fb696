// SPDX-License-Identifier: Apache-2.0
// What the attention to float and to int8 caches shares, for each Highway target: blocks of lines,
// the keys that a line sees, the largest of its scores.
#if defined(HOB_OPS_ATTENTION_LINES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HOB_OPS_ATTENTION_LINES_INL_H_
#undef HOB_OPS_ATTENTION_LINES_INL_H_
#else
#define HOB_OPS_ATTENTION_LINES_INL_H_
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"
#include "lib/ops/attention/tile.h"
#include "lib/ops/exp-inl.h"
#include "lib/ops/sum16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::attention {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr size_t kLanes = hn::MaxLanes(D());
constexpr size_t kMaxLines = 6;  // of a register block
constexpr size_t kPage = kKvPageTokens;
constexpr size_t kPrefetchLines = 4;  // up to these, reading the cache takes longer than computing

// What to fetch into the cache meanwhile; may be null. A page of the cache is too short for the
// hardware to see a stream in it.
using Next = const uint8_t*;

// The lines of a tile in near-equal blocks of at most kMaxLines.
struct Lines {
  explicit Lines(size_t count) : count(count), blocks((count + kMaxLines - 1) / kMaxLines) {}
  size_t begin(size_t block) const { return count * block / blocks; }
  size_t count, blocks;
};

// Positions [first, end) of a line that lie in [low, high).
struct Keys {
  int32_t first, end;
};
HWY_INLINE Keys KeysOf(const Params& params, const Tile& tile, size_t line, int32_t low,
                       int32_t high) {
  const int32_t position = tile.position(static_cast<int32_t>(line) / params.group);
  const int32_t first = params.window == 0 ? 0 : HWY_MAX(0, position + 1 - params.window);
  return {HWY_MAX(first, low), HWY_MIN(position + 1, high)};
}

// The largest of the scores of the keys [begin, end) of a chunk. Lanes beside them, to whole groups
// of 16, become -infinity.
HWY_INLINE float MaskAndMax(float* HWY_RESTRICT s, size_t begin, size_t end) {
  const D d;
  const size_t first = begin / 16 * 16, last = (end + 15) / 16 * 16;
  for (size_t i = first; i < begin; ++i) s[i] = -std::numeric_limits<float>::infinity();
  for (size_t i = end; i < last; ++i) s[i] = -std::numeric_limits<float>::infinity();
  constexpr size_t kStep = 4 * kLanes;  // four chains
  V largest[4];
  for (auto& lane : largest) lane = hn::LoadU(d, s + first);
  size_t i = first;
  for (; i + kStep <= last; i += kStep) {
    for (size_t v = 0; v < 4; ++v) {
      largest[v] = hn::Max(largest[v], hn::LoadU(d, s + i + v * kLanes));
    }
  }
  for (; i < last; i += kLanes) largest[0] = hn::Max(largest[0], hn::LoadU(d, s + i));
  return hn::GetLane(
      hn::MaxOfLanes(d, hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]))));
}

// Those scores to weights e^(s − max), in place; returns their sum, taken in 16 strided lanes from
// key 0 of the chunk, then in a tree: the same on every target.
HWY_INLINE float ExpAndSum(float* HWY_RESTRICT s, size_t begin, size_t end, float max) {
  const D d;
  constexpr size_t kVectors = 16 / kLanes;
  const V shift = hn::Set(d, max);
  V sums[kVectors];
  for (auto& lane : sums) lane = hn::Zero(d);
  for (size_t i = begin / 16 * 16; i < end; i += 16) {
    for (size_t v = 0; v < kVectors; ++v) {
      float* at = s + i + v * kLanes;
      const V p = ops::HWY_NAMESPACE::ExpNoOverflow(d, hn::Sub(hn::LoadU(d, at), shift));
      hn::StoreU(p, d, at);
      sums[v] = hn::Add(sums[v], p);
    }
  }
  return ops::HWY_NAMESPACE::SumOf16(d, sums);
}

// What is read after `page` of this chunk's keys or values: the next page of them, then the values,
// then the next chunk's keys.
HWY_INLINE Next NextPage(const Params& params, const Tile& tile, bool values, int32_t page,
                         int32_t first_page, int32_t last_page) {
  const size_t keys_at = params.kv.key_offset(params.layer, tile.kv_head);
  const size_t values_at = params.kv.value_offset(params.layer, tile.kv_head);
  const int32_t newest = tile.position(tile.rows - 1) / kKvPageTokens;
  if (page < last_page) return tile.sequence->pages[page + 1] + (values ? values_at : keys_at);
  if (!values) return tile.sequence->pages[first_page] + values_at;
  return page < newest ? tile.sequence->pages[page + 1] + keys_at : nullptr;
}

#endif  // HWY_SCALAR
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::attention
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
