// SPDX-License-Identifier: Apache-2.0
// Filters on sequences and mappings. Those that are generators in jinja2 give an iterator here:
// always true, without length, read once.
#include <algorithm>

#include "lib/text/jinja/filters.h"
#include "lib/text/jinja/tables.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

// The key that sorting and comparing use: `attribute` of the item, in lower case if asked for.
bool MakeKey(Runtime& rt, const Value& item, const Value* attribute, bool case_sensitive,
             Value* out) {
  *out = item;
  if (attribute != nullptr && !rt.GetPath(item, *attribute, nullptr, out)) return false;
  if (!case_sensitive && out->is_string()) {
    if (!rt.heap().Spend(out->str().size() / 16)) return rt.Ok();
    *out = rt.heap().String(ToLower(out->str()));
  }
  return rt.Ok();
}

struct Keyed {
  Value key, item;
};

// Sorts as Python's sorted(): stable, with reverse too.
bool SortKeyed(Runtime& rt, bool reverse, std::vector<Keyed>* items) {
  std::stable_sort(items->begin(), items->end(), [&rt, reverse](const Keyed& a, const Keyed& b) {
    if (!rt.status().ok()) return false;
    bool less = false;
    return rt.Less(reverse ? b.key : a.key, reverse ? a.key : b.key, Op::kLt, &less) && less;
  });
  return rt.Ok();
}

bool Flag(const Value* v) { return v != nullptr && Truthy(*v); }

bool Sort(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"reverse", "case_sensitive", "attribute"};
  const Value* bound[3];
  std::vector<Value> items;
  if (!Bind(rt, "sort", args, kNames, 0, bound) || !rt.Iterate(input, &items)) return false;
  // "a,b" sorts by several attributes.
  std::vector<Value> attributes;
  if (bound[2] != nullptr && bound[2]->is_string()) {
    std::string_view rest = bound[2]->str();
    while (true) {
      const size_t comma = rest.find(',');
      if (!rt.Step()) return false;
      attributes.push_back(rt.heap().String(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  } else {
    attributes.push_back(bound[2] != nullptr ? *bound[2] : Value::None());
  }
  std::vector<Keyed> keyed;
  for (Value& item : items) {
    std::vector<Value> keys;
    for (const Value& attribute : attributes) {
      keys.emplace_back();
      if (!rt.Step() || !MakeKey(rt, item, &attribute, Flag(bound[1]), &keys.back())) return false;
    }
    keyed.push_back({rt.heap().List(std::move(keys)), std::move(item)});
  }
  if (!SortKeyed(rt, Flag(bound[0]), &keyed)) return false;
  for (size_t i = 0; i < items.size(); ++i) items[i] = std::move(keyed[i].item);
  *out = rt.heap().List(std::move(items));
  return rt.Ok();
}

bool DictSort(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"case_sensitive", "by", "reverse"};
  const Value* bound[3];
  std::string_view by = "key";
  if (!Bind(rt, "dictsort", args, kNames, 0, bound) || !StringArg(rt, bound[1], &by)) return false;
  if (input.is_undefined()) return rt.FailUndefined(input);
  if (!input.is(Type::kDict)) return rt.Fail("dictsort: the input is not a mapping");
  if (by != "key" && by != "value") return rt.Fail("dictsort: by is either 'key' or 'value'");
  std::vector<Value> pairs;
  if (!rt.Items(input, &pairs)) return false;
  std::vector<Keyed> keyed;
  for (Value& pair : pairs) {
    Value key;
    if (!MakeKey(rt, pair.items()[by == "key" ? 0 : 1], nullptr, Flag(bound[0]), &key)) {
      return false;
    }
    keyed.push_back({std::move(key), std::move(pair)});
  }
  if (!SortKeyed(rt, Flag(bound[2]), &keyed)) return false;
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = std::move(keyed[i].item);
  *out = rt.heap().List(std::move(pairs));
  return rt.Ok();
}

bool Unique(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"case_sensitive", "attribute"};
  const Value* bound[2];
  std::vector<Value> items, kept;
  if (!Bind(rt, "unique", args, kNames, 0, bound) || !rt.Iterate(input, &items)) return false;
  auto seen = rt.heap().NewDict();
  for (Value& item : items) {
    Value key;
    if (!rt.Step() || !MakeKey(rt, item, bound[1], Flag(bound[0]), &key)) return false;
    if (!IsHashable(key)) {
      return rt.Fail(absl::StrCat("unhashable type: '", std::string(TypeName(key)), "'"));
    }
    if (!rt.heap().SpendKey(seen->entries.size(), key)) return rt.Ok();
    if (seen->Find(key) != nullptr) continue;
    rt.heap().Put(seen.get(), std::move(key), Value::None());
    kept.push_back(std::move(item));
  }
  *out = rt.heap().Iterator(std::move(kept));
  return rt.Ok();
}

template <bool kMax>
bool MinMax(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"case_sensitive", "attribute"};
  const Value* bound[2];
  std::vector<Value> items;
  if (!Bind(rt, kMax ? "max" : "min", args, kNames, 0, bound) || !rt.Iterate(input, &items)) {
    return false;
  }
  if (items.empty()) {
    *out = rt.heap().Undefined("No aggregated item, sequence was empty.");
    return rt.Ok();
  }
  Value best;
  for (size_t i = 0; i < items.size(); ++i) {
    Value key;
    bool better = i == 0;
    if (!MakeKey(rt, items[i], bound[1], Flag(bound[0]), &key)) return false;
    if (i != 0 && !rt.Less(key, best, kMax ? Op::kGt : Op::kLt, &better)) return false;
    if (better) {
      best = std::move(key);
      *out = items[i];
    }
  }
  return rt.Ok();
}

bool Sum(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"attribute", "start"};
  const Value* bound[2];
  std::vector<Value> items;
  if (!Bind(rt, "sum", args, kNames, 0, bound) || !rt.Iterate(input, &items)) return false;
  *out = bound[1] != nullptr ? *bound[1] : Value::Int(0);
  if (out->is_string()) return rt.Fail("sum: strings cannot be summed");
  for (Value& item : items) {
    if (bound[0] != nullptr && !bound[0]->is_none()) {
      const Value whole = item;
      if (!rt.GetPath(whole, *bound[0], nullptr, &item)) return false;
    }
    Value sum;
    if (!rt.Math(Op::kAdd, *out, item, &sum)) return false;
    *out = std::move(sum);
  }
  return rt.Ok();
}

bool First(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  if (!BindNone(rt, "first", args)) return false;
  if (input.is_sequence() && !input.items().empty()) {
    *out = input.items().front();
    return true;
  }
  if (input.is(Type::kIterator)) {
    IteratorObject& iterator = input.iterator();
    if (iterator.next < iterator.items.size()) {
      *out = std::move(iterator.items[iterator.next++]);
      return true;
    }
  }
  if (input.is_string() && !input.str().empty()) return rt.GetItem(input, Value::Int(0), out);
  std::vector<Value> items;
  if (!rt.Iterate(input, &items)) return false;
  *out = items.empty() ? rt.heap().Undefined("No first item, sequence was empty.") : items.front();
  return rt.Ok();
}

bool Last(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  if (!BindNone(rt, "last", args)) return false;
  if (input.is(Type::kIterator)) return rt.Fail("'generator' cannot be reversed");
  if (input.is_sequence() && !input.items().empty()) {
    *out = input.items().back();
    return true;
  }
  if (input.is_string() && !input.str().empty()) return rt.GetItem(input, Value::Int(-1), out);
  std::vector<Value> items;
  if (!rt.Iterate(input, &items)) return false;
  *out = items.empty() ? rt.heap().Undefined("No last item, sequence was empty.") : items.back();
  return rt.Ok();
}

bool List(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  std::vector<Value> items;
  if (!BindNone(rt, "list", args) || !rt.Iterate(input, &items)) return false;
  *out = rt.heap().List(std::move(items));
  return rt.Ok();
}

bool Items(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  std::vector<Value> pairs;
  if (!BindNone(rt, "items", args)) return false;
  if (!input.is_undefined()) {
    if (!input.is(Type::kDict)) return rt.Fail("items: the input is not a mapping");
    if (!rt.Items(input, &pairs)) return false;
  }
  *out = rt.heap().Iterator(std::move(pairs));
  return rt.Ok();
}

bool Reverse(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  if (!BindNone(rt, "reverse", args)) return false;
  if (input.is_string()) {
    return rt.GetSlice(input, Value::None(), Value::None(), Value::Int(-1), out);
  }
  const bool generator = input.is(Type::kIterator);
  std::vector<Value> items;
  if (!rt.Iterate(input, &items)) return false;
  std::reverse(items.begin(), items.end());
  *out = generator ? rt.heap().List(std::move(items)) : rt.heap().Iterator(std::move(items));
  return rt.Ok();
}

bool Map(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  std::vector<Value> items, results;
  const Value* attribute = nullptr;
  const Value* fallback = nullptr;
  int filter = -1;
  CallArgs inner;
  if (Truthy(input)) {
    if (args.positional.empty() && !args.named.empty() &&
        std::any_of(args.named.begin(), args.named.end(),
                    [](const auto& named) { return named.first == "attribute"; })) {
      for (const auto& [name, value] : args.named) {
        if (name == "attribute") {
          attribute = &value;
        } else if (name == "default") {
          fallback = &value;
        } else {
          return rt.Fail(absl::StrCat("map: unexpected argument '", name, "'"));
        }
      }
    } else {
      std::string_view name;
      if (args.positional.empty()) return rt.Fail("map: misses the name of a filter");
      if (!StringArg(rt, &args.positional[0], &name)) return false;
      filter = FindFilter(name);
      if (filter < 0) {
        return rt.Fail(absl::StrCat("the filter '", std::string(name), "' is not supported"),
                       StatusCode::kUnimplemented);
      }
      inner.positional.assign(args.positional.begin() + 1, args.positional.end());
      inner.named = args.named;
    }
    if (!rt.Iterate(input, &items)) return false;
  }
  for (const Value& item : items) {
    Value result;
    if (!rt.Step() || !rt.heap().Spend(inner.positional.size() + inner.named.size())) {
      return rt.Ok();
    }
    if (attribute != nullptr) {
      if (!rt.GetPath(item, *attribute, fallback, &result)) return false;
    } else {
      CallArgs copy = inner;
      if (!rt.ApplyFilter(filter, item, copy, &result)) return false;
    }
    results.push_back(std::move(result));
  }
  *out = rt.heap().Iterator(std::move(results));
  return rt.Ok();
}

template <bool kWanted, bool kByAttribute>
bool Select(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  std::vector<Value> items, kept;
  constexpr size_t kTestAt = kByAttribute ? 1 : 0;
  int test = -1;
  CallArgs inner;
  if (Truthy(input)) {
    if (kByAttribute && args.positional.empty()) return rt.Fail("misses the name of an attribute");
    if (args.positional.size() > kTestAt) {
      std::string_view name;
      if (!StringArg(rt, &args.positional[kTestAt], &name)) return false;
      test = FindTest(name);
      if (test < 0) {
        return rt.Fail(absl::StrCat("the test '", std::string(name), "' is not supported"),
                       StatusCode::kUnimplemented);
      }
      inner.positional.assign(args.positional.begin() + kTestAt + 1, args.positional.end());
      inner.named = args.named;
    }
    if (!rt.Iterate(input, &items)) return false;
  }
  for (Value& item : items) {
    Value subject = item;
    if (!rt.Step() || !rt.heap().Spend(inner.positional.size() + inner.named.size())) {
      return rt.Ok();
    }
    if (kByAttribute && !rt.GetPath(item, args.positional[0], nullptr, &subject)) return false;
    bool passed = false;
    if (test < 0) {
      passed = Truthy(subject);
    } else {
      CallArgs copy = inner;
      if (!rt.ApplyTest(test, subject, copy, &passed)) return false;
    }
    if (passed == kWanted) kept.push_back(std::move(item));
  }
  *out = rt.heap().Iterator(std::move(kept));
  return rt.Ok();
}

bool Batch(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"linecount", "fill_with"};
  const Value* bound[2];
  int64_t size = 0;
  std::vector<Value> items, rows, row;
  if (!Bind(rt, "batch", args, kNames, 1, bound) || !IntArg(rt, bound[0], &size) ||
      !rt.Iterate(input, &items)) {
    return false;
  }
  if (size < 1) return rt.Fail("batch: the size must be positive");
  for (Value& item : items) {
    if (static_cast<int64_t>(row.size()) == size) {
      if (!rt.Step()) return false;
      rows.push_back(rt.heap().List(std::move(row)));
      row.clear();
    }
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    if (bound[1] != nullptr && !bound[1]->is_none()) {
      if (size > 100000 || !rt.heap().RoomForItems(static_cast<size_t>(size))) {
        rt.heap().Exceed("the limit on memory");
        return rt.Ok();
      }
      row.resize(static_cast<size_t>(size), *bound[1]);
    }
    rows.push_back(rt.heap().List(std::move(row)));
  }
  *out = rt.heap().Iterator(std::move(rows));
  return rt.Ok();
}

constexpr FilterEntry kFilters[] = {
    {"batch", Batch},
    {"dictsort", DictSort},
    {"first", First},
    {"items", Items},
    {"last", Last},
    {"list", List},
    {"map", Map},
    {"max", MinMax<true>},
    {"min", MinMax<false>},
    {"reject", Select<false, false>},
    {"rejectattr", Select<false, true>},
    {"reverse", Reverse},
    {"select", Select<true, false>},
    {"selectattr", Select<true, true>},
    {"sort", Sort},
    {"sum", Sum},
    {"unique", Unique},
};

}  // namespace

Filter FindListFilter(std::string_view name) {
  for (const FilterEntry& entry : kFilters) {
    if (entry.name == name) return entry.filter;
  }
  return nullptr;
}

}  // namespace hob::text::jinja
