// SPDX-License-Identifier: Apache-2.0
// The texts of JSON values, as parts of a grammar.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/text/grammar/grammar.h"
#include "lib/text/jinja/value.h"

namespace hob::text {

// JSON as a model is to write it: blanks only where printers put them and never without end,
// numbers of bounded length. Each part is made when it is first asked for, and shared.
class JsonGrammar {
 public:
  using Expr = Grammar::Expr;

  explicit JsonGrammar(Grammar& grammar) : grammar_(grammar) {}

  // Nothing, a space, or a line end and up to 32 blanks: behind `{`, `[`, `,`, before `}`, `]`.
  Expr Space();
  // ':' and what may stand behind it.
  Expr Colon();
  // `open` `body`, which is never empty, `close`; or without the body if that `may_be_empty`.
  Expr Bracketed(std::string_view open, Expr body, bool may_be_empty, std::string_view close);
  // A comma and `item`.
  Expr Next(Expr item);

  Expr Any();
  Expr Object();
  Expr Array();
  Expr String();  // with its quotes
  Expr Number();
  Expr Integer();
  Expr Boolean();

  // One character of a string, of `ranges`; what must be escaped comes as its shortest escape.
  Expr Character(const std::vector<CodePoints>& ranges);
  // One character of a string, plain or a short escape.
  Expr AnyCharacter();
  // The rest of a string behind some of its characters, with the quote.
  Expr StringRest();

  // This string in quotes, written in one way.
  Expr Quoted(std::string_view text);
  // This value; numbers are finite.
  Expr Literal(const jinja::Value& value);

  Grammar& grammar() { return grammar_; }

 private:
  Expr Plain();  // one character that needs no escape

  Grammar& grammar_;
  Expr space_ = -1, colon_ = -1, any_ = -1, object_ = -1, array_ = -1, string_ = -1, number_ = -1,
       integer_ = -1, boolean_ = -1, character_ = -1, rest_ = -1, plain_ = -1;
};

}  // namespace hob::text
