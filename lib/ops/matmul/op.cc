// SPDX-License-Identifier: Apache-2.0
// matmul: x [rows, K] times one or more weights [N, K] that share it (query, key and value are one
// node), with optional biases and, for a single weight, an addend.
//
//   inputs   x, then weight and bias (or none) for each weight, then the addend if `residual`
//   outputs  one f32 [rows, N] a weight
#include <algorithm>

#include "lib/base/block_formats.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/rows.h"

namespace hob::ops::matmul {
namespace {

Status Check(const OpSpec& spec) {
  HOB_ASSIGN_OR_RETURN(const int64_t weights, spec.attributes.Int("weights", 1, 16));
  int64_t residual = 0;
  if (spec.attributes.Find("residual") != nullptr) {
    HOB_ASSIGN_OR_RETURN(residual, spec.attributes.Int("residual", 0, 1));
  }
  if (residual == 1 && weights != 1) return SpecError(spec, "residual is 1 with several weights");
  const size_t inputs = static_cast<size_t>(1 + 2 * weights + residual);
  HOB_RETURN_IF_ERROR(CheckCounts(spec, inputs, inputs, static_cast<size_t>(weights)));
  const Operand& x = spec.inputs[0];
  const bool int8 = x.present && Int8Terms(x.type) != 0;
  HOB_RETURN_IF_ERROR(CheckActivation(spec, x, "the input", int8 ? x.type : DType::kF32, -1));
  for (int64_t i = 0; i < weights; ++i) {
    const Operand& weight = spec.inputs[static_cast<size_t>(1 + 2 * i)];
    const Operand& bias = spec.inputs[static_cast<size_t>(2 + 2 * i)];
    const Operand& out = spec.outputs[static_cast<size_t>(i)];
    if (!weight.present || weight.weight == nullptr) return SpecError(spec, "a weight is missing");
    HOB_RETURN_IF_ERROR(CheckMatrix(spec, weight, "weight", weight.type, x.columns()));
    if (weight.type == DType::kI32 || (int8 && !WantsInt8Activations(weight.type, x.columns()))) {
      return SpecError(spec, "the weight's type does not go with the input's");
    }
    HOB_RETURN_IF_ERROR(CheckActivation(spec, out, "an output", DType::kF32, weight.shape[0]));
    if (bias.present) HOB_RETURN_IF_ERROR(CheckVector(spec, bias, "bias", weight.shape[0]));
  }
  if (residual == 1) {
    HOB_RETURN_IF_ERROR(CheckActivation(spec, spec.inputs.back(), "the addend", DType::kF32,
                                        spec.outputs[0].columns()));
  }
  return absl::OkStatus();
}

class MatmulKernel final : public Kernel {
 public:
  MatmulKernel(const OpSpec& spec, const ThreadPool* pool)
      : pool_(pool), residual_(spec.attributes.IntOr("residual", 0) == 1) {}

  Status Add(const OpSpec& spec, size_t index, const PlanContext& context) {
    const Operand& weight = spec.inputs[1 + 2 * index];
    const Operand& bias = spec.inputs[2 + 2 * index];
    Part part;
    HOB_ASSIGN_OR_RETURN(part.linear, MakeLinear(spec.name, weight, spec.inputs[0].type, context));
    part.outputs = weight.shape[0];
    part.tiles = (part.outputs + part.linear->tile() - 1) / part.linear->tile();
    part.bias = bias.present ? reinterpret_cast<const float*>(bias.weight->data.data()) : nullptr;
    tiles_ += part.tiles;
    thread_scratch_ = std::max(thread_scratch_, (part.linear->scratch_bytes() + 63) / 64 * 64);
    parts_.push_back(std::move(part));
    return absl::OkStatus();
  }

  size_t scratch_bytes() const override { return pool_->threads() * thread_scratch_; }
  size_t packed_bytes() const override {
    size_t bytes = 0;
    for (const Part& part : parts_) bytes += part.linear->packed_bytes();
    return bytes;
  }
  bool Packs(size_t input) const override {  // biases lie in the file
    return input % 2 == 1 && parts_[input / 2].linear->packed_bytes() != 0;
  }
  std::string_view provider() const override { return parts_[0].linear->provider(); }

  void Run(const RunContext& context) override {
    const auto tiles = static_cast<size_t>(tiles_);
    context.pool->For(tiles, Grain(), [&](size_t begin, size_t end, size_t thread) {
      const bool last = end == context.pool->ShareBegin(tiles, Grain(), thread + 1);
      RunTiles(context, static_cast<int64_t>(begin), static_cast<int64_t>(end),
               context.scratch + thread * thread_scratch_,
               last && context.next != nullptr ? context.next->FirstWeights(thread) : nullptr);
    });
  }
  const uint8_t* FirstWeights(size_t thread) const override {
    return WeightsAt(
        static_cast<int64_t>(pool_->ShareBegin(static_cast<size_t>(tiles_), Grain(), thread)));
  }

 private:
  struct Part {
    std::unique_ptr<Linear> linear;
    int64_t outputs = 0, tiles = 0;
    const float* bias = nullptr;
  };

  // Pieces small enough that a late thread holds the others up little, long enough to stream.
  size_t Grain() const {
    return std::max<size_t>(1, static_cast<size_t>(tiles_) / (pool_->threads() * 8));
  }

  const uint8_t* WeightsAt(int64_t tile) const {
    for (const Part& part : parts_) {
      if (tile < part.tiles) return part.linear->WeightsAt(tile * part.linear->tile());
      tile -= part.tiles;
    }
    return nullptr;
  }

  // `next` is what the thread will read after these tiles; null: the tile that follows them.
  void RunTiles(const RunContext& context, int64_t begin, int64_t end, uint8_t* scratch,
                const uint8_t* next) const {
    int64_t first = 0;  // of this part
    for (size_t i = 0; i < parts_.size(); first += parts_[i].tiles, ++i) {
      const Part& part = parts_[i];
      const int64_t from = std::max(begin - first, int64_t{0});
      const int64_t to = std::min(end - first, part.tiles);
      if (from >= to) continue;
      const int64_t tile = part.linear->tile();
      const int64_t low = from * tile, high = std::min(to * tile, part.outputs);
      float* out = reinterpret_cast<float*>(context.outputs[i]) + low;
      Addend residual;
      if (residual_) {
        residual = {reinterpret_cast<const float*>(context.inputs.back()) + low, part.outputs};
      }
      const Addend bias{part.bias == nullptr ? nullptr : part.bias + low, 0};
      part.linear->Compute(context.inputs[0], context.rows, low, high, out, part.outputs,
                           part.bias != nullptr ? bias : residual, scratch,
                           first + to == end && next != nullptr ? next : WeightsAt(first + to));
      if (part.bias != nullptr) AddRows(residual, context.rows, high - low, out, part.outputs);
    }
  }

  const ThreadPool* pool_;
  bool residual_;
  std::vector<Part> parts_;
  int64_t tiles_ = 0;
  size_t thread_scratch_ = 0;
};

StatusOr<std::unique_ptr<Kernel>> Make(const OpSpec& spec, const PlanContext& context) {
  auto kernel = std::make_unique<MatmulKernel>(spec, context.pool);
  for (size_t i = 0; i < spec.outputs.size(); ++i) {
    HOB_RETURN_IF_ERROR(kernel->Add(spec, i, context));
  }
  return kernel;
}

constexpr std::string_view kAttributes[] = {"weights", "residual"};

}  // namespace

extern const OpDef kOp;
const OpDef kOp = {"matmul", Check, Make, kAttributes};

}  // namespace hob::ops::matmul
