// SPDX-License-Identifier: Apache-2.0
// Methods of lists and dicts, and the functions that every template sees.
#include <algorithm>

#include "lib/text/jinja/runtime.h"

namespace hob::text::jinja {
namespace {

constexpr std::string_view kNoNames1[1] = {}, kNoNames2[2] = {}, kNoNames3[3] = {};

bool ListCount(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  const Value* bound[1];
  if (!Bind(rt, "count", args, kNoNames1, 1, bound)) return false;
  int64_t count = 0;
  std::vector<Value> items;
  if (!rt.Iterate(self, &items)) return false;
  for (const Value& item : items) {
    bool equal = false;
    if (!rt.Equal(item, *bound[0], &equal)) return false;
    if (equal) ++count;
  }
  *out = Value::Int(count);
  return true;
}

bool ListIndex(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  const Value* bound[1];
  if (!Bind(rt, "index", args, kNoNames1, 1, bound)) return false;
  std::vector<Value> items;
  if (!rt.Iterate(self, &items)) return false;
  for (size_t i = 0; i < items.size(); ++i) {
    bool equal = false;
    if (!rt.Equal(items[i], *bound[0], &equal)) return false;
    if (equal) {
      *out = Value::Int(static_cast<int64_t>(i));
      return true;
    }
  }
  return rt.Fail("the value is not in the list");
}

// Values are immutable, so a copy is the value itself.
bool Copy(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  if (!BindNone(rt, "copy", args)) return false;
  *out = self;
  return true;
}

bool DictGet(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  const Value* bound[2];
  if (!Bind(rt, "get", args, kNoNames2, 1, bound)) return false;
  if (!IsHashable(*bound[0])) {
    return rt.Fail(absl::StrCat("unhashable type: '", std::string(TypeName(*bound[0])), "'"));
  }
  if (!rt.heap().SpendKey(self.dict().entries.size(), *bound[0])) return rt.Ok();
  const Value* found = self.dict().Find(*bound[0]);
  *out = found != nullptr ? *found : bound[1] != nullptr ? *bound[1] : Value::None();
  return true;
}

template <ViewObject::Kind kKind>
bool DictView(Runtime& rt, const Value& self, CallArgs& args, Value* out) {
  if (!BindNone(rt, "method", args)) return false;
  *out = rt.heap().View(kKind, self);
  return rt.Ok();
}

bool RaiseException(Runtime& rt, const Value&, CallArgs& args, Value*) {
  static constexpr std::string_view kNames[] = {"message"};
  const Value* bound[1];
  std::string message;
  if (!Bind(rt, "raise_exception", args, kNames, 1, bound) || !rt.Str(*bound[0], &message)) {
    return false;
  }
  return rt.Raise(message);
}

bool Range(Runtime& rt, const Value&, CallArgs& args, Value* out) {
  constexpr int64_t kMaxItems = 100000;  // as jinja2's sandbox
  constexpr int64_t kMaxBound = int64_t{1} << 31;
  const Value* bound[3];
  int64_t values[3] = {0, 0, 1};
  if (!Bind(rt, "range", args, kNoNames3, 1, bound)) return false;
  for (size_t i = 0; i < 3; ++i) {
    if (!IntArg(rt, bound[i], &values[i])) return false;
    if (values[i] > kMaxBound || values[i] < -kMaxBound) {
      return rt.Fail("the bounds of range() are too large", StatusCode::kResourceExhausted);
    }
  }
  if (bound[1] == nullptr) std::swap(values[0], values[1]);
  if (values[2] == 0) return rt.Fail("the step of range() is 0");
  *out = rt.heap().Range(values[0], values[1], values[2]);
  if (Length(*out) > kMaxItems) {
    return rt.Fail(absl::StrCat("range() is limited to ", kMaxItems, " items"),
                   StatusCode::kResourceExhausted);
  }
  return rt.Ok();
}

// dict(mapping or pairs, **named)
bool MakeDict(Runtime& rt, const CallArgs& args, Value* out) {
  if (args.positional.size() > 1) return rt.Fail("dict() takes at most one positional argument");
  auto dict = rt.heap().NewDict();
  if (!args.positional.empty()) {
    const Value& from = args.positional[0];
    if (from.is(Type::kDict)) {
      for (const auto& [key, value] : from.dict().entries) {
        if (!rt.Step()) return false;
        rt.heap().Put(dict.get(), key, value);
      }
    } else {
      std::vector<Value> pairs;
      if (!rt.Iterate(from, &pairs)) return false;
      for (const Value& pair : pairs) {
        std::vector<Value> parts;
        if (!rt.Step() || !rt.Iterate(pair, &parts)) return false;
        if (parts.size() != 2) return rt.Fail("dict() takes pairs");
        if (!IsHashable(parts[0])) return rt.Fail("a key of dict() is unhashable");
        rt.heap().Put(dict.get(), std::move(parts[0]), std::move(parts[1]));
      }
    }
  }
  for (const auto& [name, value] : args.named) {
    rt.heap().Put(dict.get(), rt.heap().String(name), value);
  }
  *out = rt.heap().Dict(std::move(dict));
  return rt.Ok();
}

bool Dict(Runtime& rt, const Value&, CallArgs& args, Value* out) { return MakeDict(rt, args, out); }

bool Cycler(Runtime& rt, const Value&, CallArgs& args, Value* out) {
  if (args.positional.empty() || !args.named.empty()) {
    return rt.Fail("cycler() takes one or more positional arguments");
  }
  auto cycler = rt.heap().New<CyclerObject>(args.positional.size() * sizeof(Value));
  rt.heap().Nest(cycler.get(), args.positional);
  cycler->items = std::move(args.positional);
  *out = Value(Type::kCycler, std::move(cycler));
  return rt.Ok();
}

bool Joiner(Runtime& rt, const Value&, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"sep"};
  const Value* bound[1];
  std::string_view separator = ", ";
  if (!Bind(rt, "joiner", args, kNames, 0, bound) || !StringArg(rt, bound[0], &separator)) {
    return false;
  }
  auto joiner = rt.heap().New<JoinerObject>(separator.size());
  joiner->separator = std::string(separator);
  *out = Value(Type::kJoiner, std::move(joiner));
  return rt.Ok();
}

bool Namespace(Runtime& rt, const Value&, CallArgs& args, Value* out) {
  Value dict;
  if (!MakeDict(rt, args, &dict)) return false;
  *out = rt.NewNamespace();
  for (const auto& [key, value] : dict.dict().entries) {
    if (!key.is_string()) return rt.Fail("the attributes of a namespace are named by strings");
    if (!rt.SetAttribute(*out, key.str(), value)) return false;
  }
  return rt.Ok();
}

}  // namespace

bool FindSequenceMember(std::string_view name, bool is_list, Method* method) {
  static constexpr std::string_view kMutating[] = {"append", "clear",  "extend",  "insert",
                                                   "pop",    "remove", "reverse", "sort"};
  *method = nullptr;
  if (name == "count" || name == "index") {
    *method = name == "count" ? ListCount : ListIndex;
    return true;
  }
  if (!is_list) return false;
  if (name == "copy") {
    *method = Copy;
    return true;
  }
  return std::find(std::begin(kMutating), std::end(kMutating), name) != std::end(kMutating);
}

bool FindDictMethod(std::string_view name, Method* method) {
  *method = name == "get"      ? DictGet
            : name == "items"  ? DictView<ViewObject::Kind::kItems>
            : name == "keys"   ? DictView<ViewObject::Kind::kKeys>
            : name == "values" ? DictView<ViewObject::Kind::kValues>
            : name == "copy"   ? Copy
                               : Method{nullptr};
  return *method != nullptr || name == "clear" || name == "fromkeys" || name == "pop" ||
         name == "popitem" || name == "setdefault" || name == "update";
}

Method FindGlobal(std::string_view name) {
  if (name == "raise_exception") return RaiseException;
  if (name == "namespace") return Namespace;
  if (name == "range") return Range;
  if (name == "dict") return Dict;
  if (name == "strftime_now") return StrftimeNow;
  if (name == "cycler") return Cycler;
  if (name == "joiner") return Joiner;
  return nullptr;
}

}  // namespace hob::text::jinja
