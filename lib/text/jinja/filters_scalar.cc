// SPDX-License-Identifier: Apache-2.0
// Filters on numbers and single values.
#include <charconv>
#include <cmath>
#include <limits>

#include "lib/text/jinja/filters.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

// A number's text as Python's int() and float() clean it: no white space around, no '_' within.
// Empty when the underscores stand wrongly.
std::string CleanNumber(std::string_view s) {
  s = StripSpace(s, true, true);
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '_') {
      out.push_back(s[i]);
      continue;
    }
    const auto alnum = [&](size_t at) {
      return at < s.size() &&
             ((s[at] >= '0' && s[at] <= '9') || ((s[at] | 0x20) >= 'a' && (s[at] | 0x20) <= 'z'));
    };
    if (i == 0 || !alnum(i - 1) || !alnum(i + 1)) return {};
  }
  return out;
}

enum class Parsed { kNo, kYes, kTooBig };

Parsed ParseInt(std::string_view s, int base, int64_t* out) {
  std::string text = CleanNumber(s);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.erase(0, 1);
  if (text.size() > 2 && text[0] == '0') {
    const char prefix = static_cast<char>(text[1] | 0x20);
    const int prefixed = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 0;
    if (prefixed != 0 && (base == prefixed || base == 0)) {
      base = prefixed;
      text.erase(0, 2);
    }
  }
  if (base == 0) base = 10;
  if (text.empty() || text[0] == '-') return Parsed::kNo;
  if (negative) text.insert(0, 1, '-');
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, *out, base);
  if (result.ptr != end || result.ec == std::errc::invalid_argument) return Parsed::kNo;
  return result.ec == std::errc() ? Parsed::kYes : Parsed::kTooBig;
}

bool ParseFloat(std::string_view s, double* out) {
  const std::string text = ToLower(CleanNumber(s));
  const char* first = text.data();
  const char* end = first + text.size();
  const bool negative = first != end && *first == '-';
  if (first != end && (*first == '-' || *first == '+')) ++first;
  const std::string_view rest(first, static_cast<size_t>(end - first));
  if (rest.empty()) return false;
  if (rest == "nan") {
    *out = std::numeric_limits<double>::quiet_NaN();
  } else if (rest == "inf" || rest == "infinity") {
    *out = std::numeric_limits<double>::infinity();
  } else {
    if ((rest[0] < '0' || rest[0] > '9') && rest[0] != '.') return false;
    const auto result = std::from_chars(first, end, *out);
    if (result.ptr != end || result.ec == std::errc::invalid_argument) return false;
    if (result.ec == std::errc::result_out_of_range) {
      const size_t e = rest.find('e');
      const bool small = e != std::string_view::npos && rest.substr(e + 1, 1) == "-";
      *out = small ? 0 : std::numeric_limits<double>::infinity();
    }
  }
  if (negative) *out = -*out;
  return true;
}

// Truncates towards zero; false when the number is not finite.
bool Truncate(Runtime& rt, double d, int64_t* out, bool* finite) {
  *finite = std::isfinite(d);
  if (!*finite) return true;
  if (std::fabs(d) >= 9.2e18) {
    return rt.Fail("the result is an integer beyond 64 bits", StatusCode::kUnimplemented);
  }
  *out = static_cast<int64_t>(d);
  return true;
}

bool ToInt(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"default", "base"};
  const Value* bound[2];
  int64_t base = 10, result = 0;
  if (!Bind(rt, "int", args, kNames, 0, bound) || !IntArg(rt, bound[1], &base)) return false;
  *out = bound[0] != nullptr ? *bound[0] : Value::Int(0);
  if (input.is_string() && !rt.heap().Spend(input.str().size() / 16)) return rt.Ok();
  bool finite = true;
  switch (input.type()) {
    case Type::kUndefined:
      return rt.FailUndefined(input);
    case Type::kBool:
    case Type::kInt:
      *out = Value::Int(input.as_int());
      return true;
    case Type::kBigInt:
      *out = input;
      return true;
    case Type::kFloat:
      if (!Truncate(rt, input.as_float(), &result, &finite)) return false;
      if (finite) *out = Value::Int(result);
      return true;
    case Type::kString: {
      if (base != 0 && (base < 2 || base > 36)) break;
      const Parsed parsed = ParseInt(input.str(), static_cast<int>(base), &result);
      if (parsed == Parsed::kTooBig) {
        return rt.Fail("the result is an integer beyond 64 bits", StatusCode::kUnimplemented);
      }
      double d = 0;
      if (parsed == Parsed::kNo) {
        if (!ParseFloat(input.str(), &d)) return true;
        if (!Truncate(rt, d, &result, &finite)) return false;
      }
      if (finite) *out = Value::Int(result);
      return true;
    }
    default:
      break;
  }
  return true;
}

bool ToFloat(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"default"};
  const Value* bound[1];
  if (!Bind(rt, "float", args, kNames, 0, bound)) return false;
  *out = bound[0] != nullptr ? *bound[0] : Value::Float(0);
  double d = 0;
  if (input.is_string() && !rt.heap().Spend(input.str().size() / 16)) return rt.Ok();
  if (input.is_undefined()) return rt.FailUndefined(input);
  if (input.is_number()) {
    *out = Value::Float(input.as_float());
  } else if ((input.is_string() || input.is(Type::kBigInt)) && ParseFloat(input.str(), &d)) {
    *out = Value::Float(d);
  }
  return true;
}

bool Abs(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  if (!BindNone(rt, "abs", args)) return false;
  if (input.is(Type::kFloat)) {
    *out = Value::Float(std::fabs(input.as_float()));
    return true;
  }
  if (input.is_undefined()) return rt.FailUndefined(input);
  if (!input.is_integral()) return rt.Fail("abs: the input is not a number");
  *out = Value::Int(input.as_int());
  return input.as_int() >= 0 || rt.Negate(input, out);
}

// round(): to even where two are as near, of the exact decimal value.
double RoundFloat(double d, int64_t precision) {
  if (!std::isfinite(d) || precision > 22) return d;
  if (precision < 0) {
    const double scale = std::pow(10.0, -static_cast<double>(precision));
    return std::isfinite(scale) ? std::nearbyint(d / scale) * scale : 0.0 * d;
  }
  char buffer[400];
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), d, std::chars_format::fixed,
                                     static_cast<int>(precision));
  double rounded = d;
  std::from_chars(buffer, written.ptr, rounded);
  return rounded;
}

bool Round(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"precision", "method"};
  const Value* bound[2];
  int64_t precision = 0;
  std::string_view method = "common";
  if (!Bind(rt, "round", args, kNames, 0, bound) || !IntArg(rt, bound[0], &precision) ||
      !StringArg(rt, bound[1], &method)) {
    return false;
  }
  if (input.is_undefined()) return rt.FailUndefined(input);
  if (!input.is_number()) return rt.Fail("round: the input is not a number");
  if (method == "common") {
    if (input.is(Type::kFloat)) {
      *out = Value::Float(RoundFloat(input.as_float(), precision));
      return true;
    }
    if (precision < 0) {
      return rt.Fail("round: a negative precision of an integer", StatusCode::kUnimplemented);
    }
    *out = Value::Int(input.as_int());
    return true;
  }
  if (method != "ceil" && method != "floor") return rt.Fail("round: unknown method");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = input.as_float() * scale;
  *out = Value::Float((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
  return true;
}

bool Default(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"default_value", "boolean"};
  const Value* bound[2];
  if (!Bind(rt, "default", args, kNames, 0, bound)) return false;
  const bool falsy = bound[1] != nullptr && Truthy(*bound[1]) && !Truthy(input);
  *out = !input.is_undefined() && !falsy ? input
         : bound[0] != nullptr           ? *bound[0]
                                         : rt.heap().String("");
  return true;
}

bool GetLength(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  if (!BindNone(rt, "length", args)) return false;
  if (input.is_string() && !rt.heap().Spend(input.str().size() / 64)) return rt.Ok();
  int64_t length = Length(input);
  if (input.is(Type::kLoop)) {
    length = static_cast<int64_t>(static_cast<const LoopObject*>(input.object())->items.size());
  }
  if (length < 0) {
    return rt.Fail(absl::StrCat("'", std::string(TypeName(input)), "' has no length"));
  }
  *out = Value::Int(length);
  return true;
}

bool Attribute(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"name"};
  const Value* bound[1];
  std::string_view name;
  if (!Bind(rt, "attr", args, kNames, 1, bound) || !StringArg(rt, bound[0], &name)) return false;
  if (input.is_undefined() || name.substr(0, 1) == "_" || !rt.FindMember(input, name, out)) {
    *out = rt.heap().Undefined(absl::StrCat("no attribute '", std::string(name), "'"));
  }
  return rt.Ok();
}

constexpr FilterEntry kFilters[] = {
    {"abs", Abs},   {"attr", Attribute},   {"count", GetLength},
    {"d", Default}, {"default", Default},  {"float", ToFloat},
    {"int", ToInt}, {"length", GetLength}, {"round", Round},
};

}  // namespace

Filter FindScalarFilter(std::string_view name) {
  for (const FilterEntry& entry : kFilters) {
    if (entry.name == name) return entry.filter;
  }
  return nullptr;
}

}  // namespace hob::text::jinja
