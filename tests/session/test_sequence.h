// SPDX-License-Identifier: Apache-2.0
// A sequence for tests of the scheduler: a cache of its own, and an end to wait for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "lib/scheduler/batcher.h"
#include "lib/session/kv_cache.h"

namespace hob::testing {

class TestSequence : public Sequence {
 public:
  Status Prepare(int32_t rows, SequenceRows* out) override {
    HOB_RETURN_IF_ERROR(cache_.PrepareAppend(rows));
    *out = {cache_.pages(), cache_.type(), 0, rows, cache_.tokens()};
    return absl::OkStatus();
  }
  void End(const Status& status) override {
    const std::lock_guard lock(mutex_);
    status_ = status;
    ended_ = true;
    changed_.notify_all();
  }
  const std::atomic<bool>& stop() const override { return stop_; }

  void Stop() { stop_ = true; }
  // What End was told; UNKNOWN if it does not come in good time.
  Status AwaitEnd() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return ended_; })) {
      return Error(StatusCode::kUnknown, "the sequence did not end");
    }
    return status_;
  }

 protected:
  static constexpr std::chrono::seconds kPatience{60};

  explicit TestSequence(const Batcher& batcher)
      : TestSequence(batcher, batcher.executor().kv_layout().type) {}
  TestSequence(const Batcher& batcher, DType kv_type)
      : cache_(std::make_shared<Allocator>(), batcher.executor().kv_layout().As(kv_type)) {}

  KvCache cache_;
  std::mutex mutex_;  // of what a derived class shares with its caller, too
  std::condition_variable changed_;

 private:
  std::atomic<bool> stop_ = false;
  bool ended_ = false;
  Status status_;
};

}  // namespace hob::testing
