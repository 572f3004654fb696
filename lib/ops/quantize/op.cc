// SPDX-License-Identifier: Apache-2.0
// quantize: x [T, K] f32 → kQ8Act or kQ16Act [T, K].
#include "lib/ops/quantize/quantize.h"
#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/rows.h"

namespace hob::ops::quantize {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 1, 1, 1));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the input", DType::kF32, -1));
  const DType type = spec.outputs[0].type == DType::kQ16Act ? DType::kQ16Act : DType::kQ8Act;
  return CheckActivation(spec, spec.outputs[0], "the output", type, spec.inputs[0].columns());
}

class QuantizeKernel final : public Kernel {
 public:
  QuantizeKernel(size_t columns, DType type, RowFunction row, std::string_view provider)
      : columns_(columns),
        terms_(Int8Terms(type)),
        stride_(ActivationRowBytes(type, columns)),
        row_(row),
        provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    ForRows(context, context.rows, columns_ / 2, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        row_(x + r * columns_, columns_, terms_, context.outputs[0] + r * stride_);
      }
    });
  }
  std::string_view provider() const override { return provider_; }

 private:
  size_t columns_;
  int64_t terms_;
  size_t stride_;
  RowFunction row_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  const auto columns = static_cast<size_t>(spec.inputs[0].columns());
  const RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<QuantizeKernel>(
      columns, spec.outputs[0].type, simd != nullptr ? simd : &ScalarRow,
      simd != nullptr ? "simd" : "scalar");
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"quantize", &Check, &Make};

}  // namespace hob::ops::quantize
