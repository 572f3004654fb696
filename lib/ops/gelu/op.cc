// SPDX-License-Identifier: Apache-2.0
// gelu: x [T, F] → x·Φ(x), f32, kQ8Act or kQ16Act [T, F], Φ by the error function and not by its
// tanh form. Source: Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
#include "lib/ops/gelu/gelu.h"
#include "lib/ops/rows.h"

namespace hob::ops::gelu {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 1, 1, 1));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the input", DType::kF32, -1));
  return CheckOutput(spec, spec.inputs[0].columns(), /*quantized=*/true);
}

class GeluKernel final : public Kernel {
 public:
  GeluKernel(const Params& params, size_t stride, RowFunction row, std::string_view provider)
      : params_(params), stride_(stride), row_(row), provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    ForRows(context, context.rows, params_.columns, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        row_(params_, x + r * params_.columns, context.outputs[0] + r * stride_);
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
  const Params params{.columns = static_cast<size_t>(spec.inputs[0].columns()),
                      .terms = Int8Terms(spec.outputs[0].type)};
  RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<GeluKernel>(
      params, RowStride(spec.outputs[0]), simd != nullptr ? simd : &ScalarRow,
      simd != nullptr ? "simd" : "scalar");
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"gelu", &Check, &Make};

}  // namespace hob::ops::gelu
