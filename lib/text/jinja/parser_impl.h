// SPDX-License-Identifier: Apache-2.0
// The parser's class, shared by parser.cc (statements) and parser_expr.cc (expressions).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/jinja/ast.h"
#include "lib/text/jinja/lexer.h"

namespace hob::text::jinja {

// A recursive descent. A function that fails notes the first error in status_ and returns null;
// the tokens then read as the end, so that everything unwinds.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  StatusOr<std::unique_ptr<Program>> Run();

 private:
  // Nesting of blocks, brackets and prefix operators: what recursion here may cost.
  static constexpr int kMaxDepth = 100;
  // Height of an expression's tree, in which each link of a chain counts.
  static constexpr int kMaxHeight = 200;

  class Nested {
   public:
    explicit Nested(Parser* parser) : parser_(parser) {
      if (++parser_->depth_ > kMaxDepth) {
        parser_->Fail("blocks or expressions are nested too deeply",
                      StatusCode::kResourceExhausted);
      }
    }
    ~Nested() { --parser_->depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser* parser_;
  };

  // Tokens.
  const Token& Now() const { return tokens_[at_]; }
  const Token& Ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  void Next() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool ok() const { return status_.ok(); }
  bool At(TokenType type) const { return Now().type == type; }
  bool AtOp(std::string_view op) const {
    return Now().type == TokenType::kOperator && Now().text == op;
  }
  bool AtName(std::string_view name) const {
    return Now().type == TokenType::kName && Now().text == name;
  }
  bool SkipOp(std::string_view op);
  bool SkipName(std::string_view name);
  bool ExpectOp(std::string_view op);
  bool ExpectName(std::string_view name);
  bool Expect(TokenType type);
  void Fail(std::string_view message, StatusCode code = StatusCode::kInvalidArgument);
  void FailAt(const Token& token, std::string_view message, StatusCode code);
  void FailExpected(std::string_view what);

  int32_t Symbol(const std::string& name);
  ExprPtr NewExpr(ExprKind kind) const;
  StmtPtr NewStmt(StmtKind kind) const;

  // Statements.
  Block Statements(std::initializer_list<std::string_view> ends);
  Block BlockBody(std::initializer_list<std::string_view> ends);
  void Statement(Block* out);
  StmtPtr If();
  StmtPtr For();
  StmtPtr Set();
  StmtPtr Macro();
  StmtPtr Call();
  StmtPtr Filter();
  StmtPtr With();
  StmtPtr Generation();
  void Signature(MacroDefinition* macro);
  void MacroBody(MacroDefinition* macro, std::string_view end);
  Target AssignTarget(bool attributes, std::string_view end_name);
  Target OneTarget(bool attributes);
  bool AtTupleEnd(std::string_view end_name) const;

  // Expressions.
  ExprPtr Expression(bool with_condition = true);
  ExprPtr TupleOrExpression(bool with_condition, std::string_view end_name, bool in_parentheses);
  ExprPtr OrExpr();
  ExprPtr AndExpr();
  ExprPtr NotExpr();
  ExprPtr CompareExpr();
  ExprPtr BinaryExpr(int level);
  ExprPtr Unary(bool with_filter);
  ExprPtr Primary();
  ExprPtr Postfix(ExprPtr node);
  ExprPtr FilterExpr(ExprPtr node);
  ExprPtr Filters(ExprPtr node, bool start_inline);
  ExprPtr Test(ExprPtr node);
  ExprPtr Subscript(ExprPtr node);
  ExprPtr SubscriptArgument();
  ExprPtr CallExpr(ExprPtr node);
  void CallArguments(Expr* call);
  ExprPtr Grown(Expr* parent, ExprPtr child);
  void Adopt(Expr* parent, ExprPtr child);
  ExprPtr NameExpr();
  std::string DottedName();

  struct Unknown {
    std::string what;
    Token place;
  };

  std::vector<Token> tokens_;
  size_t at_ = 0;
  Status status_;
  int depth_ = 0;
  std::unique_ptr<Program> program_ = std::make_unique<Program>();
  // As jinja2 does, an unknown filter or test is an error at once, but for one under an `if`,
  // which is an error only when it is reached.
  int conditional_ = 0;
  std::vector<Unknown> unknown_;
  int loops_ = 0;      // loops that a break here could leave
  int for_depth_ = 0;  // loops around, through macros as well
  std::vector<MacroDefinition*> macros_;
};

}  // namespace hob::text::jinja
