// SPDX-License-Identifier: Apache-2.0
// embedding: table [V, D] of any file type → f32 [T, D]: the rows of the step's tokens, times the
// attribute scale (1 when left out). One provider: it is bound by memory, one row a token.
#include "lib/format/weight_row.h"
#include "lib/ops/rows.h"

namespace hob::ops::embedding {
namespace {

constexpr double kMaxScale = 1e6;

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 1, 1, 1));
  const Operand& table = spec.inputs[0];
  if (!table.present || table.weight == nullptr || table.shape.size() != 2 || table.shape[0] < 1 ||
      table.columns() < 1 || table.columns() > kMaxColumns) {
    return SpecError(spec, "the table is not a weight of two dimensions");
  }
  if (table.type != table.weight->type ||
      !HoldsRows(*table.weight, table.shape[0], table.columns())) {
    return SpecError(spec, "the table is too short, or of a type without values");
  }
  HOB_RETURN_IF_ERROR(CheckOutput(spec, table.columns(), /*quantized=*/false));
  if (spec.outputs[0].shape[0] != kTokensDim) {
    return SpecError(spec, "the output does not have a step's rows");
  }
  if (spec.attributes.Find("scale") != nullptr) {
    if (auto scale = spec.attributes.Real("scale", -kMaxScale, kMaxScale); !scale.ok()) {
      return Annotate(scale.status(), absl::StrCat("node ", spec.name));
    }
  }
  return absl::OkStatus();
}

class EmbeddingKernel final : public Kernel {
 public:
  EmbeddingKernel(const Operand& table, float scale)
      : table_(*table.weight), columns_(static_cast<size_t>(table.columns())), scale_(scale) {}

  void Run(const RunContext& context) override {
    auto* out = reinterpret_cast<float*>(context.outputs[0]);
    ForRows(context, context.rows, columns_, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        float* y = out + r * columns_;
        DequantizeWeightRow(table_, context.step->tokens[r], y);
        if (scale_ == 1.0f) continue;
        for (size_t i = 0; i < columns_; ++i) y[i] *= scale_;
      }
    });
  }
  std::string_view provider() const override { return "scalar"; }

 private:
  const Tensor& table_;
  size_t columns_;
  float scale_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext&) {
  const auto scale = static_cast<float>(spec.attributes.RealOr("scale", 1.0));
  std::unique_ptr<Kernel> kernel = std::make_unique<EmbeddingKernel>(spec.inputs[0], scale);
  return kernel;
}

constexpr std::string_view kAttributes[] = {"scale"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"embedding", &Check, &Make, kAttributes};

}  // namespace hob::ops::embedding
