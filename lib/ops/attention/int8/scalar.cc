// SPDX-License-Identifier: Apache-2.0
// The reference of attention over the int8 cache.
#include "lib/ops/attention/int8/cache.h"

namespace hob::ops::attention {

void WriteInt8Scalar(const Params& params, int32_t kv_head, size_t slot, const float* k,
                     const float* v, uint8_t* page) {
  const Int8Cache cache(params.head_dim);
  const auto width = static_cast<size_t>(params.head_dim);
  uint8_t* keys = page + params.kv.key_offset(params.layer, kv_head);
  uint8_t* values = page + params.kv.value_offset(params.layer, kv_head);
  int32_t q[kMaxHeadDim];
  cache.scales(keys)[slot] = QuantizeScalar(k, width, kCacheLimit, q);
  for (size_t d = 0; d < width; ++d) {
    keys[cache.key(slot, d)] = static_cast<uint8_t>(q[d] + kKeyBias);
  }
  cache.scales(values)[slot] = QuantizeScalar(v, width, kCacheLimit, q);
  for (size_t d = 0; d < width; ++d) {
    values[cache.value(slot, d)] = static_cast<uint8_t>(q[d]);
  }
}

void ChunkInt8Scalar(const Params& params, const SequenceRows& sequence, int32_t kv_head,
                     const int32_t* query, float query_scale, ScalarChunk& chunk, float* part) {
  const Int8Cache cache(params.head_dim);
  const auto width = static_cast<size_t>(params.head_dim);
  const size_t key_offset = params.kv.key_offset(params.layer, kv_head);
  const size_t value_offset = params.kv.value_offset(params.layer, kv_head);
  float p[kKvChunkTokens];
  int32_t weights[kKvChunkTokens];
  chunk.max = -std::numeric_limits<float>::infinity();
  chunk.sum = 0;
  for (int32_t t = chunk.first; t < chunk.end; ++t) {
    const uint8_t* keys = sequence.pages[t / kKvPageTokens] + key_offset;
    const auto slot = static_cast<size_t>(t % kKvPageTokens);
    int32_t sum = 0;
    for (size_t d = 0; d < width; ++d) sum += query[d] * (keys[cache.key(slot, d)] - kKeyBias);
    const float score = static_cast<float>(sum) * cache.scales(keys)[slot] * query_scale;
    p[t - chunk.first] = score;
    chunk.max = std::max(chunk.max, score);
  }
  for (int32_t t = chunk.first; t < chunk.end; ++t) {
    const uint8_t* values = sequence.pages[t / kKvPageTokens] + value_offset;
    const float weight = std::exp(p[t - chunk.first] - chunk.max);
    chunk.sum += weight;
    p[t - chunk.first] = weight * cache.scales(values)[t % kKvPageTokens];
  }
  const float scale =
      QuantizeScalar(p, static_cast<size_t>(chunk.end - chunk.first), kWeightLimit, weights);
  for (size_t d = 0; d < width; ++d) {
    int32_t sum = 0;
    for (int32_t t = chunk.first; t < chunk.end; ++t) {
      const uint8_t* values = sequence.pages[t / kKvPageTokens] + value_offset;
      const auto slot = static_cast<size_t>(t % kKvPageTokens);
      sum += weights[t - chunk.first] * static_cast<int8_t>(values[cache.value(slot, d)]);
    }
    part[d] = static_cast<float>(sum) * scale;
  }
}

}  // namespace hob::ops::attention
