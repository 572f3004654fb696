// SPDX-License-Identifier: Apache-2.0
// A context-free grammar over UTF-8 text: what GBNF, regular expressions and JSON Schemas are read
// into, and what compile.h makes automata from.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace hob::text {

// Code points from `first` to `last`, both included.
struct CodePoints {
  char32_t first, last;
};

// Expressions and the rules that they refer to. Expressions are numbers, made bottom up, so that
// nothing here recurses; one may be part of several others. Surrogates are no code points: classes
// have none, whatever is asked.
//
// Nothing fails at once: an expression too many makes the grammar `too_large`, which Check tells.
class Grammar {
 public:
  using Expr = int32_t;
  using Rule = int32_t;

  static constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();
  static constexpr size_t kMostNodes = 1u << 20;      // expressions, and parts of them
  static constexpr uint32_t kMostRepeats = 1u << 16;  // of a bounded repetition

  enum class Kind : uint8_t { kText, kClass, kSequence, kChoice, kRepeat, kRule };

  struct Node {
    Kind kind = Kind::kSequence;
    uint32_t begin = 0, end = 0;   // kText: of texts(); kClass: of ranges(); kSequence, kChoice:
                                   // of parts(); kRepeat, kRule: `begin` is the one or the rule
    uint32_t least = 0, most = 0;  // kRepeat
  };

  // Exactly these bytes; none is the empty text. They must be UTF-8, or parts of it.
  Expr Text(std::string_view bytes);
  // One code point, of those in `ranges`, which may overlap and come in any order; none: never
  // matches.
  Expr Class(std::vector<CodePoints> ranges);
  // One code point outside them.
  Expr NotClass(std::vector<CodePoints> ranges);
  Expr Sequence(std::span<const Expr> parts);
  Expr Sequence(std::initializer_list<Expr> parts) {
    return Sequence(std::span(parts.begin(), parts.size()));
  }
  // One of them; none: never matches.
  Expr Choice(std::span<const Expr> parts);
  Expr Choice(std::initializer_list<Expr> parts) {
    return Choice(std::span(parts.begin(), parts.size()));
  }
  // `least` to `most` times; `most` may be kNoLimit.
  Expr Repeat(Expr what, uint32_t least, uint32_t most);
  Expr Optional(Expr what) { return Repeat(what, 0, 1); }
  Expr Empty() { return Text({}); }
  Expr Never() { return Choice({}); }

  // A new rule, named for messages, to be defined once; the first one is where the text begins.
  Rule AddRule(std::string_view name);
  void Define(Rule rule, Expr what) { rules_[static_cast<size_t>(rule)].what = what; }
  bool defined(Rule rule) const { return rules_[static_cast<size_t>(rule)].what >= 0; }
  // The text of a rule.
  Expr Refer(Rule rule);

  bool too_large() const { return too_large_; }
  // INVALID_ARGUMENT if it is too large, has no rule, or one that is not defined.
  Status Check() const;

  size_t rule_count() const { return rules_.size(); }
  const std::string& name(Rule rule) const { return rules_[static_cast<size_t>(rule)].name; }
  Expr what(Rule rule) const { return rules_[static_cast<size_t>(rule)].what; }
  const Node& node(Expr expr) const { return nodes_[static_cast<size_t>(expr)]; }
  size_t node_count() const { return nodes_.size(); }
  std::string_view text(const Node& node) const {
    return std::string_view(texts_).substr(node.begin, node.end - node.begin);
  }
  // Sorted, apart from each other.
  std::span<const CodePoints> ranges(const Node& node) const {
    return std::span(ranges_).subspan(node.begin, node.end - node.begin);
  }
  std::span<const Expr> parts(const Node& node) const {
    return std::span(parts_).subspan(node.begin, node.end - node.begin);
  }

 private:
  struct RuleEntry {
    std::string name;
    Expr what = -1;
  };
  Expr Add(const Node& node);
  // Whether `more` nodes or parts have room.
  bool Room(size_t more);

  std::vector<Node> nodes_;
  std::vector<RuleEntry> rules_;
  std::string texts_;
  std::vector<CodePoints> ranges_;
  std::vector<Expr> parts_;
  bool too_large_ = false;
};

// What kinds of grammar are read. INVALID_ARGUMENT says what is wrong, and where; UNIMPLEMENTED
// names what hob lacks.

// GBNF, the notation of llama.cpp: rules `name ::= …`, of which "root" is where the text begins.
StatusOr<Grammar> ReadGbnf(std::string_view source);
// A regular expression (a subset of ECMA-262's, with its u flag) that the whole text matches.
StatusOr<Grammar> ReadRegex(std::string_view pattern);
// A JSON Schema, draft 2020-12, or a part of it: docs/reference/grammars.md has the keywords.
StatusOr<Grammar> ReadJsonSchema(std::string_view schema);
// The same as a part of `grammar`, which has rules before.
StatusOr<Grammar::Expr> AddJsonSchema(std::string_view schema, Grammar& grammar);
// One of these texts.
StatusOr<Grammar> ReadChoices(std::span<const std::string_view> texts);

}  // namespace hob::text
