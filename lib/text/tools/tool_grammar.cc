// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_grammar.h"

#include <string>
#include <vector>

#include "lib/text/grammar/json_grammar.h"
#include "lib/text/grammar/schema_builder.h"
#include "lib/text/grammar/token_trie.h"

namespace hob::text {
namespace {

using Expr = Grammar::Expr;

char32_t Code(char c) { return static_cast<unsigned char>(c); }

// A text, or the control token of that text.
Expr TextOrToken(Grammar& grammar, std::string_view text) {
  return grammar.Choice({grammar.Text(text), grammar.Text(ControlTokenBytes(text))});
}

// Texts that do not have `mark` in them, and how they go on to its end. The first character of
// `mark` comes once in it, so that where a beginning of `mark` breaks off, nothing of it but that
// character can begin another (Knuth, Morris, Pratt 1977).
class TextWithout {
 public:
  TextWithout(Grammar& grammar, std::string_view mark) : grammar_(grammar), mark_(mark) {
    const char32_t first = Code(mark[0]);
    std::vector<Expr> again, away, open;
    for (size_t k = 1; k < mark.size(); ++k) {
      const Expr so_far = grammar.Text(mark.substr(1, k - 1));
      const char32_t next = Code(mark[k]);
      again.push_back(grammar.Sequence({so_far, grammar.Text(mark.substr(0, 1))}));
      away.push_back(grammar.Sequence({so_far, grammar.NotClass({{first, first}, {next, next}})}));
      open.push_back(so_far);
    }
    const Expr begun =
        grammar.Sequence({grammar.Text(mark.substr(0, 1)),
                          grammar.Repeat(grammar.Choice(again), 0, Grammar::kNoLimit)});
    const Expr broken = grammar.Sequence({begun, grammar.Choice(away)});
    closed_ = grammar.Repeat(grammar.Choice({grammar.NotClass({{first, first}}), broken}), 0,
                             Grammar::kNoLimit);
    open_ = grammar.Optional(grammar.Sequence({begun, grammar.Choice(open)}));
    reached_ = grammar.Choice({grammar.Sequence({begun, grammar.Text(mark.substr(1))}),
                               grammar.Text(ControlTokenBytes(mark))});
  }

  Expr Whole() const { return grammar_.Sequence({closed_, open_}); }
  // The text alone, or with the mark and `rest` behind it.
  Expr WholeOr(Expr rest) const {
    return grammar_.Sequence(
        {closed_, grammar_.Choice({open_, grammar_.Sequence({reached_, rest})})});
  }

 private:
  Grammar& grammar_;
  std::string_view mark_;
  Expr closed_ = -1, open_ = -1, reached_ = -1;
};

class Maker {
 public:
  Maker(Grammar& grammar, const ToolStyle& style, const ToolRules& rules)
      : grammar_(grammar), json_(grammar), style_(style), rules_(rules) {}

  // What may follow on `open`.
  StatusOr<Expr> Rest(const ToolSet& tools) {
    HOB_ASSIGN_OR_RETURN(const Expr call, Call(tools));
    const Expr blank = grammar_.Choice({grammar_.Empty(), grammar_.Text("\n"), grammar_.Text(" ")});
    const uint32_t more = rules_.parallel ? ToolSet::kMostCalls - 1 : 0;
    const Expr close = style_.close.empty()
                           ? grammar_.Empty()
                           : grammar_.Sequence({blank, TextOrToken(grammar_, style_.close)});
    if (style_.list) {
      const Expr list = grammar_.Sequence({grammar_.Text("["), json_.Space(), call,
                                           grammar_.Repeat(json_.Next(call), 0, more),
                                           json_.Space(), grammar_.Text("]")});
      return grammar_.Sequence({blank, list, close});
    }
    const Expr one =
        grammar_.Sequence({style_.open.empty() ? grammar_.Empty() : blank, call, close});
    std::vector<Expr> next = {grammar_.Text(style_.between)};
    if (!style_.open.empty()) next.push_back(TextOrToken(grammar_, style_.open));
    next.push_back(one);
    return grammar_.Sequence({one, grammar_.Repeat(grammar_.Sequence(next), 0, more)});
  }

 private:
  StatusOr<Expr> Call(const ToolSet& tools) {
    std::vector<Expr> calls;
    for (const Tool& tool : tools.tools()) {
      if (!rules_.only.empty() && tool.name != rules_.only) continue;
      const std::string what = Concat("the parameters of the tool \"", tool.name, "\"");
      auto arguments = AddJsonSchema(tool.parameters, grammar_);
      if (!arguments.ok()) return Annotate(arguments.status(), what);
      const Expr members =
          grammar_.Sequence({json_.Quoted("name"), json_.Colon(), json_.Quoted(tool.name),
                             json_.Next(grammar_.Sequence(
                                 {json_.Quoted(style_.arguments), json_.Colon(), *arguments}))});
      calls.push_back(json_.Bracketed("{", members, false, "}"));
    }
    return grammar_.Choice(calls);
  }

  Grammar& grammar_;
  JsonGrammar json_;
  const ToolStyle& style_;
  const ToolRules& rules_;
};

// Any text that does not begin as a call without a mark does.
Expr TextNotBrace(Grammar& grammar) {
  const Expr first = grammar.NotClass({{'{', '{'}, {' ', ' '}, {'\t', '\r'}});
  return grammar.Optional(
      grammar.Sequence({first, grammar.Repeat(grammar.NotClass({}), 0, Grammar::kNoLimit)}));
}

}  // namespace

StatusOr<Grammar> MakeToolGrammar(const ToolSet& tools, const ToolStyle& style,
                                  const ToolRules& rules) {
  if (!rules.only.empty() && tools.Find(rules.only) == nullptr) {
    return Error(StatusCode::kNotFound, Concat("the tool to call, \"", rules.only.substr(0, 64),
                                               "\", is not among the tools"));
  }
  Grammar grammar;
  const Grammar::Rule root = grammar.AddRule("root");
  grammar.Define(root, grammar.Never());  // until its parts are there
  Expr what = -1;
  if (rules.choice == ToolChoice::kNone) {
    what = style.open.empty() ? TextNotBrace(grammar) : TextWithout(grammar, style.open).Whole();
  } else {
    HOB_ASSIGN_OR_RETURN(const Expr rest, Maker(grammar, style, rules).Rest(tools));
    if (rules.choice == ToolChoice::kRequired) {
      what = style.open.empty() ? rest : grammar.Sequence({TextOrToken(grammar, style.open), rest});
    } else {
      what = style.open.empty() ? grammar.Choice({rest, TextNotBrace(grammar)})
                                : TextWithout(grammar, style.open).WholeOr(rest);
    }
  }
  grammar.Define(root, what);
  HOB_RETURN_IF_ERROR(grammar.Check());
  return grammar;
}

}  // namespace hob::text
