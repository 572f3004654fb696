// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "lib/base/status.h"

namespace hob::handoff {

// Server-sent events (the HTML standard's text/event-stream) as they come off the wire, in pieces
// of any size. Only the data of events is kept.
class SseParser {
 public:
  static constexpr size_t kMaxEventBytes = 1u << 20;  // of a line, and of an event's data

  // Given the data of each event; false: no more is wanted. Other errors end the parsing.
  using OnData = std::function<StatusOr<bool>(std::string_view data)>;

  // False once OnData wants no more. RESOURCE_EXHAUSTED: an event without end. An event that the
  // bytes end within has not come.
  StatusOr<bool> Push(std::string_view bytes, const OnData& on_data);

 private:
  StatusOr<bool> Line(std::string_view line, const OnData& on_data);

  std::string line_, data_;
  bool has_data_ = false;
  bool after_return_ = false;  // a \n that follows belongs to it
  bool began_ = false;         // the byte order mark is behind
};

}  // namespace hob::handoff
