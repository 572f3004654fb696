// SPDX-License-Identifier: Apache-2.0
#include "lib/scheduler/scheduler.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "lib/base/contain.h"

namespace hob {

StatusOr<std::unique_ptr<Scheduler>> Scheduler::Create(ThreadPool& pool, size_t max_sequences) {
  std::unique_ptr<Scheduler> scheduler(new Scheduler(pool, max_sequences));
  try {
    scheduler->thread_ = std::thread([raw = scheduler.get()] {
      // What a step throws is contained where it runs (batcher.cc); this is for what is left, a
      // lack of memory between steps: nobody may end the process for it, so it is tried again.
      while (!Contain([raw] {
                raw->Serve();
                return absl::OkStatus();
              }).ok()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  } catch (const std::system_error&) {
    return Error(StatusCode::kResourceExhausted,
                 "the system refused to start the scheduler's thread");
  }
  return scheduler;
}

Scheduler::~Scheduler() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Status Scheduler::Submit(Batcher& batcher, std::shared_ptr<Sequence> sequence,
                         const Urgency& urgency, Helper helper) {
  {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const Batcher* each : batchers_) count += each->answers();
    if (count >= max_sequences_) {
      return Error(StatusCode::kResourceExhausted,
                   Concat(count, " answers are on their way, and more are not allowed"),
                   "Try again when one has ended, or create the runtime with larger max_requests.");
    }
    batcher.Add(std::move(sequence), urgency, false);
    if (helper.batcher != nullptr) {
      helper.batcher->Add(std::move(helper.sequence), {.priority = urgency.priority}, true);
    }
    woken_ = true;
  }
  changed_.notify_one();
  return absl::OkStatus();
}

void Scheduler::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

Status Scheduler::RunAlone(Batcher& batcher, const Step& step, const std::atomic<bool>& stop) {
  const Turnstile::Turn turn(turnstile_);
  if (stop.load(std::memory_order_relaxed)) {
    return Error(StatusCode::kCancelled, "the step was cancelled");
  }
  return batcher.executor().Run(step, &stop);
}

void Scheduler::Attach(Batcher& batcher) {
  const std::lock_guard lock(mutex_);
  batchers_.push_back(&batcher);
}

void Scheduler::Detach(Batcher& batcher) {
  const std::lock_guard lock(mutex_);
  std::erase(batchers_, &batcher);
}

Batcher* Scheduler::Next() {
  Batcher* const batcher = FirstWithWork();
  // Asking a sequence, or its end, may have given work to one of a model that was asked before.
  return batcher != nullptr ? batcher : FirstWithWork();
}

Batcher* Scheduler::FirstWithWork() {
  for (size_t i = 0; i < batchers_.size(); ++i) {
    Batcher* const batcher = batchers_[(turn_ + i) % batchers_.size()];
    if (batcher->size() == 0) continue;
    const bool work = batcher->Compose();
    if (work) {
      turn_ = (turn_ + i + 1) % batchers_.size();
      return batcher;
    }
    batcher->EndFinished();
  }
  return nullptr;
}

void Scheduler::Serve() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    woken_ = false;
    Batcher* const batcher = Next();
    if (batcher == nullptr) {
      // Nobody has work, but an answer that its caller does not fetch may run out of time.
      Urgency::Clock::time_point deadline = Urgency::Clock::time_point::max();
      for (const Batcher* each : batchers_) deadline = std::min(deadline, each->EarliestDeadline());
      const auto changed = [&] { return woken_ || ending_; };
      if (deadline == Urgency::Clock::time_point::max()) {
        changed_.wait(lock, changed);
      } else {
        changed_.wait_until(lock, deadline, changed);
      }
      continue;
    }
    // A batcher with sequences stays: who destroys it has waited for their End.
    lock.unlock();
    {
      const Turnstile::Turn turn(turnstile_);
      batcher->RunStep(pool_);
    }
    lock.lock();
    batcher->EndFinished();
  }
}

}  // namespace hob
