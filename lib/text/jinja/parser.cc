// SPDX-License-Identifier: Apache-2.0
// Statements of the template language.
#include "lib/text/jinja/parser.h"

#include <algorithm>

#include "lib/text/jinja/parser_impl.h"

namespace hob::text::jinja {

bool Parser::SkipOp(std::string_view op) {
  if (!AtOp(op)) return false;
  Next();
  return true;
}

bool Parser::SkipName(std::string_view name) {
  if (!AtName(name)) return false;
  Next();
  return true;
}

bool Parser::ExpectOp(std::string_view op) {
  if (SkipOp(op)) return true;
  FailExpected(op);
  return false;
}

bool Parser::ExpectName(std::string_view name) {
  if (SkipName(name)) return true;
  FailExpected(name);
  return false;
}

bool Parser::Expect(TokenType type) {
  if (At(type)) {
    Next();
    return true;
  }
  FailExpected(type == TokenType::kBlockEnd   ? "%}"
               : type == TokenType::kPrintEnd ? "}}"
                                              : "a name");
  return false;
}

void Parser::FailExpected(std::string_view what) {
  const absl::string_view expected(what.data(), what.size());
  if (At(TokenType::kEnd)) {
    Fail(absl::StrCat("the template ends where '", expected, "' is expected"));
  } else {
    const bool end = At(TokenType::kBlockEnd) || At(TokenType::kPrintEnd);
    Fail(absl::StrCat("expected '", expected, "', found ",
                      end ? "the end of the tag" : absl::StrCat("'", Now().text, "'")));
  }
}

void Parser::Fail(std::string_view message, StatusCode code) { FailAt(Now(), message, code); }

void Parser::FailAt(const Token& token, std::string_view message, StatusCode code) {
  if (!status_.ok()) return;
  status_ = SyntaxError(code, token.line, token.column, message);
  at_ = tokens_.size() - 1;
}

int32_t Parser::Symbol(const std::string& name) {
  const auto [it, added] =
      program_->symbol_index.emplace(name, static_cast<int32_t>(program_->symbols.size()));
  if (added) program_->symbols.push_back(name);
  return it->second;
}

StmtPtr Parser::NewStmt(StmtKind kind) const {
  auto stmt = std::make_unique<Stmt>();
  stmt->kind = kind;
  stmt->line = Now().line;
  return stmt;
}

// Statements up to one of the ends, at which the parser then stands; without ends, up to the end
// of the template.
Block Parser::Statements(std::initializer_list<std::string_view> ends) {
  Nested nested(this);
  Block body;
  while (ok()) {
    if (At(TokenType::kEnd)) {
      if (ends.size() != 0) {
        std::string names;
        for (std::string_view end : ends) {
          absl::StrAppend(&names, names.empty() ? "'" : " or '", std::string(end), "'");
        }
        Fail(absl::StrCat("the template ends where ", names, " is expected"));
      }
      break;
    }
    if (At(TokenType::kText)) {
      StmtPtr text = NewStmt(StmtKind::kText);
      text->text = Now().text;
      body.push_back(std::move(text));
      Next();
    } else if (At(TokenType::kPrintBegin)) {
      StmtPtr print = NewStmt(StmtKind::kPrint);
      Next();
      print->expressions.push_back(TupleOrExpression(true, {}, false));
      if (ok()) Expect(TokenType::kPrintEnd);
      body.push_back(std::move(print));
    } else {
      if (!At(TokenType::kBlockBegin)) {
        Fail("unexpected token");
        break;
      }
      Next();
      if (At(TokenType::kName) && std::find(ends.begin(), ends.end(), Now().text) != ends.end()) {
        return body;
      }
      Statement(&body);
      if (ok()) Expect(TokenType::kBlockEnd);
    }
  }
  return body;
}

// From the end of a block's opening tag up to one of its ends.
Block Parser::BlockBody(std::initializer_list<std::string_view> ends) {
  SkipOp(":");
  if (!Expect(TokenType::kBlockEnd)) return {};
  return Statements(ends);
}

void Parser::Statement(Block* out) {
  if (!At(TokenType::kName)) {
    FailExpected("a tag name");
    return;
  }
  const std::string name = Now().text;
  StmtPtr stmt;
  if (name == "if") {
    stmt = If();
  } else if (name == "for") {
    stmt = For();
  } else if (name == "set") {
    stmt = Set();
  } else if (name == "macro") {
    stmt = Macro();
  } else if (name == "call") {
    stmt = Call();
  } else if (name == "filter") {
    stmt = Filter();
  } else if (name == "with") {
    stmt = With();
  } else if (name == "generation") {
    stmt = Generation();
  } else if (name == "print") {
    stmt = NewStmt(StmtKind::kPrint);
    Next();
    while (ok() && !At(TokenType::kBlockEnd)) {
      if (!stmt->expressions.empty() && !ExpectOp(",")) break;
      stmt->expressions.push_back(Expression());
    }
  } else if (name == "break" || name == "continue") {
    if (loops_ == 0) {
      Fail(absl::StrCat("'", name, "' outside of a loop"));
      return;
    }
    stmt = NewStmt(name == "break" ? StmtKind::kBreak : StmtKind::kContinue);
    Next();
  } else {
    static constexpr std::string_view kKnown[] = {
        "block", "extends", "include", "import", "from", "do", "autoescape", "trans", "debug"};
    const bool known = std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown);
    Fail(absl::StrCat(known ? "the tag '" : "unknown or misplaced tag '", name, "'",
                      known ? " is not supported" : ""),
         known ? StatusCode::kUnimplemented : StatusCode::kInvalidArgument);
    return;
  }
  out->push_back(std::move(stmt));
}

StmtPtr Parser::If() {
  StmtPtr stmt = NewStmt(StmtKind::kIf);
  const int conditional = conditional_++;
  while (ok()) {
    Next();  // if, elif
    stmt->expressions.push_back(TupleOrExpression(false, {}, false));
    stmt->bodies.push_back(BlockBody({"elif", "else", "endif"}));
    if (!AtName("elif")) break;
  }
  if (SkipName("else")) stmt->bodies.push_back(BlockBody({"endif"}));
  conditional_ = conditional;
  if (ok()) ExpectName("endif");
  return stmt;
}

StmtPtr Parser::For() {
  StmtPtr stmt = NewStmt(StmtKind::kFor);
  Next();
  const Token place = Now();
  ++for_depth_;
  stmt->targets.push_back(AssignTarget(false, "in"));
  --for_depth_;
  if (!ok() || !ExpectName("in")) return stmt;
  stmt->expressions.push_back(TupleOrExpression(false, "recursive", false));
  stmt->expressions.push_back(SkipName("if") ? Expression() : nullptr);
  stmt->recursive = SkipName("recursive");
  const int conditional = std::exchange(conditional_, 0);
  ++loops_;
  ++for_depth_;
  stmt->bodies.push_back(BlockBody({"endfor", "else"}));
  --loops_;
  stmt->bodies.emplace_back();
  if (SkipName("else")) stmt->bodies.back() = BlockBody({"endfor"});
  --for_depth_;
  conditional_ = conditional;
  if (ok()) ExpectName("endfor");
  return stmt;
}

StmtPtr Parser::Set() {
  StmtPtr stmt = NewStmt(StmtKind::kSet);
  Next();
  stmt->targets.push_back(AssignTarget(true, {}));
  if (!ok()) return stmt;
  if (SkipOp("=")) {
    stmt->expressions.push_back(TupleOrExpression(true, {}, false));
    return stmt;
  }
  stmt->kind = StmtKind::kSetBlock;
  stmt->expressions.push_back(Filters(nullptr, false));
  const int conditional = std::exchange(conditional_, 0);
  stmt->bodies.push_back(BlockBody({"endset"}));
  conditional_ = conditional;
  if (ok()) ExpectName("endset");
  return stmt;
}

void Parser::Signature(MacroDefinition* macro) {
  if (!ExpectOp("(")) return;
  bool defaults = false;
  while (ok() && !AtOp(")")) {
    if (!macro->parameters.empty() && !ExpectOp(",")) return;
    if (!At(TokenType::kName)) {
      FailExpected("a name");
      return;
    }
    Parameter parameter;
    parameter.name = Now().text;
    parameter.symbol = Symbol(parameter.name);
    Next();
    if (SkipOp("=")) {
      parameter.default_value = Expression();
      defaults = true;
    } else if (defaults) {
      Fail("a parameter without a default follows one with a default");
    }
    macro->parameters.push_back(std::move(parameter));
  }
  if (ok()) ExpectOp(")");
}

void Parser::MacroBody(MacroDefinition* macro, std::string_view end) {
  const int loops = std::exchange(loops_, 0);
  const int conditional = std::exchange(conditional_, 0);
  macros_.push_back(macro);
  macro->body = BlockBody({end});
  macros_.pop_back();
  loops_ = loops;
  conditional_ = conditional;
  for (const Parameter& parameter : macro->parameters) {
    if (parameter.name == "varargs") macro->uses_varargs = false;
    if (parameter.name == "kwargs") macro->uses_kwargs = false;
  }
  if (ok()) ExpectName(end);
}

StmtPtr Parser::Macro() {
  StmtPtr stmt = NewStmt(StmtKind::kMacro);
  Next();
  if (!At(TokenType::kName)) {
    FailExpected("a name");
    return stmt;
  }
  stmt->macro = std::make_unique<MacroDefinition>();
  stmt->macro->name = Now().text;
  stmt->symbol = Symbol(Now().text);
  Next();
  Signature(stmt->macro.get());
  if (ok()) MacroBody(stmt->macro.get(), "endmacro");
  return stmt;
}

StmtPtr Parser::Call() {
  StmtPtr stmt = NewStmt(StmtKind::kCallBlock);
  Next();
  stmt->macro = std::make_unique<MacroDefinition>();
  stmt->macro->name = "caller";
  if (AtOp("(")) Signature(stmt->macro.get());
  stmt->expressions.push_back(Expression());
  if (!ok()) return stmt;
  if (stmt->expressions[0]->kind != ExprKind::kCall) {
    Fail("a call block needs a call");
    return stmt;
  }
  MacroBody(stmt->macro.get(), "endcall");
  return stmt;
}

StmtPtr Parser::Filter() {
  StmtPtr stmt = NewStmt(StmtKind::kFilter);
  Next();
  stmt->expressions.push_back(Filters(nullptr, true));
  const int conditional = std::exchange(conditional_, 0);
  stmt->bodies.push_back(BlockBody({"endfilter"}));
  conditional_ = conditional;
  if (ok()) ExpectName("endfilter");
  return stmt;
}

StmtPtr Parser::With() {
  StmtPtr stmt = NewStmt(StmtKind::kWith);
  Next();
  while (ok() && !At(TokenType::kBlockEnd) && !AtOp(":")) {
    if (!stmt->targets.empty() && !ExpectOp(",")) return stmt;
    stmt->targets.push_back(OneTarget(false));
    if (!ok() || !ExpectOp("=")) return stmt;
    stmt->expressions.push_back(Expression());
  }
  const int conditional = std::exchange(conditional_, 0);
  stmt->bodies.push_back(BlockBody({"endwith"}));
  conditional_ = conditional;
  if (ok()) ExpectName("endwith");
  return stmt;
}

// {% generation %} marks what the assistant wrote, for training; the text passes unchanged.
StmtPtr Parser::Generation() {
  StmtPtr stmt = NewStmt(StmtKind::kScope);
  Next();
  const int loops = std::exchange(loops_, 0);
  stmt->bodies.push_back(BlockBody({"endgeneration"}));
  loops_ = loops;
  if (ok()) ExpectName("endgeneration");
  return stmt;
}

bool Parser::AtTupleEnd(std::string_view end_name) const {
  return At(TokenType::kPrintEnd) || At(TokenType::kBlockEnd) || AtOp(")") ||
         (!end_name.empty() && AtName(end_name));
}

Target Parser::OneTarget(bool attributes) {
  Nested nested(this);
  Target target;
  if (!ok()) return target;
  if (SkipOp("(")) {
    target = AssignTarget(attributes, {});
    if (ok()) ExpectOp(")");
    return target;
  }
  static constexpr std::string_view kConstants[] = {"true", "false", "none",
                                                    "True", "False", "None"};
  if (!At(TokenType::kName) ||
      std::find(std::begin(kConstants), std::end(kConstants), Now().text) != std::end(kConstants)) {
    Fail("cannot assign to this");
    return target;
  }
  const std::string name = Now().text;
  target.symbol = Symbol(name);
  Next();
  if (attributes && SkipOp(".")) {
    if (!At(TokenType::kName)) {
      FailExpected("a name");
      return target;
    }
    target.attribute = Now().text;
    Next();
  } else if (name == "loop" && for_depth_ > 0) {
    Fail("cannot assign to the special variable 'loop' in a loop");
  }
  return target;
}

Target Parser::AssignTarget(bool attributes, std::string_view end_name) {
  Target tuple;
  tuple.is_tuple = true;
  bool comma = false;
  while (ok()) {
    if (!tuple.parts.empty() && !ExpectOp(",")) break;
    if (AtTupleEnd(end_name) || AtOp("=")) break;
    tuple.parts.push_back(OneTarget(attributes));
    if (!AtOp(",")) break;
    comma = true;
  }
  if (!ok()) return tuple;
  if (tuple.parts.empty()) {
    Fail("expected a name to assign to");
    return tuple;
  }
  if (!comma) {
    Target only = std::move(tuple.parts[0]);
    return only;
  }
  return tuple;
}

StatusOr<std::unique_ptr<Program>> Parser::Run() {
  program_->loop_symbol = Symbol("loop");
  program_->caller_symbol = Symbol("caller");
  program_->varargs_symbol = Symbol("varargs");
  program_->kwargs_symbol = Symbol("kwargs");
  program_->body = Statements({});
  if (ok() && !unknown_.empty()) {
    FailAt(unknown_[0].place, unknown_[0].what, StatusCode::kUnimplemented);
  }
  if (!ok()) return status_;
  return std::move(program_);
}

StatusOr<std::unique_ptr<Program>> Parse(std::string_view source) {
  constexpr size_t kMaxSource = 1u << 20;
  if (source.size() > kMaxSource) {
    return Error(StatusCode::kResourceExhausted,
                 absl::StrCat("chat template: ", source.size(), " bytes, more than the limit of ",
                              kMaxSource),
                 "use a shorter template");
  }
  HOB_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(source));
  return Parser(std::move(tokens)).Run();
}

}  // namespace hob::text::jinja
