// SPDX-License-Identifier: Apache-2.0
#include "lib/graph/executor.h"

#include <algorithm>
#include <set>
#include <utility>

#include "lib/base/block_formats.h"
#include "lib/graph/passes/passes.h"
#include "lib/graph/planner.h"

namespace hob {
namespace {

Status Invalid(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, absl::StrCat("step: ", std::string(what)));
}

}  // namespace

struct Executor::Impl {
  std::shared_ptr<const ModelFile> file;
  ThreadPool* pool = nullptr;
  ModelShape shape;
  KvLayout kv;
  int32_t max_rows = 0;
  std::vector<ReadyNode> nodes;
  Buffer activations, scratch;
  size_t packed_bytes = 0, mapped_bytes = 0, scratch_bytes = 0;
  size_t weight_bytes() const { return packed_bytes + static_cast<size_t>(file->owned_bytes); }

  // `pack` false: the sizes alone.
  static StatusOr<std::unique_ptr<Impl>> Make(std::shared_ptr<const ModelFile> file,
                                              ThreadPool& pool,
                                              std::shared_ptr<Allocator> allocator,
                                              const ExecutorOptions& options, bool pack);
  Status Prepare(const Graph& graph, const PlanContext& context, const Progress& progress);
  Status CheckStep(const Step& step) const;
};

Status Executor::Impl::Prepare(const Graph& graph, const PlanContext& context,
                               const Progress& progress) {
  const MemoryPlan plan = PlanMemory(graph, max_rows);
  if (context.pack) {
    HOB_ASSIGN_OR_RETURN(activations, Buffer::Create(context.allocator, plan.bytes, "activations"));
  }

  uint64_t total = 0, done = 0;
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kWeight) total += file->FindTensor(value.tensor)->data.size();
  }
  const auto place = [&](ValueId id) -> uint8_t* {
    const size_t index = static_cast<size_t>(id);
    return graph.values[index].kind == ValueKind::kActivation && context.pack
               ? activations.data() + plan.offsets[index]
               : nullptr;
  };
  size_t kernel_scratch = 0;
  std::set<const Tensor*> mapped;
  nodes.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) {
    const OpSpec spec = MakeSpec(graph, node, *file);
    HOB_ASSIGN_OR_RETURN(ReadyNode ready, MakeReady(graph, node, spec, context, place));
    kernel_scratch = std::max(kernel_scratch, ready.kernel->scratch_bytes());
    packed_bytes += ready.kernel->packed_bytes();
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
      const Tensor* weight = spec.inputs[i].weight;
      if (weight == nullptr) continue;
      done = std::min(total, done + weight->data.size());
      if (!ready.kernel->Packs(i)) {
        if (mapped.insert(weight).second) mapped_bytes += weight->data.size();
      } else if (context.pack) {
        file->DontNeed(weight->data);  // the packed copy is what will be read from now on
      }
    }
    nodes.push_back(std::move(ready));
    if (progress != nullptr && !progress(done, total)) {
      return Error(StatusCode::kCancelled, "loading was cancelled by the progress callback");
    }
  }
  scratch_bytes = plan.bytes + kernel_scratch;
  if (!context.pack) return absl::OkStatus();
  HOB_ASSIGN_OR_RETURN(scratch,
                       Buffer::Create(context.allocator, kernel_scratch, "kernel scratch"));
  LinkNext(nodes);
  return absl::OkStatus();
}

Status Executor::Impl::CheckStep(const Step& step) const {
  if (step.rows() < 1 || step.rows() > max_rows) {
    return Invalid(absl::StrCat(step.rows(), " rows, not 1 to ", max_rows));
  }
  for (const int32_t token : step.tokens) {
    if (token < 0 || token >= shape.vocabulary) {
      return Invalid(
          absl::StrCat("token ", token, " is outside the vocabulary of ", shape.vocabulary));
    }
  }
  int64_t next = 0;
  for (const SequenceRows& rows : step.sequences) {
    const bool state = shape.encoder() ? rows.position == 0 && rows.rows <= shape.context_length
                                       : rows.pages != nullptr;
    if (rows.first_row != next || rows.rows < 1 || rows.position < 0 || !state ||
        rows.position > INT32_MAX - rows.rows) {
      return Invalid("the sequences do not cover the rows in order");
    }
    if (!KvLayout::Holds(rows.kv_type)) {
      return Invalid("a sequence's KV cache is not of type F16, F32 or QC8");
    }
    next += rows.rows;
  }
  if (next != step.rows()) return Invalid("the sequences do not cover all rows");
  if (shape.encoder()) {
    const bool texts = std::ranges::equal(step.logit_rows, step.sequences, {}, {},
                                          [](const SequenceRows& text) { return text.first_row; });
    if (!texts) return Invalid("not the first row of each text is wanted");
  }
  int64_t previous = -1;
  for (const int32_t row : step.logit_rows) {
    if (row <= previous || row >= step.rows())
      return Invalid("the logit rows are not ascending rows");
    previous = row;
  }
  if (!step.logit_rows.empty() && step.logits == nullptr) return Invalid("no room for the logits");
  return absl::OkStatus();
}

Executor::Executor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Executor::~Executor() = default;

StatusOr<std::unique_ptr<Executor::Impl>> Executor::Impl::Make(
    std::shared_ptr<const ModelFile> file, ThreadPool& pool, std::shared_ptr<Allocator> allocator,
    const ExecutorOptions& options, bool pack) {
  if (options.max_rows < 1 || options.max_rows > 65536) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat("max_rows is ", options.max_rows, ", not 1 to 65536"));
  }
  if (!KvLayout::Holds(options.kv_type)) {
    return Error(StatusCode::kInvalidArgument, "the KV cache's type is not F16, F32 or QC8");
  }
  if (options.activations != DType::kF32 && Int8Terms(options.activations) == 0) {
    return Error(StatusCode::kInvalidArgument, "activations are of neither F32 nor an int8 type");
  }
  HOB_ASSIGN_OR_RETURN(const KernelChoice choice, KernelChoice::FromEnvironment());
  HOB_ASSIGN_OR_RETURN(Graph graph, BuildGraph(*file));
  HOB_RETURN_IF_ERROR(OverrideRope(options.rope, graph));
  RunPasses(graph, options.activations);

  auto impl = std::make_unique<Impl>();
  impl->file = std::move(file);
  impl->pool = &pool;
  impl->shape = graph.shape;
  impl->max_rows = options.max_rows;
  impl->kv = {.type = options.kv_type,
              .layers = graph.shape.layers,
              .heads = graph.shape.kv_heads,
              .head_dim = graph.shape.head_dim};
  const PlanContext context{.choice = &choice,
                            .pool = &pool,
                            .allocator = std::move(allocator),
                            .kv = impl->kv,
                            .max_rows = options.max_rows,
                            .pack = pack};
  HOB_RETURN_IF_ERROR(impl->Prepare(graph, context, pack ? options.progress : nullptr));
  return impl;
}

StatusOr<std::unique_ptr<Executor>> Executor::Create(std::shared_ptr<const ModelFile> file,
                                                     ThreadPool& pool,
                                                     std::shared_ptr<Allocator> allocator,
                                                     const ExecutorOptions& options) {
  HOB_ASSIGN_OR_RETURN(auto impl,
                       Impl::Make(std::move(file), pool, std::move(allocator), options, true));
  return std::unique_ptr<Executor>(new Executor(std::move(impl)));
}

StatusOr<ExecutorPlan> Executor::Plan(std::shared_ptr<const ModelFile> file, ThreadPool& pool,
                                      const ExecutorOptions& options) {
  // Small vectors are copied for a moment, in memory that is not the runtime's.
  HOB_ASSIGN_OR_RETURN(const auto impl, Impl::Make(std::move(file), pool,
                                                   std::make_shared<Allocator>(), options, false));
  return ExecutorPlan{.shape = impl->shape,
                      .kv = impl->kv,
                      .max_rows = impl->max_rows,
                      .weight_bytes = impl->weight_bytes(),
                      .mapped_bytes = impl->mapped_bytes,
                      .scratch_bytes = impl->scratch_bytes};
}

Status Executor::Run(const Step& step, const std::atomic<bool>* stop) {
  HOB_RETURN_IF_ERROR(impl_->CheckStep(step));
  RunContext context{.step = &step, .pool = impl_->pool, .scratch = impl_->scratch.data()};
  for (ReadyNode& node : impl_->nodes) {
    context.rows = node.logit_rows ? static_cast<int64_t>(step.logit_rows.size()) : step.rows();
    if (context.rows == 0) continue;
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) {
      return Error(StatusCode::kCancelled, "cancelled");
    }
    if (node.writes_logits) node.outputs[0] = reinterpret_cast<uint8_t*>(step.logits);
    context.inputs = node.inputs;
    context.outputs = node.outputs;
    context.next = node.next;
    node.kernel->Run(context);
  }
  return absl::OkStatus();
}

const ModelShape& Executor::shape() const { return impl_->shape; }
const KvLayout& Executor::kv_layout() const { return impl_->kv; }
int32_t Executor::max_rows() const { return impl_->max_rows; }
size_t Executor::weight_bytes() const { return impl_->weight_bytes(); }
size_t Executor::scratch_bytes() const { return impl_->scratch_bytes; }

std::vector<PlannedNode> Executor::Describe() const { return hob::Describe(impl_->nodes); }

}  // namespace hob
