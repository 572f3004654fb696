// SPDX-License-Identifier: Apache-2.0
// Errors inside the library: absl::Status with an optional hint that says what to do about it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace hob {

using absl::Status;
using absl::StatusCode;
using absl::StatusOr;

// For absl functions that take absl::string_view, which is not std's where Abseil is built so (as
// on Debian 12).
inline absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }
template <typename T>
const T& AbslView(const T& value) {
  return value;
}

// absl::StrCat that takes std::string_view too.
template <typename... Parts>
std::string Concat(const Parts&... parts) {
  return absl::StrCat(AbslView(parts)...);
}

// Payload key under which a status carries its hint.
inline constexpr std::string_view kHintPayload = "hob.hint";

// An error: `message` says what was wrong and where, `hint` what the caller can do about it.
inline Status Error(StatusCode code, std::string_view message, std::string_view hint = {}) {
  Status status(code, absl::string_view(message.data(), message.size()));
  if (!hint.empty()) {
    status.SetPayload(absl::string_view(kHintPayload.data(), kHintPayload.size()),
                      absl::Cord(absl::string_view(hint.data(), hint.size())));
  }
  return status;
}

// The hint that `Error` attached, or an empty string.
inline std::string HintOf(const Status& status) {
  const auto payload =
      status.GetPayload(absl::string_view(kHintPayload.data(), kHintPayload.size()));
  return payload.has_value() ? std::string(*payload) : std::string();
}

// The same error with `where` put before its message (file name, tensor name, …).
inline Status Annotate(const Status& status, std::string_view where) {
  if (status.ok()) return status;
  return Error(status.code(), Concat(where, ": ", status.message()), HintOf(status));
}

}  // namespace hob

#define HOB_CONCAT_INNER(a, b) a##b
#define HOB_CONCAT(a, b) HOB_CONCAT_INNER(a, b)

// Returns the status of `expr` from the enclosing function unless it is OK.
#define HOB_RETURN_IF_ERROR(expr)                                               \
  do {                                                                          \
    if (::hob::Status hob_status = (expr); !hob_status.ok()) return hob_status; \
  } while (false)

// Evaluates the StatusOr `expr`; on error returns its status, else assigns the value to `lhs`.
#define HOB_ASSIGN_OR_RETURN(lhs, expr) \
  HOB_ASSIGN_OR_RETURN_INNER(HOB_CONCAT(hob_result_, __LINE__), lhs, expr)
#define HOB_ASSIGN_OR_RETURN_INNER(result, lhs, expr)  \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = std::move(result).value()
