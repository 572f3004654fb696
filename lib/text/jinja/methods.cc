// SPDX-License-Identifier: Apache-2.0
// Methods of strings: Python's, on code points. Markup gives Markup back.
#include <algorithm>
#include <limits>

#include "lib/text/jinja/runtime.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

using Args = CallArgs;
constexpr std::string_view kNoNames2[2] = {}, kNoNames3[3] = {}, kNoNames1[1] = {};

bool Give(Runtime& rt, std::string text, const Value& like, Value* out) {
  *out = rt.heap().String(std::move(text), like.is_markup());
  return rt.Ok();
}
bool Give(Runtime& rt, std::string_view text, const Value& like, Value* out) {
  return Give(rt, std::string(text), like, out);
}

template <std::string (*Convert)(std::string_view)>
bool Map(Runtime& rt, const Value& self, Args& args, Value* out) {
  if (!BindNone(rt, "method", args)) return false;
  if (!rt.heap().Spend(self.str().size() / 16)) return rt.Ok();
  return Give(rt, Convert(self.str()), self, out);
}

template <bool kLeft, bool kRight>
bool Strip(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[1];
  if (!Bind(rt, "strip", args, kNoNames1, 0, bound)) return false;
  if (bound[0] == nullptr || bound[0]->is_none()) {
    const std::string_view stripped = StripSpace(self.str(), kLeft, kRight);
    if (!rt.heap().Spend((self.str().size() - stripped.size()) / 16)) return rt.Ok();
    return Give(rt, stripped, self, out);
  }
  std::string_view chars;
  if (!StringArg(rt, bound[0], &chars)) return false;
  if (!rt.heap().SpendSearch(self.str().size(), chars.size())) return rt.Ok();
  return Give(rt, StripChars(self.str(), chars, kLeft, kRight), self, out);
}

// The part of `s` that the arguments start and end (code points, as in slices) name, and where it
// begins in characters. False in *valid when start lies behind the end of the string.
bool Range(Runtime& rt, std::string_view s, const Value* start, const Value* end,
           std::string_view* part, int64_t* first, bool* valid) {
  *part = s;
  *first = 0;
  *valid = true;
  const bool has_start = start != nullptr && !start->is_none();
  const bool has_end = end != nullptr && !end->is_none();
  if (!has_start && !has_end) return true;
  if (!rt.heap().Spend(s.size() / 64)) return rt.Ok();
  const auto length = static_cast<int64_t>(CountChars(s));
  int64_t from = 0, to = length;
  if (has_start && !IntArg(rt, start, &from)) return false;
  if (has_end && !IntArg(rt, end, &to)) return false;
  if (from < 0) from = std::max<int64_t>(from + length, 0);
  if (to < 0) to = std::max<int64_t>(to + length, 0);
  to = std::min(to, length);
  if (from > to) {
    *valid = false;
    *part = {};
    return true;
  }
  *first = from;
  const size_t begin = CharOffset(s, static_cast<size_t>(from));
  *part = s.substr(begin, CharOffset(s.substr(begin), static_cast<size_t>(to - from)));
  return true;
}

template <bool kPrefix>
bool StartsEndsWith(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[3];
  if (!Bind(rt, kPrefix ? "startswith" : "endswith", args, kNoNames3, 1, bound)) return false;
  std::string_view part;
  int64_t first;
  bool valid;
  if (!Range(rt, self.str(), bound[1], bound[2], &part, &first, &valid)) return false;
  const auto matches = [&](std::string_view affix) {
    if (!valid || affix.size() > part.size()) return false;
    return kPrefix ? part.substr(0, affix.size()) == affix
                   : part.substr(part.size() - affix.size()) == affix;
  };
  bool result = false;
  if (bound[0]->is(Type::kTuple)) {
    for (const Value& item : bound[0]->items()) {
      std::string_view affix;
      if (!StringArg(rt, &item, &affix)) return false;
      if (!rt.heap().Spend(1 + affix.size() / 256)) return rt.Ok();
      result = result || matches(affix);
    }
  } else {
    std::string_view affix;
    if (!StringArg(rt, bound[0], &affix)) return false;
    if (!rt.heap().SpendBytes(affix.size())) return rt.Ok();
    result = matches(affix);
  }
  *out = Value::Bool(result);
  return true;
}

template <bool kFromRight, bool kMustFind>
bool Find(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[3];
  std::string_view needle, part;
  int64_t first;
  bool valid;
  if (!Bind(rt, "find", args, kNoNames3, 1, bound) || !StringArg(rt, bound[0], &needle) ||
      !Range(rt, self.str(), bound[1], bound[2], &part, &first, &valid)) {
    return false;
  }
  if (!rt.heap().SpendSearch(part.size(), needle.size())) return rt.Ok();
  const size_t at = !valid       ? std::string_view::npos
                    : kFromRight ? part.rfind(needle)
                                 : part.find(needle);
  if (at == std::string_view::npos) {
    if (kMustFind) return rt.Fail("substring not found");
    *out = Value::Int(-1);
    return true;
  }
  *out = Value::Int(first + static_cast<int64_t>(CountChars(part.substr(0, at))));
  return true;
}

bool Count(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[3];
  std::string_view needle, part;
  int64_t first;
  bool valid;
  if (!Bind(rt, "count", args, kNoNames3, 1, bound) || !StringArg(rt, bound[0], &needle) ||
      !Range(rt, self.str(), bound[1], bound[2], &part, &first, &valid)) {
    return false;
  }
  if (!rt.heap().SpendSearch(part.size(), needle.size())) return rt.Ok();
  int64_t count = 0;
  if (valid && needle.empty()) {
    count = static_cast<int64_t>(CountChars(part)) + 1;
  } else if (valid) {
    for (size_t at = part.find(needle); at != std::string_view::npos;
         at = part.find(needle, at + needle.size())) {
      ++count;
    }
  }
  *out = Value::Int(count);
  return true;
}

bool Replace(Runtime& rt, const Value& self, Args& args, Value* out) {
  static constexpr std::string_view kNames[] = {"", "", "count"};
  const Value* bound[3];
  std::string_view from, to;
  int64_t count = -1;
  if (!Bind(rt, "replace", args, kNames, 2, bound) || !StringArg(rt, bound[0], &from) ||
      !StringArg(rt, bound[1], &to) || !IntArg(rt, bound[2], &count)) {
    return false;
  }
  std::string escaped;
  if (self.is_markup() && !bound[1]->is_markup()) {
    escaped = EscapeHtml(to);
    to = escaped;
  }
  std::string text;
  if (!ReplaceText(rt, self.str(), from, to, count, &text)) return false;
  return Give(rt, std::move(text), self, out);
}

// Words between runs of white space; at most `limit` splits when it is not negative.
std::vector<std::string_view> SplitSpace(std::string_view s, int64_t limit) {
  std::vector<std::string_view> parts;
  size_t pos = 0;
  while (true) {
    std::string_view rest = StripSpace(s.substr(pos), true, false);
    pos = s.size() - rest.size();
    if (rest.empty()) return parts;
    if (limit >= 0 && static_cast<int64_t>(parts.size()) >= limit) {
      parts.push_back(StripSpace(rest, false, true));
      return parts;
    }
    size_t end = pos;
    char32_t cp;
    while (end < s.size()) {
      const size_t length = DecodeChar(s, end, &cp);
      if (IsSpace(cp)) break;
      end += length;
    }
    parts.push_back(s.substr(pos, end - pos));
    pos = end;
  }
}

std::vector<std::string_view> SplitSpaceFromRight(std::string_view s, int64_t limit) {
  const std::vector<std::string_view> all = SplitSpace(s, -1);
  const auto count = static_cast<int64_t>(all.size());
  if (limit < 0 || count <= limit) return all;
  std::vector<std::string_view> parts;
  const size_t kept = static_cast<size_t>(count - limit);
  if (limit == 0) return {StripSpace(s, false, true)};
  // What stays unsplit keeps the white space that it begins with and has inside.
  const char* end = all[kept - 1].data() + all[kept - 1].size();
  parts.push_back(s.substr(0, static_cast<size_t>(end - s.data())));
  parts.insert(parts.end(), all.begin() + static_cast<ptrdiff_t>(kept), all.end());
  return parts;
}

template <bool kFromRight>
bool Split(Runtime& rt, const Value& self, Args& args, Value* out) {
  static constexpr std::string_view kNames[] = {"sep", "maxsplit"};
  const Value* bound[2];
  int64_t limit = -1;
  if (!Bind(rt, "split", args, kNames, 0, bound) || !IntArg(rt, bound[1], &limit)) return false;
  const std::string_view s = self.str();
  std::vector<std::string_view> parts;
  if (!rt.heap().Spend(s.size() / 64)) return rt.Ok();
  if (bound[0] == nullptr || bound[0]->is_none()) {
    parts = kFromRight ? SplitSpaceFromRight(s, limit) : SplitSpace(s, limit);
  } else {
    std::string_view separator;
    if (!StringArg(rt, bound[0], &separator)) return false;
    if (separator.empty()) return rt.Fail("empty separator");
    if (!rt.heap().SpendSearch(s.size(), separator.size())) return rt.Ok();
    const auto more = [&] { return limit < 0 || static_cast<int64_t>(parts.size()) < limit; };
    if (kFromRight) {
      std::string_view rest = s;
      for (size_t at; more() && (at = rest.rfind(separator)) != std::string_view::npos;) {
        parts.push_back(rest.substr(at + separator.size()));
        rest = rest.substr(0, at);
      }
      parts.push_back(rest);
      std::reverse(parts.begin(), parts.end());
    } else {
      size_t pos = 0;
      for (size_t at; more() && (at = s.find(separator, pos)) != std::string_view::npos;) {
        parts.push_back(s.substr(pos, at - pos));
        pos = at + separator.size();
      }
      parts.push_back(s.substr(pos));
    }
  }
  if (!rt.heap().RoomForItems(parts.size())) return rt.Ok();
  std::vector<Value> items;
  items.reserve(parts.size());
  for (std::string_view part : parts) {
    if (rt.heap().exceeded() != nullptr) return rt.Ok();
    items.push_back(rt.heap().String(part, self.is_markup()));
  }
  *out = rt.heap().List(std::move(items));
  return rt.Ok();
}

bool Lines(Runtime& rt, const Value& self, Args& args, Value* out) {
  static constexpr std::string_view kNames[] = {"keepends"};
  const Value* bound[1];
  if (!Bind(rt, "splitlines", args, kNames, 0, bound)) return false;
  const bool keep = bound[0] != nullptr && Truthy(*bound[0]);
  if (!rt.heap().Spend(self.str().size() / 64)) return rt.Ok();
  std::vector<Value> items;
  for (std::string_view line : SplitLines(self.str(), keep)) {
    if (!rt.heap().Spend(1)) return rt.Ok();
    items.push_back(rt.heap().String(line, self.is_markup()));
  }
  *out = rt.heap().List(std::move(items));
  return rt.Ok();
}

bool Join(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[1];
  std::vector<Value> items;
  if (!Bind(rt, "join", args, kNoNames1, 1, bound) || !rt.Iterate(*bound[0], &items)) return false;
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    std::string_view part;
    if (!StringArg(rt, &items[i], &part)) return false;
    if (i != 0) text += self.str();
    if (!rt.heap().Spend(1 + part.size() / 256) ||
        text.size() + part.size() > rt.heap().limits().text_bytes) {
      return rt.heap().Room(text.size() + part.size()) || rt.Ok();
    }
    self.is_markup() && !items[i].is_markup() ? text += EscapeHtml(part) : text += part;
  }
  return Give(rt, std::move(text), self, out);
}

template <bool kFromRight>
bool Partition(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[1];
  std::string_view separator;
  if (!Bind(rt, "partition", args, kNoNames1, 1, bound) || !StringArg(rt, bound[0], &separator)) {
    return false;
  }
  if (separator.empty()) return rt.Fail("empty separator");
  const std::string_view s = self.str();
  if (!rt.heap().SpendSearch(s.size(), separator.size())) return rt.Ok();
  const size_t at = kFromRight ? s.rfind(separator) : s.find(separator);
  std::string_view parts[3] = {};
  if (at == std::string_view::npos) {
    parts[kFromRight ? 2 : 0] = s;
  } else {
    parts[0] = s.substr(0, at);
    parts[1] = separator;
    parts[2] = s.substr(at + separator.size());
  }
  std::vector<Value> items;
  for (std::string_view part : parts) items.push_back(rt.heap().String(part, self.is_markup()));
  *out = rt.heap().Tuple(std::move(items));
  return rt.Ok();
}

template <bool kPrefix>
bool RemoveAffix(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[1];
  std::string_view affix, s = self.str();
  if (!Bind(rt, "removeprefix", args, kNoNames1, 1, bound) || !StringArg(rt, bound[0], &affix)) {
    return false;
  }
  if (!rt.heap().SpendBytes(affix.size())) return rt.Ok();
  if (!affix.empty() && affix.size() <= s.size()) {
    if (kPrefix && s.substr(0, affix.size()) == affix) {
      s.remove_prefix(affix.size());
    } else if (!kPrefix && s.substr(s.size() - affix.size()) == affix) {
      s.remove_suffix(affix.size());
    }
  }
  return Give(rt, s, self, out);
}

enum class Side { kLeft, kRight, kBoth };

template <Side kSide>
bool Justify(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[2];
  int64_t width = 0;
  std::string_view fill = " ";
  if (!Bind(rt, "center", args, kNoNames2, 1, bound) || !IntArg(rt, bound[0], &width) ||
      !StringArg(rt, bound[1], &fill)) {
    return false;
  }
  if (CountChars(fill) != 1) return rt.Fail("the fill character must be one character");
  std::string text;
  if (!Pad(rt, self.str(), width, fill,
           kSide == Side::kLeft    ? '<'
           : kSide == Side::kRight ? '>'
                                   : '^',
           &text)) {
    return false;
  }
  return Give(rt, std::move(text), self, out);
}

bool ZeroFill(Runtime& rt, const Value& self, Args& args, Value* out) {
  const Value* bound[1];
  int64_t width = 0;
  if (!Bind(rt, "zfill", args, kNoNames1, 1, bound) || !IntArg(rt, bound[0], &width)) return false;
  std::string text;
  if (!Pad(rt, self.str(), width, "0", '>', &text)) return false;
  const size_t zeros = text.size() - self.str().size();
  if (zeros > 0 && !self.str().empty() && (self.str()[0] == '+' || self.str()[0] == '-')) {
    std::swap(text[0], text[zeros]);
  }
  return Give(rt, std::move(text), self, out);
}

bool Format(Runtime& rt, const Value& self, Args& args, Value* out) {
  return FormatBraces(rt, self, args, out);
}

enum class Class { kAlpha, kDigit, kAlnum, kSpace, kUpper, kLower };

template <Class kClass>
bool Is(Runtime& rt, const Value& self, Args& args, Value* out) {
  if (!BindNone(rt, "method", args)) return false;
  const std::string_view s = self.str();
  if (!rt.heap().Spend(s.size() / 16)) return rt.Ok();
  bool all = !s.empty(), any_cased = false;
  for (size_t pos = 0; pos < s.size();) {
    char32_t cp;
    pos += DecodeChar(s, pos, &cp);
    const bool digit = cp >= '0' && cp <= '9';
    const bool alpha = (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
    if (kClass == Class::kUpper || kClass == Class::kLower) {
      any_cased = any_cased || IsCased(cp);
      all = all && !(kClass == Class::kUpper ? IsLower(cp) : IsUpper(cp));
    } else if (kClass == Class::kSpace) {
      all = all && IsSpace(cp);
    } else if (cp >= 0x80) {
      return rt.Fail("the character classes of text beyond ASCII", StatusCode::kUnimplemented);
    } else {
      all = all && ((kClass != Class::kDigit && alpha) || (kClass != Class::kAlpha && digit));
    }
  }
  const bool by_case = kClass == Class::kUpper || kClass == Class::kLower;
  *out = Value::Bool(all && (!by_case || any_cased));
  return true;
}

struct Entry {
  std::string_view name;
  Method method;
};
constexpr Entry kMethods[] = {
    {"capitalize", Map<Capitalize>},
    {"casefold", Map<ToLower>},
    {"center", Justify<Side::kBoth>},
    {"count", Count},
    {"endswith", StartsEndsWith<false>},
    {"find", Find<false, false>},
    {"format", Format},
    {"index", Find<false, true>},
    {"isalnum", Is<Class::kAlnum>},
    {"isalpha", Is<Class::kAlpha>},
    {"isdecimal", Is<Class::kDigit>},
    {"isdigit", Is<Class::kDigit>},
    {"islower", Is<Class::kLower>},
    {"isnumeric", Is<Class::kDigit>},
    {"isspace", Is<Class::kSpace>},
    {"isupper", Is<Class::kUpper>},
    {"join", Join},
    {"ljust", Justify<Side::kLeft>},
    {"lower", Map<ToLower>},
    {"lstrip", Strip<true, false>},
    {"partition", Partition<false>},
    {"removeprefix", RemoveAffix<true>},
    {"removesuffix", RemoveAffix<false>},
    {"replace", Replace},
    {"rfind", Find<true, false>},
    {"rindex", Find<true, true>},
    {"rjust", Justify<Side::kRight>},
    {"rpartition", Partition<true>},
    {"rsplit", Split<true>},
    {"rstrip", Strip<false, true>},
    {"split", Split<false>},
    {"splitlines", Lines},
    {"startswith", StartsEndsWith<true>},
    {"strip", Strip<true, true>},
    {"swapcase", Map<SwapCase>},
    {"title", Map<PythonTitle>},
    {"upper", Map<ToUpper>},
    {"zfill", ZeroFill},
};

}  // namespace

bool ReplaceText(Runtime& rt, std::string_view s, std::string_view from, std::string_view to,
                 int64_t count, std::string* out) {
  if (!rt.heap().SpendSearch(s.size(), from.size())) return rt.Ok();
  const size_t limit = count < 0 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(count);
  const size_t most = rt.heap().limits().text_bytes;
  size_t done = 0, pos = 0;
  while (done < limit && out->size() <= most) {
    const size_t at = from.empty() ? pos : s.find(from, pos);
    if (at == std::string_view::npos) break;
    out->append(s.substr(pos, at - pos)).append(to);
    ++done;
    pos = at + from.size();
    if (from.empty()) {
      if (pos >= s.size()) break;
      char32_t cp;
      const size_t length = DecodeChar(s, pos, &cp);
      out->append(s.substr(pos, length));
      pos += length;
    }
  }
  out->append(s.substr(pos));
  return (rt.heap().Room(out->size()) && rt.heap().Spend(done / 8)) || rt.Ok();
}

bool Pad(Runtime& rt, std::string_view s, int64_t width, std::string_view fill, char align,
         std::string* out) {
  const auto length = static_cast<int64_t>(CountChars(s));
  const int64_t missing = width > length ? width - length : 0;
  if (!rt.heap().Room(s.size()) || missing > int64_t{1} << 32 ||
      !rt.heap().Room(s.size() + static_cast<size_t>(missing) * fill.size())) {
    rt.heap().Exceed("the limit on the bytes of a text");
    return rt.Ok();
  }
  // As str.center: an odd one out goes left when the width is odd.
  int64_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2 + (missing & width & 1);
  for (int64_t i = 0; i < left; ++i) out->append(fill);
  out->append(s);
  for (int64_t i = left; i < missing; ++i) out->append(fill);
  return true;
}

Method FindStringMethod(std::string_view name) {
  const auto* entry =
      std::lower_bound(std::begin(kMethods), std::end(kMethods), name,
                       [](const Entry& e, std::string_view wanted) { return e.name < wanted; });
  return entry != std::end(kMethods) && entry->name == name ? entry->method : nullptr;
}

}  // namespace hob::text::jinja
