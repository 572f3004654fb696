// SPDX-License-Identifier: Apache-2.0
// What models and sessions take, told before they take it, and held against the runtime's limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lib/base/status.h"
#include "lib/graph/executor.h"
#include "lib/session/model.h"

namespace hob {

struct ModelPlan {
  ExecutorPlan executor;
  size_t logit_bytes = 0;     // of a step
  size_t evaluate_bytes = 0;  // of Session::Evaluate, while it runs
  size_t copied_bytes = 0;    // of the file, where it is not mapped

  size_t scratch_bytes() const { return executor.scratch_bytes + logit_bytes; }
  size_t weight_bytes() const { return executor.weight_bytes + copied_bytes; }
  size_t open_bytes() const { return weight_bytes() + scratch_bytes(); }
  // The cache of a session that holds so many tokens, of the model's type.
  size_t session_bytes(int64_t tokens) const;
};

ExecutorOptions ToExecutorOptions(const ModelOptions& options);

StatusOr<ModelPlan> PlanModel(Runtime& runtime, std::shared_ptr<const ModelFile> file,
                              const ExecutorOptions& options);

// RESOURCE_EXHAUSTED with the numbers, and what would fit, if the model would pass the runtime's
// limit.
Status CheckModelFits(Runtime& runtime, const std::shared_ptr<const ModelFile>& file,
                      const std::string& path, const ExecutorOptions& options);
// The same if not even a single session of so many tokens, in a cache of `layout`, would ever fit
// beside the model, and beside its draft model (may be null) with a cache of that.
Status CheckSessionFits(const Model& model, int32_t context_tokens, const KvLayout& layout,
                        const Model* draft);

}  // namespace hob
