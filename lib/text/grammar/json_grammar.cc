// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/json_grammar.h"

#include <algorithm>
#include <utility>

namespace hob::text {
namespace {

using Expr = Grammar::Expr;

constexpr uint32_t kMostIndent = 32;

// The characters that stand for themselves in a string.
constexpr CodePoints kPlain[] = {{0x20, '!'}, {'#', '['}, {']', 0x10FFFF}};

void AppendEscaped(char32_t value, std::string& out) {
  static constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt";
  static constexpr char kHex[] = "0123456789abcdef";
  out += '\\';
  if (const size_t at = kFrom.find(static_cast<char>(value)); at != std::string_view::npos) {
    out += kTo[at];
  } else {
    out += "u00";
    out += kHex[value >> 4];
    out += kHex[value & 0xF];
  }
}

bool NeedsEscape(char32_t value) { return value < 0x20 || value == '"' || value == '\\'; }

}  // namespace

Expr JsonGrammar::Space() {
  if (space_ < 0) {
    const Grammar::Rule rule = grammar_.AddRule("space");
    space_ = grammar_.Refer(rule);
    const Expr indent = grammar_.Repeat(grammar_.Class({{' ', ' '}, {'\t', '\t'}}), 0, kMostIndent);
    grammar_.Define(rule, grammar_.Choice({grammar_.Empty(), grammar_.Text(" "),
                                           grammar_.Sequence({grammar_.Text("\n"), indent})}));
  }
  return space_;
}

Expr JsonGrammar::Colon() {
  if (colon_ < 0) {
    colon_ = grammar_.Sequence({grammar_.Text(":"), grammar_.Optional(grammar_.Text(" "))});
  }
  return colon_;
}

Expr JsonGrammar::Bracketed(std::string_view open, Expr body, bool may_be_empty,
                            std::string_view close) {
  Expr inner = grammar_.Sequence({body, Space()});
  if (may_be_empty) inner = grammar_.Optional(inner);
  return grammar_.Sequence({grammar_.Text(open), Space(), inner, grammar_.Text(close)});
}

Expr JsonGrammar::Next(Expr item) { return grammar_.Sequence({grammar_.Text(","), Space(), item}); }

Expr JsonGrammar::Any() {
  if (any_ < 0) {
    const Grammar::Rule rule = grammar_.AddRule("any value");
    any_ = grammar_.Refer(rule);
    grammar_.Define(rule, grammar_.Choice({Object(), Array(), String(), Number(), Boolean(),
                                           grammar_.Text("null")}));
  }
  return any_;
}

Expr JsonGrammar::Object() {
  if (object_ < 0) {
    const Grammar::Rule rule = grammar_.AddRule("any object");
    object_ = grammar_.Refer(rule);
    const Expr member = grammar_.Sequence({String(), Colon(), Any()});
    const Expr body =
        grammar_.Sequence({member, grammar_.Repeat(Next(member), 0, Grammar::kNoLimit)});
    grammar_.Define(rule, Bracketed("{", body, true, "}"));
  }
  return object_;
}

Expr JsonGrammar::Array() {
  if (array_ < 0) {
    const Grammar::Rule rule = grammar_.AddRule("any array");
    array_ = grammar_.Refer(rule);
    const Expr body =
        grammar_.Sequence({Any(), grammar_.Repeat(Next(Any()), 0, Grammar::kNoLimit)});
    grammar_.Define(rule, Bracketed("[", body, true, "]"));
  }
  return array_;
}

Expr JsonGrammar::Plain() {
  if (plain_ < 0) plain_ = grammar_.Class({std::begin(kPlain), std::end(kPlain)});
  return plain_;
}

Expr JsonGrammar::AnyCharacter() {
  if (character_ < 0) {
    std::vector<CodePoints> letters;
    for (const char c : std::string_view("\"\\/bfnrt")) {
      letters.push_back({static_cast<char32_t>(c), static_cast<char32_t>(c)});
    }
    const Expr escape = grammar_.Sequence({grammar_.Text("\\"), grammar_.Class(letters)});
    character_ = grammar_.Choice({Plain(), escape});
  }
  return character_;
}

Expr JsonGrammar::StringRest() {
  if (rest_ < 0) {
    const auto hex = [&](uint32_t count) {
      return grammar_.Repeat(grammar_.Class({{'0', '9'}, {'a', 'f'}, {'A', 'F'}}), count, count);
    };
    const Expr d = grammar_.Class({{'d', 'd'}, {'D', 'D'}});
    // A character of the basic plane, or one half and then the other of a surrogate pair.
    const Expr basic = grammar_.Sequence(
        {grammar_.Class({{'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}}), hex(3)});
    const Expr below = grammar_.Sequence({d, grammar_.Class({{'0', '7'}}), hex(2)});
    const Expr pair = grammar_.Sequence({d, grammar_.Class({{'8', '9'}, {'a', 'b'}, {'A', 'B'}}),
                                         hex(2), grammar_.Text("\\u"), d,
                                         grammar_.Class({{'c', 'f'}, {'C', 'F'}}), hex(2)});
    const Expr unicode =
        grammar_.Sequence({grammar_.Text("\\u"), grammar_.Choice({basic, below, pair})});
    const Grammar::Rule rule = grammar_.AddRule("string");
    rest_ = grammar_.Refer(rule);
    grammar_.Define(
        rule, grammar_.Sequence({grammar_.Repeat(grammar_.Choice({AnyCharacter(), unicode}), 0,
                                                 Grammar::kNoLimit),
                                 grammar_.Text("\"")}));
  }
  return rest_;
}

Expr JsonGrammar::String() {
  if (string_ < 0) string_ = grammar_.Sequence({grammar_.Text("\""), StringRest()});
  return string_;
}

Expr JsonGrammar::Integer() {
  if (integer_ < 0) {
    const Expr digit = grammar_.Class({{'0', '9'}}), first = grammar_.Class({{'1', '9'}});
    integer_ = grammar_.Choice(
        {grammar_.Text("0"), grammar_.Sequence({grammar_.Optional(grammar_.Text("-")), first,
                                                grammar_.Repeat(digit, 0, 15)})});
  }
  return integer_;
}

Expr JsonGrammar::Number() {
  if (number_ < 0) {
    const Expr digit = grammar_.Class({{'0', '9'}}), first = grammar_.Class({{'1', '9'}});
    const Expr whole = grammar_.Choice(
        {grammar_.Text("0"), grammar_.Sequence({first, grammar_.Repeat(digit, 0, 15)})});
    const Expr fraction = grammar_.Sequence({grammar_.Text("."), grammar_.Repeat(digit, 1, 16)});
    const Expr exponent =
        grammar_.Sequence({grammar_.Class({{'e', 'e'}, {'E', 'E'}}),
                           grammar_.Optional(grammar_.Class({{'+', '+'}, {'-', '-'}})),
                           grammar_.Repeat(digit, 1, 2)});
    number_ = grammar_.Sequence({grammar_.Optional(grammar_.Text("-")), whole,
                                 grammar_.Optional(fraction), grammar_.Optional(exponent)});
  }
  return number_;
}

Expr JsonGrammar::Boolean() {
  if (boolean_ < 0) boolean_ = grammar_.Choice({grammar_.Text("true"), grammar_.Text("false")});
  return boolean_;
}

Expr JsonGrammar::Character(const std::vector<CodePoints>& ranges) {
  std::vector<CodePoints> plain;
  std::vector<bool> escapes(0x80);
  for (const CodePoints& range : ranges) {
    for (const CodePoints& part : kPlain) {
      const char32_t first = std::max(range.first, part.first);
      const char32_t last = std::min(range.last, part.last);
      if (first <= last) plain.push_back({first, last});
    }
    for (char32_t c = range.first; c <= std::min<char32_t>(range.last, '\\'); ++c) {
      if (NeedsEscape(c)) escapes[c] = true;
    }
  }
  std::vector<Expr> parts;
  if (!plain.empty()) parts.push_back(grammar_.Class(std::move(plain)));
  for (char32_t c = 0; c < 0x80; ++c) {
    if (!escapes[c]) continue;
    std::string text;
    AppendEscaped(c, text);
    parts.push_back(grammar_.Text(text));
  }
  return parts.size() == 1 ? parts[0] : grammar_.Choice(parts);
}

Expr JsonGrammar::Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (NeedsEscape(byte)) {
      AppendEscaped(byte, quoted);
    } else {
      quoted += c;
    }
  }
  return grammar_.Text(quoted + '"');
}

// Recurses as deep as the value was read, which is bounded.
Expr JsonGrammar::Literal(const jinja::Value& value) {
  std::string text;
  switch (value.type()) {
    case jinja::Type::kBool:
      return grammar_.Text(value.as_bool() ? "true" : "false");
    case jinja::Type::kInt:
      jinja::AppendInt(value.as_int(), &text);
      return grammar_.Text(text);
    case jinja::Type::kBigInt:
      return grammar_.Text(value.str());
    case jinja::Type::kFloat:
      jinja::AppendFloat(value.as_float(), &text);
      return grammar_.Text(text);
    case jinja::Type::kString:
      return Quoted(value.str());
    case jinja::Type::kList: {
      std::vector<Expr> parts;
      for (const jinja::Value& item : value.items()) {
        const Expr expr = Literal(item);
        parts.push_back(parts.empty() ? expr : Next(expr));
      }
      const bool empty = parts.empty();
      return empty ? grammar_.Sequence({grammar_.Text("["), Space(), grammar_.Text("]")})
                   : Bracketed("[", grammar_.Sequence(parts), false, "]");
    }
    case jinja::Type::kDict: {
      std::vector<Expr> parts;
      for (const auto& [key, item] : value.dict().entries) {
        const Expr expr = grammar_.Sequence({Quoted(key.str()), Colon(), Literal(item)});
        parts.push_back(parts.empty() ? expr : Next(expr));
      }
      const bool empty = parts.empty();
      return empty ? grammar_.Sequence({grammar_.Text("{"), Space(), grammar_.Text("}")})
                   : Bracketed("{", grammar_.Sequence(parts), false, "}");
    }
    default:
      return grammar_.Text("null");
  }
}

}  // namespace hob::text
