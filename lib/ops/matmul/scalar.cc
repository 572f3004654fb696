// SPDX-License-Identifier: Apache-2.0
// The reference: rows of the file's own format, one output after the other.
#include <cmath>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panels.h"

namespace hob::ops::matmul {
namespace {

// Reads one weight of a panel: quant, scale and min as the panel kernels see them.
class PanelReader {
 public:
  PanelReader(const PanelFormat& format, const uint8_t* panel, int64_t row)
      : format_(format), panel_(panel), row_(row) {}

  const uint8_t* Group(int64_t block) const {
    return panel_ + block / format_.group_blocks *
                        (format_.group_bytes + format_.group_blocks * format_.block_bytes);
  }
  const uint8_t* Block(int64_t block) const {
    return Group(block) + format_.group_bytes + block % format_.group_blocks * format_.block_bytes;
  }
  static float Half(const uint8_t* p) { return F16ToF32(static_cast<uint16_t>(p[0] | p[1] << 8)); }
  // Of the block's columns 16·part … 16·part + 15.
  float Scale(int64_t block, int part) const {
    const float d = Half(Group(block) + 2 * row_);
    if (format_.type == DType::kQ6_K) {
      return static_cast<float>(static_cast<int8_t>(Block(block)[32 * part + row_])) * d;
    }
    if (format_.group_blocks == 8) return static_cast<float>(Block(block)[row_]) * d;
    return d;
  }
  float Min(int64_t block) const {
    if (!format_.has_min) return 0.0f;
    const float m = Half(Group(block) + 64 + 2 * row_);
    return format_.group_blocks == 8 ? 0.0f - static_cast<float>(Block(block)[32 + row_]) * m : m;
  }
  int32_t Quant(int64_t block, int64_t column) const {
    const uint8_t* quants =
        Block(block) + (format_.group_blocks == 8 || !format_.has_min ? 64 : 128);
    const int64_t j = column / 4, i = column % 4;
    const int64_t byte = row_ / 16 * 64 + row_ % 16 * 4 + i;
    if (format_.low_bits == 8) return quants[j * 128 + byte];
    int32_t high = 0;
    if (format_.high_bits == 1) {
      high = (quants[byte] >> j & 1) << 4;
      quants += 128;
    } else if (format_.high_bits == 2) {
      high = (quants[j / 4 * 128 + byte] >> (2 * (j % 4)) & 3) << 4;
      quants += 256;
    }
    const int32_t packed = quants[j % 4 * 128 + byte];
    return (j < 4 ? packed & 15 : packed >> 4) | high;
  }

 private:
  const PanelFormat& format_;
  const uint8_t* panel_;
  int64_t row_;
};

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
        format_(FindPanelFormat(weight.type)),
        activation_(activation),
        outputs_(weight.shape[0]),
        columns_(weight.shape[1]),
        row_bytes_(tensor_.data.size() / static_cast<size_t>(outputs_)) {}

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
      Dequantize(tensor_.type, tensor_.data.data() + static_cast<size_t>(n) * row_bytes_,
                 static_cast<size_t>(columns_), weights);
      for (int64_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (int64_t k = 0; k < columns_; ++k) {
          sum += static_cast<double>(x[r * columns_ + k]) * static_cast<double>(weights[k]);
        }
        out[r * out_stride + n - begin] = static_cast<float>(sum);
      }
    }
  }

  // The same operations in the same order as the panel kernels: equal bit for bit.
  void ComputeInt8(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
                   int64_t out_stride, uint8_t* panel) const {
    const size_t stride = ActivationRowBytes(activation_, static_cast<size_t>(columns_));
    const bool split = format_->type == DType::kQ6_K;
    for (int64_t n = begin; n < end; ++n) {
      PackPanel(*format_, tensor_.data.data() + static_cast<size_t>(n) * row_bytes_, row_bytes_, 1,
                columns_, panel);
      const PanelReader w(*format_, panel, 0);
      for (int64_t r = 0; r < rows; ++r) {
        const ActivationReader a(x + static_cast<size_t>(r) * stride, columns_, activation_);
        float sum = 0;
        for (int64_t b = 0; b < columns_ / kBlockColumns; ++b) {
          int32_t dot[2] = {-format_->zero * a.Sum(b, 0), -format_->zero * a.Sum(b, 1)};
          for (int64_t k = 0; k < kBlockColumns; ++k) {
            dot[k / 16] += w.Quant(b, k) * a.Value(b * kBlockColumns + k);
          }
          if (split) {
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
        out[r * out_stride + n - begin] = sum;
      }
    }
  }

  const Tensor& tensor_;
  const PanelFormat* format_;
  DType activation_;
  int64_t outputs_, columns_;
  size_t row_bytes_;
};

}  // namespace

StatusOr<std::unique_ptr<Linear>> MakeScalarLinear(const Operand& weight, DType activation,
                                                   const PlanContext& context) {
  if (!context.choice->Allows("scalar")) return nullptr;
  const bool int8 = Int8Terms(activation) != 0;
  if (int8 ? FindPanelFormat(weight.type) == nullptr
           : weight.type == DType::kI32 || weight.type == DType::kQC8) {
    return nullptr;
  }
  return std::make_unique<ScalarLinear>(weight, activation);
}

}  // namespace hob::ops::matmul
