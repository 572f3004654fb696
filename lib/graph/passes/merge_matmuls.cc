// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include "lib/graph/passes/passes.h"

namespace hob {

// Matmuls depend on their input and weights alone, so each can run where the first of its siblings
// does.
void MergeMatmuls(Graph& graph) {
  constexpr int64_t kMaxWeights = 8;
  std::unordered_map<ValueId, size_t> first;  // input → the node that collects its matmuls
  std::vector<bool> remove(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& node = graph.nodes[n];
    if (node.op != "matmul" || node.attributes.IntOr("residual", 0) != 0) continue;
    if (graph.values[static_cast<size_t>(node.outputs[0])].kind == ValueKind::kOutput) continue;
    const auto [entry, added] = first.try_emplace(node.inputs[0], n);
    if (added) continue;
    Node& target = graph.nodes[entry->second];
    const int64_t weights =
        target.attributes.IntOr("weights", 1) + node.attributes.IntOr("weights", 1);
    if (weights > kMaxWeights) continue;
    target.inputs.insert(target.inputs.end(), node.inputs.begin() + 1, node.inputs.end());
    target.outputs.insert(target.outputs.end(), node.outputs.begin(), node.outputs.end());
    target.attributes.Set("weights", weights);
    target.name += "+" + node.name.substr(node.name.rfind('.') + 1);
    remove[n] = true;
  }
  RemoveNodes(graph, remove);
}

}  // namespace hob
