// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <new>

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

}  // namespace hob
