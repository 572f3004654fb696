// SPDX-License-Identifier: Apache-2.0
// The thread of a runtime that runs the steps of its models.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "lib/base/metrics.h"
#include "lib/base/status.h"
#include "lib/base/thread_pool.h"
#include "lib/scheduler/batcher.h"
#include "lib/scheduler/sequence.h"
#include "lib/scheduler/turnstile.h"

namespace hob {

// A sequence of another model that one waits for now and then. It begins with that, is served with
// the same priority, and does not count.
struct Helper {
  Batcher* batcher = nullptr;  // null: none
  std::shared_ptr<Sequence> sequence = nullptr;
};

// Models take turns, a step each; within a model see Batcher. Thread-safe.
class Scheduler {
 public:
  static constexpr size_t kDefaultSequences = 256;

  // `pool` outlives this; `max_sequences` may be on their way at a time. RESOURCE_EXHAUSTED if the
  // system gives no thread.
  static StatusOr<std::unique_ptr<Scheduler>> Create(ThreadPool& pool, size_t max_sequences);
  // No batcher is left.
  ~Scheduler();

  // Begins to serve `sequence`, until its End. RESOURCE_EXHAUSTED if too many are on their way.
  Status Submit(Batcher& batcher, std::shared_ptr<Sequence> sequence, const Urgency& urgency,
                Helper helper = {});
  // A sequence has work again, or wants to stop.
  void Wake();
  // Runs a step on the calling thread, between two others. CANCELLED once `stop` is set, the cache
  // of the step's rows then undefined. Other errors as Executor::Run.
  Status RunAlone(Batcher& batcher, const Step& step, const std::atomic<bool>& stop);

  // Whoever runs loops on the pool holds a turn.
  Turnstile& turnstile() { return turnstile_; }
  size_t max_sequences() const { return max_sequences_; }
  // Of everything that this scheduler serves.
  Metrics& metrics() { return metrics_; }

 private:
  friend class Batcher;

  Scheduler(ThreadPool& pool, size_t max_sequences) : pool_(pool), max_sequences_(max_sequences) {}
  void Attach(Batcher& batcher);
  void Detach(Batcher& batcher);
  void Serve();
  // The next batcher with work, its step composed; null if none has any.
  Batcher* Next();
  Batcher* FirstWithWork();

  ThreadPool& pool_;
  const size_t max_sequences_;
  Turnstile turnstile_;
  Metrics metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batcher*> batchers_;
  size_t turn_ = 0;     // of batchers_
  bool woken_ = false;  // since Next last looked
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace hob
