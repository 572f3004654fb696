// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "lib/base/allocator.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/base/thread_pool.h"
#include "lib/scheduler/scheduler.h"

namespace hob {

struct RuntimeOptions {
  uint32_t threads = 0;       // 0: as many as the process may use
  uint32_t max_requests = 0;  // answers on their way at a time; 0: 256
  uint64_t memory_limit = 0;  // bytes, 0: none
  AllocatorHooks allocator;
  std::function<void(LogLevel level, std::string_view line)> log;  // null: silence
  LogLevel log_level = LogLevel::kInfo;
};

// What models share. Thread-safe; kept alive by whatever is made from it.
class Runtime {
 public:
  static StatusOr<std::shared_ptr<Runtime>> Create(const RuntimeOptions& options);

  ThreadPool& pool() { return *pool_; }
  size_t threads() const { return pool_->threads(); }
  Scheduler& scheduler() { return *scheduler_; }
  const std::shared_ptr<Allocator>& allocator() const { return allocator_; }
  void Log(LogLevel level, std::string_view message) const;

  // FAILED_PRECONDITION in a process forked from the one that made the runtime: the pool's threads
  // are not there.
  Status CheckProcess() const;

 private:
  Runtime() = default;

  int64_t process_ = 0;
  std::function<void(LogLevel, std::string_view)> log_;
  LogLevel log_level_ = LogLevel::kInfo;
  std::shared_ptr<Allocator> allocator_;
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace hob
