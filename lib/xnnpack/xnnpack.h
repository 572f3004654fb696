// SPDX-License-Identifier: Apache-2.0
// XNNPACK behind hob's types: starting it, and owning its operators.
#pragma once

#if defined(HOB_HAVE_XNNPACK)

#include <xnnpack.h>

#include <memory>
#include <string_view>

#include "lib/base/status.h"

namespace hob::xnnpack {

// Bytes that XNNPACK's kernels may read after the end of an input row, unused. Activations are
// padded by kAlignment bytes, which is no less.
inline constexpr size_t kReadBeyond = XNN_EXTRA_BYTES;

// Starts XNNPACK at the first call; false where it does not support this CPU or memory is out. Its
// tables of kernels for this CPU are global to the process and, once written, read-only: they are
// XNNPACK's own and shared with an app that uses it too, so they are never torn down. Thread-safe.
bool Available();

struct OperatorDeleter {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, OperatorDeleter>;

// OK, or the status that fits; `what` names the call and its object.
Status ToStatus(xnn_status status, std::string_view what);

}  // namespace hob::xnnpack

#endif  // HOB_HAVE_XNNPACK
