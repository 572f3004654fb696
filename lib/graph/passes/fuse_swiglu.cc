// SPDX-License-Identifier: Apache-2.0
#include "lib/base/block_formats.h"
#include "lib/graph/passes/passes.h"

namespace hob {

void FuseSwiglu(Graph& graph) {
  const std::vector<int32_t> writers = Writers(graph);
  const std::vector<int32_t> readers = ReaderCounts(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    Node& gated = graph.nodes[n];
    if (gated.op != "swiglu") continue;
    const ValueId gate = gated.inputs[0], up = gated.inputs[1];
    const int32_t writer = writers[static_cast<size_t>(gate)];
    if (writer < 0 || readers[static_cast<size_t>(gate)] != 1 ||
        readers[static_cast<size_t>(up)] != 1) {
      continue;
    }
    const Node& product = graph.nodes[static_cast<size_t>(writer)];
    // Int8 panels only: there a tile of gate and the same tile of up are at hand together.
    if (product.op != "matmul" || product.outputs != std::vector<ValueId>{gate, up} ||
        product.inputs[2] != kNoValue || product.inputs[4] != kNoValue ||
        Int8Terms(graph.values[static_cast<size_t>(product.inputs[0])].type) == 0) {
      continue;
    }
    gated.op = "matmul_swiglu";
    gated.name = product.name;
    gated.inputs = {product.inputs[0], product.inputs[1], product.inputs[3]};
    remove[static_cast<size_t>(writer)] = true;
  }
  RemoveNodes(graph, remove);
}

}  // namespace hob
