// SPDX-License-Identifier: Apache-2.0
// add: a [T, D] + b [T, D] → f32 [T, D].
#include "lib/ops/add/add.h"
#include "lib/ops/rows.h"

namespace hob::ops::add {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 2, 2, 1));
  const int64_t columns = spec.inputs[0].columns();
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the first input", DType::kF32, -1));
  HOB_RETURN_IF_ERROR(
      CheckActivation(spec, spec.inputs[1], "the second input", DType::kF32, columns));
  return CheckOutput(spec, columns, /*quantized=*/false);
}

class AddKernel final : public Kernel {
 public:
  AddKernel(size_t columns, SpanFunction span, std::string_view provider)
      : columns_(columns), span_(span), provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* a = reinterpret_cast<const float*>(context.inputs[0]);
    const auto* b = reinterpret_cast<const float*>(context.inputs[1]);
    auto* out = reinterpret_cast<float*>(context.outputs[0]);
    ForRows(context, context.rows, columns_ / 8, [&](size_t begin, size_t end) {
      const size_t at = begin * columns_;
      span_(a + at, b + at, (end - begin) * columns_, out + at);
    });
  }
  std::string_view provider() const override { return provider_; }

 private:
  size_t columns_;
  SpanFunction span_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  SpanFunction simd = WantsSimd(*context.choice) ? SimdSpan(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<AddKernel>(
      static_cast<size_t>(spec.inputs[0].columns()), simd != nullptr ? simd : &ScalarSpan,
      simd != nullptr ? "simd" : "scalar");
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"add", &Check, &Make};

}  // namespace hob::ops::add
