// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/graph.h"

#include "lib/base/block_formats.h"

namespace hob {

ValueId Graph::AddValue(Value value) {
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::AddWeight(const Tensor& tensor) {
  return AddValue({.name = tensor.name,
                   .kind = ValueKind::kWeight,
                   .type = tensor.type,
                   .shape = tensor.shape,
                   .tensor = tensor.name});
}

ValueId Graph::Add(std::string_view op, std::string_view name, int32_t layer,
                   std::vector<ValueId> inputs, int64_t columns, Attributes attributes,
                   int64_t rows) {
  const ValueId out = AddValue({.name = std::string(name), .shape = {rows, columns}});
  nodes.push_back({.op = std::string(op),
                   .name = std::string(name),
                   .layer = layer,
                   .inputs = std::move(inputs),
                   .outputs = {out},
                   .attributes = std::move(attributes)});
  return out;
}

namespace {

Operand MakeOperand(const Graph& graph, ValueId id, const ModelFile& file) {
  Operand operand;
  if (id == kNoValue) return operand;
  const Value& value = graph.values[static_cast<size_t>(id)];
  operand.present = true;
  operand.type = value.type;
  operand.shape = value.shape;
  if (value.kind == ValueKind::kWeight) operand.weight = file.FindTensor(value.tensor);
  return operand;
}

Status CheckValue(const Value& value, const ModelFile& file) {
  if (value.kind == ValueKind::kWeight) {
    const Tensor* tensor = file.FindTensor(value.tensor);
    if (tensor == nullptr) {
      return Error(
          StatusCode::kInvalidArgument,
          absl::StrCat("the graph wants tensor ", value.tensor, ", which is not in the file"));
    }
    if (tensor->type != value.type || tensor->shape != value.shape) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("the graph's idea of tensor ", value.tensor,
                                " differs from the file's in type or shape"));
    }
    return absl::OkStatus();
  }
  constexpr int64_t kMaxColumns = 1 << 24;
  if (value.kind > ValueKind::kOutput || value.shape.size() != 2 ||
      (value.shape[0] != kTokensDim && value.shape[0] != kLogitRowsDim) || value.shape[1] < 1 ||
      value.shape[1] > kMaxColumns || (value.type != DType::kF32 && Int8Terms(value.type) == 0) ||
      (Int8Terms(value.type) != 0 && value.shape[1] % 32 != 0)) {
    return Error(
        StatusCode::kInvalidArgument,
        absl::StrCat("the graph's value ", value.name, " has no shape or type of an activation"));
  }
  return absl::OkStatus();
}

// Encoders keep nothing between steps, decoders everything, and both work on whole texts or on rows
// of them: an operator of one kind has nothing to read in a step of the other.
Status CheckKind(const Graph& graph, const Node& node) {
  const bool encoder = graph.shape.encoder();
  const bool of_encoders = node.op == "bidirectional_attention" || node.op == "pool" ||
                           (node.op == "embedding" && node.attributes.IntOr("of", 0) != 0);
  const bool of_decoders = node.op == "attention" || node.op == "select_rows";
  if (encoder ? !of_decoders : !of_encoders) return absl::OkStatus();
  return Error(StatusCode::kInvalidArgument,
               absl::StrCat("node ", node.name, " (", node.op, ") is of ",
                            encoder ? "decoders, but the model is an encoder"
                                    : "encoders, but the model is a decoder"));
}

// Each use of a weight may take memory of its own, so a graph may not multiply what its file has:
// one of shared layers uses them some ten times.
Status CheckWeightUse(const Graph& graph, const ModelFile& file) {
  constexpr uint64_t kMostUses = 32, kAlways = 16u << 20;
  uint64_t all = 0, used = 0;
  for (const Tensor& tensor : file.tensors) all += tensor.data.size();
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.inputs) {
      if (id < 0 || static_cast<size_t>(id) >= graph.values.size()) continue;  // told of later
      const Value& value = graph.values[static_cast<size_t>(id)];
      if (value.kind != ValueKind::kWeight) continue;
      const Tensor* tensor = file.FindTensor(value.tensor);
      if (tensor != nullptr) used += tensor->data.size();
    }
    if (used > kAlways && used / kMostUses > all) {
      return Error(StatusCode::kInvalidArgument,
                   absl::StrCat("the graph uses the file's ", all, " bytes of weights more than ",
                                kMostUses, " times over"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

OpSpec MakeSpec(const Graph& graph, const Node& node, const ModelFile& file) {
  OpSpec spec{.name = node.name, .layer = node.layer, .attributes = node.attributes};
  for (const ValueId id : node.inputs) spec.inputs.push_back(MakeOperand(graph, id, file));
  for (const ValueId id : node.outputs) spec.outputs.push_back(MakeOperand(graph, id, file));
  return spec;
}

Status CheckGraph(const Graph& graph, const ModelFile& file) {
  const auto bad = [](const Node& node, std::string_view what) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("node ", node.name, " (", node.op, ") ", std::string(what)));
  };
  HOB_RETURN_IF_ERROR(CheckWeightUse(graph, file));
  for (const Value& value : graph.values) HOB_RETURN_IF_ERROR(CheckValue(value, file));
  std::vector<bool> written(graph.values.size(), false);
  size_t outputs = 0;
  for (const Node& node : graph.nodes) {
    if (node.layer < -1 || node.layer >= graph.shape.layers) return bad(node, "has no such layer");
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      if (id < 0 || static_cast<size_t>(id) >= graph.values.size()) {
        return bad(node, "reads a value that does not exist");
      }
      const size_t index = static_cast<size_t>(id);
      // It is the caller's memory, and nowhere while no logits are wanted.
      if (graph.values[index].kind == ValueKind::kOutput) {
        return bad(node, absl::StrCat("reads ", graph.values[index].name, ", an output"));
      }
      if (graph.values[index].kind != ValueKind::kWeight && !written[index]) {
        return bad(node, absl::StrCat("reads ", graph.values[index].name, " before it is written"));
      }
    }
    for (const ValueId id : node.outputs) {
      if (id < 0 || static_cast<size_t>(id) >= graph.values.size()) {
        return bad(node, "writes a value that does not exist");
      }
      const Value& value = graph.values[static_cast<size_t>(id)];
      if (value.kind == ValueKind::kWeight || written[static_cast<size_t>(id)]) {
        return bad(node, absl::StrCat("writes ", value.name, ", a weight or written already"));
      }
      written[static_cast<size_t>(id)] = true;
      if (value.kind == ValueKind::kOutput) {
        if (node.outputs.size() != 1) return bad(node, "writes an output and something else");
        if (value.type != DType::kF32 || value.shape[0] != kLogitRowsDim ||
            value.shape[1] != graph.shape.output()) {
          return bad(node, graph.shape.encoder()
                               ? "writes an output that is not [texts, embedding] in f32"
                               : "writes an output that is not [logit rows, vocabulary] in f32");
        }
        ++outputs;
      }
    }
    const OpDef* op = FindOp(node.op);
    if (op == nullptr) return bad(node, "is of an operator that this version does not have");
    HOB_RETURN_IF_ERROR(op->check(MakeSpec(graph, node, file)));
    HOB_RETURN_IF_ERROR(CheckKind(graph, node));
    // Tokens are checked against the vocabulary alone, positions against the context.
    if (node.op == "embedding") {
      const int64_t rows = graph.values[static_cast<size_t>(node.inputs[0])].shape[0];
      const int64_t of = node.attributes.IntOr("of", 0);
      if (of == 0 && rows < graph.shape.vocabulary) {
        return bad(node, "has a table of fewer rows than the vocabulary has tokens");
      }
      if (of == 1 && rows < graph.shape.context_length) {
        return bad(node, "has a table of fewer rows than the context has positions");
      }
    }
    // The cache has one geometry for all layers.
    if (node.op == "attention" &&
        (node.layer < 0 || node.attributes.IntOr("kv_heads", 0) != graph.shape.kv_heads ||
         node.attributes.IntOr("head_dim", 0) != graph.shape.head_dim)) {
      return bad(node, "does not fit the model's KV cache");
    }
  }
  if (outputs != 1) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("the graph has ", outputs, " outputs, not one"));
  }
  return absl::OkStatus();
}

}  // namespace hob
