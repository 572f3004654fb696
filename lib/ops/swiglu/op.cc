// SPDX-License-Identifier: Apache-2.0
// swiglu: gate [T, F], up [T, F] → activation(gate)·up, f32, kQ8Act or kQ16Act [T, F]; attribute
// activation: 0 SiLU, 1 GELU in its tanh form. Source: Shazeer, GLU Variants Improve Transformer,
// 2020.
#include "lib/ops/rows.h"
#include "lib/ops/swiglu/swiglu.h"

namespace hob::ops::swiglu {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 2, 2, 1));
  const int64_t columns = spec.inputs[0].columns();
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the gate", DType::kF32, -1));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[1], "the factor", DType::kF32, columns));
  HOB_RETURN_IF_ERROR(CheckOutput(spec, columns, /*quantized=*/true));
  if (auto activation = spec.attributes.Int("activation", 0, 1); !activation.ok()) {
    return Annotate(activation.status(), absl::StrCat("node ", spec.name));
  }
  return absl::OkStatus();
}

class SwigluKernel final : public Kernel {
 public:
  SwigluKernel(const Params& params, size_t stride, RowFunction row, std::string_view provider)
      : params_(params), stride_(stride), row_(row), provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* gate = reinterpret_cast<const float*>(context.inputs[0]);
    const auto* up = reinterpret_cast<const float*>(context.inputs[1]);
    const size_t columns = params_.columns;
    ForRows(context, context.rows, columns, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        row_(params_, gate + r * columns, up + r * columns, context.outputs[0] + r * stride_);
      }
    });
  }
  std::string_view provider() const override { return provider_; }

 private:
  Params params_;
  size_t stride_;
  RowFunction row_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  Params params;
  params.columns = static_cast<size_t>(spec.inputs[0].columns());
  HOB_ASSIGN_OR_RETURN(const int64_t activation, spec.attributes.Int("activation", 0, 1));
  params.activation = static_cast<Activation>(activation);
  params.terms = Int8Terms(spec.outputs[0].type);
  RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<SwigluKernel>(
      params, RowStride(spec.outputs[0]), simd != nullptr ? simd : &ScalarRow,
      simd != nullptr ? "simd" : "scalar");
  return kernel;
}

constexpr std::string_view kAttributes[] = {"activation"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"swiglu", &Check, &Make, kAttributes};

}  // namespace hob::ops::swiglu
