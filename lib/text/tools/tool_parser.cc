// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_parser.h"

#include <algorithm>
#include <optional>

#include "lib/text/tools/json_text.h"
#include "lib/text/tools/tool_messages.h"

namespace hob::text {
namespace {

using jinja::Type;
using jinja::Value;

constexpr std::string_view kBlanks = " \n\r\t";

size_t SkipBlanks(std::string_view text, size_t at = 0) {
  return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

// The length of the longest end of `text` that `mark` begins with.
size_t Overlap(std::string_view text, std::string_view mark) {
  for (size_t size = std::min(text.size(), mark.size() - 1); size > 0; --size) {
    if (text.ends_with(mark.substr(0, size))) return size;
  }
  return 0;
}

std::optional<ToolCall> ReadCall(const Value& value) {
  const Value* name = FindMember(value, "name");
  if (name == nullptr || !name->is_string() || name->str().empty()) return std::nullopt;
  const Value* arguments = FindMember(value, "arguments");
  if (arguments == nullptr) arguments = FindMember(value, "parameters");
  if (arguments == nullptr) return std::nullopt;
  std::unique_ptr<JsonText> inner;
  if (arguments->is_string()) {
    // Some write the object as a string, as the protocol does.
    auto read = JsonText::Read(arguments->str(), "arguments");
    if (!read.ok()) return std::nullopt;
    inner = *std::move(read);
    arguments = &inner->root();
  }
  if (!arguments->is(Type::kDict)) return std::nullopt;
  auto text = WriteJsonText(*arguments);
  if (!text.ok()) return std::nullopt;
  ToolCall call{{}, name->str(), *std::move(text)};
  // The conversation has to take it.
  if (!FieldsOfCalls({call}).ok()) return std::nullopt;
  return call;
}

// The calls of a JSON text; none if it is anything else.
std::vector<ToolCall> ReadCalls(std::string_view json) {
  const auto read = JsonText::Read(json, "a call");
  std::vector<ToolCall> calls;
  if (!read.ok()) return calls;
  const Value& root = (*read)->root();
  if (root.is(Type::kDict)) {
    if (auto call = ReadCall(root)) calls.push_back(*std::move(call));
    return calls;
  }
  for (const Value& item : root.items()) {
    auto call = ReadCall(item);
    if (!call) return {};
    calls.push_back(*std::move(call));
  }
  return calls;
}

}  // namespace

std::string ToolCallId(size_t index) {
  std::string digits = std::to_string(index % 100000);
  return "call" + std::string(5 - digits.size(), '0') + digits;
}

size_t ToolParser::JsonEnd(size_t begin) {
  const std::string_view text = std::string_view(held_).substr(begin);
  if (text.empty()) return std::string_view::npos;
  if (text[0] != '{' && text[0] != '[') return 0;
  for (size_t& at = scan_.done; at < text.size(); ++at) {
    const char c = text[at];
    if (scan_.escaped) {
      scan_.escaped = false;
    } else if (scan_.quoted) {
      scan_.escaped = c == '\\';
      scan_.quoted = c != '"';
    } else if (c == '"') {
      scan_.quoted = true;
    } else if (c == '{' || c == '[') {
      ++scan_.depth;
    } else if ((c == '}' || c == ']') && --scan_.depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

std::string ToolParser::Push(std::string_view text, std::vector<ToolCall>& calls) {
  held_.append(text);
  std::string out;
  while (!held_.empty() && Step(false, out, calls)) {
  }
  return out;
}

std::string ToolParser::Finish(std::vector<ToolCall>& calls) {
  std::string out;
  while (!held_.empty() && Step(true, out, calls)) {
  }
  out.append(std::exchange(held_, {}));
  return out;
}

bool ToolParser::Step(bool end, std::string& out, std::vector<ToolCall>& calls) {
  switch (state_) {
    case State::kBegin: {
      // A style without a mark has its calls at the beginning, or not at all.
      if (!style_->open.empty()) {
        state_ = State::kText;
        return true;
      }
      const size_t begin = SkipBlanks(held_);
      if (begin == held_.size()) return false;
      state_ = held_[begin] == '{' ? State::kCall : State::kText;
      return true;
    }
    case State::kText:
      return StepText(end, out);
    case State::kCall:
      return StepCall(end, out, calls);
    case State::kBehind:
      return StepBehind(end, out);
  }
  return false;
}

bool ToolParser::StepText(bool end, std::string& out) {
  if (style_->open.empty()) {
    out.append(std::exchange(held_, {}));
    return false;
  }
  const size_t mark = held_.find(style_->open);
  if (mark != std::string::npos) {
    // Blanks between a text and a call are no part of either.
    const size_t last = held_.find_last_not_of(kBlanks, mark == 0 ? 0 : mark - 1);
    const bool blank = mark == 0 || last == std::string::npos || last >= mark;
    out.append(held_, 0, blank ? 0 : last + 1);
    held_.erase(0, mark);
    state_ = State::kCall;
    return true;
  }
  size_t keep = end ? 0 : Overlap(held_, style_->open);
  if (!end) {
    // Blanks may be those before a call.
    size_t blanks = 0;
    while (keep + blanks < held_.size() &&
           kBlanks.find(held_[held_.size() - keep - blanks - 1]) != kBlanks.npos) {
      ++blanks;
    }
    if (blanks <= kMostBlanks) keep += blanks;
  }
  out.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return false;
}

// held_ begins with the mark.
bool ToolParser::StepCall(bool end, std::string& out, std::vector<ToolCall>& calls) {
  const size_t begin = SkipBlanks(held_, style_->open.size());
  const bool blank = begin - style_->open.size() > kMostBlanks;
  const size_t size = blank ? 0 : JsonEnd(begin);
  const bool open = size == std::string_view::npos;
  if (open && !end && held_.size() <= kMostCallBytes) return false;
  std::vector<ToolCall> found;
  if (!open && size > 0) found = ReadCalls(std::string_view(held_).substr(begin, size));
  scan_ = {};
  if (found.empty() || calls_ + found.size() > ToolSet::kMostCalls) {
    // No call: all that was looked at is text, and nothing is looked at twice.
    size_t text = open || style_->open.empty() ? held_.size() : begin + size;
    if (!open && size == 0) text = std::max<size_t>(style_->open.size(), 1);
    text = std::min(text, held_.size());
    out.append(held_, 0, text);
    held_.erase(0, text);
    state_ = State::kText;
    return true;
  }
  calls_ += found.size();
  for (ToolCall& call : found) {
    call.id = ToolCallId(next_id_++);
    calls.push_back(std::move(call));
  }
  held_.erase(0, begin + size);
  closed_ = style_->close.empty();
  state_ = State::kBehind;
  return true;
}

// Behind the JSON of a call: its closing mark, and another call or text.
bool ToolParser::StepBehind(bool end, std::string& out) {
  const size_t at = SkipBlanks(held_);
  const std::string_view rest = std::string_view(held_).substr(at);
  const bool may_wait = !end && held_.size() <= 2 * kMostBlanks;
  if (!closed_ && rest.starts_with(style_->close)) {
    held_.erase(0, at + style_->close.size());
    closed_ = true;
    return true;
  }
  if (!closed_ && style_->close.starts_with(rest) && may_wait) return false;
  if (rest.empty() && may_wait) return false;
  if (style_->open.empty()) {
    // Another call, with or without what stands between them.
    const size_t next = SkipBlanks(rest, rest.starts_with(';') ? 1 : 0);
    if (next < rest.size() && rest[next] == '{') {
      held_.erase(0, at + next);
      state_ = State::kCall;
      return true;
    }
    if (next == rest.size() && may_wait) return false;
  }
  held_.erase(0, at);
  state_ = State::kText;
  return !held_.empty() && StepText(end, out);
}

}  // namespace hob::text
