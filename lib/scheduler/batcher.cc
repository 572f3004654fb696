// SPDX-License-Identifier: Apache-2.0
#include "lib/scheduler/batcher.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/base/contain.h"
#include "lib/scheduler/scheduler.h"

namespace hob {
namespace {

constexpr int32_t kMaxLogitRows = 64;
constexpr size_t kMaxLogitBytes = size_t{32} << 20;
// A chunk of a prompt that runs beside others' tokens delays them by about this.
constexpr double kMixedStepSeconds = 0.040;
constexpr int32_t kLeastMixedRows = 32;
constexpr int32_t kFirstMixedRows = 128;  // while a row's time is not known
constexpr double kLatest = 0.25;          // weight of the last step in a mean
constexpr double kForget = 0.004;         // of what further rows cost, while there are none

int32_t LogitRows(int32_t max_rows, int32_t vocabulary) {
  const size_t row = static_cast<size_t>(vocabulary) * sizeof(float);
  const auto rows = static_cast<int32_t>(std::min<size_t>(kMaxLogitRows, kMaxLogitBytes / row));
  return std::min(max_rows, std::max(rows, 16));
}

void Average(double& mean, double latest) {
  mean = mean == 0 ? latest : mean + kLatest * (latest - mean);
}

}  // namespace

size_t Batcher::LogitBytes(int32_t max_rows, int32_t vocabulary) {
  return static_cast<size_t>(LogitRows(max_rows, vocabulary)) * static_cast<size_t>(vocabulary) *
         sizeof(float);
}

StatusOr<std::unique_ptr<Batcher>> Batcher::Create(std::unique_ptr<Executor> executor,
                                                   Scheduler& scheduler,
                                                   std::shared_ptr<Allocator> allocator) {
  const int32_t rows = LogitRows(executor->max_rows(), executor->shape().output());
  const size_t bytes = LogitBytes(executor->max_rows(), executor->shape().output());
  HOB_ASSIGN_OR_RETURN(Buffer logits, Buffer::Create(std::move(allocator), bytes, "logits"));
  return std::unique_ptr<Batcher>(
      new Batcher(std::move(executor), scheduler, std::move(logits), rows));
}

Batcher::Batcher(std::unique_ptr<Executor> executor, Scheduler& scheduler, Buffer logits,
                 int32_t most)
    : executor_(std::move(executor)),
      scheduler_(scheduler),
      logits_(std::move(logits)),
      max_logit_rows_(most) {
  // Nothing of these grows in a step.
  const auto rows = static_cast<size_t>(executor_->max_rows());
  const size_t sequences = 2 * scheduler.max_sequences();  // one that helps for each
  arrivals_.reserve(sequences);
  entries_.reserve(sequences);
  order_.reserve(sequences);
  taken_.reserve(sequences);
  rows_.reserve(std::min(sequences, rows));
  tokens_.reserve(rows);
  logit_rows_.reserve(static_cast<size_t>(max_logit_rows_));
  scheduler_.Attach(*this);
}

Batcher::~Batcher() { scheduler_.Detach(*this); }

void Batcher::Add(std::shared_ptr<Sequence> sequence, const Urgency& urgency, bool helps) {
  arrivals_.push_back({.sequence = std::move(sequence), .urgency = urgency, .helps = helps});
}

size_t Batcher::answers() const {
  const auto counts = [](const Entry& entry) { return !entry.helps; };
  return static_cast<size_t>(std::count_if(arrivals_.begin(), arrivals_.end(), counts) +
                             std::count_if(entries_.begin(), entries_.end(), counts));
}

bool Batcher::Compose() {
  std::move(arrivals_.begin(), arrivals_.end(), std::back_inserter(entries_));
  arrivals_.clear();
  const Clock::time_point now = Clock::now();
  const auto cheap =
      static_cast<int32_t>(size_t{kCheapRows} / std::max<size_t>(1, entries_.size()));
  const int32_t guesses = std::min({cheap, executor_->max_rows(), max_logit_rows_}) - 1;
  order_.clear();
  for (size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    entry.rows = 0;
    if (entry.sequence->stop().load(std::memory_order_relaxed)) {
      entry.status = Status(StatusCode::kCancelled, "");
      entry.more = false;
    } else if (now >= entry.urgency.deadline) {
      entry.status = Status(StatusCode::kDeadlineExceeded, "");
      entry.more = false;
    } else {
      entry.work = entry.sequence->Next(guesses);
      if (entry.work.rows() > 0) order_.push_back(i);
    }
  }
  // Who has waited longest comes first.
  std::sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
    const Entry &x = entries_[a], &y = entries_[b];
    if (x.urgency.priority != y.urgency.priority) return x.urgency.priority > y.urgency.priority;
    return x.served != y.served ? x.served < y.served : a < b;
  });

  tokens_.clear();
  rows_.clear();
  logit_rows_.clear();
  taken_.clear();
  // Where answers alone fill every step, the prompt that has waited longest gets a part of one.
  int32_t rows_kept = 0, logit_rows_kept = 0;
  if (!order_.empty()) {
    const Work& first = entries_[order_.front()].work;
    if (first.rows() != first.logit_rows) {
      rows_kept = std::max(1, executor_->max_rows() / 4);
      logit_rows_kept = first.logit_rows;
    }
  }
  for (const size_t i : order_) {  // answers' tokens, whole
    Entry& entry = entries_[i];
    if (entry.work.rows() == entry.work.logit_rows &&
        Fits(entry.work.rows() + rows_kept, entry.work.logit_rows + logit_rows_kept)) {
      Take(entry, entry.work.rows());
    }
  }
  int32_t left = PromptRows(static_cast<int32_t>(tokens_.size()));
  for (const size_t i : order_) {  // prompts, as far as there is room
    Entry& entry = entries_[i];
    if (entry.work.rows() == entry.work.logit_rows) continue;
    int32_t rows = std::min(left, entry.work.rows());
    if (rows < entry.work.rows()) {
      rows = std::min(rows, entry.work.rows() - entry.work.logit_rows);
    }
    if (rows > 0 && Take(entry, rows)) left -= rows;
  }
  return !taken_.empty();
}

int32_t Batcher::PromptRows(int32_t taken) const {
  const int32_t room = executor_->max_rows() - taken;
  if (taken == 0) return room;
  const double rows = row_seconds_ == 0 ? kFirstMixedRows : kMixedStepSeconds / row_seconds_;
  return static_cast<int32_t>(std::clamp<double>(rows, std::min(kLeastMixedRows, room), room));
}

bool Batcher::Fits(int32_t rows, int32_t logit_rows) const {
  return static_cast<int32_t>(tokens_.size()) + rows <= executor_->max_rows() &&
         static_cast<int32_t>(logit_rows_.size()) + logit_rows <= max_logit_rows_;
}

// Puts `rows` of the entry's tokens into the step, if they fit.
bool Batcher::Take(Entry& entry, int32_t rows) {
  const int32_t logit_rows = rows == entry.work.rows() ? entry.work.logit_rows : 0;
  if (!Fits(rows, logit_rows)) return false;
  SequenceRows sequence;
  entry.status = entry.sequence->Prepare(rows, &sequence);
  if (!entry.status.ok()) {
    entry.more = false;
    return false;
  }
  sequence.first_row = static_cast<int32_t>(tokens_.size());
  sequence.rows = rows;
  const auto vocabulary = static_cast<size_t>(executor_->shape().vocabulary);
  entry.rows = rows;
  entry.logit_rows = logit_rows;
  entry.logits = logits_.as<float>() + logit_rows_.size() * vocabulary;
  for (int32_t i = rows - logit_rows; i < rows; ++i) {
    logit_rows_.push_back(sequence.first_row + i);
  }
  tokens_.insert(tokens_.end(), entry.work.tokens.begin(), entry.work.tokens.begin() + rows);
  rows_.push_back(sequence);
  taken_.push_back(static_cast<size_t>(&entry - entries_.data()));
  return true;
}

void Batcher::RunStep(ThreadPool& pool) {
  Step step;
  step.tokens = tokens_;
  step.sequences = rows_;
  step.logit_rows = logit_rows_;
  step.logits = logits_.as<float>();
  // One alone need not wait for the end of the step.
  const std::atomic<bool>* stop =
      taken_.size() == 1 ? &entries_[taken_[0]].sequence->stop() : nullptr;
  const Clock::time_point start = Clock::now();
  const Status status = Contain([&] { return executor_->Run(step, stop); });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  Learn(static_cast<size_t>(step.rows()), seconds);
  Metrics& metrics = scheduler_.metrics();
  Metrics::Add(metrics.steps);
  Metrics::Add(metrics.step_rows, static_cast<uint64_t>(step.rows()));
  Metrics::Add(metrics.step_ns, static_cast<uint64_t>(seconds * 1e9));
  metrics.batch.Add(taken_.size());
  ++step_;
  auto accept = [&](size_t begin, size_t end, size_t) {
    const auto vocabulary = static_cast<size_t>(executor_->shape().vocabulary);
    for (size_t i = begin; i < end; ++i) {
      Entry& entry = entries_[taken_[i]];
      entry.served = step_;
      entry.status = status;
      entry.more =
          status.ok() &&
          entry.sequence->Accept(
              entry.rows, {entry.logits, static_cast<size_t>(entry.logit_rows) * vocabulary});
    }
  };
  if (logit_rows_.size() > 1) {
    pool.For(taken_.size(), 1, accept);  // choosing tokens looks at all logits
  } else {
    accept(0, taken_.size(), 0);
  }
}

void Batcher::Learn(size_t rows, double seconds) {
  if (rows >= size_t{kLeastMixedRows}) {
    Average(row_seconds_, seconds / static_cast<double>(rows));
  } else if (rows == 1) {
    Average(token_seconds_, seconds);
    row_cost_ += kForget * (kUsualRowCost - row_cost_);
  } else if (rows <= size_t{kCheapRows} && token_seconds_ == 0) {
    // Answers with guesses may never run a row alone.
    token_seconds_ = seconds / (1 + row_cost_ * static_cast<double>(rows - 1));
  } else if (rows <= size_t{kCheapRows}) {
    const double cost = (seconds / token_seconds_ - 1) / static_cast<double>(rows - 1);
    Average(row_cost_, std::clamp(cost, 0.0, 1.0));
  }
}

Batcher::Clock::time_point Batcher::EarliestDeadline() const {
  Clock::time_point earliest = Clock::time_point::max();
  for (const Entry& entry : entries_) earliest = std::min(earliest, entry.urgency.deadline);
  return earliest;
}

void Batcher::EndFinished() {
  for (Entry& entry : entries_) {
    if (!entry.more) entry.sequence->End(entry.status);
  }
  std::erase_if(entries_, [](const Entry& entry) { return !entry.more; });
}

}  // namespace hob
