// SPDX-License-Identifier: Apache-2.0
// Brings the steps of a model's sessions to its executor.
#pragma once

#include <atomic>
#include <memory>

#include "lib/base/status.h"
#include "lib/graph/executor.h"
#include "lib/scheduler/turnstile.h"

namespace hob {

// Owns the executor of one model. Steps run one at a time in the order in which they come, so
// sessions alternate: a long prompt holds another's next token up by one chunk at most.
// Thread-safe.
class Scheduler {
 public:
  // `turnstile` is the runtime's and outlives this.
  Scheduler(std::unique_ptr<Executor> executor, Turnstile& turnstile)
      : executor_(std::move(executor)), turnstile_(turnstile) {}

  // Waits for its turn and runs `step`. CANCELLED once `stop` is set, the cache of the step's rows
  // then undefined. Other errors as Executor::Run.
  Status Run(const Step& step, const std::atomic<bool>& stop);

  const Executor& executor() const { return *executor_; }

 private:
  std::unique_ptr<Executor> executor_;
  Turnstile& turnstile_;
};

}  // namespace hob
