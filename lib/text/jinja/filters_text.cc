// SPDX-License-Identifier: Apache-2.0
// Filters on text: each takes str() of its input.
#include <algorithm>

#include "lib/text/jinja/filters.h"
#include "lib/text/jinja/json.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

template <std::string (*Convert)(std::string_view)>
bool Map(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  Value text;
  if (!BindNone(rt, "filter", args) || !rt.ToString(input, &text)) return false;
  if (!rt.heap().Spend(text.str().size() / 16)) return rt.Ok();
  *out = rt.heap().String(Convert(text.str()), text.is_markup());
  return rt.Ok();
}

bool Trim(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"chars"};
  const Value* bound[1];
  Value text;
  if (!Bind(rt, "trim", args, kNames, 0, bound) || !rt.ToString(input, &text)) return false;
  std::string_view stripped;
  if (bound[0] == nullptr || bound[0]->is_none()) {
    stripped = StripSpace(text.str(), true, true);
    if (!rt.heap().Spend((text.str().size() - stripped.size()) / 16)) return rt.Ok();
  } else {
    std::string_view chars;
    if (!StringArg(rt, bound[0], &chars)) return false;
    if (!rt.heap().SpendSearch(text.str().size(), chars.size())) return rt.Ok();
    stripped = StripChars(text.str(), chars, true, true);
  }
  *out = rt.heap().String(stripped, text.is_markup());
  return rt.Ok();
}

bool String(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  return BindNone(rt, "string", args) && rt.ToString(input, out);
}

bool Safe(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  Value text;
  if (!BindNone(rt, "safe", args) || !rt.ToString(input, &text)) return false;
  *out = text.is_markup() ? text : rt.heap().String(text.str(), true);
  return rt.Ok();
}

bool Escape(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  Value text;
  if (!BindNone(rt, "escape", args) || !rt.ToString(input, &text)) return false;
  if (!rt.heap().Room(text.str().size())) return rt.Ok();
  *out = text.is_markup() ? text : rt.heap().String(EscapeHtml(text.str()), true);
  return rt.Ok();
}

bool Replace(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"old", "new", "count"};
  const Value* bound[3];
  Value text, from, to;
  int64_t count = -1;
  if (!Bind(rt, "replace", args, kNames, 2, bound) || !rt.ToString(input, &text) ||
      !rt.ToString(*bound[0], &from) || !rt.ToString(*bound[1], &to)) {
    return false;
  }
  if (bound[2] != nullptr && !bound[2]->is_none() && !IntArg(rt, bound[2], &count)) return false;
  std::string result;
  if (!ReplaceText(rt, text.str(), from.str(), to.str(), count, &result)) return false;
  *out = rt.heap().String(std::move(result));
  return rt.Ok();
}

bool Join(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"d", "attribute"};
  const Value* bound[2];
  std::vector<Value> items;
  if (!Bind(rt, "join", args, kNames, 0, bound) || !rt.Iterate(input, &items)) return false;
  std::string separator, text;
  if (bound[0] != nullptr && !rt.Str(*bound[0], &separator)) return false;
  for (size_t i = 0; i < items.size(); ++i) {
    Value item = items[i];
    if (bound[1] != nullptr && !bound[1]->is_none() &&
        !rt.GetPath(items[i], *bound[1], nullptr, &item)) {
      return false;
    }
    // Spends for what is added alone; the sum is checked as it grows. An item may add nothing.
    if (i != 0) {
      if (text.size() + separator.size() > rt.heap().limits().text_bytes) {
        return rt.heap().Room(text.size() + separator.size()) || rt.Ok();
      }
      text += separator;
      if (!rt.heap().SpendBytes(separator.size())) return rt.Ok();
    }
    if (item.is_string()) {
      if (text.size() + item.str().size() > rt.heap().limits().text_bytes) {
        return rt.heap().Room(text.size() + item.str().size()) || rt.Ok();
      }
      text += item.str();
      if (!rt.heap().Spend(1 + item.str().size() / 256)) return rt.Ok();
    } else if (!rt.Str(item, &text)) {
      return false;
    }
  }
  *out = rt.heap().String(std::move(text));
  return rt.Ok();
}

bool Indent(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"width", "first", "blank"};
  const Value* bound[3];
  if (!Bind(rt, "indent", args, kNames, 0, bound)) return false;
  if (input.is_undefined()) return rt.FailUndefined(input);
  if (!input.is_string()) return rt.Fail("indent: the input is not a string");
  std::string indention(4, ' ');
  if (bound[0] != nullptr && bound[0]->is_string()) {
    indention = bound[0]->str();
  } else if (bound[0] != nullptr) {
    int64_t width = 4;
    if (!IntArg(rt, bound[0], &width)) return false;
    if (width > 4096) return rt.Fail("indent: too wide", StatusCode::kResourceExhausted);
    indention.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  }
  const bool first = bound[1] != nullptr && Truthy(*bound[1]);
  const bool blank = bound[2] != nullptr && Truthy(*bound[2]);
  // One more line end makes a trailing one show as an empty line.
  const std::string source = input.str() + "\n";
  if (!rt.heap().Spend(source.size() / 64)) return rt.Ok();
  std::string text;
  bool at_first = true;
  for (std::string_view line : SplitLines(source, false)) {
    if (!at_first) text += '\n';
    if (at_first ? first : (blank || !line.empty())) text += indention;
    text += line;
    at_first = false;
    if (text.size() > rt.heap().limits().text_bytes) return rt.heap().Room(text.size()) || rt.Ok();
  }
  *out = rt.heap().String(std::move(text), input.is_markup());
  return rt.Ok();
}

bool Center(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"width"};
  const Value* bound[1];
  int64_t width = 80;
  Value text;
  if (!Bind(rt, "center", args, kNames, 0, bound) || !IntArg(rt, bound[0], &width) ||
      !rt.ToString(input, &text)) {
    return false;
  }
  std::string result;
  if (!Pad(rt, text.str(), width, " ", '^', &result)) return false;
  *out = rt.heap().String(std::move(result), text.is_markup());
  return rt.Ok();
}

bool Truncate(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"length", "killwords", "end", "leeway"};
  const Value* bound[4];
  int64_t length = 255, leeway = 5;
  std::string_view s, end = "...";
  if (!Bind(rt, "truncate", args, kNames, 0, bound) || !IntArg(rt, bound[0], &length) ||
      !StringArg(rt, bound[2], &end)) {
    return false;
  }
  if (input.is_string() && !rt.heap().Spend(input.str().size() / 16)) return rt.Ok();
  const int64_t input_length = Length(input);
  if (input_length < 0) return rt.Fail("truncate: the input has no length");
  if (bound[3] != nullptr && !bound[3]->is_none() && !IntArg(rt, bound[3], &leeway)) return false;
  const auto end_length = static_cast<int64_t>(CountChars(end));
  if (length < end_length || leeway < 0) return rt.Fail("truncate: the length is too small");
  if (input_length - length <= leeway) {
    *out = input;
    return true;
  }
  if (!StringArg(rt, &input, &s)) return false;
  std::string_view kept = s.substr(0, CharOffset(s, static_cast<size_t>(length - end_length)));
  if (bound[1] == nullptr || !Truthy(*bound[1])) {
    const size_t space = kept.rfind(' ');
    if (space != std::string_view::npos) kept = kept.substr(0, space);
  }
  std::string text(kept);
  text += end;
  *out = rt.heap().String(std::move(text), input.is_markup());
  return rt.Ok();
}

bool Format(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  Value text;
  if (!rt.ToString(input, &text)) return false;
  if (!args.positional.empty() && !args.named.empty()) {
    return rt.Fail("format: positional and named arguments at the same time");
  }
  if (args.named.empty()) {
    return FormatPercent(rt, text, rt.heap().Tuple(std::move(args.positional)), out);
  }
  auto dict = rt.heap().NewDict();
  for (const auto& [name, value] : args.named) {
    rt.heap().Put(dict.get(), rt.heap().String(name), value);
  }
  return FormatPercent(rt, text, rt.heap().Dict(std::move(dict)), out);
}

// Hugging Face's tojson: json.dumps(), with nothing escaped for HTML.
bool ToJson(Runtime& rt, const Value& input, CallArgs& args, Value* out) {
  static constexpr std::string_view kNames[] = {"ensure_ascii", "indent", "separators",
                                                "sort_keys"};
  const Value* bound[4];
  if (!Bind(rt, "tojson", args, kNames, 0, bound)) return false;
  JsonStyle style;
  style.ensure_ascii = bound[0] != nullptr && Truthy(*bound[0]);
  style.sort_keys = bound[3] != nullptr && Truthy(*bound[3]);
  if (bound[1] != nullptr && !bound[1]->is_none()) {
    style.pretty = true;
    style.item_separator.assign(1, ',');  // assigning "," trips GCC 12's -Wrestrict
    if (bound[1]->is_string()) {
      style.indent = bound[1]->str();
    } else {
      int64_t width = 0;
      if (!IntArg(rt, bound[1], &width)) return false;
      if (width > 256) return rt.Fail("tojson: indent is limited to 256");
      style.indent.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    }
  }
  if (bound[2] != nullptr && !bound[2]->is_none()) {
    std::vector<Value> parts;
    std::string_view item, key;
    if (!rt.Iterate(*bound[2], &parts)) return false;
    if (parts.size() != 2) return rt.Fail("tojson: separators are two strings");
    if (!StringArg(rt, &parts[0], &item) || !StringArg(rt, &parts[1], &key)) return false;
    style.item_separator = std::string(item);
    style.key_separator = std::string(key);
  }
  std::string text;
  if (!WriteJson(rt, input, style, &text)) return false;
  *out = rt.heap().String(std::move(text));
  return rt.Ok();
}

constexpr FilterEntry kFilters[] = {
    {"capitalize", Map<Capitalize>},
    {"center", Center},
    {"e", Escape},
    {"escape", Escape},
    {"forceescape", Escape},
    {"format", Format},
    {"indent", Indent},
    {"join", Join},
    {"lower", Map<ToLower>},
    {"replace", Replace},
    {"safe", Safe},
    {"string", String},
    {"title", Map<JinjaTitle>},
    {"tojson", ToJson},
    {"trim", Trim},
    {"truncate", Truncate},
    {"upper", Map<ToUpper>},
};

}  // namespace

Filter FindTextFilter(std::string_view name) {
  for (const FilterEntry& entry : kFilters) {
    if (entry.name == name) return entry.filter;
  }
  return nullptr;
}

}  // namespace hob::text::jinja
