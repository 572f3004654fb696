// SPDX-License-Identifier: Apache-2.0
// rms_norm: x [T, N·D], weight [D] → f32, kQ8Act or kQ16Act [T, N·D]; attribute epsilon. Each
// group of D columns is divided by its root mean square and multiplied with the weight. Source:
// Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
#include "lib/ops/rms_norm/rms_norm.h"
#include "lib/ops/rows.h"

namespace hob::ops::rms_norm {
namespace {

constexpr double kMaxEpsilon = 1.0;

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 2, 2, 1));
  const Operand& x = spec.inputs[0];
  HOB_RETURN_IF_ERROR(CheckActivation(spec, x, "the input", DType::kF32, -1));
  const int64_t width = spec.inputs[1].columns();
  HOB_RETURN_IF_ERROR(CheckVector(spec, spec.inputs[1], "the weight", width));
  if (width < 1 || x.columns() % width != 0) {
    return SpecError(
        spec, absl::StrCat("a weight of ", width, " does not divide ", x.columns(), " columns"));
  }
  HOB_RETURN_IF_ERROR(CheckOutput(spec, x.columns(), /*quantized=*/true));
  if (Int8Terms(spec.outputs[0].type) != 0 && width % kQ8Block != 0) {
    return SpecError(spec, "groups that are not whole blocks cannot be quantised");
  }
  if (auto epsilon = spec.attributes.Real("epsilon", 0.0, kMaxEpsilon); !epsilon.ok()) {
    return Annotate(epsilon.status(), absl::StrCat("node ", spec.name));
  }
  return absl::OkStatus();
}

class RmsNormKernel final : public Kernel {
 public:
  RmsNormKernel(const Params& params, Buffer weight, size_t stride, RowFunction row,
                std::string_view provider)
      : params_(params),
        weight_(std::move(weight)),
        stride_(stride),
        row_(row),
        provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    const size_t columns = params_.groups * params_.width;
    ForRows(context, context.rows, columns / 2, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        row_(params_, x + r * columns, weight_.as<const float>(), context.outputs[0] + r * stride_);
      }
    });
  }
  size_t packed_bytes() const override { return weight_.size(); }
  std::string_view provider() const override { return provider_; }

 private:
  Params params_;
  Buffer weight_;
  size_t stride_;
  RowFunction row_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  Params params;
  params.width = static_cast<size_t>(spec.inputs[1].columns());
  params.groups = static_cast<size_t>(spec.inputs[0].columns()) / params.width;
  HOB_ASSIGN_OR_RETURN(const double epsilon, spec.attributes.Real("epsilon", 0.0, kMaxEpsilon));
  params.epsilon = static_cast<float>(epsilon);
  params.terms = Int8Terms(spec.outputs[0].type);
  HOB_ASSIGN_OR_RETURN(Buffer weight, CopyVector(spec, spec.inputs[1], context));

  RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<RmsNormKernel>(
      params, std::move(weight), RowStride(spec.outputs[0]), simd != nullptr ? simd : &ScalarRow,
      simd != nullptr ? "simd" : "scalar");
  return kernel;
}

constexpr std::string_view kAttributes[] = {"epsilon"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"rms_norm", &Check, &Make, kAttributes};

}  // namespace hob::ops::rms_norm
