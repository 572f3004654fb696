// SPDX-License-Identifier: Apache-2.0
// What operators that work row by row share: checks of their operands, copies of small weights, and
// the split of rows over threads.
#pragma once

#include <cstring>
#include <string_view>

#include "lib/base/allocator.h"
#include "lib/base/block_formats.h"
#include "lib/ops/op.h"

namespace hob {

inline constexpr int64_t kMaxColumns = int64_t{1}
                                       << 26;  // keeps products of sizes far from overflow
inline constexpr int64_t kQ8Block = 32;

// An activation [rows, columns] whose rows are those of output 0; `columns` < 0 accepts any. Int8
// terms need whole blocks. Weights are refused: they have no buffer in a step.
inline Status CheckActivation(const OpSpec& spec, const Operand& operand, std::string_view what,
                              DType type, int64_t columns) {
  HOB_RETURN_IF_ERROR(CheckMatrix(spec, operand, what, type, columns));
  const std::string label(what);
  if (operand.weight != nullptr) return SpecError(spec, absl::StrCat(label, " is a weight"));
  if (operand.columns() < 1 || operand.columns() > kMaxColumns) {
    return SpecError(spec, absl::StrCat(label, " has ", operand.columns(), " columns"));
  }
  if (operand.shape[0] != kTokensDim && operand.shape[0] != kLogitRowsDim) {
    return SpecError(spec, absl::StrCat(label, " does not have a step's rows"));
  }
  if (operand.shape[0] != spec.outputs[0].shape[0]) {
    return SpecError(spec, absl::StrCat(label, " has other rows than the output"));
  }
  if (Int8Terms(type) != 0 && operand.columns() % kQ8Block != 0) {
    return SpecError(spec, absl::StrCat(label, " has ", operand.columns(),
                                        " columns, not a multiple of ", kQ8Block));
  }
  return absl::OkStatus();
}

// Output 0: f32, or kQ8Act or kQ16Act where `quantized` allows it.
inline Status CheckOutput(const OpSpec& spec, int64_t columns, bool quantized) {
  const Operand& output = spec.outputs[0];
  const DType type = quantized && Int8Terms(output.type) != 0 ? output.type : DType::kF32;
  return CheckActivation(spec, output, "the output", type, columns);
}

// Bytes from one row of `operand` to the next.
inline size_t RowStride(const Operand& operand) {
  return ActivationRowBytes(operand.type, static_cast<size_t>(operand.columns()));
}

// An aligned copy of an f32 vector of the model file.
inline StatusOr<Buffer> CopyVector(const OpSpec& spec, const Operand& operand,
                                   const PlanContext& context) {
  const size_t bytes = static_cast<size_t>(operand.columns()) * sizeof(float);
  if (operand.weight->data.size() < bytes) {
    return SpecError(spec, absl::StrCat("tensor ", operand.weight->name, " is too short"));
  }
  HOB_ASSIGN_OR_RETURN(Buffer copy, Buffer::Create(context.allocator, bytes, spec.name));
  std::memcpy(copy.data(), operand.weight->data.data(), bytes);
  return copy;
}

// Calls f(begin, end) over disjoint ranges that cover [0, rows). Little work stays on the caller: a
// loop through the pool costs about a microsecond. `row_cost` is about a row's nanoseconds on one
// thread.
template <typename F>
void ForRows(const RunContext& context, int64_t rows, size_t row_cost, F&& f) {
  constexpr size_t kSmall = 8000, kPiece = 4000;  // ns
  const auto count = static_cast<size_t>(rows);
  if (count == 0) return;
  if (count == 1 || count * row_cost < kSmall || context.pool == nullptr) {
    f(size_t{0}, count);
    return;
  }
  const size_t grain = 1 + kPiece / (row_cost + 1);
  context.pool->For(count, grain, [&f](size_t begin, size_t end, size_t) { f(begin, end); });
}

// True unless the user forces the scalar provider: of the operators that work row by row all others
// are "simd".
inline bool WantsSimd(const KernelChoice& choice) { return choice.provider != "scalar"; }

}  // namespace hob
