// SPDX-License-Identifier: Apache-2.0
// The tests ("is …"), and the list of all filters.
#include "lib/text/jinja/tables.h"

#include <algorithm>
#include <iterator>

#include "lib/text/jinja/filters.h"
#include "lib/text/jinja/runtime.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

// Sorted: filters are found here, and their functions by name in the files that define them.
constexpr std::string_view kFilterNames[] = {
    "abs",      "attr",       "batch",  "capitalize", "center",  "count",       "d",      "default",
    "dictsort", "e",          "escape", "first",      "float",   "forceescape", "format", "indent",
    "int",      "items",      "join",   "last",       "length",  "list",        "lower",  "map",
    "max",      "min",        "reject", "rejectattr", "replace", "reverse",     "round",  "safe",
    "select",   "selectattr", "sort",   "string",     "sum",     "title",       "tojson", "trim",
    "truncate", "unique",     "upper"};

Filter FilterOf(std::string_view name) {
  if (Filter filter = FindTextFilter(name)) return filter;
  if (Filter filter = FindListFilter(name)) return filter;
  return FindScalarFilter(name);
}

using Test = bool (*)(Runtime&, const Value& v, const Value* argument, bool* out);

template <bool (*Predicate)(const Value&)>
bool Is(Runtime&, const Value& v, const Value*, bool* out) {
  *out = Predicate(v);
  return true;
}

template <Op kOp>
bool Compares(Runtime& rt, const Value& v, const Value* argument, bool* out) {
  return rt.Compare(kOp, v, *argument, out);
}

bool Divisible(Runtime& rt, const Value& v, const Value& by, int64_t remainder, bool* out) {
  Value rest;
  return rt.Math(Op::kMod, v, by, &rest) && rt.Equal(rest, Value::Int(remainder), out);
}
bool Odd(Runtime& rt, const Value& v, const Value*, bool* out) {
  return Divisible(rt, v, Value::Int(2), 1, out);
}
bool Even(Runtime& rt, const Value& v, const Value*, bool* out) {
  return Divisible(rt, v, Value::Int(2), 0, out);
}
bool DivisibleBy(Runtime& rt, const Value& v, const Value* argument, bool* out) {
  return Divisible(rt, v, *argument, 0, out);
}

bool SameAs(Runtime&, const Value& v, const Value* argument, bool* out) {
  const Value& other = *argument;
  *out = v.type() == other.type() && v.object() == other.object() &&
         (v.object() != nullptr || v.is_none() || v.is_undefined() ||
          (v.is_integral() && v.as_int() == other.as_int()));
  return true;
}

template <bool kUpper>
bool HasCase(Runtime& rt, const Value& v, const Value*, bool* out) {
  Value text;
  if (!rt.ToString(v, &text)) return false;
  if (!rt.heap().Spend(text.str().size() / 16)) return rt.Ok();
  bool cased = false, wrong = false;
  for (size_t pos = 0; pos < text.str().size();) {
    char32_t cp;
    pos += DecodeChar(text.str(), pos, &cp);
    const bool upper = IsUpper(cp), lower = IsLower(cp);
    cased = cased || upper || lower;
    wrong = wrong || (kUpper ? lower : upper);
  }
  *out = cased && !wrong;
  return true;
}

bool IsFilter(Runtime&, const Value& v, const Value*, bool* out) {
  *out = v.is_string() && FindFilter(v.str()) >= 0;
  return true;
}
bool IsTest(Runtime&, const Value& v, const Value*, bool* out) {
  *out = v.is_string() && FindTest(v.str()) >= 0;
  return true;
}

bool Iterable(const Value& v) {
  switch (v.type()) {
    case Type::kNone:
    case Type::kBool:
    case Type::kInt:
    case Type::kBigInt:
    case Type::kFloat:
    case Type::kNamespace:
    case Type::kCallable:
    case Type::kCycler:
    case Type::kJoiner:
      return false;
    default:
      return true;
  }
}
bool Sequence(const Value& v) {
  return v.is_string() || v.is_sequence() || v.is(Type::kDict) || v.is(Type::kRange) ||
         v.is_undefined();
}

struct Entry {
  std::string_view name;
  bool takes_argument;
  Test test;
};

constexpr Entry kTests[] = {
    {"!=", true, Compares<Op::kNe>},
    {"<", true, Compares<Op::kLt>},
    {"<=", true, Compares<Op::kLe>},
    {"==", true, Compares<Op::kEq>},
    {">", true, Compares<Op::kGt>},
    {">=", true, Compares<Op::kGe>},
    {"boolean", false, Is<[](const Value& v) { return v.is(Type::kBool); }>},
    {"callable", false, Is<[](const Value& v) {
       return v.is(Type::kCallable) || v.is(Type::kLoop) || v.is(Type::kJoiner) || v.is_undefined();
     }>},
    {"defined", false, Is<[](const Value& v) { return !v.is_undefined(); }>},
    {"divisibleby", true, DivisibleBy},
    {"eq", true, Compares<Op::kEq>},
    {"equalto", true, Compares<Op::kEq>},
    {"escaped", false, Is<[](const Value& v) { return v.is_markup(); }>},
    {"even", false, Even},
    {"false", false, Is<[](const Value& v) { return v.is(Type::kBool) && !v.as_bool(); }>},
    {"filter", false, IsFilter},
    {"float", false, Is<[](const Value& v) { return v.is(Type::kFloat); }>},
    {"ge", true, Compares<Op::kGe>},
    {"greaterthan", true, Compares<Op::kGt>},
    {"gt", true, Compares<Op::kGt>},
    {"in", true, Compares<Op::kIn>},
    {"integer", false, Is<[](const Value& v) { return v.is(Type::kInt) || v.is(Type::kBigInt); }>},
    {"iterable", false, Is<Iterable>},
    {"le", true, Compares<Op::kLe>},
    {"lessthan", true, Compares<Op::kLt>},
    {"lower", false, HasCase<false>},
    {"lt", true, Compares<Op::kLt>},
    {"mapping", false, Is<[](const Value& v) { return v.is(Type::kDict); }>},
    {"ne", true, Compares<Op::kNe>},
    {"none", false, Is<[](const Value& v) { return v.is_none(); }>},
    {"number", false, Is<[](const Value& v) { return v.is_number() || v.is(Type::kBigInt); }>},
    {"odd", false, Odd},
    {"sameas", true, SameAs},
    {"sequence", false, Is<Sequence>},
    {"string", false, Is<[](const Value& v) { return v.is_string(); }>},
    {"test", false, IsTest},
    {"true", false, Is<[](const Value& v) { return v.is(Type::kBool) && v.as_bool(); }>},
    {"undefined", false, Is<[](const Value& v) { return v.is_undefined(); }>},
    {"upper", false, HasCase<true>},
};

}  // namespace

int FindFilter(std::string_view name) {
  const auto* at = std::lower_bound(std::begin(kFilterNames), std::end(kFilterNames), name);
  return at != std::end(kFilterNames) && *at == name
             ? static_cast<int>(at - std::begin(kFilterNames))
             : -1;
}

int FindTest(std::string_view name) {
  const auto* at =
      std::lower_bound(std::begin(kTests), std::end(kTests), name,
                       [](const Entry& e, std::string_view wanted) { return e.name < wanted; });
  return at != std::end(kTests) && at->name == name ? static_cast<int>(at - std::begin(kTests))
                                                    : -1;
}

bool Runtime::ApplyFilter(int filter, const Value& input, CallArgs& args, Value* out) {
  Level level(this);
  if (!Step() || !level.Enter()) return false;
  return FilterOf(kFilterNames[filter])(*this, input, args, out) && Ok();
}

bool Runtime::ApplyTest(int test, const Value& input, CallArgs& args, bool* out) {
  Level level(this);
  if (!Step() || !level.Enter()) return false;
  const Entry& entry = kTests[test];
  if (!args.named.empty() || args.positional.size() != (entry.takes_argument ? 1 : 0)) {
    return Fail(absl::StrCat("the test '", std::string(entry.name), "' takes ",
                             entry.takes_argument ? "one argument" : "no argument"));
  }
  return entry.test(*this, input, entry.takes_argument ? &args.positional[0] : nullptr, out) &&
         Ok();
}

}  // namespace hob::text::jinja
