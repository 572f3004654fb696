// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/text/tools/tool_set.h"
#include "lib/text/tools/tool_style.h"

namespace hob::text {

// Takes the calls of tools out of an answer as it comes. What looks like a call and is none stays
// text: nothing is lost. One thread at a time.
class ToolParser {
 public:
  // Calls are numbered from `first_id`, for their ids.
  ToolParser(const ToolStyle& style, size_t first_id) : style_(&style), next_id_(first_id) {}

  // The next part of the answer. Returns the text that is surely no call; appends to `calls` those
  // that became whole.
  std::string Push(std::string_view text, std::vector<ToolCall>& calls);
  // The end: what was held back.
  std::string Finish(std::vector<ToolCall>& calls);

  // Whether the answer is within a call.
  bool in_call() const { return state_ == State::kCall; }

 private:
  static constexpr size_t kMostBlanks = 64;           // beside a call
  static constexpr size_t kMostCallBytes = 1u << 20;  // of what may be a call

  enum class State : uint8_t { kBegin, kText, kCall, kBehind };

  // One step on held_; false: it needs more.
  bool Step(bool end, std::string& out, std::vector<ToolCall>& calls);
  bool StepText(bool end, std::string& out);
  bool StepCall(bool end, std::string& out, std::vector<ToolCall>& calls);
  bool StepBehind(bool end, std::string& out);

  // Goes on to look for the end of the JSON at `begin`: the bytes of it, npos if more has to come,
  // 0 if there is none.
  size_t JsonEnd(size_t begin);

  const ToolStyle* style_;
  size_t next_id_;
  size_t calls_ = 0;
  State state_ = State::kBegin;
  std::string held_;
  bool closed_ = false;  // the mark behind the last call has come
  // How far JsonEnd has come.
  struct Scan {
    size_t done = 0, depth = 0;
    bool quoted = false, escaped = false;
  } scan_;
};

// The id of call number `index` of a conversation.
std::string ToolCallId(size_t index);

}  // namespace hob::text
