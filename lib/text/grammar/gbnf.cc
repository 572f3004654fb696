// SPDX-License-Identifier: Apache-2.0
// GBNF as llama.cpp's grammars/README.md describes it.
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/text/grammar/grammar.h"
#include "lib/text/grammar/source_cursor.h"

namespace hob::text {
namespace {

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class GbnfReader {
 public:
  explicit GbnfReader(std::string_view source) : cursor_(source, "GBNF") {}

  StatusOr<Grammar> Read() {
    HOB_RETURN_IF_ERROR(cursor_.Check());
    RuleOf("root", 0);
    SkipSpace(true);
    while (!cursor_.at_end()) HOB_RETURN_IF_ERROR(ReadRule());
    if (!grammar_.defined(0)) {
      return Error(StatusCode::kInvalidArgument, "GBNF: there is no rule \"root\"",
                   "The text begins there: name a rule so.");
    }
    HOB_RETURN_IF_ERROR(CheckDefined());
    HOB_RETURN_IF_ERROR(grammar_.Check());
    return std::move(grammar_);
  }

 private:
  using Expr = Grammar::Expr;

  // Blanks and comments; line ends too where a rule may go on.
  void SkipSpace(bool lines) {
    while (!cursor_.at_end()) {
      const char c = cursor_.Peek();
      if (c == '#') {
        while (!cursor_.at_end() && cursor_.Peek() != '\n' && cursor_.Peek() != '\r') {
          cursor_.Advance();
        }
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        cursor_.Advance();
      } else {
        return;
      }
    }
  }

  std::string_view ReadName() {
    const size_t begin = cursor_.at();
    while (IsNameCharacter(cursor_.Peek())) cursor_.Advance();
    return cursor_.From(begin);
  }

  Grammar::Rule RuleOf(std::string_view name, size_t at) {
    const auto [found, added] = rules_.try_emplace(std::string(name), 0);
    if (added) {
      found->second = grammar_.AddRule(name);
      seen_at_.push_back(at);
    }
    return found->second;
  }

  Status CheckDefined() const {
    for (size_t rule = 0; rule < grammar_.rule_count(); ++rule) {
      const auto id = static_cast<Grammar::Rule>(rule);
      if (grammar_.defined(id)) continue;
      return cursor_.FailAt(seen_at_[rule], StatusCode::kInvalidArgument,
                            Concat("there is no rule \"", Shorten(grammar_.name(id)), "\""));
    }
    return absl::OkStatus();
  }

  Status ReadRule() {
    const size_t begin = cursor_.at();
    const std::string_view name = ReadName();
    if (name.empty()) {
      return cursor_.Fail("expected the name of a rule",
                          "Names have letters, digits, '-' and '_'; a rule goes on in the next "
                          "line within parentheses or behind '|'.");
    }
    const Grammar::Rule rule = RuleOf(name, begin);
    if (grammar_.too_large()) return grammar_.Check();
    if (grammar_.defined(rule)) {
      return cursor_.FailAt(begin, StatusCode::kInvalidArgument,
                            Concat("there are two rules \"", Shorten(name), "\""));
    }
    SkipSpace(false);
    if (!cursor_.Skip("::=")) return cursor_.Fail("expected '::='");
    SkipSpace(true);
    HOB_ASSIGN_OR_RETURN(const Expr what, ReadChoice(0));
    if (!cursor_.at_end() && cursor_.Peek() != '\n' && cursor_.Peek() != '\r') {
      return cursor_.Fail(cursor_.Peek() == ')' ? "')' without '('" : "unexpected text");
    }
    grammar_.Define(rule, what);
    SkipSpace(true);
    return absl::OkStatus();
  }

  StatusOr<Expr> ReadChoice(int depth) {
    if (depth > SourceCursor::kMostDepth) {
      return cursor_.Fail(
          Concat("more than ", SourceCursor::kMostDepth, " parentheses within each other"));
    }
    std::vector<Expr> parts;
    do {
      SkipSpace(!parts.empty() || depth > 0);
      HOB_ASSIGN_OR_RETURN(parts.emplace_back(), ReadSequence(depth));
    } while (cursor_.Skip("|"));
    return parts.size() == 1 ? parts[0] : grammar_.Choice(parts);
  }

  StatusOr<Expr> ReadSequence(int depth) {
    std::vector<Expr> parts;
    while (true) {
      SkipSpace(depth > 0);
      const char c = cursor_.Peek();
      if (cursor_.at_end() || c == '|' || c == ')' || c == '\n' || c == '\r') break;
      if (grammar_.too_large()) return grammar_.Check();
      HOB_ASSIGN_OR_RETURN(const Expr item, ReadItem(depth));
      SkipSpace(depth > 0);
      HOB_ASSIGN_OR_RETURN(parts.emplace_back(), ReadRepeats(item));
    }
    return parts.size() == 1 ? parts[0] : grammar_.Sequence(parts);
  }

  StatusOr<Expr> ReadItem(int depth) {
    const char c = cursor_.Peek();
    if (c == '"') return ReadLiteral();
    if (c == '[') return ReadClass();
    if (c == '<' || c == '!') {
      return cursor_.Lacks("tokens (<…>, !<…>) are not supported: rules are of text",
                           "Write the text as a literal.");
    }
    if (cursor_.Skip(".")) return grammar_.NotClass({});
    if (IsNameCharacter(c)) {
      const size_t begin = cursor_.at();
      return grammar_.Refer(RuleOf(ReadName(), begin));
    }
    if (c == '*' || c == '+' || c == '?' || c == '{') {
      return cursor_.Fail("nothing stands before this repetition");
    }
    const size_t begin = cursor_.at();
    if (!cursor_.Skip("(")) return cursor_.Fail("unexpected text");
    HOB_ASSIGN_OR_RETURN(const Expr inner, ReadChoice(depth + 1));
    if (!cursor_.Skip(")")) {
      return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "'(' without ')'");
    }
    return inner;
  }

  // `what` as often as the signs behind it say.
  StatusOr<Expr> ReadRepeats(Expr what) {
    while (!grammar_.too_large()) {
      uint64_t least = 0, most = Grammar::kNoLimit;
      if (cursor_.Skip("+")) {
        least = 1;
      } else if (cursor_.Skip("?")) {
        most = 1;
      } else if (cursor_.Peek() == '{') {
        HOB_RETURN_IF_ERROR(ReadBounds(least, most));
      } else if (!cursor_.Skip("*")) {
        break;
      }
      what = grammar_.Repeat(what, static_cast<uint32_t>(least), static_cast<uint32_t>(most));
      SkipSpace(false);
    }
    return what;
  }

  Status ReadBounds(uint64_t& least, uint64_t& most) {
    const size_t begin = cursor_.at();
    cursor_.Advance();
    SkipSpace(false);
    if (!cursor_.Number(least)) return cursor_.Fail("expected a number of repetitions");
    most = least;
    SkipSpace(false);
    if (cursor_.Skip(",")) {
      SkipSpace(false);
      if (!cursor_.Number(most)) most = Grammar::kNoLimit;
      SkipSpace(false);
    }
    if (!cursor_.Skip("}")) return cursor_.Fail("expected '}'");
    return cursor_.CheckRepeats(begin, least, most);
  }

  StatusOr<Expr> ReadLiteral() {
    const size_t begin = cursor_.at();
    cursor_.Advance();
    std::string text;
    while (!cursor_.Skip("\"")) {
      if (cursor_.at_end()) {
        return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "a literal without end");
      }
      HOB_ASSIGN_OR_RETURN(const char32_t value, ReadCharacter());
      AppendUtf8(value, text);
    }
    return grammar_.Text(text);
  }

  StatusOr<Expr> ReadClass() {
    const size_t begin = cursor_.at();
    cursor_.Advance();
    const bool inverted = cursor_.Skip("^");
    std::vector<CodePoints> ranges;
    while (!cursor_.Skip("]")) {
      if (cursor_.at_end()) {
        return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "'[' without ']'");
      }
      const size_t at = cursor_.at();
      HOB_ASSIGN_OR_RETURN(const char32_t first, ReadCharacter());
      char32_t last = first;
      if (cursor_.Peek() == '-' && cursor_.Peek(1) != ']' && cursor_.Peek(1) != '\0') {
        cursor_.Advance();
        HOB_ASSIGN_OR_RETURN(last, ReadCharacter());
      }
      if (first > last) {
        return cursor_.FailAt(at, StatusCode::kInvalidArgument,
                              "the range's ends are the wrong way round");
      }
      ranges.push_back({first, last});
    }
    if (ranges.empty() && !inverted) {
      return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "an empty class matches nothing");
    }
    return inverted ? grammar_.NotClass(std::move(ranges)) : grammar_.Class(std::move(ranges));
  }

  // One character of a literal or class.
  StatusOr<char32_t> ReadCharacter() {
    if (cursor_.Peek() != '\\') return cursor_.Next();
    const size_t begin = cursor_.at();
    cursor_.Advance();
    if (cursor_.at_end()) return cursor_.Fail("an escape without end");
    const char c = cursor_.Peek();
    cursor_.Advance();
    switch (c) {
      case 'n':
        return U'\n';
      case 't':
        return U'\t';
      case 'r':
        return U'\r';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '^':
      case '-':
        return static_cast<char32_t>(c);
      default:
        break;
    }
    const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    char32_t value = 0;
    if (digits == 0 || !cursor_.Hex(digits, value)) {
      return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "an unknown or broken escape",
                            "There are \\n \\t \\r \\\\ \\\" \\[ \\] \\^ \\- \\xNN \\uNNNN and "
                            "\\UNNNNNNNN.");
    }
    if (value > 0x10FFFF || IsSurrogate(value)) {
      return cursor_.FailAt(begin, StatusCode::kInvalidArgument, "no character has this number");
    }
    return value;
  }

  SourceCursor cursor_;
  Grammar grammar_;
  std::map<std::string, Grammar::Rule, std::less<>> rules_;
  std::vector<size_t> seen_at_;  // by rule: where its name first stands
};

}  // namespace

StatusOr<Grammar> ReadGbnf(std::string_view source) { return GbnfReader(source).Read(); }

}  // namespace hob::text
