// SPDX-License-Identifier: Apache-2.0
// Continuous batching (Yu et al. 2022, "Orca"): each step of a model takes one token of every
// answer on its way, and beside them a chunk of the prompts that wait, in one pass over the
// weights.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/status.h"
#include "lib/base/thread_pool.h"
#include "lib/graph/executor.h"
#include "lib/scheduler/sequence.h"

namespace hob {

class Scheduler;

// How a sequence is served.
struct Urgency {
  using Clock = std::chrono::steady_clock;
  int32_t priority = 0;  // higher ones are served first, always
  Clock::time_point deadline = Clock::time_point::max();
};

// The sequences of one model and the step that they share. Made and destroyed by any thread; the
// rest is the scheduler's, see there for what is done under its lock.
class Batcher {
 public:
  // Up to about so many rows, a pass over the weights takes little longer than for one.
  static constexpr int32_t kCheapRows = 16;

  // `scheduler` outlives this. RESOURCE_EXHAUSTED.
  static StatusOr<std::unique_ptr<Batcher>> Create(std::unique_ptr<Executor> executor,
                                                   Scheduler& scheduler,
                                                   std::shared_ptr<Allocator> allocator);
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  Executor& executor() { return *executor_; }
  const Executor& executor() const { return *executor_; }
  Scheduler& scheduler() { return scheduler_; }
  // Of the logits of a step, for a model of such a vocabulary.
  static size_t LogitBytes(int32_t max_rows, int32_t vocabulary);
  // On the scheduler's thread: what a step of one row takes lately, 0 if that is not known, and
  // which part of it a further row adds, up to kCheapRows.
  double token_seconds() const { return token_seconds_; }
  double row_cost() const { return row_cost_; }
  // Of logits and of the executor's activations.
  size_t scratch_bytes() const { return executor_->scratch_bytes() + logits_.size(); }

 private:
  friend class Scheduler;
  using Clock = Urgency::Clock;

  struct Entry {
    std::shared_ptr<Sequence> sequence;
    Urgency urgency;
    bool helps = false;   // another sequence; it does not count
    uint64_t served = 0;  // number of the last step that took it
    Work work = {};
    int32_t rows = 0;  // that the step takes, 0: none
    int32_t logit_rows = 0;
    float* logits = nullptr;
    bool more = true;  // false: at its end, with `status`
    Status status = {};
  };

  Batcher(std::unique_ptr<Executor> executor, Scheduler& scheduler, Buffer logits, int32_t most);

  // Under the scheduler's lock.
  void Add(std::shared_ptr<Sequence> sequence, const Urgency& urgency, bool helps);
  size_t size() const { return entries_.size() + arrivals_.size(); }
  // Those that count.
  size_t answers() const;
  // Fills the next step; false if nobody has work.
  bool Compose();
  // When the next of them must end.
  Clock::time_point EarliestDeadline() const;
  // Takes out who is at the end and tells them.
  void EndFinished();

  // Not under the lock.
  void RunStep(ThreadPool& pool);

  // Whether the step has room for so many more.
  bool Fits(int32_t rows, int32_t logit_rows) const;
  bool Take(Entry& entry, int32_t rows);
  int32_t PromptRows(int32_t taken) const;
  // A step of so many rows has taken so long.
  void Learn(size_t rows, double seconds);

  std::unique_ptr<Executor> executor_;
  Scheduler& scheduler_;
  Buffer logits_;  // [max_logit_rows_][vocabulary]
  int32_t max_logit_rows_;
  std::vector<Entry> arrivals_;  // since the last step was composed
  std::vector<Entry> entries_;
  std::vector<size_t> order_;  // of entries_, most urgent first

  // The step.
  std::vector<int32_t> tokens_;
  std::vector<SequenceRows> rows_;
  std::vector<int32_t> logit_rows_;
  std::vector<size_t> taken_;  // entries, in the order of rows_
  uint64_t step_ = 0;
  static constexpr double kUsualRowCost = 1.0 / 6;
  double row_seconds_ = 0;  // what a row of a prompt takes, about; 0: not known
  double token_seconds_ = 0;
  double row_cost_ = kUsualRowCost;
};

}  // namespace hob
