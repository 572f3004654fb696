// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/passes/passes.h"
#include "lib/ops/rows.h"

namespace hob {
namespace {

bool QuantizesOutput(std::string_view op) {
  return op == "rms_norm" || op == "attention" || op == "swiglu" || op == "layer_norm" ||
         op == "gelu" || op == "bidirectional_attention";
}

}  // namespace

void FuseQuantize(Graph& graph) {
  const std::vector<int32_t> writers = Writers(graph);
  const std::vector<int32_t> readers = ReaderCounts(graph);
  std::vector<bool> remove(graph.nodes.size(), false);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.op != "quantize") continue;
    const size_t source = static_cast<size_t>(node.inputs[0]);
    if (writers[source] < 0 || readers[source] != 1) continue;
    Node& producer = graph.nodes[static_cast<size_t>(writers[source])];
    if (!QuantizesOutput(producer.op)) continue;
    // Blocks must not reach over the groups of a norm.
    if (producer.op == "rms_norm" &&
        graph.values[static_cast<size_t>(producer.inputs[1])].shape.back() % kQ8Block != 0) {
      continue;
    }
    producer.outputs[0] = node.outputs[0];
    remove[n] = true;
  }
  RemoveNodes(graph, remove);
}

}  // namespace hob
