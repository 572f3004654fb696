// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/ready_node.h"

namespace hob {

StatusOr<ReadyNode> MakeReady(const Graph& graph, const Node& node, const OpSpec& spec,
                              const PlanContext& context,
                              const std::function<uint8_t*(ValueId)>& place) {
  const OpDef* op = FindOp(node.op);
  HOB_RETURN_IF_ERROR(op->check(spec));  // the passes must have left a valid node
  ReadyNode ready{.name = node.name, .op = node.op, .layer = node.layer};
  HOB_ASSIGN_OR_RETURN(ready.kernel, op->make(spec, context));
  for (const ValueId id : node.inputs) {
    ready.inputs.push_back(id == kNoValue ? nullptr : place(id));
  }
  for (const ValueId id : node.outputs) {
    ready.outputs.push_back(place(id));
    const Value& value = graph.values[static_cast<size_t>(id)];
    ready.logit_rows = value.shape[0] == kLogitRowsDim;
    ready.writes_logits = value.kind == ValueKind::kOutput;
  }
  return ready;
}

void LinkNext(std::vector<ReadyNode>& nodes) {
  const Kernel* next = nullptr;
  for (int pass = 0; pass < 2; ++pass) {
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      node->next = next;
      if (node->kernel->FirstWeights(0) != nullptr) next = node->kernel.get();
    }
  }
}

std::vector<PlannedNode> Describe(const std::vector<ReadyNode>& nodes) {
  std::vector<PlannedNode> described;
  for (const ReadyNode& node : nodes) {
    described.push_back({.name = node.name,
                         .op = node.op,
                         .provider = std::string(node.kernel->provider()),
                         .layer = node.layer,
                         .packed_bytes = node.kernel->packed_bytes()});
  }
  return described;
}

}  // namespace hob
