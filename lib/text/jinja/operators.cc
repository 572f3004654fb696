// SPDX-License-Identifier: Apache-2.0
// Python's operators.
#include <cmath>
#include <limits>

#include "lib/text/jinja/runtime.h"

namespace hob::text::jinja {
namespace {

constexpr std::string_view Symbol(Op op) {
  constexpr std::string_view kSymbols[] = {
      "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};
  return kSymbols[static_cast<size_t>(op)];
}

bool BadOperands(Runtime& rt, Op op, const Value& a, const Value& b) {
  if (a.is_undefined()) return rt.FailUndefined(a);
  if (b.is_undefined()) return rt.FailUndefined(b);
  if (a.is(Type::kBigInt) || b.is(Type::kBigInt)) {
    return rt.Fail("arithmetic with an integer beyond 64 bits", StatusCode::kUnimplemented);
  }
  return rt.Fail(absl::StrCat("'", std::string(Symbol(op)), "' is not defined between '",
                              std::string(TypeName(a)), "' and '", std::string(TypeName(b)), "'"));
}

bool TooBig(Runtime& rt) {
  return rt.Fail("the result is an integer beyond 64 bits", StatusCode::kUnimplemented);
}

// floor(a / b) and the remainder that has b's sign; b is neither 0 nor (with INT64_MIN) -1.
void FloorDivide(int64_t a, int64_t b, int64_t* quotient, int64_t* remainder) {
  *quotient = a / b;
  *remainder = a % b;
  if (*remainder != 0 && (*remainder < 0) != (b < 0)) {
    --*quotient;
    *remainder += b;
  }
}

// As CPython's float_divmod.
void FloorDivide(double a, double b, double* quotient, double* remainder) {
  double mod = std::fmod(a, b);
  double div = (a - mod) / b;
  if (mod != 0) {
    if ((b < 0) != (mod < 0)) {
      mod += b;
      div -= 1.0;
    }
  } else {
    mod = std::copysign(0.0, b);
  }
  double floor_div = std::copysign(0.0, a / b);
  if (div != 0) {
    floor_div = std::floor(div);
    if (div - floor_div > 0.5) floor_div += 1.0;
  }
  *quotient = floor_div;
  *remainder = mod;
}

// A number for comparison; where long double has 64 bits of mantissa or more, exactly.
long double Wide(const Value& v) {
  return v.is(Type::kFloat) ? static_cast<long double>(v.as_float())
                            : static_cast<long double>(v.as_int());
}

template <typename T>
bool Ordered(Op op, const T& a, const T& b) {
  switch (op) {
    case Op::kLt:
      return a < b;
    case Op::kLe:
      return a <= b;
    case Op::kGt:
      return a > b;
    default:
      return a >= b;
  }
}

bool IntPower(int64_t base, int64_t exponent, int64_t* out) {
  int64_t result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return false;
    exponent >>= 1;
    if (exponent == 0) break;
    if (__builtin_mul_overflow(base, base, &base)) return false;
  }
  *out = result;
  return true;
}

}  // namespace

bool Runtime::Equal(const Value& a, const Value& b, bool* equal) {
  *equal = false;
  if (!Step()) return false;
  if (a.is_number() && b.is_number()) {
    *equal = a.is_integral() && b.is_integral() ? a.as_int() == b.as_int() : Wide(a) == Wide(b);
    return true;
  }
  if (a.type() != b.type()) return true;
  switch (a.type()) {
    case Type::kUndefined:
    case Type::kNone:
      *equal = true;
      return true;
    case Type::kString:
    case Type::kBigInt:
      if (!heap_.SpendBytes(a.str().size())) return Ok();
      *equal = a.str() == b.str();
      return true;
    case Type::kList:
    case Type::kTuple: {
      if (a.items().size() != b.items().size()) return true;
      for (size_t i = 0; i < a.items().size(); ++i) {
        const Value& x = a.items()[i];
        const Value& y = b.items()[i];
        if (x.object() != nullptr && x.object() == y.object()) continue;
        if (!Equal(x, y, equal)) return false;
        if (!*equal) return true;
      }
      *equal = true;
      return true;
    }
    case Type::kDict: {
      const DictObject& x = a.dict();
      const DictObject& y = b.dict();
      if (&x != &y && x.entries.size() != y.entries.size()) return true;
      for (size_t i = 0; &x != &y && i < x.entries.size(); ++i) {
        if (y.index.empty() && !heap_.Spend(y.entries.size())) return Ok();
        if (!heap_.SpendKey(y.entries.size(), x.entries[i].first)) return Ok();
        const Value* other = y.Find(x.entries[i].first);
        if (other == nullptr) return true;
        if (!Equal(x.entries[i].second, *other, equal)) return false;
        if (!*equal) return true;
      }
      *equal = true;
      return true;
    }
    case Type::kRange: {
      const RangeObject& x = a.range();
      const RangeObject& y = b.range();
      *equal = x.size() == y.size() &&
               (x.size() == 0 || (x.start == y.start && (x.size() == 1 || x.step == y.step)));
      return true;
    }
    default:
      *equal = a.object() == b.object();
      return true;
  }
}

bool Runtime::Less(const Value& a, const Value& b, Op op, bool* result) {
  *result = false;
  if (!Step()) return false;
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) {
      *result = Ordered(op, a.as_int(), b.as_int());
    } else {
      *result = Ordered(op, Wide(a), Wide(b));
    }
    return true;
  }
  if (a.is_string() && b.is_string()) {
    if (!heap_.SpendBytes(a.str().size())) return Ok();
    // The order of UTF-8 bytes is that of code points.
    *result = Ordered(op, a.str().compare(b.str()), 0);
    return true;
  }
  if (a.is_sequence() && a.type() == b.type()) {
    Level level(this);
    if (!level.Enter()) return false;
    const auto& x = a.items();
    const auto& y = b.items();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      bool equal = false;
      if (!Equal(x[i], y[i], &equal)) return false;
      if (!equal) return Less(x[i], y[i], op, result);
    }
    *result = Ordered(op, x.size(), y.size());
    return true;
  }
  return BadOperands(*this, op, a, b);
}

bool Runtime::Compare(Op op, const Value& a, const Value& b, bool* result) {
  switch (op) {
    case Op::kEq:
      return Equal(a, b, result);
    case Op::kNe:
      if (!Equal(a, b, result)) return false;
      *result = !*result;
      return true;
    case Op::kIn:
      return Contains(b, a, result);
    case Op::kNotIn:
      if (!Contains(b, a, result)) return false;
      *result = !*result;
      return true;
    default:
      return Less(a, b, op, result);
  }
}

bool Runtime::Contains(const Value& container, const Value& item, bool* found) {
  *found = false;
  switch (container.type()) {
    case Type::kString: {
      if (!item.is_string()) {
        return Fail(absl::StrCat("'in <string>' requires a string, not '",
                                 std::string(TypeName(item)), "'"));
      }
      const std::string& needle = item.str();
      if (!heap_.SpendSearch(container.str().size(), needle.size())) return Ok();
      *found = container.str().find(needle) != std::string::npos;
      return true;
    }
    case Type::kDict:
      if (!IsHashable(item)) {
        return Fail(absl::StrCat("unhashable type: '", std::string(TypeName(item)), "'"));
      }
      if (!heap_.SpendKey(container.dict().entries.size(), item)) return Ok();
      *found = container.dict().Find(item) != nullptr;
      return true;
    default: {
      std::vector<Value> items;
      if (!Iterate(container, &items)) return false;
      for (const Value& candidate : items) {
        if (item.object() != nullptr && candidate.object() == item.object()) {
          *found = true;
        } else if (!Equal(candidate, item, found)) {
          return false;
        }
        if (*found) return true;
      }
      return true;
    }
  }
}

bool Runtime::Concatenate(const Value& a, const Value& b, Value* out) {
  if (a.is_string()) {
    const bool markup = a.is_markup() || b.is_markup();
    const bool escape_a = markup && !a.is_markup();
    const bool escape_b = markup && !b.is_markup();
    if (!heap_.Room(a.str().size() + b.str().size())) return Ok();
    std::string text = escape_a ? EscapeHtml(a.str()) : a.str();
    text += escape_b ? EscapeHtml(b.str()) : b.str();
    *out = heap_.String(std::move(text), markup);
    return Ok();
  }
  if (!heap_.RoomForItems(a.items().size() + b.items().size())) return Ok();
  std::vector<Value> items;
  items.reserve(a.items().size() + b.items().size());
  items.insert(items.end(), a.items().begin(), a.items().end());
  items.insert(items.end(), b.items().begin(), b.items().end());
  *out = a.is(Type::kList) ? heap_.List(std::move(items)) : heap_.Tuple(std::move(items));
  return Ok();
}

bool Runtime::Repeat(const Value& sequence, int64_t count, Value* out) {
  const size_t times = count < 0 ? 0 : static_cast<size_t>(count);
  const size_t size = sequence.is_string() ? sequence.str().size() : sequence.items().size();
  size_t total;
  if (__builtin_mul_overflow(size, times, &total)) total = std::numeric_limits<size_t>::max();
  if (sequence.is_string()) {
    if (!heap_.Room(total)) return Ok();
    std::string text;
    text.reserve(total);
    for (size_t i = 0; i < times && size != 0; ++i) text += sequence.str();
    *out = heap_.String(std::move(text), sequence.is_markup());
    return Ok();
  }
  if (!heap_.RoomForItems(total)) return Ok();
  std::vector<Value> items;
  items.reserve(total);
  for (size_t i = 0; i < times && size != 0; ++i) {
    items.insert(items.end(), sequence.items().begin(), sequence.items().end());
  }
  *out = sequence.is(Type::kList) ? heap_.List(std::move(items)) : heap_.Tuple(std::move(items));
  return Ok();
}

bool Runtime::MathNumbers(Op op, const Value& a, const Value& b, Value* out) {
  const bool integers = a.is_integral() && b.is_integral();
  if ((op == Op::kDiv || op == Op::kFloorDiv || op == Op::kMod) && b.as_float() == 0) {
    return Fail("division by zero");
  }
  if (integers && op != Op::kDiv) {
    const int64_t x = a.as_int(), y = b.as_int();
    int64_t result = 0, rest = 0;
    bool overflow = false;
    switch (op) {
      case Op::kAdd:
        overflow = __builtin_add_overflow(x, y, &result);
        break;
      case Op::kSub:
        overflow = __builtin_sub_overflow(x, y, &result);
        break;
      case Op::kMul:
        overflow = __builtin_mul_overflow(x, y, &result);
        break;
      case Op::kFloorDiv:
      case Op::kMod:
        if (y == -1) {
          overflow = op == Op::kFloorDiv && __builtin_sub_overflow(int64_t{0}, x, &result);
          break;
        }
        FloorDivide(x, y, &result, &rest);
        if (op == Op::kMod) result = rest;
        break;
      default:
        if (y < 0) {
          if (x == 0) return Fail("0 cannot be raised to a negative power");
          *out = Value::Float(std::pow(static_cast<double>(x), static_cast<double>(y)));
          return true;
        }
        overflow = !IntPower(x, y, &result);
        break;
    }
    if (overflow) return TooBig(*this);
    *out = Value::Int(result);
    return true;
  }
  const double x = a.as_float(), y = b.as_float();
  double result = 0, rest = 0;
  switch (op) {
    case Op::kAdd:
      result = x + y;
      break;
    case Op::kSub:
      result = x - y;
      break;
    case Op::kMul:
      result = x * y;
      break;
    case Op::kDiv:
      result = x / y;
      break;
    case Op::kFloorDiv:
    case Op::kMod:
      FloorDivide(x, y, &result, &rest);
      if (op == Op::kMod) result = rest;
      break;
    default:
      if (x == 0 && y < 0) return Fail("0.0 cannot be raised to a negative power");
      if (x < 0 && std::isfinite(x) && std::isfinite(y) && y != std::floor(y)) {
        return Fail("complex numbers", StatusCode::kUnimplemented);
      }
      result = std::pow(x, y);
      if (std::isinf(result) && std::isfinite(x) && std::isfinite(y)) {
        return Fail("the result of '**' is too large");
      }
      break;
  }
  *out = Value::Float(result);
  return true;
}

bool Runtime::Math(Op op, const Value& a, const Value& b, Value* out) {
  if (!Step()) return false;
  if (a.is_number() && b.is_number()) return MathNumbers(op, a, b, out);
  if (op == Op::kAdd && a.type() == b.type() && (a.is_string() || a.is_sequence())) {
    return Concatenate(a, b, out);
  }
  if (op == Op::kMul) {
    if ((a.is_string() || a.is_sequence()) && b.is_integral()) return Repeat(a, b.as_int(), out);
    if ((b.is_string() || b.is_sequence()) && a.is_integral()) return Repeat(b, a.as_int(), out);
  }
  // Python asks the right operand first if its class derives from the left one's; Undefined does
  // not, but str's % takes whatever comes.
  if (op == Op::kMod && a.is_string()) return FormatPercent(*this, a, b, out);
  return BadOperands(*this, op, a, b);
}

bool Runtime::Negate(const Value& v, Value* out) {
  if (v.is(Type::kFloat)) {
    *out = Value::Float(-v.as_float());
    return true;
  }
  if (v.is_integral()) {
    int64_t result;
    if (__builtin_sub_overflow(int64_t{0}, v.as_int(), &result)) return TooBig(*this);
    *out = Value::Int(result);
    return true;
  }
  if (v.is_undefined()) return FailUndefined(v);
  return Fail(absl::StrCat("'-' is not defined for '", std::string(TypeName(v)), "'"));
}

bool Runtime::Positive(const Value& v, Value* out) {
  if (v.is_integral()) {
    *out = Value::Int(v.as_int());
    return true;
  }
  if (v.is(Type::kFloat) || v.is(Type::kBigInt)) {
    *out = v;
    return true;
  }
  if (v.is_undefined()) return FailUndefined(v);
  return Fail(absl::StrCat("'+' is not defined for '", std::string(TypeName(v)), "'"));
}

}  // namespace hob::text::jinja
