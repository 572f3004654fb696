// SPDX-License-Identifier: Apache-2.0
#include "lib/session/convert.h"

#include <memory>

#include "lib/graph/graph.h"
#include "lib/text/unicode.h"

namespace hob {
namespace {

// The tensors that rows are multiplied by.
std::set<std::string> MultipliedWeights(const Graph& graph) {
  std::set<std::string> names;
  for (const Node& node : graph.nodes) {
    if (node.op != "matmul") continue;
    for (size_t i = 1; i < node.inputs.size(); i += 2) {  // x, then weight and bias of each
      if (node.inputs[i] == kNoValue) continue;
      const Value& value = graph.values[static_cast<size_t>(node.inputs[i])];
      if (value.kind == ValueKind::kWeight) names.insert(value.tensor);
    }
  }
  return names;
}

}  // namespace

Status Convert(const std::string& input, const std::string& output, bool per_channel,
               const Progress& progress) {
  for (const std::string* path : {&input, &output}) {
    if (path->empty()) return Error(StatusCode::kInvalidArgument, "a path is empty");
    HOB_RETURN_IF_ERROR(text::CheckUtf8(*path, "a path"));
    if (path->find('\0') != std::string::npos) {
      return Error(StatusCode::kInvalidArgument, "a path contains a NUL byte");
    }
  }
  HOB_ASSIGN_OR_RETURN(const auto model, OpenModelFile(input));
  std::shared_ptr<fbs::GraphT> stored;
  WeightPacking packing{.per_channel = per_channel};
  if (!model->tensors.empty()) {
    auto graph = BuildGraph(*model);
    if (!graph.ok()) return Annotate(graph.status(), input);
    packing.panels = MultipliedWeights(*graph);
    for (Value& value : graph->values) {
      if (value.kind == ValueKind::kWeight) {
        value.type = packing.TypeOf(*model->FindTensor(value.tensor));
      }
    }
    stored = GraphToFile(*graph);
  }
  return WriteHobFile(*model, stored.get(), packing, output, progress);
}

}  // namespace hob
