// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "lib/ops/bidirectional_attention/bidirectional_attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/bidirectional_attention/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/attention/lines-inl.h"
#include "lib/ops/attention/multiply-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hob::ops::bidirectional_attention {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR

HeadFunction Get() { return nullptr; }

#else

namespace tile = hob::ops::attention::HWY_NAMESPACE;

// Lines are worked on in blocks, each with its own sums that run over the keys in order: how many
// lines a block has changes no bit.
void Head(const Params& params, const float* q, const float* k, const float* v, size_t rows,
          size_t stride, float* out, float* scratch) {
  const size_t width = params.width, keys = (rows + 15) / 16 * 16;
  float* transposed = scratch;  // [width][keys]
  float* scores = transposed + width * keys;
  float* queries = scores + kBlockLines * keys;
  for (size_t d = 0; d < width; ++d) {
    float* channel = transposed + d * keys;
    for (size_t t = 0; t < rows; ++t) channel[t] = k[t * stride + d];
    for (size_t t = rows; t < keys; ++t) channel[t] = 0;
  }
  const size_t blocks = (rows + kBlockLines - 1) / kBlockLines;
  for (size_t block = 0; block < blocks; ++block) {
    const size_t begin = rows * block / blocks, lines = rows * (block + 1) / blocks - begin;
    for (size_t i = 0; i < lines; ++i) {
      const float* query = q + (begin + i) * stride;
      for (size_t d = 0; d < width; ++d) queries[i * width + d] = query[d] * params.scale;
    }
    tile::MultiplyLines(lines, width, queries, width, transposed, keys, scores, keys, keys, false,
                        nullptr);
    float sums[kBlockLines];
    for (size_t i = 0; i < lines; ++i) {
      float* line = scores + i * keys;
      sums[i] = tile::ExpAndSum(line, 0, rows, tile::MaskAndMax(line, 0, rows));
    }
    float* values = out + begin * stride;
    tile::MultiplyLines(lines, rows, scores, keys, v, stride, values, stride, width, false,
                        nullptr);
    for (size_t i = 0; i < lines; ++i) {
      float* line = values + i * stride;
      for (size_t d = 0; d < width; ++d) line[d] /= sums[i];
    }
  }
}

HeadFunction Get() { return &Head; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace hob::ops::bidirectional_attention
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hob::ops::bidirectional_attention {

HeadFunction SimdHead(const CpuFeatures& cpu) { return HOB_SIMD_CHOOSE(cpu, Get)(); }

}  // namespace hob::ops::bidirectional_attention
#endif
