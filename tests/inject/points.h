// SPDX-License-Identifier: Apache-2.0
// The points at which something can fail, and which of them is to. The functions that the library
// calls and this program defines in their place (interpose_*.cc) ask here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hob::inject {

enum class Kind : int32_t {
  kAllocation,    // no memory
  kFile,          // a file operation fails
  kInterruption,  // one is interrupted (EINTR), or done in part
  kMapping,       // a mapping, or advice on one, fails
  kThread,        // no further thread
  kLock,          // a lock is held up, a wait ends for no reason
};
inline constexpr int kKinds = 6;
inline constexpr Kind kAllKinds[kKinds] = {Kind::kAllocation, Kind::kFile,   Kind::kInterruption,
                                           Kind::kMapping,    Kind::kThread, Kind::kLock};
std::string_view Name(Kind kind);

enum class Mode : int32_t {
  kNone,  // points are counted
  kOnce,  // the one point fails
  kCall,  // from it on, until the call returns that it happened in
  kOn,    // from it on, until everything is destroyed
};
inline constexpr Mode kAllModes[] = {Mode::kOnce, Mode::kCall, Mode::kOn};
std::string_view Name(Mode mode);

// What is to fail; `at` counts from 1 among the points of its kind.
struct Plan {
  Kind kind = Kind::kAllocation;
  Mode mode = Mode::kNone;
  int64_t at = 0;
};

// Begins to count, from 0. Points are seen on this thread within InCall, and on all others.
void Begin(const Plan& plan);
// Nothing fails any more.
void Cease();
// Nothing is counted any more, either.
void End();

int64_t Seen(Kind kind);
int64_t Fired();
// The function that failed first; "" if none did.
const char* FiredIn();
// Backtraces of what fails go to standard error.
void TraceFirst(bool on);

// The calling thread is inside a call of the library: its points count.
class InCall {
 public:
  InCall();
  ~InCall();
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;
};

// Inside a callback of the test's own, within InCall: they do not.
class InCallback {
 public:
  InCallback();
  ~InCallback();
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;

 private:
  bool before_;
};

// For the functions interposed: whether this call of `function` is to fail.
bool Fails(Kind kind, const char* function);
// The same for one that undoes something: it fails where it is hit itself, not in the wake of
// another.
bool FailsAlone(Kind kind, const char* function);

// The C library's own `name`, behind what this program defines.
void* Resolve(const char* name);

// What the process holds.
struct Live {
  int64_t blocks = 0;
  int64_t mappings = 0;
  int64_t descriptors = 0;
  int64_t threads = 0;
};
Live CountLive();
void AddBlocks(int64_t count);
void AddMappings(int64_t count);

// Remembers where each block that is allocated from now on came from; then prints those that live.
void RecordBlocks();
void PrintBlocks();
void Recorded(void* block);
void Forget(void* block);

}  // namespace hob::inject
