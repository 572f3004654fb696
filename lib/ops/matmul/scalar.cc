// SPDX-License-Identifier: Apache-2.0
// The reference: rows of the file's own format, one output after the other.
#include <cmath>

#include "lib/base/block_formats.h"
#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panels.h"

namespace hob::ops::matmul {
namespace {

class ScalarLinear final : public Linear {
 public:
  ScalarLinear(const Operand& weight, DType activation)
      : tensor_(*weight.weight),
        format_(FindPanelFormat(weight.type, weight.columns())),
        activation_(activation),
        outputs_(weight.shape[0]),
        columns_(weight.shape[1]) {}

  int64_t tile() const override { return kPanelRows; }
  size_t scratch_bytes() const override {
    return activation_ == DType::kF32 ? static_cast<size_t>(columns_) * sizeof(float)
                                      : PanelBytes(*format_, columns_);
  }
  size_t packed_bytes() const override { return 0; }
  std::string_view provider() const override { return "scalar"; }
  DType activation() const override { return activation_; }

  void Compute(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
               int64_t out_stride, uint8_t* scratch) const override {
    if (activation_ == DType::kF32) {
      ComputeF32(reinterpret_cast<const float*>(x), rows, begin, end, out, out_stride,
                 reinterpret_cast<float*>(scratch));
    } else {
      ComputeInt8(x, rows, begin, end, out, out_stride, scratch);
    }
  }

 private:
  void ComputeF32(const float* x, int64_t rows, int64_t begin, int64_t end, float* out,
                  int64_t out_stride, float* weights) const {
    for (int64_t n = begin; n < end; ++n) {
      DequantizeWeightRow(tensor_, n, weights);
      for (int64_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (int64_t k = 0; k < columns_; ++k) {
          sum += static_cast<double>(x[r * columns_ + k]) * static_cast<double>(weights[k]);
        }
        out[r * out_stride + n - begin] = static_cast<float>(sum);
      }
    }
  }

  // Row n as a panel has it; a row of the file's own format is packed into `panel` first.
  PanelRow ReadRow(int64_t n, uint8_t* panel) const {
    if (tensor_.panels) {
      const size_t offset = static_cast<size_t>(n / kPanelRows) * PanelBytes(*format_, columns_);
      return PanelRow(*format_, tensor_.data.data() + offset, n % kPanelRows);
    }
    const size_t row_bytes = tensor_.data.size() / static_cast<size_t>(outputs_);
    PackPanel(*format_, tensor_.data.data() + static_cast<size_t>(n) * row_bytes, row_bytes, 1,
              columns_, panel);
    return PanelRow(*format_, panel, 0);
  }

  // The same operations in the same order as the panel kernels: equal bit for bit.
  void ComputeInt8(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
                   int64_t out_stride, uint8_t* panel) const {
    const Q8ActLayout layout(static_cast<size_t>(columns_));
    const bool split = format_->type == DType::kQ6_K;
    for (int64_t n = begin; n < end; ++n) {
      const PanelRow w = ReadRow(n, panel);
      for (int64_t r = 0; r < rows; ++r) {
        const uint8_t* row = x + static_cast<size_t>(r) * layout.stride();
        const int8_t* a = reinterpret_cast<const int8_t*>(row);
        const float* scale = reinterpret_cast<const float*>(row + layout.scale_offset);
        const int32_t* sums = reinterpret_cast<const int32_t*>(row + layout.sum_offset);
        float sum = 0;
        for (int64_t b = 0; b < columns_ / kBlockColumns; ++b) {
          int32_t dot[2] = {-format_->zero * sums[2 * b], -format_->zero * sums[2 * b + 1]};
          for (int64_t k = 0; k < kBlockColumns; ++k) {
            dot[k / 16] += w.Quant(b, k) * a[b * kBlockColumns + k];
          }
          if (split) {
            sum = std::fma(static_cast<float>(dot[0]), w.Scale(b, 0) * scale[b], sum);
            sum = std::fma(static_cast<float>(dot[1]), w.Scale(b, 1) * scale[b], sum);
          } else {
            sum = std::fma(static_cast<float>(dot[0] + dot[1]), w.Scale(b, 0) * scale[b], sum);
          }
          if (format_->has_min) {
            const float total = static_cast<float>(sums[2 * b] + sums[2 * b + 1]);
            sum = std::fma(w.Min(b), total * scale[b], sum);
          }
        }
        out[r * out_stride + n - begin] = sum;
      }
    }
  }

  const Tensor& tensor_;
  const PanelFormat* format_;
  DType activation_;
  int64_t outputs_, columns_;
};

}  // namespace

StatusOr<std::unique_ptr<Linear>> MakeScalarLinear(const Operand& weight, DType activation,
                                                   const PlanContext& context) {
  if (!context.choice->Allows("scalar")) return nullptr;
  const bool int8 = activation == DType::kQ8Act;
  if (int8 ? FindPanelFormat(weight.type, weight.columns()) == nullptr
           : weight.type == DType::kI32 || weight.type == DType::kQC8) {
    return nullptr;
  }
  return std::make_unique<ScalarLinear>(weight, activation);
}

}  // namespace hob::ops::matmul
