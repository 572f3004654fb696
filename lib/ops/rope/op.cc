// SPDX-License-Identifier: Apache-2.0
// rope: x [T, H·D], angles [T, d] (of rope_angles) → f32 [T, H·D]: the first d columns of each head
// turned in pairs. Attributes head_dim (D), neox: 0 pairs (2i, 2i+1), 1 pairs (i, i+d/2).
#include "lib/ops/rope/rope.h"
#include "lib/ops/rows.h"

namespace hob::ops::rope {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 2, 2, 1));
  const Operand& x = spec.inputs[0];
  const Operand& angles = spec.inputs[1];
  HOB_RETURN_IF_ERROR(CheckActivation(spec, x, "the input", DType::kF32, -1));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, angles, "the angles", DType::kF32, -1));
  HOB_RETURN_IF_ERROR(CheckOutput(spec, x.columns(), /*quantized=*/false));
  auto head_dim = spec.attributes.Int("head_dim", 2, kMaxColumns);
  if (!head_dim.ok()) return Annotate(head_dim.status(), absl::StrCat("node ", spec.name));
  auto neox = spec.attributes.Int("neox", 0, 1);
  if (!neox.ok()) return Annotate(neox.status(), absl::StrCat("node ", spec.name));
  if (x.columns() % *head_dim != 0) {
    return SpecError(
        spec, absl::StrCat("heads of ", *head_dim, " do not divide ", x.columns(), " columns"));
  }
  if (angles.columns() % 2 != 0 || angles.columns() > *head_dim) {
    return SpecError(spec,
                     absl::StrCat(angles.columns(), " angles do not fit heads of ", *head_dim));
  }
  return absl::OkStatus();
}

class RopeKernel final : public Kernel {
 public:
  RopeKernel(const Params& params, RowFunction row, std::string_view provider)
      : params_(params), row_(row), provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    const auto* angles = reinterpret_cast<const float*>(context.inputs[1]);
    auto* y = reinterpret_cast<float*>(context.outputs[0]);
    const size_t columns = params_.heads * params_.head_dim;
    ForRows(context, context.rows, columns / 4, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        row_(params_, x + r * columns, angles + r * params_.dimensions, y + r * columns);
      }
    });
  }
  std::string_view provider() const override { return provider_; }

 private:
  Params params_;
  RowFunction row_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  Params params;
  HOB_ASSIGN_OR_RETURN(const int64_t head_dim, spec.attributes.Int("head_dim", 2, kMaxColumns));
  HOB_ASSIGN_OR_RETURN(const int64_t neox, spec.attributes.Int("neox", 0, 1));
  params.head_dim = static_cast<size_t>(head_dim);
  params.heads = static_cast<size_t>(spec.inputs[0].columns() / head_dim);
  params.dimensions = static_cast<size_t>(spec.inputs[1].columns());
  params.neox = neox == 1;
  RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<RopeKernel>(
      params, simd != nullptr ? simd : &ScalarRow, simd != nullptr ? "simd" : "scalar");
  return kernel;
}

constexpr std::string_view kAttributes[] = {"head_dim", "neox"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"rope", &Check, &Make, kAttributes};

}  // namespace hob::ops::rope
