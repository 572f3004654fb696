// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/regex_parser.h"

#include <algorithm>
#include <utility>

#include "lib/text/grammar/regex_class.h"
#include "lib/text/grammar/source_cursor.h"

namespace hob::text {
namespace {

using Expr = Grammar::Expr;

uint32_t Limit(uint64_t count) {
  return static_cast<uint32_t>(std::min<uint64_t>(count, Grammar::kNoLimit));
}

class Parser {
 public:
  Parser(std::string_view pattern, const RegexTarget& target)
      : target_(target), grammar_(*target.grammar), cursor_(pattern, target.what) {}

  StatusOr<ParsedRegex> Parse() {
    HOB_RETURN_IF_ERROR(cursor_.Check());
    HOB_ASSIGN_OR_RETURN(const ParsedRegex parsed, ParseChoice(0));
    if (!cursor_.at_end()) return cursor_.Fail("')' without '('", "Write \\) for a parenthesis.");
    return parsed;
  }

 private:
  StatusOr<ParsedRegex> ParseChoice(int depth) {
    if (depth > SourceCursor::kMostDepth) {
      return cursor_.Fail(
          Concat("more than ", SourceCursor::kMostDepth, " groups within each other"));
    }
    std::vector<Expr> parts;
    ParsedRegex out{0, Grammar::kNoLimit, 0};
    do {
      HOB_ASSIGN_OR_RETURN(const ParsedRegex part, ParseAlternative(depth));
      parts.push_back(part.expr);
      out.least = std::min(out.least, part.least);
      out.most = std::max(out.most, part.most);
    } while (cursor_.Skip("|"));
    out.expr = parts.size() == 1 ? parts[0] : grammar_.Choice(parts);
    return out;
  }

  StatusOr<ParsedRegex> ParseAlternative(int depth) {
    std::vector<Expr> parts;
    uint64_t least = 0, most = 0;
    bool open_front = target_.anywhere && depth == 0, open_back = open_front;
    if (depth == 0 && cursor_.Skip("^")) open_front = false;
    while (!cursor_.at_end() && cursor_.Peek() != '|' && cursor_.Peek() != ')') {
      if (grammar_.too_large()) return grammar_.Check();
      if (cursor_.Peek() == '$' && depth == 0 &&
          (cursor_.Peek(1) == '|' || cursor_.at() + 1 == cursor_.size())) {
        cursor_.Advance();
        open_back = false;
        break;
      }
      HOB_ASSIGN_OR_RETURN(ParsedRegex part, ParseAtom(depth));
      HOB_RETURN_IF_ERROR(ParseQuantifier(part));
      parts.push_back(part.expr);
      least += part.least;
      most += part.most;
    }
    if (open_front) parts.insert(parts.begin(), Anything());
    if (open_back) parts.push_back(Anything());
    if (open_front || open_back) most = Grammar::kNoLimit;
    const Expr expr = parts.size() == 1 ? parts[0] : grammar_.Sequence(parts);
    return ParsedRegex{expr, Limit(least), Limit(most)};
  }

  Expr Anything() {
    if (anything_ < 0) {
      anything_ = grammar_.Repeat(target_.character({{0, 0x10FFFF}}), 0, Grammar::kNoLimit);
    }
    return anything_;
  }

  ParsedRegex One(std::vector<CodePoints> ranges) {
    return {target_.character(std::move(ranges)), 1, 1};
  }

  StatusOr<ParsedRegex> ParseAtom(int depth) {
    switch (cursor_.Peek()) {
      case '(':
        return ParseGroup(depth);
      case '[': {
        HOB_ASSIGN_OR_RETURN(auto ranges, ReadRegexClass(cursor_));
        return One(std::move(ranges));
      }
      case '\\': {
        HOB_ASSIGN_OR_RETURN(auto ranges, ReadRegexEscape(cursor_, false));
        return One(std::move(ranges.ranges));
      }
      case '.':
        cursor_.Advance();
        return One(InvertRanges({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}));
      case '^':
      case '$':
        return cursor_.Lacks("^ and $ are supported only at the ends of the expression",
                             "Write \\^ or \\$ for the character.");
      case '*':
      case '+':
      case '?':
        return cursor_.Fail("nothing stands before this repetition",
                            "Put \\ before it for the character.");
      case '{':
        return cursor_.Fail("a repetition of nothing", "Write \\{ for a brace.");
      default: {
        const char32_t value = cursor_.Next();
        return One({{value, value}});
      }
    }
  }

  StatusOr<ParsedRegex> ParseGroup(int depth) {
    const size_t begin = cursor_.at();
    cursor_.Advance();
    if (cursor_.Sees("?")) HOB_RETURN_IF_ERROR(SkipGroupHead());
    HOB_ASSIGN_OR_RETURN(const ParsedRegex inner, ParseChoice(depth + 1));
    if (!cursor_.Skip(")")) {
      return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "'(' without ')'",
                            "Write \\( for a parenthesis.");
    }
    return inner;
  }

  Status SkipGroupHead() {
    if (cursor_.Skip("?:")) return absl::OkStatus();
    for (const std::string_view sign : {"?=", "?!", "?<=", "?<!"}) {
      if (cursor_.Sees(sign))
        return cursor_.Lacks(Concat("lookaround (", sign, ") is not supported"));
    }
    if (!cursor_.Skip("?<")) {
      return cursor_.Lacks("of groups (?…), only (?:…) and (?<name>…) are supported");
    }
    const size_t name = cursor_.at();
    while (!cursor_.at_end() && cursor_.Peek() != '>') cursor_.Advance();
    if (cursor_.at() == name || !cursor_.Skip(">")) return cursor_.Fail("a group without name");
    return absl::OkStatus();
  }

  Status ParseQuantifier(ParsedRegex& part) {
    const size_t begin = cursor_.at();
    uint64_t least = 0, most = Grammar::kNoLimit;
    if (cursor_.Skip("+")) {
      least = 1;
    } else if (cursor_.Skip("?")) {
      most = 1;
    } else if (cursor_.Skip("{")) {
      if (!cursor_.Number(least)) {
        return cursor_.FailAt(begin, StatusCode::kInvalidArgument,
                              "expected a number of repetitions", "Write \\{ for a brace.");
      }
      most = least;
      if (cursor_.Skip(",") && !cursor_.Number(most)) most = Grammar::kNoLimit;
      if (!cursor_.Skip("}")) return cursor_.Fail("expected '}'", "Write \\{ for a brace.");
    } else if (!cursor_.Skip("*")) {
      return absl::OkStatus();
    }
    HOB_RETURN_IF_ERROR(cursor_.CheckRepeats(begin, least, most));
    cursor_.Skip("?");  // as few as may be: of the whole text, the same
    if (cursor_.Sees("*") || cursor_.Sees("+") || cursor_.Sees("?") || cursor_.Sees("{")) {
      return cursor_.Fail("a repetition of a repetition", "Put the first one into (?:…).");
    }
    part.expr =
        grammar_.Repeat(part.expr, static_cast<uint32_t>(least), static_cast<uint32_t>(most));
    part.least = Limit(part.least * least);
    part.most = Limit(part.most * most);
    return absl::OkStatus();
  }

  const RegexTarget& target_;
  Grammar& grammar_;
  SourceCursor cursor_;
  Expr anything_ = -1;
};

}  // namespace

StatusOr<ParsedRegex> ParseRegex(std::string_view pattern, const RegexTarget& target) {
  return Parser(pattern, target).Parse();
}

StatusOr<Grammar> ReadRegex(std::string_view pattern) {
  Grammar grammar;
  const Grammar::Rule root = grammar.AddRule("regex");
  const RegexTarget target = {
      &grammar,
      [&](std::vector<CodePoints> ranges) { return grammar.Class(std::move(ranges)); },
      false,
      "regular expression",
  };
  HOB_ASSIGN_OR_RETURN(const ParsedRegex parsed, ParseRegex(pattern, target));
  grammar.Define(root, parsed.expr);
  HOB_RETURN_IF_ERROR(grammar.Check());
  return grammar;
}

}  // namespace hob::text
