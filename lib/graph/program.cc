// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/program.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/graph/passes/passes.h"
#include "lib/graph/planner.h"

namespace hob {
namespace {

bool IsFrame(const Node& node) {
  return node.op == GraphBuilder::kInputs || node.op == GraphBuilder::kOutputs;
}

// The graph between a node that writes its inputs and one that reads its outputs, so that passes
// and planner see these as written and read.
Graph Framed(const GraphBuilder& builder) {
  Graph graph;
  graph.values = builder.graph().values;
  graph.nodes.push_back({.op = std::string(GraphBuilder::kInputs),
                         .name = "inputs",
                         .inputs = {},
                         .outputs = builder.inputs()});
  graph.nodes.insert(graph.nodes.end(), builder.graph().nodes.begin(), builder.graph().nodes.end());
  graph.nodes.push_back({.op = std::string(GraphBuilder::kOutputs),
                         .name = "outputs",
                         .inputs = builder.outputs(),
                         .outputs = {}});
  return graph;
}

Status Invalid(std::string_view message) { return Error(StatusCode::kInvalidArgument, message); }

}  // namespace

std::vector<Program::Port> Program::Ports(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<Port> ports;
  for (const ValueId id : ids) {
    const auto value = static_cast<size_t>(id);
    ports.push_back({.columns = graph.values[value].shape[1], .value = value});
  }
  return ports;
}

StatusOr<std::unique_ptr<Program>> Program::Create(const GraphBuilder& builder, ThreadPool& pool,
                                                   std::shared_ptr<Allocator> allocator,
                                                   const ProgramOptions& options) {
  if (options.max_rows < 1 || options.max_rows > kMaxRows) {
    return Invalid(Concat("max_rows is ", options.max_rows, ", not 1 to ", kMaxRows));
  }
  if (builder.outputs().empty()) return Invalid("the graph has no output");
  HOB_ASSIGN_OR_RETURN(const KernelChoice choice, KernelChoice::FromEnvironment());

  std::unique_ptr<Program> program(new Program);
  program->pool_ = &pool;
  program->max_rows_ = options.max_rows;
  program->weights_.tensors = builder.weights().tensors;
  program->weights_.tensor_index = builder.weights().tensor_index;
  program->owners_ = builder.owners();
  Graph graph = Framed(builder);
  program->inputs_ = Ports(graph, builder.inputs());
  program->outputs_ = Ports(graph, builder.outputs());
  for (const Node& node : graph.nodes) {
    if (node.op != "embedding") continue;
    const int64_t rows = graph.values[static_cast<size_t>(node.inputs[0])].shape[0];
    int64_t& smallest = program->vocabulary_;
    smallest = smallest == 0 ? rows : std::min(smallest, rows);
  }
  RunPasses(graph, options.activations);
  const PlanContext context{.choice = &choice,
                            .pool = &pool,
                            .allocator = std::move(allocator),
                            .kv = {},
                            .max_rows = options.max_rows,
                            .pack = true};
  HOB_RETURN_IF_ERROR(program->Prepare(graph, context));
  return program;
}

Status Program::Prepare(const Graph& graph, const PlanContext& context) {
  const MemoryPlan plan = PlanMemory(graph, max_rows_);
  HOB_ASSIGN_OR_RETURN(activations_, Buffer::Create(context.allocator, plan.bytes, "activations"));
  places_.assign(graph.values.size(), nullptr);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].kind == ValueKind::kActivation) {
      places_[i] = activations_.data() + plan.offsets[i];
    }
  }
  const auto place = [&](ValueId id) { return places_[static_cast<size_t>(id)]; };
  size_t kernel_scratch = 0;
  std::vector<bool> read(weights_.tensors.size(), false);  // as given, when it runs
  for (const Node& node : graph.nodes) {
    if (IsFrame(node)) continue;
    const OpSpec spec = MakeSpec(graph, node, weights_);
    HOB_ASSIGN_OR_RETURN(ReadyNode ready, MakeReady(graph, node, spec, context, place));
    kernel_scratch = std::max(kernel_scratch, ready.kernel->scratch_bytes());
    packed_bytes_ += ready.kernel->packed_bytes();
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
      if (spec.inputs[i].weight == nullptr || ready.kernel->Packs(i)) continue;
      read[static_cast<size_t>(spec.inputs[i].weight - weights_.tensors.data())] = true;
    }
    nodes_.push_back(std::move(ready));
  }
  for (size_t i = 0; i < read.size(); ++i) {
    if (!read[i]) {
      owners_[i].reset();
    } else if (owners_[i] != nullptr) {
      held_bytes_ += weights_.tensors[i].data.size();
    }
  }
  HOB_ASSIGN_OR_RETURN(scratch_,
                       Buffer::Create(context.allocator, kernel_scratch, "kernel scratch"));
  scratch_bytes_ = plan.bytes + kernel_scratch;
  no_tokens_.assign(static_cast<size_t>(max_rows_), 0);
  LinkNext(nodes_);
  return absl::OkStatus();
}

Status Program::CheckRun(const ProgramRun& run) const {
  if (run.inputs.size() != inputs_.size() || run.outputs.size() != outputs_.size()) {
    return Invalid(Concat(run.inputs.size(), " inputs and ", run.outputs.size(),
                          " outputs were given; the graph has ", inputs_.size(), " and ",
                          outputs_.size()));
  }
  for (size_t i = 0; i < run.inputs.size(); ++i) {
    if (run.inputs[i] == nullptr) return Invalid(Concat("input ", i, " is NULL"));
  }
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    if (run.outputs[i] == nullptr) return Invalid(Concat("output ", i, " is NULL"));
  }
  if (run.position < 0 || run.rows < 0 || run.rows > INT32_MAX - run.position) {
    return Invalid(Concat(run.rows, " rows from position ", run.position, " on"));
  }
  if (vocabulary_ == 0) return absl::OkStatus();
  if (run.tokens == nullptr) return Invalid("the graph embeds tokens, but tokens is NULL");
  for (int64_t i = 0; i < run.rows; ++i) {
    if (run.tokens[i] < 0 || run.tokens[i] >= vocabulary_) {
      return Invalid(
          Concat("token ", i, " is ", run.tokens[i], "; the table has ", vocabulary_, " rows"));
    }
  }
  return absl::OkStatus();
}

Status Program::Run(const ProgramRun& run) {
  if (run.rows > max_rows_) return Invalid(Concat(run.rows, " rows, more than ", max_rows_));
  HOB_RETURN_IF_ERROR(CheckRun(run));
  if (run.rows > 0) RunPart(run, 0, run.rows);
  return absl::OkStatus();
}

void Program::RunPart(const ProgramRun& run, int64_t first, int64_t rows) {
  const auto count = static_cast<size_t>(rows);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const int64_t columns = inputs_[i].columns;
    std::memcpy(places_[inputs_[i].value], run.inputs[i] + first * columns,
                count * static_cast<size_t>(columns) * sizeof(float));
  }
  const SequenceRows sequence{.rows = static_cast<int32_t>(rows),
                              .position = static_cast<int32_t>(run.position + first)};
  const Step step{
      .tokens = {vocabulary_ > 0 ? run.tokens + first : no_tokens_.data(), count},
      .sequences = {&sequence, 1},
      .logit_rows = {},
  };
  RunContext context{.rows = rows, .step = &step, .pool = pool_, .scratch = scratch_.data()};
  for (ReadyNode& node : nodes_) {
    context.inputs = node.inputs;
    context.outputs = node.outputs;
    context.next = node.next;
    node.kernel->Run(context);
  }
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const int64_t columns = outputs_[i].columns;
    std::memcpy(run.outputs[i] + first * columns, places_[outputs_[i].value],
                count * static_cast<size_t>(columns) * sizeof(float));
  }
}

}  // namespace hob
