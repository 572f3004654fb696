// SPDX-License-Identifier: Apache-2.0
// Expressions of the template language, with jinja2's precedence: or, and, not, comparison, + -,
// ~, * / // %, ** (from the left), unary, postfix and filters.
#include <algorithm>
#include <iterator>

#include "lib/text/jinja/parser_impl.h"
#include "lib/text/jinja/tables.h"

namespace hob::text::jinja {
namespace {

// A slice that does not know yet what it slices.
bool IsOpenSlice(const Expr& expr) {
  return expr.kind == ExprKind::kSlice && expr.items[0] == nullptr;
}

}  // namespace

ExprPtr Parser::NewExpr(ExprKind kind) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = Now().line;
  return expr;
}

// Notes that `parent` holds `child`. The height of a tree is bounded: evaluation and destruction
// follow it down.
ExprPtr Parser::Grown(Expr* parent, ExprPtr child) {
  if (child != nullptr && ok()) {
    parent->height = std::max(parent->height, child->height + 1);
    if (parent->height > kMaxHeight) {
      Fail("an expression is nested too deeply", StatusCode::kResourceExhausted);
    }
  }
  return child;
}

void Parser::Adopt(Expr* parent, ExprPtr child) {
  parent->items.push_back(Grown(parent, std::move(child)));
}

ExprPtr Parser::Expression(bool with_condition) {
  Nested nested(this);
  if (!ok()) return nullptr;
  if (!with_condition) return OrExpr();
  // Whether this is a condition shows only after its first part.
  const size_t unknown = unknown_.size();
  ExprPtr value = OrExpr();
  while (ok() && AtName("if")) {
    ExprPtr node = NewExpr(ExprKind::kCondition);
    Next();
    ++conditional_;
    Adopt(node.get(), std::move(value));
    Adopt(node.get(), OrExpr());
    Adopt(node.get(), ok() && SkipName("else") ? Expression() : nullptr);
    --conditional_;
    unknown_.resize(std::min(unknown, unknown_.size()));
    value = std::move(node);
  }
  return value;
}

ExprPtr Parser::TupleOrExpression(bool with_condition, std::string_view end_name,
                                  bool in_parentheses) {
  ExprPtr tuple = NewExpr(ExprKind::kTuple);
  bool comma = false;
  while (ok()) {
    if (!tuple->items.empty() && !ExpectOp(",")) break;
    if (AtTupleEnd(end_name)) break;
    Adopt(tuple.get(), Expression(with_condition));
    if (!AtOp(",")) break;
    comma = true;
  }
  if (!ok()) return nullptr;
  if (!comma) {
    if (!tuple->items.empty()) return std::move(tuple->items[0]);
    if (!in_parentheses) {
      FailExpected("an expression");
      return nullptr;
    }
  }
  return tuple;
}

ExprPtr Parser::OrExpr() {
  ExprPtr left = AndExpr();
  if (!ok() || !AtName("or")) return left;
  ExprPtr node = NewExpr(ExprKind::kOr);
  Adopt(node.get(), std::move(left));
  while (ok() && SkipName("or")) Adopt(node.get(), AndExpr());
  return node;
}

ExprPtr Parser::AndExpr() {
  ExprPtr left = NotExpr();
  if (!ok() || !AtName("and")) return left;
  ExprPtr node = NewExpr(ExprKind::kAnd);
  Adopt(node.get(), std::move(left));
  while (ok() && SkipName("and")) Adopt(node.get(), NotExpr());
  return node;
}

ExprPtr Parser::NotExpr() {
  if (!AtName("not")) return CompareExpr();
  Nested nested(this);
  if (!ok()) return nullptr;
  ExprPtr node = NewExpr(ExprKind::kNot);
  Next();
  Adopt(node.get(), NotExpr());
  return node;
}

ExprPtr Parser::CompareExpr() {
  static constexpr std::pair<std::string_view, Op> kOps[] = {{"==", Op::kEq}, {"!=", Op::kNe},
                                                             {"<", Op::kLt},  {"<=", Op::kLe},
                                                             {">", Op::kGt},  {">=", Op::kGe}};
  ExprPtr left = BinaryExpr(0);
  ExprPtr node;
  while (ok()) {
    Op op = Op::kEq;
    bool found = false;
    for (const auto& [text, candidate] : kOps) {
      if (AtOp(text)) {
        op = candidate;
        found = true;
        Next();
        break;
      }
    }
    if (!found && SkipName("in")) {
      op = Op::kIn;
      found = true;
    } else if (!found && AtName("not") && Ahead().type == TokenType::kName &&
               Ahead().text == "in") {
      op = Op::kNotIn;
      found = true;
      Next();
      Next();
    }
    if (!found) break;
    if (node == nullptr) {
      node = NewExpr(ExprKind::kCompare);
      Adopt(node.get(), std::move(left));
    }
    node->ops.push_back(op);
    Adopt(node.get(), BinaryExpr(0));
  }
  return node != nullptr ? std::move(node) : std::move(left);
}

// Level 0: + -, 1: ~, 2: * / // %, 3: **.
ExprPtr Parser::BinaryExpr(int level) {
  struct Operator {
    std::string_view text;
    Op op;
    int level;
  };
  static constexpr Operator kOperators[] = {
      {"+", Op::kAdd, 0}, {"-", Op::kSub, 0},       {"~", Op::kAdd, 1}, {"*", Op::kMul, 2},
      {"/", Op::kDiv, 2}, {"//", Op::kFloorDiv, 2}, {"%", Op::kMod, 2}, {"**", Op::kPow, 3}};
  if (level > 3) return Unary(true);
  ExprPtr left = BinaryExpr(level + 1);
  ExprPtr node;
  while (ok() && At(TokenType::kOperator)) {
    const auto* op =
        std::find_if(std::begin(kOperators), std::end(kOperators),
                     [&](const Operator& o) { return o.level == level && o.text == Now().text; });
    if (op == std::end(kOperators)) break;
    if (node == nullptr) {
      node = NewExpr(level == 1 ? ExprKind::kConcat : ExprKind::kMath);
      Adopt(node.get(), std::move(left));
    }
    Next();
    node->ops.push_back(op->op);
    Adopt(node.get(), BinaryExpr(level + 1));
  }
  return node != nullptr ? std::move(node) : std::move(left);
}

ExprPtr Parser::Unary(bool with_filter) {
  ExprPtr node;
  if (AtOp("-") || AtOp("+")) {
    Nested nested(this);
    if (!ok()) return nullptr;
    node = NewExpr(AtOp("-") ? ExprKind::kNegate : ExprKind::kPositive);
    Next();
    Adopt(node.get(), Unary(false));
  } else {
    node = Primary();
  }
  if (ok()) node = Postfix(std::move(node));
  if (ok() && with_filter) node = FilterExpr(std::move(node));
  return node;
}

ExprPtr Parser::NameExpr() {
  const std::string& name = Now().text;
  ExprPtr node;
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    node = NewExpr(ExprKind::kConstant);
    node->value = Value::Bool(name == "true" || name == "True");
  } else if (name == "none" || name == "None") {
    node = NewExpr(ExprKind::kConstant);
    node->value = Value::None();
  } else {
    node = NewExpr(ExprKind::kName);
    node->text = name;
    node->symbol = Symbol(name);
    for (MacroDefinition* macro : macros_) {
      if (name == "varargs") macro->uses_varargs = true;
      if (name == "kwargs") macro->uses_kwargs = true;
      if (name == "caller") macro->uses_caller = true;
    }
  }
  Next();
  return node;
}

ExprPtr Parser::Primary() {
  Nested nested(this);
  if (!ok()) return nullptr;
  switch (Now().type) {
    case TokenType::kName:
      return NameExpr();
    case TokenType::kString: {
      ExprPtr node = NewExpr(ExprKind::kConstant);
      auto text = std::make_shared<StringObject>();
      for (; At(TokenType::kString); Next()) text->text += Now().text;
      node->value = Value(Type::kString, std::move(text));
      return node;
    }
    case TokenType::kInteger:
    case TokenType::kFloat: {
      ExprPtr node = NewExpr(ExprKind::kConstant);
      node->value = At(TokenType::kFloat) ? Value::Float(Now().number) : Value::Int(Now().integer);
      Next();
      return node;
    }
    default:
      break;
  }
  if (SkipOp("(")) {
    ExprPtr node = TupleOrExpression(true, {}, true);
    if (ok()) ExpectOp(")");
    return node;
  }
  if (AtOp("[") || AtOp("{")) {
    const bool is_list = AtOp("[");
    const std::string_view end = is_list ? "]" : "}";
    ExprPtr node = NewExpr(is_list ? ExprKind::kList : ExprKind::kDict);
    Next();
    while (ok() && !AtOp(end)) {
      if (!node->items.empty() && !ExpectOp(",")) break;
      if (AtOp(end)) break;
      Adopt(node.get(), Expression());
      if (is_list) continue;
      if (!ok() || !ExpectOp(":")) break;
      Adopt(node.get(), Expression());
    }
    if (ok()) ExpectOp(end);
    return node;
  }
  FailExpected("an expression");
  return nullptr;
}

ExprPtr Parser::Postfix(ExprPtr node) {
  while (ok()) {
    if (AtOp(".") || AtOp("[")) {
      node = Subscript(std::move(node));
    } else if (AtOp("(")) {
      node = CallExpr(std::move(node));
    } else {
      break;
    }
  }
  return node;
}

ExprPtr Parser::FilterExpr(ExprPtr node) {
  while (ok()) {
    if (AtOp("|")) {
      node = Filters(std::move(node), false);
    } else if (AtName("is")) {
      node = Test(std::move(node));
    } else if (AtOp("(")) {
      node = CallExpr(std::move(node));
    } else {
      break;
    }
  }
  return node;
}

std::string Parser::DottedName() {
  std::string name;
  while (ok()) {
    if (!At(TokenType::kName)) {
      FailExpected("a name");
      break;
    }
    name += Now().text;
    Next();
    if (!SkipOp(".")) break;
    name += '.';
  }
  return name;
}

ExprPtr Parser::Filters(ExprPtr node, bool start_inline) {
  while (ok() && (start_inline || AtOp("|"))) {
    if (!start_inline) Next();
    start_inline = false;
    const Token place = Now();
    ExprPtr filter = NewExpr(ExprKind::kFilter);
    filter->text = DottedName();
    filter->function = FindFilter(filter->text);
    if (ok() && filter->function < 0 && conditional_ == 0) {
      unknown_.push_back({absl::StrCat("the filter '", filter->text, "' is not supported"), place});
    }
    Adopt(filter.get(), std::move(node));
    if (AtOp("(")) CallArguments(filter.get());
    node = std::move(filter);
  }
  return node;
}

ExprPtr Parser::Test(ExprPtr node) {
  ExprPtr test = NewExpr(ExprKind::kTest);
  Next();
  const bool negated = SkipName("not");
  const Token place = Now();
  test->text = DottedName();
  test->function = FindTest(test->text);
  if (ok() && test->function < 0 && conditional_ == 0) {
    unknown_.push_back({absl::StrCat("the test '", test->text, "' is not supported"), place});
  }
  Adopt(test.get(), std::move(node));
  if (!ok()) return test;
  if (AtOp("(")) {
    CallArguments(test.get());
  } else if ((At(TokenType::kName) && !AtName("else") && !AtName("or") && !AtName("and")) ||
             At(TokenType::kString) || At(TokenType::kInteger) || At(TokenType::kFloat) ||
             AtOp("[") || AtOp("{")) {
    if (AtName("is")) {
      Fail("tests cannot be chained with 'is'");
      return test;
    }
    ExprPtr argument = Primary();
    if (ok()) argument = Postfix(std::move(argument));
    test->arguments.positional.push_back(Grown(test.get(), std::move(argument)));
  }
  if (!negated || !ok()) return test;
  ExprPtr negation = NewExpr(ExprKind::kNot);
  Adopt(negation.get(), std::move(test));
  return negation;
}

ExprPtr Parser::Subscript(ExprPtr node) {
  ExprPtr result = NewExpr(ExprKind::kItem);
  Adopt(result.get(), std::move(node));
  if (SkipOp(".")) {
    if (At(TokenType::kName)) {
      result->kind = ExprKind::kAttribute;
      result->text = Now().text;
    } else if (At(TokenType::kInteger)) {
      ExprPtr index = NewExpr(ExprKind::kConstant);
      index->value = Value::Int(Now().integer);
      Adopt(result.get(), std::move(index));
    } else {
      FailExpected("a name or a number");
    }
    Next();
    return result;
  }
  Next();  // [
  std::vector<ExprPtr> arguments;
  while (ok() && !AtOp("]")) {
    if (!arguments.empty() && !ExpectOp(",")) break;
    arguments.push_back(SubscriptArgument());
  }
  if (!ok() || !ExpectOp("]")) return result;
  if (arguments.size() == 1 && IsOpenSlice(*arguments[0])) {
    ExprPtr slice = std::move(arguments[0]);
    slice->items[0] = Grown(slice.get(), std::move(result->items[0]));
    return slice;
  }
  if (arguments.size() == 1) {
    Adopt(result.get(), std::move(arguments[0]));
    return result;
  }
  for (const ExprPtr& argument : arguments) {
    if (IsOpenSlice(*argument)) {
      Fail("a slice in a list of subscripts is not supported", StatusCode::kUnimplemented);
      return result;
    }
  }
  ExprPtr tuple = NewExpr(ExprKind::kTuple);
  for (ExprPtr& argument : arguments) Adopt(tuple.get(), std::move(argument));
  Adopt(result.get(), std::move(tuple));
  return result;
}

// An index, or a slice whose items[0] is still to be set.
ExprPtr Parser::SubscriptArgument() {
  ExprPtr slice = NewExpr(ExprKind::kSlice);
  slice->items.resize(4);
  if (!AtOp(":")) {
    ExprPtr first = Expression();
    if (!ok() || !AtOp(":")) return first;
    slice->items[1] = Grown(slice.get(), std::move(first));
  }
  Next();  // :
  if (!AtOp(":") && !AtOp("]") && !AtOp(",")) slice->items[2] = Grown(slice.get(), Expression());
  if (ok() && SkipOp(":") && !AtOp("]") && !AtOp(","))
    slice->items[3] = Grown(slice.get(), Expression());
  return slice;
}

ExprPtr Parser::CallExpr(ExprPtr node) {
  ExprPtr call = NewExpr(ExprKind::kCall);
  Adopt(call.get(), std::move(node));
  CallArguments(call.get());
  return call;
}

void Parser::CallArguments(Expr* call) {
  Arguments* arguments = &call->arguments;
  if (!ExpectOp("(")) return;
  bool comma = false;
  while (ok() && !AtOp(")")) {
    if (comma) {
      if (!ExpectOp(",")) return;
      if (AtOp(")")) break;
    }
    comma = true;
    bool valid = arguments->double_star == nullptr;
    if (SkipOp("*")) {
      valid = valid && arguments->star == nullptr;
      arguments->star = Grown(call, Expression());
    } else if (SkipOp("**")) {
      arguments->double_star = Grown(call, Expression());
    } else if (At(TokenType::kName) && Ahead().type == TokenType::kOperator &&
               Ahead().text == "=") {
      std::string name = Now().text;
      Next();
      Next();
      arguments->named.emplace_back(std::move(name), Grown(call, Expression()));
    } else {
      valid = valid && arguments->star == nullptr && arguments->named.empty();
      arguments->positional.push_back(Grown(call, Expression()));
    }
    if (ok() && !valid) Fail("a misplaced argument of a call");
  }
  if (ok()) ExpectOp(")");
}

}  // namespace hob::text::jinja
