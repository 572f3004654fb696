// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/graph_builder.h"

#include <algorithm>
#include <utility>

#include "lib/base/block_formats.h"
#include "lib/format/validate.h"

namespace hob {
namespace {

constexpr int64_t kMostColumns = 1 << 24;  // as in graphs from files
constexpr std::string_view kOpsHint =
    "Operators: add, embedding, gelu, layer_norm, matmul, rms_norm, rope, rope_angles, swiglu.";

Status Invalid(std::string_view message, std::string_view hint = {}) {
  return Error(StatusCode::kInvalidArgument, message, hint);
}

// Null, or the name of an attribute that `op` does not have.
const std::string* FindUnknown(const OpDef& op, const Attributes& attributes) {
  for (const auto& [name, value] : attributes.entries()) {
    if (std::ranges::find(op.attributes, name) == op.attributes.end()) return &name;
  }
  return nullptr;
}

// Makes room, so that what is added next cannot fail half way.
template <typename T>
void MakeRoom(std::vector<T>& items, size_t more = 1) {
  if (items.capacity() - items.size() < more) items.reserve(2 * items.size() + more);
}

}  // namespace

bool GraphBuilder::HoldsWeights(DType type) {
  return FindDType(type) != nullptr && type != DType::kI32 && Int8Terms(type) == 0;
}

Status GraphBuilder::CheckRoom(size_t more) const {
  if (graph_.values.size() + more <= kMaxValues) return absl::OkStatus();
  return Invalid(Concat("a graph has at most ", kMaxValues, " values"));
}

Status GraphBuilder::CheckColumns(std::string_view what, int64_t columns) const {
  if (columns >= 1 && columns <= kMostColumns) return absl::OkStatus();
  return Invalid(Concat(what, " has ", columns, " columns, not 1 to ", kMostColumns));
}

StatusOr<ValueId> GraphBuilder::AddInput(std::string_view name, int64_t columns) {
  HOB_RETURN_IF_ERROR(CheckRoom(1));
  HOB_RETURN_IF_ERROR(CheckColumns(Concat("input ", format::Quoted(name)), columns));
  MakeRoom(inputs_);
  const ValueId id = graph_.AddValue({.name = std::string(name), .shape = {kTokensDim, columns}});
  inputs_.push_back(id);
  return id;
}

StatusOr<ValueId> GraphBuilder::AddWeight(std::string_view name, DType type,
                                          std::vector<int64_t> shape, std::span<const uint8_t> data,
                                          std::shared_ptr<const void> owner) {
  HOB_RETURN_IF_ERROR(CheckRoom(1));
  std::string given(name);
  for (size_t n = weights_.tensors.size();
       name.empty() && (given.empty() || weights_.tensor_index.contains(given)); ++n) {
    given = Concat("weight ", n);
  }
  const std::string label = Concat("weight ", format::Quoted(given));
  if (!HoldsWeights(type)) {
    return Error(
        StatusCode::kUnimplemented,
        Concat(label, " is of type ", static_cast<int32_t>(type), ", which hob does not multiply"));
  }
  if (shape.empty() || shape.size() > 2) {
    return Invalid(Concat(label, " has ", shape.size(), " dimensions, not 1 or 2"));
  }
  const auto bytes = format::TensorBytes(type, shape);
  if (!bytes.ok()) return Annotate(bytes.status(), label);
  if (data.size() != *bytes) {
    return Invalid(Concat(label, " takes ", *bytes, " bytes; ", data.size(), " were given"));
  }
  if (reinterpret_cast<uintptr_t>(data.data()) % kWeightAlignment != 0) {
    return Invalid(Concat(label, " is not aligned to ", kWeightAlignment, " bytes"),
                   "Let it be copied, or allocate it so.");
  }
  MakeRoom(owners_);
  MakeRoom(graph_.values);
  MakeRoom(weights_.tensors);
  Value value{
      .name = given, .kind = ValueKind::kWeight, .type = type, .shape = shape, .tensor = given};
  Tensor tensor{.name = given, .type = type, .shape = std::move(shape), .data = data};
  if (!weights_.tensor_index.emplace(given, weights_.tensors.size()).second) {
    return Invalid(Concat(label, " is there twice"));
  }
  weights_.tensors.push_back(std::move(tensor));
  owners_.push_back(std::move(owner));
  return graph_.AddValue(std::move(value));
}

StatusOr<ValueId> GraphBuilder::AddNode(std::string_view op, std::string_view name,
                                        std::vector<ValueId> inputs, Attributes attributes,
                                        std::span<const int64_t> columns) {
  const std::string given = name.empty() ? Concat(op, " ", graph_.nodes.size()) : std::string(name);
  const OpDef* definition = FindOp(op);
  if (definition == nullptr) {
    return Invalid(
        Concat("node ", format::Quoted(given), ": there is no operator ", format::Quoted(op)),
        kOpsHint);
  }
  const std::string label = Concat("node ", format::Quoted(given), " (", op, ")");
  if (op == "attention" || op == "select_rows") {
    return Error(StatusCode::kUnimplemented,
                 Concat(label, ": needs the cache of a session, which a graph of one's own lacks"),
                 kOpsHint);
  }
  if (op == "bidirectional_attention" || op == "pool") {
    return Error(StatusCode::kUnimplemented,
                 Concat(label, ": needs whole texts, which a graph of one's own does not know"),
                 kOpsHint);
  }
  if (const std::string* unknown = FindUnknown(*definition, attributes); unknown != nullptr) {
    return Invalid(Concat(label, " has no attribute ", format::Quoted(*unknown)));
  }
  HOB_RETURN_IF_ERROR(CheckRoom(columns.size()));
  for (const ValueId id : inputs) {
    if (id != kNoValue && (id < 0 || static_cast<size_t>(id) >= graph_.values.size())) {
      return Invalid(Concat(label, " reads value ", id, ", of ", graph_.values.size()));
    }
  }
  Node node{.op = std::string(op),
            .name = given,
            .inputs = std::move(inputs),
            .outputs = {},
            .attributes = std::move(attributes)};
  // Its outputs are no values of the graph yet, so that a node that fails leaves nothing.
  OpSpec spec = MakeSpec(graph_, node, weights_);
  spec.name = label.substr(label.find(' ') + 1);  // messages put "node" before it
  const auto first = static_cast<ValueId>(graph_.values.size());
  std::vector<Value> values;
  for (size_t i = 0; i < columns.size(); ++i) {
    HOB_RETURN_IF_ERROR(CheckColumns(Concat(label, ": output ", i), columns[i]));
    values.push_back(
        {.name = i == 0 ? given : Concat(given, ".", i), .shape = {kTokensDim, columns[i]}});
    spec.outputs.push_back({.present = true, .shape = values.back().shape});
    node.outputs.push_back(first + static_cast<ValueId>(i));
  }
  const Status status = definition->check(spec);
  if (status.ok()) {
    MakeRoom(graph_.nodes);
    MakeRoom(graph_.values, values.size());
    for (Value& value : values) graph_.values.push_back(std::move(value));
    graph_.nodes.push_back(std::move(node));
    return first;
  }
  // A missing attribute is not found, but it is the node that is wrong.
  const StatusCode code =
      status.code() == StatusCode::kNotFound ? StatusCode::kInvalidArgument : status.code();
  const std::string message(status.message());
  return Error(code, message.starts_with("node ") ? message : Concat(label, ": ", message),
               HintOf(status));
}

Status GraphBuilder::AddOutput(ValueId value) {
  if (value < 0 || static_cast<size_t>(value) >= graph_.values.size()) {
    return Invalid(Concat("the output is value ", value, ", of ", graph_.values.size()));
  }
  const Value& named = graph_.values[static_cast<size_t>(value)];
  if (named.kind == ValueKind::kWeight) {
    return Invalid(Concat("the output ", format::Quoted(named.name), " is a weight"));
  }
  if (std::find(outputs_.begin(), outputs_.end(), value) != outputs_.end()) {
    return Invalid(Concat("the output ", format::Quoted(named.name), " is one already"));
  }
  outputs_.push_back(value);
  return absl::OkStatus();
}

}  // namespace hob
