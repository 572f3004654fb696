// SPDX-License-Identifier: Apache-2.0
// matmul_swiglu: x [T, K] kQ8Act or kQ16Act, gate [F, K], up [F, K] → activation(x·gateᵀ)·(x·upᵀ),
// f32, kQ8Act or kQ16Act [T, F]. A tile of both products never leaves the cache. Attribute as
// swiglu's.
#include <algorithm>

#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panels.h"
#include "lib/ops/matmul_swiglu/tile.h"
#include "lib/ops/rows.h"

namespace hob::ops::matmul_swiglu {
namespace {

// Rows whose products are held between multiplication and activation.
constexpr int64_t kRowBlock = 128;

Status Check(const OpSpec& spec) {
  HOB_RETURN_IF_ERROR(CheckCounts(spec, 3, 3, 1));
  const DType type = spec.inputs[0].type == DType::kQ16Act ? DType::kQ16Act : DType::kQ8Act;
  HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs[0], "the input", type, -1));
  for (size_t i = 1; i < 3; ++i) {
    const Operand& weight = spec.inputs[i];
    if (!weight.present || weight.weight == nullptr ||
        !matmul::WantsInt8Activations(weight.type, weight.columns())) {
      return SpecError(spec, "a weight is missing or of a type that is not multiplied in int8");
    }
    HOB_RETURN_IF_ERROR(
        CheckMatrix(spec, weight, "a weight", weight.type, spec.inputs[0].columns()));
    if (weight.shape[0] != spec.outputs[0].columns()) {
      return SpecError(spec, "gate, up and output differ in width");
    }
  }
  HOB_RETURN_IF_ERROR(CheckOutput(spec, spec.outputs[0].columns(), /*quantized=*/true));
  if (auto activation = spec.attributes.Int("activation", 0, 1); !activation.ok()) {
    return Annotate(activation.status(), absl::StrCat("node ", spec.name));
  }
  return absl::OkStatus();
}

class MatmulSwigluKernel final : public Kernel {
 public:
  MatmulSwigluKernel(std::unique_ptr<matmul::Linear> gate, std::unique_ptr<matmul::Linear> up,
                     const swiglu::Params& params, const OpSpec& spec, TileFunction tile,
                     size_t threads)
      : gate_(std::move(gate)),
        up_(std::move(up)),
        params_(params),
        x_stride_(RowStride(spec.inputs[0])),
        out_stride_(RowStride(spec.outputs[0])),
        tile_(tile),
        threads_(threads),
        linear_scratch_(Aligned(std::max(gate_->scratch_bytes(), up_->scratch_bytes()))) {}

  size_t scratch_bytes() const override { return threads_ * ThreadScratch(); }
  size_t packed_bytes() const override { return gate_->packed_bytes() + up_->packed_bytes(); }
  bool Packs(size_t input) const override {
    return (input == 1 ? gate_ : up_)->packed_bytes() != 0;
  }
  std::string_view provider() const override { return gate_->provider(); }

  void Run(const RunContext& context) override {
    const size_t tiles = (params_.columns + kTile - 1) / kTile;
    const size_t grain = std::max<size_t>(1, tiles / (threads_ * 8));
    context.pool->For(tiles, grain, [&](size_t begin, size_t end, size_t thread) {
      for (size_t t = begin; t < end; ++t) {
        RunTile(context, t * kTile, context.scratch + thread * ThreadScratch());
      }
    });
  }

 private:
  static constexpr size_t kTile = kPanelRows;
  static size_t Aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  size_t ThreadScratch() const {
    return linear_scratch_ + 2 * static_cast<size_t>(kRowBlock) * kTile * sizeof(float);
  }

  void RunTile(const RunContext& context, size_t begin, uint8_t* scratch) const {
    const size_t columns = std::min(kTile, params_.columns - begin);
    const int64_t low = static_cast<int64_t>(begin), high = static_cast<int64_t>(begin + columns);
    float* gate = reinterpret_cast<float*>(scratch + linear_scratch_);
    float* up = gate + static_cast<size_t>(kRowBlock) * kTile;
    for (int64_t r = 0; r < context.rows; r += kRowBlock) {
      const int64_t rows = std::min(kRowBlock, context.rows - r);
      const uint8_t* x = context.inputs[0] + static_cast<size_t>(r) * x_stride_;
      gate_->Compute(x, rows, low, high, gate, static_cast<int64_t>(columns), {}, scratch);
      up_->Compute(x, rows, low, high, up, static_cast<int64_t>(columns), {}, scratch);
      tile_(params_, {.gate = gate,
                      .up = up,
                      .rows = static_cast<size_t>(rows),
                      .tile_columns = columns,
                      .begin = begin,
                      .out = context.outputs[0] + static_cast<size_t>(r) * out_stride_,
                      .out_stride = out_stride_});
    }
  }

  std::unique_ptr<matmul::Linear> gate_, up_;
  swiglu::Params params_;
  size_t x_stride_, out_stride_;
  TileFunction tile_;
  size_t threads_, linear_scratch_;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  const DType type = spec.inputs[0].type;
  HOB_ASSIGN_OR_RETURN(auto gate, matmul::MakeLinear(spec.name, spec.inputs[1], type, context));
  HOB_ASSIGN_OR_RETURN(auto up, matmul::MakeLinear(spec.name, spec.inputs[2], type, context));
  HOB_ASSIGN_OR_RETURN(const int64_t activation, spec.attributes.Int("activation", 0, 1));
  const swiglu::Params params{.columns = static_cast<size_t>(spec.outputs[0].columns()),
                              .activation = static_cast<swiglu::Activation>(activation),
                              .terms = Int8Terms(spec.outputs[0].type)};
  const TileFunction simd = WantsSimd(*context.choice) ? SimdTile(context.choice->cpu) : nullptr;
  std::unique_ptr<Kernel> kernel = std::make_unique<MatmulSwigluKernel>(
      std::move(gate), std::move(up), params, spec, simd != nullptr ? simd : &ScalarTile,
      context.pool->threads());
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"matmul_swiglu", Check, Make};

}  // namespace hob::ops::matmul_swiglu
