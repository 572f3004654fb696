// SPDX-License-Identifier: Apache-2.0
// pool: x [T, D] → f32 [texts, D], a row for each text (SequenceRows) of the step: the mean of the
// text's rows, or its first row, as step.pooling says, else the attribute `type` (Pooling). A
// mean's sum runs from the text's first row to its last.
#include <cstring>

#include "lib/ops/rows.h"

namespace hob::ops::pool {
namespace {

StatusOr<Pooling> ReadType(const OpSpec& spec) {
  HOB_ASSIGN_OR_RETURN(const int64_t type,
                       spec.attributes.Int("type", static_cast<int64_t>(Pooling::kMean),
                                           static_cast<int64_t>(Pooling::kFirst)));
  return static_cast<Pooling>(type);
}

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 1, 1, 1));
  const Operand& x = spec.inputs[0];
  HOB_RETURN_IF_ERROR(CheckMatrix(spec, x, "the input", DType::kF32, -1));
  if (x.weight != nullptr || x.shape[0] != kTokensDim) {
    return SpecError(spec, "the input does not have a step's rows");
  }
  HOB_RETURN_IF_ERROR(CheckOutput(spec, x.columns(), /*quantized=*/false));
  if (spec.outputs[0].shape[0] != kLogitRowsDim) {
    return SpecError(spec, "the output does not have a row for each text");
  }
  if (auto type = ReadType(spec); !type.ok()) {
    return Annotate(type.status(), absl::StrCat("node ", spec.name));
  }
  return absl::OkStatus();
}

class PoolKernel final : public Kernel {
 public:
  PoolKernel(size_t columns, Pooling type) : columns_(columns), type_(type) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    auto* out = reinterpret_cast<float*>(context.outputs[0]);
    const Step& step = *context.step;
    const Pooling type = step.pooling == Pooling::kModel ? type_ : step.pooling;
    ForRows(context, context.rows, columns_ * 8, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        PoolText(step.sequences[r], type, x, out + r * columns_);
      }
    });
  }
  std::string_view provider() const override { return "scalar"; }

 private:
  void PoolText(const SequenceRows& text, Pooling type, const float* x, float* out) const {
    x += static_cast<size_t>(text.first_row) * columns_;
    std::memcpy(out, x, columns_ * sizeof(float));
    if (type == Pooling::kFirst) return;
    for (int32_t r = 1; r < text.rows; ++r) {
      x += columns_;
      for (size_t i = 0; i < columns_; ++i) out[i] += x[i];
    }
    const auto rows = static_cast<float>(text.rows);
    for (size_t i = 0; i < columns_; ++i) out[i] /= rows;
  }

  size_t columns_;
  Pooling type_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext&) {
  HOB_ASSIGN_OR_RETURN(const Pooling type, ReadType(spec));
  std::unique_ptr<Kernel> kernel =
      std::make_unique<PoolKernel>(static_cast<size_t>(spec.inputs[0].columns()), type);
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"pool", &Check, &Make};

}  // namespace hob::ops::pool
