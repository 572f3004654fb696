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

// Rows of one tile whose products are held between multiplication and activation; of fewer rows as
// many tiles more, so that each weight is read in long runs and many activations at once.
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
                     const ThreadPool* pool)
      : gate_(std::move(gate)),
        up_(std::move(up)),
        params_(params),
        x_stride_(RowStride(spec.inputs[0])),
        out_stride_(RowStride(spec.outputs[0])),
        tile_(tile),
        pool_(pool),
        linear_scratch_(Aligned(std::max(gate_->scratch_bytes(), up_->scratch_bytes()))) {}

  size_t scratch_bytes() const override { return pool_->threads() * ThreadScratch(); }
  size_t packed_bytes() const override { return gate_->packed_bytes() + up_->packed_bytes(); }
  bool Packs(size_t input) const override {
    return (input == 1 ? gate_ : up_)->packed_bytes() != 0;
  }
  std::string_view provider() const override { return gate_->provider(); }

  void Run(const RunContext& context) override {
    context.pool->For(Tiles(), Grain(), [&](size_t begin, size_t end, size_t thread) {
      const auto together = static_cast<size_t>(std::max<int64_t>(1, kRowBlock / context.rows));
      const bool last = end == context.pool->ShareBegin(Tiles(), Grain(), thread + 1);
      for (size_t t = begin; t < end; t += together) {
        const size_t to = std::min(end, t + together);
        const bool next = last && to == end && context.next != nullptr;
        RunTiles(context, t, to, context.scratch + thread * ThreadScratch(),
                 next ? context.next->FirstWeights(thread) : nullptr);
      }
    });
  }
  const uint8_t* FirstWeights(size_t thread) const override {
    return gate_->WeightsAt(
        static_cast<int64_t>(pool_->ShareBegin(Tiles(), Grain(), thread) * kTile));
  }

 private:
  static constexpr size_t kTile = kPanelRows;
  size_t Tiles() const { return (params_.columns + kTile - 1) / kTile; }
  size_t Grain() const { return std::max<size_t>(1, Tiles() / (pool_->threads() * 8)); }
  static size_t Aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  size_t ThreadScratch() const {
    return linear_scratch_ + 2 * static_cast<size_t>(kRowBlock) * kTile * sizeof(float);
  }

  void RunTiles(const RunContext& context, size_t first, size_t last, uint8_t* scratch,
                const uint8_t* next) const {
    const size_t begin = first * kTile;
    const size_t columns = std::min(last * kTile, params_.columns) - begin;
    const int64_t low = static_cast<int64_t>(begin), high = static_cast<int64_t>(begin + columns);
    float* gate = reinterpret_cast<float*>(scratch + linear_scratch_);
    float* up = gate + static_cast<size_t>(kRowBlock) * kTile;
    for (int64_t r = 0; r < context.rows; r += kRowBlock) {
      const int64_t rows = std::min(kRowBlock, context.rows - r);
      const uint8_t* x = context.inputs[0] + static_cast<size_t>(r) * x_stride_;
      gate_->Compute(x, rows, low, high, gate, static_cast<int64_t>(columns), {}, scratch, nullptr);
      up_->Compute(x, rows, low, high, up, static_cast<int64_t>(columns), {}, scratch, next);
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
  const ThreadPool* pool_;
  size_t linear_scratch_;
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
  std::unique_ptr<Kernel> kernel =
      std::make_unique<MatmulSwigluKernel>(std::move(gate), std::move(up), params, spec,
                                           simd != nullptr ? simd : &ScalarTile, context.pool);
  return kernel;
}

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"matmul_swiglu", Check, Make};

}  // namespace hob::ops::matmul_swiglu
