// SPDX-License-Identifier: Apache-2.0
// bidirectional_attention: q, k, v [T, H·D] → f32, kQ8Act or kQ16Act [T, H·D]. Each row attends to
// all rows of its text, before and after it; no cache. Attributes heads (H), head_dim (D), scale.
#include <algorithm>

#include "lib/ops/bidirectional_attention/bidirectional_attention.h"
#include "lib/ops/quantize/quantize.h"
#include "lib/ops/rows.h"

namespace hob::ops::bidirectional_attention {
namespace {

constexpr int64_t kMaxHeads = 4096;
// Multiply-adds below which a step stays on the caller: some microseconds.
constexpr double kSmallWork = 100e3;

StatusOr<Params> Read(const OpSpec& spec) {
  Params params;
  HOB_ASSIGN_OR_RETURN(const int64_t heads, spec.attributes.Int("heads", 1, kMaxHeads));
  HOB_ASSIGN_OR_RETURN(const int64_t width, spec.attributes.Int("head_dim", 1, kMaxHeadDim));
  HOB_ASSIGN_OR_RETURN(const double scale, spec.attributes.Real("scale", 1e-6, 1e6));
  params.heads = static_cast<size_t>(heads);
  params.width = static_cast<size_t>(width);
  params.scale = static_cast<float>(scale);
  params.terms = Int8Terms(spec.outputs[0].type);
  return params;
}

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 3, 3, 1));
  auto read = Read(spec);
  if (!read.ok()) return Annotate(read.status(), absl::StrCat("node ", spec.name));
  const auto columns = static_cast<int64_t>(read->columns());
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the queries", DType::kF32, columns));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[1], "the keys", DType::kF32, columns));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[2], "the values", DType::kF32, columns));
  HOB_RETURN_IF_ERROR(CheckOutput(spec, columns, /*quantized=*/true));
  if (spec.outputs[0].shape[0] != kTokensDim) {
    return SpecError(spec, "the output does not have a step's rows");
  }
  return absl::OkStatus();
}

// Heads of texts are the tasks.
class SimdKernel final : public Kernel {
 public:
  SimdKernel(const Params& params, const PlanContext& context, HeadFunction head,
             quantize::RowFunction quantize)
      : params_(params),
        head_(head),
        quantize_(quantize),
        threads_(context.pool->threads()),
        max_rows_(static_cast<size_t>(context.max_rows)),
        thread_floats_(ScratchFloats(params, max_rows_)) {}

  void Run(const RunContext& context) override {
    const auto* q = reinterpret_cast<const float*>(context.inputs[0]);
    const auto* k = reinterpret_cast<const float*>(context.inputs[1]);
    const auto* v = reinterpret_cast<const float*>(context.inputs[2]);
    auto* scratch = reinterpret_cast<float*>(context.scratch);
    const bool quantized = params_.terms != 0;
    float* rows = quantized ? scratch + threads_ * thread_floats_
                            : reinterpret_cast<float*>(context.outputs[0]);
    const size_t columns = params_.columns();
    const auto texts = context.step->sequences;
    double work = 0;
    for (const SequenceRows& text : texts) work += 2.0 * text.rows * text.rows * columns;
    auto attend = [&](size_t begin, size_t end, size_t thread) {
      for (size_t task = begin; task < end; ++task) {
        const SequenceRows& text = texts[task / params_.heads];
        const size_t at =
            static_cast<size_t>(text.first_row) * columns + task % params_.heads * params_.width;
        head_(params_, q + at, k + at, v + at, static_cast<size_t>(text.rows), columns, rows + at,
              scratch + thread * thread_floats_);
      }
    };
    const size_t tasks = texts.size() * params_.heads;
    if (work < kSmallWork) {
      attend(0, tasks, 0);
    } else {
      context.pool->For(tasks, 1, attend);
    }
    if (!quantized) return;
    const size_t stride = params_.OutputStride();
    ForRows(context, context.rows, columns / 2, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        quantize_(rows + r * columns, columns, params_.terms, context.outputs[0] + r * stride);
      }
    });
  }

  size_t scratch_bytes() const override {
    const size_t staged = params_.terms == 0 ? 0 : max_rows_ * params_.columns();
    return (threads_ * thread_floats_ + staged) * sizeof(float);
  }
  std::string_view provider() const override { return "simd"; }

 private:
  Params params_;
  HeadFunction head_;
  quantize::RowFunction quantize_;
  size_t threads_, max_rows_, thread_floats_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  HOB_ASSIGN_OR_RETURN(const Params params, Read(spec));
  if (WantsSimd(*context.choice) && params.width % 8 == 0) {
    const HeadFunction head = SimdHead(context.choice->cpu);
    const quantize::RowFunction quantize = quantize::SimdRow(context.choice->cpu);
    if (head != nullptr && quantize != nullptr) {
      std::unique_ptr<Kernel> kernel =
          std::make_unique<SimdKernel>(params, context, head, quantize);
      return kernel;
    }
  }
  return MakeScalar(params, context);
}

}  // namespace

size_t ScratchFloats(const Params& params, size_t rows) {
  const size_t keys = (rows + 15) / 16 * 16;
  // Keys with a channel in a row; scores and queries of a block of lines. Whole cache lines.
  return params.width * keys + kBlockLines * (keys + params.width + 16);
}

extern const OpDef kOp;
const OpDef kOp = {"bidirectional_attention", &Check, &Make};

}  // namespace hob::ops::bidirectional_attention
