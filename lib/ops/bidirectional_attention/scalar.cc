// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/ops/bidirectional_attention/bidirectional_attention.h"
#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/rows.h"

namespace hob::ops::bidirectional_attention {
namespace {

class ScalarKernel final : public Kernel {
 public:
  ScalarKernel(const Params& params, const PlanContext& context)
      : params_(params),
        threads_(context.pool->threads()),
        thread_floats_(static_cast<size_t>(context.max_rows) + params.columns()) {}

  void Run(const RunContext& context) override {
    const auto* q = reinterpret_cast<const float*>(context.inputs[0]);
    const auto* k = reinterpret_cast<const float*>(context.inputs[1]);
    const auto* v = reinterpret_cast<const float*>(context.inputs[2]);
    const size_t columns = params_.columns();
    for (const SequenceRows& text : context.step->sequences) {
      const size_t at = static_cast<size_t>(text.first_row) * columns;
      context.pool->For(
          static_cast<size_t>(text.rows), 1, [&](size_t begin, size_t end, size_t thread) {
            auto* scores = reinterpret_cast<float*>(context.scratch) + thread * thread_floats_;
            for (size_t r = begin; r < end; ++r) {
              uint8_t* out = context.outputs[0] +
                             (static_cast<size_t>(text.first_row) + r) * params_.OutputStride();
              float* y = params_.terms != 0 ? scores + thread_floats_ - columns
                                            : reinterpret_cast<float*>(out);
              for (size_t head = 0; head < columns; head += params_.width) {
                Attend(q + at + r * columns + head, k + at + head, v + at + head,
                       static_cast<size_t>(text.rows), scores, y + head);
              }
              if (params_.terms != 0) QuantizeRowScalar(y, columns, params_.terms, out);
            }
          });
    }
  }

  size_t scratch_bytes() const override { return threads_ * thread_floats_ * sizeof(float); }
  std::string_view provider() const override { return "scalar"; }

 private:
  // One head of one row.
  void Attend(const float* q, const float* k, const float* v, size_t keys, float* scores,
              float* y) const {
    const size_t columns = params_.columns();
    float max = -std::numeric_limits<float>::infinity();
    for (size_t t = 0; t < keys; ++t) {
      float score = 0;
      for (size_t d = 0; d < params_.width; ++d) {
        score += q[d] * params_.scale * k[t * columns + d];
      }
      scores[t] = score;
      max = std::max(max, score);
    }
    float sum = 0;
    std::fill(y, y + params_.width, 0.0f);
    for (size_t t = 0; t < keys; ++t) {
      const float weight = std::exp(scores[t] - max);
      sum += weight;
      for (size_t d = 0; d < params_.width; ++d) y[d] += weight * v[t * columns + d];
    }
    for (size_t d = 0; d < params_.width; ++d) y[d] /= sum;
  }

  Params params_;
  size_t threads_, thread_floats_;
};

}  // namespace

std::unique_ptr<Kernel> MakeScalar(const Params& params, const PlanContext& context) {
  return std::make_unique<ScalarKernel>(params, context);
}

}  // namespace hob::ops::bidirectional_attention
