// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_parser.h"

#include <algorithm>
#include <optional>

#include "lib/text/tools/json_text.h"

namespace hob::text {
namespace {

using jinja::Type;
using jinja::Value;

constexpr std::string_view kBlanks = " \n\r\t";

size_t SkipBlanks(std::string_view text, size_t at = 0) {
  return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

// The bytes of the JSON object or array that `text` begins with; npos if it does not end in it, and
// 0 if there is none.
size_t JsonEnd(std::string_view text) {
  if (text.empty()) return std::string_view::npos;
  if (text[0] != '{' && text[0] != '[') return 0;
  size_t depth = 0;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
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
  return ToolCall{{}, name->str(), *std::move(text)};
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
    while (keep < held_.size() && kBlanks.find(held_[held_.size() - keep - 1]) != kBlanks.npos) {
      ++keep;
    }
  }
  out.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return false;
}

// held_ begins with the mark.
bool ToolParser::StepCall(bool end, std::string& out, std::vector<ToolCall>& calls) {
  const std::string_view held = held_;
  const size_t begin = SkipBlanks(held, style_->open.size());
  const size_t size = JsonEnd(held.substr(begin));
  if (size == std::string_view::npos && !end) return false;
  std::vector<ToolCall> found;
  if (size != std::string_view::npos && size > 0) found = ReadCalls(held.substr(begin, size));
  if (found.empty()) {
    // No call: the mark, or all that there is, was text.
    const size_t text = style_->open.empty() ? held.size() : style_->open.size();
    out.append(held_, 0, text);
    held_.erase(0, text);
    state_ = State::kText;
    return true;
  }
  for (ToolCall& call : found) {
    call.id = ToolCallId(next_id_++);
    calls.push_back(std::move(call));
  }
  held_.erase(0, begin + size);
  state_ = State::kBehind;
  return true;
}

// Behind the JSON of a call: its closing mark, and another call or text.
bool ToolParser::StepBehind(bool end, std::string& out) {
  size_t at = SkipBlanks(held_);
  const std::string_view rest = std::string_view(held_).substr(at);
  if (!style_->close.empty() && rest.starts_with(style_->close)) {
    held_.erase(0, at + style_->close.size());
    return true;
  }
  if (style_->open.empty() && rest.starts_with(';')) {
    held_.erase(0, at + 1);
    return true;
  }
  if (style_->open.empty() && rest.starts_with('{')) {
    held_.erase(0, at);
    state_ = State::kCall;
    return true;
  }
  if (!end && (rest.empty() || (!style_->close.empty() && style_->close.starts_with(rest)))) {
    return false;
  }
  held_.erase(0, at);
  state_ = State::kText;
  return !held_.empty() && StepText(end, out);
}

}  // namespace hob::text
