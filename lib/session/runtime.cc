// SPDX-License-Identifier: Apache-2.0
#include "lib/session/runtime.h"

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

#include "lib/base/contain.h"

namespace hob {
namespace {

constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxRequests = 1 << 16;

int64_t CurrentProcess() {
#if defined(_WIN32)
  return _getpid();
#else
  return getpid();
#endif
}

}  // namespace

StatusOr<std::shared_ptr<Runtime>> Runtime::Create(const RuntimeOptions& options) {
  if (options.threads > kMaxThreads) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("runtime option threads is ", options.threads, ", above ", kMaxThreads),
                 "0 takes as many as the process may use.");
  }
  if (options.max_requests > kMaxRequests) {
    return Error(
        StatusCode::kInvalidArgument,
        Concat("runtime option max_requests is ", options.max_requests, ", above ", kMaxRequests));
  }
  if ((options.allocator.allocate == nullptr) != (options.allocator.release == nullptr)) {
    return Error(StatusCode::kInvalidArgument,
                 "runtime options allocate and release: one is set and the other is not");
  }
  if (options.log_level < LogLevel::kDebug || options.log_level > LogLevel::kError) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("runtime option log_level is ", static_cast<int32_t>(options.log_level),
                        ", not 0 to 3"));
  }
  std::shared_ptr<Runtime> runtime(new Runtime);
  runtime->process_ = CurrentProcess();
  runtime->log_ = options.log;
  runtime->log_level_ = options.log_level;
  runtime->allocator_ = std::make_shared<Allocator>(options.allocator, options.memory_limit);
  HOB_ASSIGN_OR_RETURN(runtime->pool_, ThreadPool::Create(options.threads));
  const size_t sequences =
      options.max_requests == 0 ? Scheduler::kDefaultSequences : options.max_requests;
  HOB_ASSIGN_OR_RETURN(runtime->scheduler_, Scheduler::Create(*runtime->pool_, sequences));
  return runtime;
}

void Runtime::Log(LogLevel level, std::string_view message) const {
  if (log_ == nullptr || level < log_level_) return;
  // What the sink throws costs the line: no call fails for its log.
  CallHook(
      [&] {
        log_(level, message);
        return true;
      },
      false);
}

Status Runtime::CheckProcess() const {
  if (CurrentProcess() == process_) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition,
               "the handle was made before fork() and cannot be used in the child",
               "Create a runtime in the child process.");
}

}  // namespace hob
