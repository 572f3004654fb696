// SPDX-License-Identifier: Apache-2.0
#include "lib/session/plan.h"

#include <algorithm>
#include <utility>

#include "lib/base/checked.h"
#include "lib/session/kv_cache.h"
#include "lib/session/session.h"

namespace hob {
namespace {

constexpr uint32_t kDefaultBatchRows = 512;
constexpr int32_t kFewestBatchRows = 16;  // that a hint proposes

// What would make the model fit `room` bytes.
std::string HowToFit(Runtime& runtime, const std::shared_ptr<const ModelFile>& file,
                     ExecutorOptions options, const ModelPlan& plan, size_t room) {
  ModelPlan smallest = plan;
  while (options.max_rows > kFewestBatchRows) {
    options.max_rows = std::max(kFewestBatchRows, options.max_rows / 2);
    auto smaller = PlanModel(runtime, file, options);
    if (!smaller.ok()) break;
    smallest = *smaller;
    if (smallest.open_bytes() <= room) {
      return Concat("With max_batch_rows ", options.max_rows, " it needs ", smallest.open_bytes(),
                    " bytes. Or raise memory_limit.");
    }
  }
  if (smallest.scratch_bytes() < room && plan.executor.weight_bytes > plan.executor.mapped_bytes) {
    return Concat(
        "Convert it with int8 weights, which are used in the mapped file (hob convert --weights "
        "int8): then scratch memory is left, ",
        plan.scratch_bytes(), " bytes, or with max_batch_rows ", options.max_rows, " ",
        smallest.scratch_bytes(), ". Or raise memory_limit.");
  }
  return Concat("Use a smaller model, or raise memory_limit: with max_batch_rows ",
                options.max_rows, " it still needs ", smallest.open_bytes(), " bytes.");
}

}  // namespace

size_t ModelPlan::session_bytes(int64_t tokens) const {
  return CheckedMul(KvCache::PagesFor(tokens), executor.kv.page_bytes()).value_or(kNoSuchSize);
}

ExecutorOptions ToExecutorOptions(const ModelOptions& options) {
  ExecutorOptions result;
  result.activations = options.activations;
  result.kv_type = options.kv_type;
  result.max_rows = static_cast<int32_t>(options.max_batch_rows == 0 ? kDefaultBatchRows
                                                                     : options.max_batch_rows);
  result.progress = options.progress;
  result.rope = options.rope;
  return result;
}

StatusOr<ModelPlan> PlanModel(Runtime& runtime, std::shared_ptr<const ModelFile> file,
                              const ExecutorOptions& options) {
  ModelPlan plan;
  HOB_ASSIGN_OR_RETURN(plan.executor, Executor::Plan(std::move(file), runtime.pool(), options));
  const ModelShape& shape = plan.executor.shape;
  plan.logit_bytes = Batcher::LogitBytes(plan.executor.max_rows, shape.output());
  if (!shape.encoder()) {
    plan.evaluate_bytes = Session::EvaluateBytes(plan.executor.max_rows, shape.vocabulary);
  }
  return plan;
}

Status CheckModelFits(Runtime& runtime, const std::shared_ptr<const ModelFile>& file,
                      const std::string& path, const ExecutorOptions& options) {
  const uint64_t limit = runtime.allocator()->limit();
  if (limit == 0) return absl::OkStatus();
  auto plan = PlanModel(runtime, file, options);
  if (!plan.ok()) return Annotate(plan.status(), path);
  const size_t used = runtime.allocator()->bytes_in_use();
  const size_t room = limit - std::min<uint64_t>(limit, used);
  if (plan->open_bytes() <= room) return absl::OkStatus();
  return Error(StatusCode::kResourceExhausted,
               Concat(path, " needs ", plan->open_bytes(), " bytes (", plan->executor.weight_bytes,
                      " of weights, ", plan->scratch_bytes(), " of scratch memory) beside the ",
                      used, " in use, but the runtime's memory_limit is ", limit),
               HowToFit(runtime, file, options, *plan, room));
}

Status CheckSessionFits(const Model& model, int32_t context_tokens, const KvLayout& layout,
                        const Model* draft) {
  const uint64_t limit = model.runtime().allocator()->limit();
  if (limit == 0) return absl::OkStatus();
  size_t page = layout.page_bytes(), open = 0;
  auto needed = CheckedMul(KvCache::PagesFor(context_tokens), page);
  if (draft != nullptr) {
    const Executor& executor = draft->batcher()->executor();
    const int32_t tokens = std::min(context_tokens, executor.shape().context_length);
    needed = CheckedMulAdd(KvCache::PagesFor(tokens), executor.kv_layout().page_bytes(),
                           needed.value_or(kNoSuchSize));
    page += executor.kv_layout().page_bytes();
  }
  for (const Model* each : {&model, draft}) {
    if (each == nullptr) continue;
    open += each->weight_bytes() + each->batcher()->scratch_bytes();
  }
  const size_t bytes = needed.value_or(kNoSuchSize);
  if (Fits(open, bytes, limit)) return absl::OkStatus();
  const size_t pages = open > limit ? 0 : (limit - open) / page;
  return Error(StatusCode::kResourceExhausted,
               Concat("a session of ", context_tokens, " tokens needs ", bytes,
                      " bytes beside the ", draft == nullptr ? "model's " : "two models' ", open,
                      ", but the runtime's memory_limit is ", limit),
               Concat("Create it with context_tokens of at most ", pages * kKvPageTokens,
                      pages == 0 ? ": none fits" : "", ", or raise memory_limit."));
}

}  // namespace hob
