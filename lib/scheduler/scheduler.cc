// SPDX-License-Identifier: Apache-2.0
#include "lib/scheduler/scheduler.h"

namespace hob {

Status Scheduler::Run(const Step& step, const std::atomic<bool>& stop) {
  const Turnstile::Turn turn(turnstile_);
  if (stop.load(std::memory_order_relaxed)) {
    return Error(StatusCode::kCancelled, "the step was cancelled");
  }
  return executor_->Run(step, &stop);
}

}  // namespace hob
