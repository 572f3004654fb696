// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/matmul/linear.h"

#include "lib/ops/matmul/panels.h"

namespace hob::ops::matmul {

bool WantsInt8Activations(DType weight, int64_t columns) {
  return FindPanelFormat(weight, columns) != nullptr;
}

void AddRows(const Addend& addend, int64_t rows, int64_t columns, float* out, int64_t out_stride) {
  if (addend.values == nullptr) return;
  for (int64_t r = 0; r < rows; ++r) {
    const float* values = addend.values + r * addend.stride;
    float* row = out + r * out_stride;
    for (int64_t n = 0; n < columns; ++n) row[n] += values[n];
  }
}

StatusOr<std::unique_ptr<Linear>> MakeLinear(std::string_view node, const Operand& weight,
                                             DType activation, const PlanContext& context) {
  // Best first. A forced provider that does not take this weight gives way to the others: forcing
  // "avx2" must not refuse a model for its one f32 matrix.
  constexpr LinearMaker kMakers[] = {MakePanelLinear, MakeXnnpackLinear, MakeSimdLinear,
                                     MakeScalarLinear};
  for (const LinearMaker make : kMakers) {
    HOB_ASSIGN_OR_RETURN(std::unique_ptr<Linear> linear, make(weight, activation, context));
    if (linear != nullptr) return linear;
  }
  if (!context.choice->provider.empty()) {
    KernelChoice any = *context.choice;
    any.provider.clear();
    PlanContext relaxed = context;
    relaxed.choice = &any;
    return MakeLinear(node, weight, activation, relaxed);
  }
  const DTypeInfo* type = FindDType(weight.type);
  return Error(StatusCode::kUnimplemented,
               absl::StrCat("node ", std::string(node), ": no kernel multiplies ",
                            type == nullptr ? "this type" : std::string(type->name), " weights"));
}

}  // namespace hob::ops::matmul
