// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/text/grammar/grammar.h"
#include "lib/text/unicode.h"

namespace hob::text {

// Reads the source of a grammar, and says where in it something is wrong.
class SourceCursor {
 public:
  static constexpr size_t kMostBytes = 1u << 20;
  static constexpr int kMostDepth = 128;  // of groups within each other

  // `what` names the source in messages.
  SourceCursor(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  // INVALID_ARGUMENT if the source is too long, or no UTF-8.
  Status Check() const {
    if (text_.size() > kMostBytes) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("the ", what_, " has ", text_.size(), " bytes, more than ", kMostBytes));
    }
    return CheckUtf8(text_, Concat("the ", what_));
  }

  bool at_end() const { return at_ >= text_.size(); }
  size_t at() const { return at_; }
  size_t size() const { return text_.size(); }
  std::string_view From(size_t begin) const { return text_.substr(begin, at_ - begin); }
  // The next byte, or one further on; 0 at the end.
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Sees(std::string_view text) const { return text_.substr(at_, text.size()) == text; }
  bool Skip(std::string_view text) {
    if (!Sees(text)) return false;
    at_ += text.size();
    return true;
  }
  void Advance() { ++at_; }
  // The next character, which is there.
  char32_t Next() {
    const Utf8Step step = StepUtf8(text_, at_);
    at_ += step.length;
    return step.value;
  }

  // Exactly `digits` hexadecimal digits; false if there are others.
  bool Hex(int digits, char32_t& out) {
    out = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = HexDigit(Peek(static_cast<size_t>(i)));
      if (digit < 0) return false;
      out = out << 4 | static_cast<char32_t>(digit);
    }
    at_ += static_cast<size_t>(digits);
    return true;
  }
  // A decimal number, or as much as 2^32 for any that is larger; false if there is none.
  bool Number(uint64_t& out) {
    const size_t begin = at_;
    out = 0;
    for (; Peek() >= '0' && Peek() <= '9'; ++at_) {
      out = std::min<uint64_t>(out * 10 + static_cast<uint64_t>(Peek() - '0'), uint64_t{1} << 32);
    }
    return at_ > begin;
  }

  Status Fail(std::string_view message, std::string_view hint = {}) const {
    return FailAt(at_, StatusCode::kInvalidArgument, message, hint);
  }
  Status Lacks(std::string_view what, std::string_view hint = {}) const {
    return FailAt(at_, StatusCode::kUnimplemented, what, hint);
  }
  // Line and column, in characters, of byte `at`.
  Status FailAt(size_t at, StatusCode code, std::string_view message,
                std::string_view hint = {}) const {
    const std::string_view before = text_.substr(0, at);
    const size_t line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
    const size_t begin = before.rfind('\n') + 1;  // 0 if there is none
    const auto column = 1 + std::count_if(before.begin() + static_cast<ptrdiff_t>(begin),
                                          before.end(), [](char c) { return (c & 0xC0) != 0x80; });
    return Error(code, Concat(what_, ", line ", line, ", column ", column, ": ", message), hint);
  }

  // Whether a repetition, which stands at byte `at`, has bounds that an automaton can have.
  Status CheckRepeats(size_t at, uint64_t least, uint64_t most) const {
    if (least > Grammar::kMostRepeats ||
        (most > Grammar::kMostRepeats && most != Grammar::kNoLimit)) {
      return FailAt(at, StatusCode::kInvalidArgument,
                    Concat("more than ", Grammar::kMostRepeats, " repetitions"),
                    "Write {m,} for any number.");
    }
    if (least <= most) return absl::OkStatus();
    return FailAt(at, StatusCode::kInvalidArgument,
                  "the repetition's bounds are the wrong way round");
  }

  static int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  }

 private:
  std::string_view text_, what_;
  size_t at_ = 0;
};

// A name from a source as messages have it: whole, if it is not long.
inline std::string Shorten(std::string_view text) {
  constexpr size_t kMost = 100;
  if (text.size() <= kMost) return std::string(text);
  size_t end = kMost;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

inline bool IsSurrogate(char32_t value) { return value >= 0xD800 && value < 0xE000; }

}  // namespace hob::text
