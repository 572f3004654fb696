// SPDX-License-Identifier: Apache-2.0
// Expressions.
#include <algorithm>

#include "lib/text/jinja/interpreter.h"

namespace hob::text::jinja {

bool Interpreter::Eval(const Expr& e, Value* out) {
  Level level(this);
  if (!Step() || !level.Enter()) return false;
  line_ = e.line;
  switch (e.kind) {
    case ExprKind::kConstant:
      *out = e.value;
      return true;
    case ExprKind::kName:
      *out = Lookup(e.symbol, e.text);
      return Ok();
    case ExprKind::kList:
    case ExprKind::kTuple:
      return EvalList(e, out);
    case ExprKind::kDict:
      return EvalDict(e, out);
    case ExprKind::kAttribute:
    case ExprKind::kItem:
      return EvalItem(e, out);
    case ExprKind::kSlice:
      return EvalSlice(e, out);
    case ExprKind::kCall:
      return EvalCall(e, nullptr, out);
    case ExprKind::kFilter:
      return EvalFilter(e, out);
    case ExprKind::kTest:
      return EvalTest(e, out);
    case ExprKind::kNot:
    case ExprKind::kNegate:
    case ExprKind::kPositive: {
      Value operand;
      if (!Eval(*e.items[0], &operand)) return false;
      line_ = e.line;
      if (e.kind == ExprKind::kNegate) return Negate(operand, out);
      if (e.kind == ExprKind::kPositive) return Positive(operand, out);
      *out = Value::Bool(!Truthy(operand));
      return true;
    }
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return EvalLogic(e, out);
    case ExprKind::kConcat:
      return EvalConcat(e, out);
    case ExprKind::kMath:
      return EvalMath(e, out);
    case ExprKind::kCompare:
      return EvalCompare(e, out);
    case ExprKind::kCondition:
      return EvalCondition(e, out);
  }
  return false;
}

bool Interpreter::EvalList(const Expr& e, Value* out) {
  std::vector<Value> items(e.items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    if (!Eval(*e.items[i], &items[i])) return false;
  }
  *out = e.kind == ExprKind::kList ? heap_.List(std::move(items)) : heap_.Tuple(std::move(items));
  return Ok();
}

bool Interpreter::EvalDict(const Expr& e, Value* out) {
  auto dict = heap_.NewDict();
  for (size_t i = 0; i + 1 < e.items.size(); i += 2) {
    Value key, value;
    if (!Eval(*e.items[i], &key) || !Eval(*e.items[i + 1], &value)) return false;
    if (!IsHashable(key)) {
      return Fail(absl::StrCat("unhashable type: '", std::string(TypeName(key)), "'"));
    }
    heap_.Put(dict.get(), std::move(key), std::move(value));
  }
  *out = heap_.Dict(std::move(dict));
  return Ok();
}

bool Interpreter::EvalItem(const Expr& e, Value* out) {
  Value object, key;
  if (!Eval(*e.items[0], &object)) return false;
  if (e.kind == ExprKind::kAttribute) {
    line_ = e.line;
    return GetAttribute(object, e.text, out);
  }
  if (!Eval(*e.items[1], &key)) return false;
  line_ = e.line;
  return GetItem(object, key, out);
}

bool Interpreter::EvalSlice(const Expr& e, Value* out) {
  Value object;
  Value bounds[3] = {Value::None(), Value::None(), Value::None()};
  if (!Eval(*e.items[0], &object)) return false;
  for (size_t i = 0; i < 3; ++i) {
    if (e.items[i + 1] != nullptr && !Eval(*e.items[i + 1], &bounds[i])) return false;
  }
  line_ = e.line;
  return GetSlice(object, bounds[0], bounds[1], bounds[2], out);
}

bool Interpreter::EvalArguments(const Arguments& arguments, CallArgs* out) {
  out->positional.reserve(arguments.positional.size());
  for (const ExprPtr& argument : arguments.positional) {
    Value value;
    if (!Eval(*argument, &value)) return false;
    out->positional.push_back(std::move(value));
  }
  for (const auto& [name, argument] : arguments.named) {
    Value value;
    if (!Eval(*argument, &value)) return false;
    out->named.emplace_back(name, std::move(value));
  }
  if (arguments.star != nullptr) {
    Value value;
    std::vector<Value> more;
    if (!Eval(*arguments.star, &value) || !Iterate(value, &more)) return false;
    for (Value& item : more) out->positional.push_back(std::move(item));
  }
  return arguments.double_star == nullptr || EvalDoubleStar(*arguments.double_star, out);
}

bool Interpreter::EvalDoubleStar(const Expr& e, CallArgs* out) {
  Value value;
  if (!Eval(e, &value)) return false;
  if (!value.is(Type::kDict)) return Fail("what follows '**' is not a mapping");
  for (const auto& [key, item] : value.dict().entries) {
    if (!key.is_string()) return Fail("the keys of what follows '**' are not all strings");
    if (!heap_.Spend(1) || !heap_.SpendScan(8 * out->named.size(), key.str().size())) return Ok();
    const auto same = [&key = key](const auto& named) { return named.first == key.str(); };
    if (std::any_of(out->named.begin(), out->named.end(), same)) {
      return Fail(absl::StrCat("the argument '", key.str(), "' is given twice"));
    }
    out->named.emplace_back(key.str(), item);
  }
  return true;
}

bool Interpreter::EvalCall(const Expr& e, const Value* caller, Value* out) {
  Value callee;
  CallArgs args;
  if (!Eval(*e.items[0], &callee) || !EvalArguments(e.arguments, &args)) return false;
  if (caller != nullptr) args.named.emplace_back("caller", *caller);
  line_ = e.line;
  return Call(callee, args, out);
}

bool Interpreter::EvalFilter(const Expr& e, Value* out) {
  Value input;
  CallArgs args;
  if (e.items[0] == nullptr) {
    input = *filter_input_;
  } else if (!Eval(*e.items[0], &input)) {
    return false;
  }
  if (!EvalArguments(e.arguments, &args)) return false;
  line_ = e.line;
  if (e.function < 0) {
    return Fail(absl::StrCat("the filter '", e.text, "' is not supported"),
                StatusCode::kUnimplemented);
  }
  return ApplyFilter(e.function, input, args, out);
}

bool Interpreter::EvalTest(const Expr& e, Value* out) {
  Value input;
  CallArgs args;
  if (!Eval(*e.items[0], &input) || !EvalArguments(e.arguments, &args)) return false;
  line_ = e.line;
  if (e.function < 0) {
    return Fail(absl::StrCat("the test '", e.text, "' is not supported"),
                StatusCode::kUnimplemented);
  }
  bool result = false;
  if (!ApplyTest(e.function, input, args, &result)) return false;
  *out = Value::Bool(result);
  return true;
}

bool Interpreter::EvalLogic(const Expr& e, Value* out) {
  const bool stops_at = e.kind == ExprKind::kOr;
  for (const ExprPtr& item : e.items) {
    if (!Eval(*item, out)) return false;
    if (Truthy(*out) == stops_at) break;
  }
  return true;
}

bool Interpreter::EvalConcat(const Expr& e, Value* out) {
  std::string text;
  for (const ExprPtr& item : e.items) {
    Value value;
    if (!Eval(*item, &value) || !Str(value, &text)) return false;
  }
  *out = heap_.String(std::move(text));
  return Ok();
}

bool Interpreter::EvalMath(const Expr& e, Value* out) {
  Value left;
  if (!Eval(*e.items[0], &left)) return false;
  for (size_t i = 0; i < e.ops.size(); ++i) {
    Value right, result;
    if (!Eval(*e.items[i + 1], &right)) return false;
    line_ = e.line;
    if (!Math(e.ops[i], left, right, &result)) return false;
    left = std::move(result);
  }
  *out = std::move(left);
  return true;
}

bool Interpreter::EvalCompare(const Expr& e, Value* out) {
  Value left;
  bool result = true;
  if (!Eval(*e.items[0], &left)) return false;
  for (size_t i = 0; i < e.ops.size() && result; ++i) {
    Value right;
    if (!Eval(*e.items[i + 1], &right)) return false;
    line_ = e.line;
    if (!Compare(e.ops[i], left, right, &result)) return false;
    left = std::move(right);
  }
  *out = Value::Bool(result);
  return true;
}

bool Interpreter::EvalCondition(const Expr& e, Value* out) {
  Value condition;
  if (!Eval(*e.items[1], &condition)) return false;
  if (Truthy(condition)) return Eval(*e.items[0], out);
  if (e.items[2] != nullptr) return Eval(*e.items[2], out);
  *out = heap_.Undefined("the inline if-expression evaluated to false and has no else");
  return Ok();
}

}  // namespace hob::text::jinja
