// SPDX-License-Identifier: Apache-2.0
// embedding: table [V, D] of any file type → f32 [T, D]: the rows of the step's tokens, times the
// attribute scale (1 when left out). With the attribute of, the rows of the tokens' positions (1),
// or of the first kind of text, row 0 (2). One provider: it is bound by memory, one row a token.
#include <algorithm>

#include "lib/format/weight_row.h"
#include "lib/ops/rows.h"

namespace hob::ops::embedding {
namespace {

constexpr double kMaxScale = 1e6;

enum class Of : int64_t { kTokens = 0, kPositions = 1, kFirstKind = 2 };

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
  if (spec.attributes.Find("of") != nullptr) {
    if (auto of = spec.attributes.Int("of", 0, 2); !of.ok()) {
      return Annotate(of.status(), absl::StrCat("node ", spec.name));
    }
  }
  return absl::OkStatus();
}

class EmbeddingKernel final : public Kernel {
 public:
  EmbeddingKernel(const Operand& table, Of of, float scale)
      : table_(*table.weight),
        rows_(table.shape[0]),
        columns_(static_cast<size_t>(table.columns())),
        of_(of),
        scale_(scale) {}

  void Run(const RunContext& context) override {
    auto* out = reinterpret_cast<float*>(context.outputs[0]);
    if (of_ == Of::kPositions) {
      for (const SequenceRows& sequence : context.step->sequences) {
        for (int32_t r = 0; r < sequence.rows; ++r) {
          // A step within the model's context is within the table.
          const int64_t position = std::min<int64_t>(sequence.position + r, rows_ - 1);
          Fill(position, out + static_cast<size_t>(sequence.first_row + r) * columns_);
        }
      }
      return;
    }
    ForRows(context, context.rows, columns_, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        Fill(of_ == Of::kTokens ? context.step->tokens[r] : 0, out + r * columns_);
      }
    });
  }
  std::string_view provider() const override { return "scalar"; }

 private:
  void Fill(int64_t row, float* y) const {
    DequantizeWeightRow(table_, row, y);
    if (scale_ == 1.0f) return;
    for (size_t i = 0; i < columns_; ++i) y[i] *= scale_;
  }

  const Tensor& table_;
  int64_t rows_;
  size_t columns_;
  Of of_;
  float scale_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext&) {
  const auto scale = static_cast<float>(spec.attributes.RealOr("scale", 1.0));
  const auto of = static_cast<Of>(spec.attributes.IntOr("of", 0));
  std::unique_ptr<Kernel> kernel = std::make_unique<EmbeddingKernel>(spec.inputs[0], of, scale);
  return kernel;
}

constexpr std::string_view kAttributes[] = {"scale"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"embedding", &Check, &Make, kAttributes};

}  // namespace hob::ops::embedding
