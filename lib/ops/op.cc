// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/op.h"

namespace hob {

#define HOB_OP(folder)    \
  namespace ops::folder { \
  extern const OpDef kOp; \
  }
#include "lib/ops/op_table.inc"
#undef HOB_OP

const OpDef* FindOp(std::string_view name) {
#define HOB_OP(folder) \
  if (ops::folder::kOp.name == name) return &ops::folder::kOp;
#include "lib/ops/op_table.inc"
#undef HOB_OP
  return nullptr;
}

Status SpecError(const OpSpec& spec, std::string_view what) {
  return Error(StatusCode::kInvalidArgument,
               absl::StrCat("node ", spec.name, ": ", std::string(what)));
}

Status CheckCounts(const OpSpec& spec, size_t min_inputs, size_t max_inputs, size_t outputs) {
  if (spec.inputs.size() < min_inputs || spec.inputs.size() > max_inputs) {
    return SpecError(spec, absl::StrCat("has ", spec.inputs.size(), " inputs, not ", min_inputs,
                                        " to ", max_inputs));
  }
  if (spec.outputs.size() != outputs) {
    return SpecError(spec, absl::StrCat("has ", spec.outputs.size(), " outputs, not ", outputs));
  }
  return absl::OkStatus();
}

Status CheckMatrix(const OpSpec& spec, const Operand& operand, std::string_view what, DType type,
                   int64_t columns) {
  const std::string label(what);
  if (!operand.present) return SpecError(spec, absl::StrCat(label, " is missing"));
  if (operand.type != type) return SpecError(spec, absl::StrCat(label, " has the wrong type"));
  if (operand.shape.size() != 2) return SpecError(spec, absl::StrCat(label, " is not a matrix"));
  if (columns >= 0 && operand.columns() != columns) {
    return SpecError(spec,
                     absl::StrCat(label, " has ", operand.columns(), " columns, not ", columns));
  }
  return absl::OkStatus();
}

Status CheckVector(const OpSpec& spec, const Operand& operand, std::string_view what,
                   int64_t columns) {
  const std::string label(what);
  if (!operand.present || operand.weight == nullptr) {
    return SpecError(spec, absl::StrCat(label, " is missing"));
  }
  if (operand.type != DType::kF32 || operand.shape.size() != 1 || operand.columns() != columns) {
    return SpecError(spec, absl::StrCat(label, " is not a vector of ", columns, " F32 values"));
  }
  return absl::OkStatus();
}

}  // namespace hob
