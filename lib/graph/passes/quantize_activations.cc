// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include "lib/graph/passes/passes.h"
#include "lib/ops/matmul/linear.h"

namespace hob {

namespace {

bool WantsInt8(const Value& weight) {
  return ops::matmul::WantsInt8Activations(weight.type, weight.shape.back());
}

// A node of weights of which some are multiplied in int8 and some are not becomes one for each.
void SplitMixed(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const size_t weights = node.op == "matmul" ? node.outputs.size() : 1;
    const auto wants = [&](size_t i) {
      return WantsInt8(graph.values[static_cast<size_t>(node.inputs[1 + 2 * i])]);
    };
    bool mixed = false;
    for (size_t i = 1; i < weights; ++i) mixed = mixed || wants(i) != wants(0);
    if (!mixed) {
      nodes.push_back(std::move(node));
      continue;
    }
    for (size_t i = 0; i < weights; ++i) {
      Node& one = nodes.emplace_back(node);
      one.name = graph.values[static_cast<size_t>(node.outputs[i])].name;
      one.inputs = {node.inputs[0], node.inputs[1 + 2 * i], node.inputs[2 + 2 * i]};
      one.outputs = {node.outputs[i]};
      one.attributes.Set("weights", int64_t{1});
    }
  }
  graph.nodes = std::move(nodes);
}

}  // namespace

void QuantizeActivations(Graph& graph, DType type) {
  SplitMixed(graph);
  std::unordered_map<ValueId, ValueId> quantized;  // f32 value → its int8 form
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const ValueId source = node.inputs.empty() ? kNoValue : node.inputs[0];
    if (node.op == "matmul" && WantsInt8(graph.values[static_cast<size_t>(node.inputs[1])])) {
      const auto [entry, added] = quantized.try_emplace(source, kNoValue);
      if (added) {
        Value value = graph.values[static_cast<size_t>(source)];
        value.name += ".int8";
        value.type = type;
        entry->second = graph.AddValue(value);
        nodes.push_back({.op = "quantize",
                         .name = value.name,
                         .layer = node.layer,
                         .inputs = {source},
                         .outputs = {entry->second}});
      }
      node.inputs[0] = entry->second;
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace hob
