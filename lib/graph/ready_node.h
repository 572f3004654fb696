// SPDX-License-Identifier: Apache-2.0
// Nodes that are ready to run, as executors and programs hold them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/graph/graph.h"
#include "lib/ops/op.h"

namespace hob {

// A node's kernel and where its operands lie.
struct ReadyNode {
  std::unique_ptr<Kernel> kernel = {};
  std::vector<uint8_t*> inputs = {}, outputs = {};
  const Kernel* next = nullptr;  // the next with weights to read
  bool logit_rows = false;       // runs over these rather than all rows
  bool writes_logits = false;
  std::string name, op;
  int32_t layer = -1;
};

// A node for inspection.
struct PlannedNode {
  std::string name, op, provider;
  int32_t layer;
  size_t packed_bytes;
};

// Checks the node, whose spec is `spec`, and makes its kernel; `place` tells where a value lies.
StatusOr<ReadyNode> MakeReady(const Graph& graph, const Node& node, const OpSpec& spec,
                              const PlanContext& context,
                              const std::function<uint8_t*(ValueId)>& place);

// Tells each node whose weights are read after its own. Runs follow each other: after the last
// comes the first.
void LinkNext(std::vector<ReadyNode>& nodes);

std::vector<PlannedNode> Describe(const std::vector<ReadyNode>& nodes);

}  // namespace hob
