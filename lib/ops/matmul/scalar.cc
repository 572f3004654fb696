// SPDX-License-Identifier: Apache-2.0
// The reference: one output after the other, from rows or panels.
#include <cmath>

#include "lib/base/block_formats.h"
#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panels.h"

namespace hob::ops::matmul {
namespace {

// A row of quantised activations.
class ActivationReader {
 public:
  ActivationReader(const uint8_t* row, int64_t columns, DType type)
      : row_(row),
        columns_(columns),
        two_(Int8Terms(type) == 2),
        layout_(static_cast<size_t>(columns), static_cast<size_t>(Int8Terms(type))) {}

  int32_t Value(int64_t k) const {
    const int8_t* terms = reinterpret_cast<const int8_t*>(row_);
    return two_ ? kQ16Base * terms[k] + terms[columns_ + k] : terms[k];
  }
  float Scale(int64_t block) const {
    return reinterpret_cast<const float*>(row_ + layout_.scale_offset)[block];
  }
  int32_t Sum(int64_t block, int part) const {  // of 16 columns
    return reinterpret_cast<const int32_t*>(row_ + layout_.sum_offset)[2 * block + part];
  }

 private:
  const uint8_t* row_;
  int64_t columns_;
  bool two_;
  Q8ActLayout layout_;
};

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
               int64_t out_stride, const Addend& addend, uint8_t* scratch,
               const uint8_t* /*next*/) const override {
    if (activation_ == DType::kF32) {
      ComputeF32(reinterpret_cast<const float*>(x), rows, begin, end, out, out_stride,
                 reinterpret_cast<float*>(scratch));
    } else {
      ComputeInt8(x, rows, begin, end, out, out_stride, scratch);
    }
    AddRows(addend, rows, end - begin, out, out_stride);
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
    if (tensor_.panels) return RowOfPanels(tensor_, n);
    PackWeightRows(*format_, tensor_, n, 1, panel);
    return PanelRow(*format_, panel, 0);
  }

  // The same operations in the same order as the panel kernels: equal bit for bit.
  void ComputeInt8(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
                   int64_t out_stride, uint8_t* panel) const {
    const size_t stride = ActivationRowBytes(activation_, static_cast<size_t>(columns_));
    const bool split = format_->type == DType::kQ6_K;
    for (int64_t n = begin; n < end; ++n) {
      const PanelRow w = ReadRow(n, panel);
      for (int64_t r = 0; r < rows; ++r) {
        const ActivationReader a(x + static_cast<size_t>(r) * stride, columns_, activation_);
        float sum = 0;
        for (int64_t b = 0; b < columns_ / kBlockColumns; ++b) {
          int32_t dot[2] = {-format_->zero * a.Sum(b, 0), -format_->zero * a.Sum(b, 1)};
          for (int64_t k = 0; k < kBlockColumns; ++k) {
            dot[k / 16] += w.Quant(b, k) * a.Value(b * kBlockColumns + k);
          }
          if (format_->panel_bytes != 0) {  // the scale comes last
            sum = std::fma(static_cast<float>(dot[0] + dot[1]), a.Scale(b), sum);
          } else if (split) {
            sum = std::fma(static_cast<float>(dot[0]), w.Scale(b, 0) * a.Scale(b), sum);
            sum = std::fma(static_cast<float>(dot[1]), w.Scale(b, 1) * a.Scale(b), sum);
          } else {
            sum = std::fma(static_cast<float>(dot[0] + dot[1]), w.Scale(b, 0) * a.Scale(b), sum);
          }
          if (format_->has_min) {
            const float total = static_cast<float>(a.Sum(b, 0) + a.Sum(b, 1));
            sum = std::fma(w.Min(b), total * a.Scale(b), sum);
          }
        }
        out[r * out_stride + n - begin] = format_->panel_bytes != 0 ? sum * w.Scale(0, 0) : sum;
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
  const bool int8 = Int8Terms(activation) != 0;
  if (int8 ? FindPanelFormat(weight.type, weight.columns()) == nullptr
           : weight.type == DType::kI32) {
    return nullptr;
  }
  return std::make_unique<ScalarLinear>(weight, activation);
}

}  // namespace hob::ops::matmul
