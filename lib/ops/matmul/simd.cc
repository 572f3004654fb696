// SPDX-License-Identifier: Apache-2.0
// Highway: weights of any type times f32 activations (`simd_f32-inl.h`), and the portable panel
// kernels (`simd_panels-inl.h`).
#include <memory>

#include "lib/base/block_formats.h"
#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panel_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/ops/matmul/simd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/isa/simd_dispatch.h"
#include "lib/ops/matmul/simd_f32-inl.h"
#include "lib/ops/matmul/simd_panels-inl.h"

#if HWY_ONCE
namespace hob::ops::matmul {
namespace {

// Block and per-channel types are dequantised a few rows at a time, the others read in place.
class SimdLinear final : public Linear {
 public:
  SimdLinear(const Operand& weight, F32Function direct, F32Function dequantised)
      : tensor_(*weight.weight),
        outputs_(weight.shape[0]),
        columns_(weight.shape[1]),
        row_bytes_(tensor_.data.size() / static_cast<size_t>(outputs_)),
        direct_(direct),
        dequantised_(dequantised) {}

  int64_t tile() const override { return 32; }
  size_t scratch_bytes() const override {
    return static_cast<size_t>(kF32Outputs * columns_) * sizeof(float);
  }
  size_t packed_bytes() const override { return 0; }
  std::string_view provider() const override { return "simd"; }
  DType activation() const override { return DType::kF32; }

  void Compute(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
               int64_t out_stride, const Addend& addend, uint8_t* scratch,
               const uint8_t* /*next*/) const override {
    const uint8_t* data = tensor_.data.data();
    F32Args args{.weights = data + static_cast<size_t>(begin) * row_bytes_,
                 .row_bytes = row_bytes_,
                 .outputs = end - begin,
                 .x = reinterpret_cast<const float*>(x),
                 .rows = rows,
                 .columns = columns_,
                 .out = out,
                 .out_stride = out_stride,
                 .scratch = reinterpret_cast<float*>(scratch)};
    if (direct_ != nullptr) {
      direct_(args);
    } else {
      Dequantised(args, begin, end);
    }
    AddRows(addend, rows, end - begin, out, out_stride);
  }

 private:
  void Dequantised(F32Args args, int64_t begin, int64_t end) const {
    const size_t columns = static_cast<size_t>(columns_);
    float* out = args.out;
    args.weights = reinterpret_cast<const uint8_t*>(args.scratch);
    args.row_bytes = columns * sizeof(float);
    for (int64_t n = begin; n < end; n += kF32Outputs) {
      args.outputs = end - n < kF32Outputs ? end - n : kF32Outputs;
      args.out = out + (n - begin);
      for (int64_t c = 0; c < args.outputs; ++c) {
        DequantizeWeightRow(tensor_, n + c, args.scratch + static_cast<size_t>(c) * columns);
      }
      dequantised_(args);
    }
  }

  const Tensor& tensor_;
  int64_t outputs_, columns_;
  size_t row_bytes_;
  F32Function direct_, dequantised_;
};

}  // namespace

PanelFunction SimdPanels(const CpuFeatures& cpu, DType type) {
  CpuFeatures narrow = cpu;  // see simd_panels-inl.h
  narrow.avx512 = false;
  return HOB_SIMD_CHOOSE(narrow, GetPanels)(type);
}

StatusOr<std::unique_ptr<Linear>> MakeSimdLinear(const Operand& weight, DType activation,
                                                 const PlanContext& context) {
  if (!context.choice->Allows("simd") || activation != DType::kF32 || weight.type == DType::kI32 ||
      weight.type == DType::kQ8Act) {
    return nullptr;
  }
  const auto get = HOB_SIMD_CHOOSE(context.choice->cpu, GetF32);
  const F32Function f32 = get(DType::kF32);
  if (f32 == nullptr) return nullptr;
  return std::make_unique<SimdLinear>(weight, get(weight.type), f32);
}

}  // namespace hob::ops::matmul
#endif
