// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "lib/ops/attention/attention.h"
#include "lib/ops/attention/int8/cache.h"
#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/rows.h"

namespace hob::ops::attention {
namespace {

// One element of the cache, f16 or f32.
inline float LoadElement(const uint8_t* base, size_t index, DType type) {
  if (type == DType::kF32) return reinterpret_cast<const float*>(base)[index];
  return F16ToF32(reinterpret_cast<const uint16_t*>(base)[index]);
}

inline void StoreElement(uint8_t* base, size_t index, DType type, float value) {
  if (type == DType::kF32) {
    reinterpret_cast<float*>(base)[index] = value;
  } else {
    reinterpret_cast<uint16_t*>(base)[index] = ToCacheF16(value);
  }
}

class ScalarKernel final : public Kernel {
 public:
  ScalarKernel(const Params& params, size_t threads) : params_(params), threads_(threads) {
    for (const DType type : KvLayout::kTypes) by_type_[type] = params.As(type);
  }

  void Run(const RunContext& context) override {
    const auto* q = reinterpret_cast<const float*>(context.inputs[0]);
    const auto* k = reinterpret_cast<const float*>(context.inputs[1]);
    const auto* v = reinterpret_cast<const float*>(context.inputs[2]);
    for (const SequenceRows& sequence : context.step->sequences) {
      for (int32_t r = 0; r < sequence.rows; ++r) {
        const size_t at = static_cast<size_t>(sequence.first_row + r) * params_.key_columns();
        Write(sequence, sequence.position + r, k + at, v + at);
      }
    }
    const size_t columns = params_.query_columns();
    const bool quantized = params_.terms != 0;
    const size_t stride = params_.OutputStride();
    for (const SequenceRows& sequence : context.step->sequences) {
      context.pool->For(
          static_cast<size_t>(sequence.rows), 1, [&](size_t begin, size_t end, size_t thread) {
            for (size_t r = begin; r < end; ++r) {
              const size_t row = static_cast<size_t>(sequence.first_row) + r;
              uint8_t* out = context.outputs[0] + row * stride;
              auto* y = quantized ? reinterpret_cast<float*>(context.scratch) + thread * columns
                                  : reinterpret_cast<float*>(out);
              for (int32_t h = 0; h < params_.heads; ++h) {
                const size_t at = static_cast<size_t>(h) * params_.head_dim;
                Attend(sequence, sequence.position + static_cast<int32_t>(r), h,
                       q + row * columns + at, y + at);
              }
              if (quantized) QuantizeRowScalar(y, columns, params_.terms, out);
            }
          });
    }
  }

  size_t scratch_bytes() const override {
    return params_.terms != 0 ? threads_ * params_.query_columns() * sizeof(float) : 0;
  }
  std::string_view provider() const override { return "scalar"; }

 private:
  void Write(const SequenceRows& sequence, int32_t position, const float* k, const float* v) const {
    const Params& params = by_type_[sequence.kv_type];
    uint8_t* page = sequence.pages[position / kKvPageTokens];
    const auto slot = static_cast<size_t>(position % kKvPageTokens);
    const auto width = static_cast<size_t>(params_.head_dim);
    for (int32_t g = 0; g < params_.kv_heads; ++g, k += width, v += width) {
      if (params.int8()) {
        WriteInt8Scalar(params, g, slot, k, v, page);
        continue;
      }
      uint8_t* keys = page + params.kv.key_offset(params.layer, g);
      uint8_t* values = page + params.kv.value_offset(params.layer, g);
      for (size_t d = 0; d < width; ++d) {
        StoreElement(keys, d * kKvPageTokens + slot, params.kv.type, k[d]);
        StoreElement(values, slot * width + d, params.kv.type, v[d]);
      }
    }
  }

  // One head of one row.
  void Attend(const SequenceRows& sequence, int32_t position, int32_t head, const float* q,
              float* y) const {
    const Params& params = by_type_[sequence.kv_type];
    const auto width = static_cast<size_t>(params.head_dim);
    const int32_t g = head / params.group;
    float query[kMaxHeadDim], part[kMaxHeadDim];
    int32_t integers[kMaxHeadDim];
    float query_scale = 0;
    if (params.int8()) {
      query_scale =
          QuantizeScalar(q, width, QueryLimit(params.query_terms), integers) * params.scale;
    } else {
      for (size_t d = 0; d < width; ++d) query[d] = q[d] * params.scale;
    }
    float max = 0, sum = 0;
    for (int32_t first = params.FirstKey(position); first <= position;) {
      ScalarChunk chunk{};
      chunk.first = first;
      chunk.end = std::min(position + 1, (first / kKvChunkTokens + 1) * kKvChunkTokens);
      if (params.int8()) {
        ChunkInt8Scalar(params, sequence, g, integers, query_scale, chunk, part);
      } else {
        Chunk(params, sequence, g, query, chunk, part);
      }
      const float chunk_max = chunk.max, chunk_sum = chunk.sum;
      if (sum == 0) {
        max = chunk_max, sum = chunk_sum;
        std::copy(part, part + width, y);
      } else {
        const float both = std::max(max, chunk_max);
        const float old = std::exp(max - both), fresh = std::exp(chunk_max - both);
        sum = sum * old + chunk_sum * fresh;
        for (size_t d = 0; d < width; ++d) y[d] = y[d] * old + part[d] * fresh;
        max = both;
      }
      first = chunk.end;
    }
    for (size_t d = 0; d < width; ++d) y[d] /= sum;
  }

  // The keys [first, end) of one chunk for one head of one row, of a float cache.
  static void Chunk(const Params& params, const SequenceRows& sequence, int32_t kv_head,
                    const float* query, ScalarChunk& chunk, float* part) {
    const auto width = static_cast<size_t>(params.head_dim);
    const size_t key_offset = params.kv.key_offset(params.layer, kv_head);
    const size_t value_offset = params.kv.value_offset(params.layer, kv_head);
    float p[kKvChunkTokens];
    chunk.max = -std::numeric_limits<float>::infinity();
    chunk.sum = 0;
    for (int32_t t = chunk.first; t < chunk.end; ++t) {
      const uint8_t* keys = sequence.pages[t / kKvPageTokens] + key_offset;
      const auto slot = static_cast<size_t>(t % kKvPageTokens);
      float score = 0;
      for (size_t d = 0; d < width; ++d) {
        score += query[d] * LoadElement(keys, d * kKvPageTokens + slot, params.kv.type);
      }
      p[t - chunk.first] = score;
      chunk.max = std::max(chunk.max, score);
    }
    std::fill(part, part + width, 0.0f);
    for (int32_t t = chunk.first; t < chunk.end; ++t) {
      const uint8_t* values = sequence.pages[t / kKvPageTokens] + value_offset;
      const auto slot = static_cast<size_t>(t % kKvPageTokens);
      const float weight = std::exp(p[t - chunk.first] - chunk.max);
      chunk.sum += weight;
      for (size_t d = 0; d < width; ++d) {
        part[d] += weight * LoadElement(values, slot * width + d, params.kv.type);
      }
    }
  }

  Params params_;
  PerKvType<Params> by_type_;
  size_t threads_;
};

}  // namespace

std::unique_ptr<Kernel> MakeScalar(const Params& params, const PlanContext& context) {
  return std::make_unique<ScalarKernel>(params, context.pool->threads());
}

}  // namespace hob::ops::attention
