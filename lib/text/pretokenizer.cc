// SPDX-License-Identifier: Apache-2.0
#include "lib/text/pretokenizer.h"

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <algorithm>
#include <limits>

#include "lib/text/unicode.h"

namespace hob::text {
namespace {

struct CodeDeleter {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct MatchDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct ContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, CodeDeleter>;

// PCRE2's \s also has U+180E, which lost White_Space in Unicode 6.3; so it is spelled out.
constexpr std::string_view kWhiteSpace =
    R"re(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})re";

std::string SpellOutWhiteSpace(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's') {
        if (!in_class) out += '[';
        out += kWhiteSpace;
        if (!in_class) out += ']';
      } else if (next == 'S' && !in_class) {
        out += "[^";
        out += kWhiteSpace;
        out += ']';
      } else {
        out += c;
        out += next;
      }
      continue;
    }
    if (c == '[' && !in_class) {
      in_class = true;
    } else if (c == ']' && in_class) {
      in_class = false;
    }
    out += c;
  }
  return out;
}

Status OutOfMemory() {
  return Error(StatusCode::kResourceExhausted, "out of memory in the pre-tokenizer",
               "free memory or pass a shorter text");
}

StatusOr<Code> Compile(std::string_view pattern) {
  const std::string source = SpellOutWhiteSpace(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                          nullptr));
  if (code == nullptr && (error == PCRE2_ERROR_HEAP_FAILED || error == PCRE2_ERROR_NOMEMORY)) {
    return OutOfMemory();
  }
  if (code == nullptr) {
    return Error(
        StatusCode::kInternal,
        absl::StrCat("pre-tokenizer pattern: PCRE2 error ", error, " at ", offset, " of ", source),
        "use PCRE2 10.40 or newer, built with Unicode");
  }
#if !defined(HOB_WITHOUT_REGEX_JIT)
  // Where JIT is missing or forbidden the interpreter gives the same matches.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
#endif
  return code;
}

// Matches one pattern, over and over; one thread at a time.
class Matcher {
 public:
  // `text_size`: of all the text that will be matched.
  static StatusOr<Matcher> Create(size_t text_size) {
    Matcher matcher;
    matcher.data_.reset(pcre2_match_data_create(1, nullptr));
    matcher.context_.reset(pcre2_match_context_create(nullptr));
    if (matcher.data_ == nullptr || matcher.context_ == nullptr) return OutOfMemory();
    // One match passes over the text a few times at most, whatever the text.
    const size_t limit = 1'000'000 + 32 * text_size;
    pcre2_set_match_limit(matcher.context_.get(),
                          static_cast<uint32_t>(std::min<size_t>(limit, UINT32_MAX)));
    pcre2_set_heap_limit(matcher.context_.get(), 64 * 1024);  // KiB
    return matcher;
  }

  struct Found {
    size_t begin, end;  // npos: none
  };
  StatusOr<Found> Next(const pcre2_code* code, std::string_view text, size_t from) {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    // The text is known to be UTF-8; checking it at each match would take quadratic time.
    int result = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data_.get(),
                             context_.get());
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
      result = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                           data_.get(), context_.get());
    }
    if (result == PCRE2_ERROR_NOMATCH) return Found{std::string_view::npos, 0};
    if (result < 0) {
      return Error(StatusCode::kResourceExhausted,
                   absl::StrCat("pre-tokenizer: PCRE2 error ", result, " at byte ", from,
                                " of a piece of ", text.size(), " bytes"),
                   "pass a shorter text");
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data_.get());
    return Found{bounds[0], bounds[1]};
  }

 private:
  std::unique_ptr<pcre2_match_data, MatchDeleter> data_;
  std::unique_ptr<pcre2_match_context, ContextDeleter> context_;
};

// Cuts each run of decimal digits into threes from the right. With `whole_numbers` only runs that
// no letter follows, and they are cut off from what stands before and after.
void GroupDigits(std::string_view text, size_t base, bool whole_numbers,
                 std::vector<uint32_t>* ends) {
  std::vector<size_t> digits;  // where each digit of the run begins
  size_t last = 0;
  const auto cut = [&](size_t at) {
    if (at > last) ends->push_back(static_cast<uint32_t>(base + at));
    last = std::max(last, at);
  };
  for (size_t i = 0; i <= text.size();) {
    const Utf8Step step = i < text.size() ? StepUtf8(text, i) : Utf8Step{0, 1};
    const bool ended = i >= text.size();
    if (!ended && IsDecimalDigit(step.value)) {
      digits.push_back(i);
    } else if (!digits.empty()) {
      if (!whole_numbers) {
        for (size_t k = digits.size() % 3; k < digits.size(); k += 3) cut(digits[k]);
      } else if (ended || !IsWordCharacter(step.value)) {
        cut(digits[0]);
        for (size_t k = digits.size() % 3; k < digits.size(); k += 3) cut(digits[k]);
        cut(i);
      }
      digits.clear();
    }
    i += step.length;
  }
  cut(text.size());
}

}  // namespace

struct Pretokenizer::Step {
  Code code;  // null: a kind of digit grouping
  bool whole_numbers = false;
};

Pretokenizer::Pretokenizer(const PretokenizerRule* rule) : rule_(rule) {}
Pretokenizer::~Pretokenizer() {
  // PCRE2 keeps a page of code for the next pattern: it would stay behind when the library is
  // unloaded. Gives back only what no pattern uses.
  steps_.clear();
  pcre2_jit_free_unused_memory(nullptr);
}

StatusOr<std::unique_ptr<const Pretokenizer>> Pretokenizer::Create(std::string_view name) {
  const PretokenizerRule* rule = FindPretokenizerRule(name);
  if (rule == nullptr) {
    return Error(StatusCode::kUnimplemented,
                 absl::StrCat("pre-tokenizer \"", std::string(name), "\" is not supported"),
                 "docs/reference/tokenizers.md lists those that are");
  }
  std::unique_ptr<Pretokenizer> pretokenizer(new Pretokenizer(rule));
  for (const std::string_view pattern : rule->steps) {
    if (pattern.empty()) continue;
    Step step;
    if (pattern == kGroupDigits || pattern == kGroupWholeNumbers) {
      step.whole_numbers = pattern == kGroupWholeNumbers;
    } else {
      HOB_ASSIGN_OR_RETURN(step.code, Compile(pattern));
    }
    pretokenizer->steps_.push_back(std::move(step));
  }
  return pretokenizer;
}

Status Pretokenizer::Split(std::string_view text, std::vector<uint32_t>* ends) const {
  if (text.empty()) return absl::OkStatus();
  if (text.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return Error(StatusCode::kResourceExhausted, "text of 2 GiB or more", "pass it in parts");
  }
  HOB_ASSIGN_OR_RETURN(Matcher matcher, Matcher::Create(text.size()));
  std::vector<uint32_t> before{static_cast<uint32_t>(text.size())}, after;
  for (const Step& step : steps_) {
    after.clear();
    size_t begin = 0;
    for (const size_t end : before) {
      const std::string_view piece = text.substr(begin, end - begin);
      if (step.code == nullptr) {
        GroupDigits(piece, begin, step.whole_numbers, &after);
      } else {
        // What matches is a piece, and so is what stands between matches.
        size_t at = 0;
        while (at < piece.size()) {
          HOB_ASSIGN_OR_RETURN(const Matcher::Found found,
                               matcher.Next(step.code.get(), piece, at));
          if (found.begin >= piece.size() || found.end <= found.begin) break;
          if (found.begin > at) after.push_back(static_cast<uint32_t>(begin + found.begin));
          after.push_back(static_cast<uint32_t>(begin + found.end));
          at = found.end;
        }
        if (at < piece.size()) after.push_back(static_cast<uint32_t>(end));
      }
      begin = end;
    }
    before.swap(after);
  }
  ends->insert(ends->end(), before.begin(), before.end());
  return absl::OkStatus();
}

}  // namespace hob::text
