// SPDX-License-Identifier: Apache-2.0
// One pool per runtime. A parallel loop is split into a contiguous share per thread; a thread that
// has finished its own share takes over pieces of the others', so a preempted worker delays
// nobody. Workers spin briefly between loops, then sleep.
#pragma once

#include <cstddef>
#include <memory>

#include "lib/base/status.h"

namespace hob {

class ThreadPool {
 public:
  // `threads` counts the calling thread too; 0 takes as many as this process may use.
  static StatusOr<std::unique_ptr<ThreadPool>> Create(size_t threads);
  virtual ~ThreadPool() = default;

  virtual size_t threads() const = 0;

  // Where the share of `thread` begins in a loop over [0, count); thread = threads() gives its end.
  // A thread starts there, and what it does beyond is what others left.
  size_t ShareBegin(size_t count, size_t grain, size_t thread) const {
    const size_t pieces = (count + grain - 1) / grain;
    const size_t begin = pieces * thread / threads() * grain;
    return begin < count ? begin : count;
  }

  // Calls `task(context, begin, end, thread)` over disjoint pieces that cover [0, count), each at
  // most `grain` long, and returns when all are done. `thread` < threads() names the worker: two
  // calls with the same number never overlap, so it indexes scratch. One loop at a time; must not
  // be called from within a task.
  using Task = void (*)(void* context, size_t begin, size_t end, size_t thread);
  virtual void Run(size_t count, size_t grain, Task task, void* context) = 0;

  template <typename F>
  void For(size_t count, size_t grain, F&& f) {
    Run(
        count, grain,
        [](void* context, size_t begin, size_t end, size_t thread) {
          (*static_cast<std::remove_reference_t<F>*>(context))(begin, end, thread);
        },
        &f);
  }
};

// The number of CPUs that this process may use: affinity mask and cgroup quota considered.
size_t UsableCpus();

}  // namespace hob
