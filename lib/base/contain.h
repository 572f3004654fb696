// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <new>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include "lib/base/status.h"

namespace hob {

// Runs `f`, which returns a Status, where no exception may leave, as on a thread of the library's
// own. Allocates nothing when memory is out: that status has no message.
template <typename F>
Status Contain(F&& f) noexcept {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "");
  } catch (...) {
    return Status(StatusCode::kInternal, "");
  }
}

// What a hook of the app answers, or `otherwise` if it throws: a hook is a C function, whose
// exception must not pass the library's frames.
template <typename F, typename T>
T CallHook(F&& f, T otherwise) {
  try {
    return std::forward<F>(f)();
#if defined(__GLIBCXX__)
  } catch (const ::abi::__forced_unwind&) {
    throw;  // the thread is being cancelled (pthread_cancel) and must be let go
#endif
  } catch (...) {
    return otherwise;
  }
}

}  // namespace hob
