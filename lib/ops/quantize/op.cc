// SPDX-License-Identifier: Apache-2.0
// quantize: x [T, K] f32 → kQ8Act or kQ8x2Act [T, K]. The latter has a second int8 row for what the
// first left over.
#include "lib/ops/quantize/quantize.h"
#include "lib/ops/quantize/quantize_row.h"
#include "lib/ops/rows.h"

namespace hob::ops::quantize {
namespace {

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 1, 1, 1));
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the input", DType::kF32, -1));
  const DType type = spec.outputs[0].type == DType::kQ8x2Act ? DType::kQ8x2Act : DType::kQ8Act;
  return CheckActivation(spec, spec.outputs[0], "the output", type, spec.inputs[0].columns());
}

class QuantizeKernel final : public Kernel {
 public:
  QuantizeKernel(size_t columns, bool twice, RowFunction row, std::string_view provider)
      : columns_(columns), twice_(twice), row_(row), provider_(provider) {}

  void Run(const RunContext& context) override {
    const auto* x = reinterpret_cast<const float*>(context.inputs[0]);
    uint8_t* out = context.outputs[0];
    const size_t stride = Q8ActLayout(columns_).stride();
    ForRows(context, context.rows, columns_ * (twice_ ? 2 : 1) / 2, [&](size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        if (twice_) {
          Twice(x + r * columns_, out + 2 * r * stride, stride);
        } else {
          row_(x + r * columns_, columns_, out + r * stride);
        }
      }
    });
  }
  std::string_view provider() const override { return provider_; }

 private:
  // The second term is what the first leaves of x.
  void Twice(const float* x, uint8_t* out, size_t stride) const {
    row_(x, columns_, out);
    const Q8Row first(out, columns_), second(out + stride, columns_);
    float rest[32];
    for (size_t b = 0; b < columns_ / 32; ++b) {
      for (size_t i = 0; i < 32; ++i) {
        rest[i] = x[32 * b + i] - first.scale[b] * static_cast<float>(first.q[32 * b + i]);
      }
      QuantizeBlockScalar(rest, second.q + 32 * b, second.scale + b, second.sum + 2 * b);
    }
  }

  size_t columns_;
  bool twice_;
  RowFunction row_;
  std::string_view provider_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  const auto columns = static_cast<size_t>(spec.inputs[0].columns());
  const bool twice = spec.outputs[0].type == DType::kQ8x2Act;
  const RowFunction simd = WantsSimd(*context.choice) ? SimdRow(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<QuantizeKernel>(
      columns, twice, simd != nullptr ? simd : &ScalarRow, simd != nullptr ? "simd" : "scalar");
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"quantize", &Check, &Make};

}  // namespace hob::ops::quantize
