// SPDX-License-Identifier: Apache-2.0
// layer_norm: x [T, D], weight [D], bias [D] → f32, kQ8Act or kQ16Act [T, D]; attribute epsilon.
// Each row less its mean is divided by its standard deviation, multiplied with the weight, and the
// bias is added. Source: Ba, Kiros and Hinton, Layer Normalization, 2016.
#include "lib/ops/layer_norm/layer_norm.h"
#include "lib/ops/rows.h"

namespace hob::ops::layer_norm {
namespace {

constexpr double kMaxEpsilon = 1.0;

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 3, 3, 1));
  const Operand& x = spec.inputs[0];
  HOB_RETURN_IF_ERROR(CheckActivation(spec, x, "the input", DType::kF32, -1));
  HOB_RETURN_IF_ERROR(CheckVector(spec, spec.inputs[1], "the weight", x.columns()));
  HOB_RETURN_IF_ERROR(CheckVector(spec, spec.inputs[2], "the bias", x.columns()));
  HOB_RETURN_IF_ERROR(CheckOutput(spec, x.columns(), /*quantized=*/true));
  if (auto epsilon = spec.attributes.Real("epsilon", 0.0, kMaxEpsilon); !epsilon.ok()) {
    return Annotate(epsilon.status(), absl::StrCat("node ", spec.name));
  }
  return absl::OkStatus();
}

class LayerNormKernel final : public Kernel {
 public:
  LayerNormKernel(const Params& params, Buffer weight, Buffer bias, size_t stride, RowFunction row,
                  std::string_view provider)
      : params_(params),
        weight_(std::move(weight)),
        bias_(std::move(bias)),
        stride_(stride),
        row_(row),
        provider_(provider) {
    params_.weight = weight_.as<const float>();
    params_.bias = bias_.as<const float>();
  }

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    ForRows(context, context.rows, params_.width, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        row_(params_, x + r * params_.width, context.outputs[0] + r * stride_);
      }
    });
  }
  size_t packed_bytes() const override { return weight_.size() + bias_.size(); }
  std::string_view provider() const override { return provider_; }

 private:
  Params params_;
  Buffer weight_, bias_;
  size_t stride_;
  RowFunction row_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  Params params{};
  params.width = static_cast<size_t>(spec.inputs[0].columns());
  HOB_ASSIGN_OR_RETURN(const double epsilon, spec.attributes.Real("epsilon", 0.0, kMaxEpsilon));
  params.epsilon = static_cast<float>(epsilon);
  params.terms = Int8Terms(spec.outputs[0].type);
  HOB_ASSIGN_OR_RETURN(Buffer weight, CopyVector(spec, spec.inputs[1], context));
  HOB_ASSIGN_OR_RETURN(Buffer bias, CopyVector(spec, spec.inputs[2], context));
  RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<LayerNormKernel>(
      params, std::move(weight), std::move(bias), RowStride(spec.outputs[0]),
      simd != nullptr ? simd : &ScalarRow, simd != nullptr ? "simd" : "scalar");
  return kernel;
}

constexpr std::string_view kAttributes[] = {"epsilon"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"layer_norm", &Check, &Make, kAttributes};

}  // namespace hob::ops::layer_norm
