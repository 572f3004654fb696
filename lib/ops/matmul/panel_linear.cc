// SPDX-License-Identifier: Apache-2.0
// Weights in panels, the file's or packed here, with the best panel kernel of this CPU.
#include <algorithm>

#include "lib/base/block_formats.h"
#include "lib/format/weight_row.h"
#include "lib/ops/matmul/linear.h"
#include "lib/ops/matmul/panel_kernels.h"
#include "lib/ops/matmul/panels.h"

namespace hob::ops::matmul {
namespace {

struct PanelKernel {
  PanelFunction function = nullptr;
  std::string_view provider;
};

PanelKernel ChooseKernel(DType type, const KernelChoice& choice) {
  if (choice.cpu.avx512vnni && choice.Allows("avx512vnni")) {
    if (const PanelFunction f = Avx512VnniPanels(type)) return {f, "avx512vnni"};
  }
  if (choice.cpu.avx2 && choice.Allows("avx2")) {
    if (const PanelFunction f = Avx2Panels(type)) return {f, "avx2"};
  }
  if (choice.Allows("simd")) {
    if (const PanelFunction f = SimdPanels(choice.cpu, type)) return {f, "simd"};
  }
  return {};
}

class PanelLinear final : public Linear {
 public:
  PanelLinear(const PanelFormat& format, const PanelKernel& kernel, const Operand& weight,
              DType activation)
      : kernel_(kernel),
        activation_(activation),
        outputs_(weight.shape[0]),
        columns_(weight.shape[1]),
        panel_bytes_(PanelBytes(format, columns_)) {}

  // Uses the file's panels in place, or packs its rows.
  Status Prepare(const PanelFormat& format, const Operand& weight, const PlanContext& context) {
    if (weight.weight->panels) {
      panels_ = weight.weight->data.data();
      return absl::OkStatus();
    }
    const int64_t panels = (outputs_ + kPanelRows - 1) / kPanelRows;
    packed_bytes_ = static_cast<size_t>(panels) * panel_bytes_;
    if (!context.pack) return absl::OkStatus();
    HOB_ASSIGN_OR_RETURN(packed_, Buffer::Create(context.allocator, packed_bytes_,
                                                 absl::StrCat("packed ", weight.weight->name)));
    context.pool->For(static_cast<size_t>(panels), 4, [&](size_t begin, size_t end, size_t) {
      for (size_t p = begin; p < end; ++p) {
        const int64_t row = static_cast<int64_t>(p) * kPanelRows;
        PackWeightRows(format, *weight.weight, row, std::min(kPanelRows, outputs_ - row),
                       packed_.data() + p * panel_bytes_);
      }
    });
    panels_ = packed_.data();
    return absl::OkStatus();
  }

  int64_t tile() const override { return kPanelRows; }
  size_t scratch_bytes() const override { return PanelScratchBytes(columns_); }
  size_t packed_bytes() const override { return packed_bytes_; }
  std::string_view provider() const override { return kernel_.provider; }
  DType activation() const override { return activation_; }

  void Compute(const uint8_t* x, int64_t rows, int64_t begin, int64_t end, float* out,
               int64_t out_stride, const Addend& addend, uint8_t* scratch,
               const uint8_t* next) const override {
    kernel_.function({.panels = panels_ + static_cast<size_t>(begin / kPanelRows) * panel_bytes_,
                      .panel_bytes = panel_bytes_,
                      .outputs = end - begin,
                      .x = x,
                      .x_stride = ActivationRowBytes(activation_, static_cast<size_t>(columns_)),
                      .rows = rows,
                      .columns = columns_,
                      .terms = Int8Terms(activation_),
                      .out = out,
                      .out_stride = out_stride,
                      .addend = addend.values,
                      .addend_stride = addend.stride,
                      .scratch = scratch,
                      .next = next});
  }
  const uint8_t* WeightsAt(int64_t n) const override {
    return panels_ + static_cast<size_t>(n / kPanelRows) * panel_bytes_;
  }

 private:
  PanelKernel kernel_;
  DType activation_;
  int64_t outputs_, columns_;
  size_t panel_bytes_;
  const uint8_t* panels_ = nullptr;
  size_t packed_bytes_ = 0;
  Buffer packed_;  // empty where the file's panels are used
};

}  // namespace

StatusOr<std::unique_ptr<Linear>> MakePanelLinear(const Operand& weight, DType activation,
                                                  const PlanContext& context) {
  const PanelFormat* format = FindPanelFormat(weight.type, weight.columns());
  if (format == nullptr || Int8Terms(activation) == 0) return nullptr;
  const PanelKernel kernel = ChooseKernel(weight.type, *context.choice);
  if (kernel.function == nullptr) return nullptr;
  auto linear = std::make_unique<PanelLinear>(*format, kernel, weight, activation);
  HOB_RETURN_IF_ERROR(linear->Prepare(*format, weight, context));
  return linear;
}

}  // namespace hob::ops::matmul
