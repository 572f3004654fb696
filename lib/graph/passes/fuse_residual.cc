// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/passes/passes.h"

namespace hob {

void FuseResidual(Graph& graph) {
  const std::vector<int32_t> writers = Writers(graph);
  const std::vector<int32_t> readers = ReaderCounts(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& sum = graph.nodes[n];
    if (sum.op != "add") continue;
    for (size_t side = 0; side < 2; ++side) {
      const size_t product = static_cast<size_t>(sum.inputs[side]);
      const size_t addend = static_cast<size_t>(sum.inputs[1 - side]);
      const int32_t writer = writers[product];
      if (writer < 0 || readers[product] != 1 || writers[addend] >= writer) continue;
      Node& matmul = graph.nodes[static_cast<size_t>(writer)];
      if (matmul.op != "matmul" || matmul.attributes.IntOr("weights", 1) != 1 ||
          matmul.attributes.IntOr("residual", 0) != 0) {
        continue;
      }
      matmul.inputs.push_back(sum.inputs[1 - side]);
      matmul.attributes.Set("residual", int64_t{1});
      matmul.outputs[0] = sum.outputs[0];
      remove[n] = true;
      break;
    }
  }
  RemoveNodes(graph, remove);
}

}  // namespace hob
