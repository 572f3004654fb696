// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/passes/passes.h"

namespace hob {

std::vector<int32_t> Writers(const Graph& graph) {
  std::vector<int32_t> writers(graph.values.size(), -1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId id : graph.nodes[n].outputs) {
      writers[static_cast<size_t>(id)] = static_cast<int32_t>(n);
    }
  }
  return writers;
}

std::vector<int32_t> ReaderCounts(const Graph& graph) {
  std::vector<int32_t> readers(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) ++readers[static_cast<size_t>(id)];
    }
  }
  return readers;
}

void RemoveNodes(Graph& graph, const std::vector<bool>& remove) {
  std::vector<Node> kept;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!remove[n]) kept.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(kept);
}

}  // namespace hob
