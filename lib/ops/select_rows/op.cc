// SPDX-License-Identifier: Apache-2.0
// select_rows: x [T, D] → the rows step.logit_rows, f32 [logit rows, D].
#include <cstring>

#include "lib/ops/rows.h"

namespace hob::ops::select_rows {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 1, 1, 1));
  const Operand& x = spec.inputs[0];
  HOB_RETURN_IF_ERROR(CheckMatrix(spec, x, "the input", DType::kF32, -1));
  if (x.weight != nullptr || x.shape[0] != kTokensDim) {
    return SpecError(spec, "the input does not have a step's rows");
  }
  HOB_RETURN_IF_ERROR(CheckOutput(spec, x.columns(), /*quantized=*/false));
  if (spec.outputs[0].shape[0] != kLogitRowsDim) {
    return SpecError(spec, "the output does not have the rows of the logits");
  }
  return absl::OkStatus();
}

class SelectRowsKernel final : public Kernel {
 public:
  explicit SelectRowsKernel(size_t columns) : columns_(columns) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    auto* out = reinterpret_cast<float*>(context.outputs[0]);
    const auto wanted = context.step->logit_rows;
    ForRows(context, context.rows, columns_ / 8, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        std::memcpy(out + r * columns_, x + static_cast<size_t>(wanted[r]) * columns_,
                    columns_ * sizeof(float));
      }
    });
  }
  std::string_view provider() const override { return "scalar"; }

 private:
  size_t columns_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext&) {
  std::unique_ptr<Kernel> kernel =
      std::make_unique<SelectRowsKernel>(static_cast<size_t>(spec.inputs[0].columns()));
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"select_rows", &Check, &Make};

}  // namespace hob::ops::select_rows
