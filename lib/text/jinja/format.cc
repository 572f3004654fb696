// SPDX-License-Identifier: Apache-2.0
// "%s" % values and "{}".format(values).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "lib/text/jinja/runtime.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

constexpr int kMaxWidth = 4096, kMaxPrecision = 64;

// The parts of a format specification, common to both ways.
struct Spec {
  std::string fill = " ";
  char align = 0;  // '<', '>', '^', '=' or 0 for the type's own
  char sign = '-';
  bool alternate = false, zero = false, comma = false;
  int width = 0, precision = -1;
  char type = 0;
};

bool ReadInt(std::string_view s, size_t* pos, int limit, int* out) {
  int value = 0;
  while (*pos < s.size() && s[*pos] >= '0' && s[*pos] <= '9') {
    value = value * 10 + (s[(*pos)++] - '0');
    if (value > limit) return false;
  }
  *out = value;
  return true;
}

bool Unsupported(Runtime& rt, std::string_view what) {
  return rt.Fail(absl::StrCat("the format '", std::string(what), "' is not supported"),
                 StatusCode::kUnimplemented);
}

// Groups the digits of the integer part by commas.
void GroupThousands(std::string* digits) {
  size_t end = digits->find_first_of(".eE");
  if (end == std::string::npos) end = digits->size();
  for (size_t at = end; at > 3; at -= 3) digits->insert(at - 3, ",");
}

std::string FloatDigits(double magnitude, const Spec& spec, char type) {
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  char buffer[512];
  const char lower = static_cast<char>(type | 0x20);
  std::string text;
  if (std::isnan(magnitude) || std::isinf(magnitude)) {
    text = std::isnan(magnitude) ? "nan" : "inf";
  } else {
    const auto style = lower == 'f'   ? std::chars_format::fixed
                       : lower == 'e' ? std::chars_format::scientific
                                      : std::chars_format::general;
    const int digits = lower == 'g' && precision == 0 ? 1 : precision;
    const auto result = std::to_chars(buffer, buffer + sizeof(buffer), magnitude, style, digits);
    text.assign(buffer, result.ptr);
  }
  if (type >= 'A' && type <= 'Z') text = ToUpper(text);
  return text;
}

std::string IntDigits(int64_t value, char type, bool alternate) {
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  const uint64_t magnitude =
      value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  char buffer[72];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), magnitude, base).ptr);
  if (type == 'X') text = ToUpper(text);
  if (alternate && base != 10) text.insert(0, std::string("0") + type);
  return text;
}

// Pads a number with its sign.
bool AppendNumber(Runtime& rt, bool negative, std::string digits, const Spec& spec,
                  std::string* out) {
  if (spec.comma) GroupThousands(&digits);
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  if (spec.zero || spec.align == '=') {
    const std::string fill = spec.zero ? "0" : spec.fill;
    for (size_t size = sign.size() + digits.size(); size < static_cast<size_t>(spec.width);
         ++size) {
      sign += fill;
    }
    out->append(sign).append(digits);
    return true;
  }
  return Pad(rt, sign + digits, spec.width, spec.fill, spec.align == 0 ? '>' : spec.align, out);
}

bool AppendFloatSpec(Runtime& rt, double value, const Spec& spec, char type, std::string* out) {
  std::string digits = FloatDigits(std::fabs(value), spec, type == '%' ? 'f' : type);
  if (type == '%') digits += '%';
  return AppendNumber(rt, std::signbit(value) && !std::isnan(value), std::move(digits), spec, out);
}

bool AppendText(Runtime& rt, std::string_view text, const Spec& spec, std::string* out) {
  if (spec.precision >= 0) {
    text = text.substr(0, CharOffset(text, static_cast<size_t>(spec.precision)));
  }
  if (!rt.heap().Room(out->size() + text.size())) return rt.Ok();
  if (spec.width == 0) {
    out->append(text);
    return true;
  }
  return Pad(rt, text, spec.width, spec.fill, spec.align == 0 ? '<' : spec.align, out);
}

// One %-conversion.
bool AppendPercent(Runtime& rt, const Value& v, Spec spec, std::string* out) {
  switch (spec.type) {
    case 's':
    case 'r': {
      std::string text;
      if (!(spec.type == 's' ? rt.Str(v, &text) : rt.Repr(v, &text))) return false;
      if (spec.align == 0) spec.align = '>';
      spec.fill = " ";
      return AppendText(rt, text, spec, out);
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      int64_t value = 0;
      const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
      if (v.is(Type::kFloat) && decimal && std::fabs(v.as_float()) < 9e18) {
        value = static_cast<int64_t>(v.as_float());
      } else if (!IntArg(rt, &v, &value)) {
        return false;
      }
      std::string digits = IntDigits(value, spec.type, spec.alternate);
      if (spec.precision > static_cast<int>(digits.size())) {
        digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
      }
      if (spec.align == '<') spec.zero = false;
      return AppendNumber(rt, value < 0, std::move(digits), spec, out);
    }
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
      if (v.is_undefined()) return rt.FailUndefined(v);
      if (!v.is_number()) return rt.Fail("'%f' needs a number");
      if (spec.align == '<') spec.zero = false;
      return AppendFloatSpec(rt, v.as_float(), spec, spec.type, out);
    default:
      return Unsupported(rt, std::string("%") + spec.type);
  }
}

// One replacement field's value under its specification.
bool AppendBraces(Runtime& rt, const Value& v, std::string_view text_spec, std::string* out) {
  if (text_spec.empty()) return rt.Str(v, out);
  Spec spec;
  size_t pos = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  char32_t cp;
  const size_t first = DecodeChar(text_spec, 0, &cp);
  if (first < text_spec.size() && is_align(text_spec[first])) {
    spec.fill = std::string(text_spec.substr(0, first));
    spec.align = text_spec[first];
    pos = first + 1;
  } else if (is_align(text_spec[0])) {
    spec.align = text_spec[0];
    pos = 1;
  }
  const auto at = [&] { return pos < text_spec.size() ? text_spec[pos] : '\0'; };
  if (at() == '+' || at() == '-' || at() == ' ') spec.sign = text_spec[pos++];
  if (at() == '#') {
    spec.alternate = true;
    ++pos;
  }
  if (at() == '0') {
    ++pos;
    if (spec.align == 0) spec.zero = true;
  }
  if (!ReadInt(text_spec, &pos, kMaxWidth, &spec.width)) return Unsupported(rt, text_spec);
  if (at() == ',') {
    spec.comma = true;
    ++pos;
  }
  if (at() == '.') {
    ++pos;
    if (!ReadInt(text_spec, &pos, kMaxPrecision, &spec.precision)) {
      return Unsupported(rt, text_spec);
    }
  }
  if (pos + 1 == text_spec.size()) spec.type = text_spec[pos++];
  if (pos != text_spec.size() || (spec.zero && spec.comma)) return Unsupported(rt, text_spec);

  const std::string_view kinds = v.is_string()        ? "s"
                                 : v.is_integral()    ? "dxXobfFeE%"
                                 : v.is(Type::kFloat) ? "fFeEgG%"
                                                      : "";
  const bool plain_float = v.is(Type::kFloat) && spec.type == 0;
  const bool default_type = spec.type == 0 && (v.is_string() || v.is_integral());
  if (plain_float && spec.precision < 0) {
    std::string digits;
    AppendFloat(std::fabs(v.as_float()), &digits);
    return AppendNumber(rt, std::signbit(v.as_float()), std::move(digits), spec, out);
  }
  if (plain_float || (!default_type && kinds.find(spec.type) == std::string_view::npos) ||
      (v.is(Type::kBool) && spec.type == 0)) {
    if (v.is_undefined()) return rt.FailUndefined(v);
    return Unsupported(rt, text_spec);
  }
  if (v.is_string()) {
    if (spec.zero || spec.align == '=' || spec.comma || spec.sign != '-') {
      return rt.Fail(
          absl::StrCat("the format '", std::string(text_spec), "' does not fit a string"));
    }
    return AppendText(rt, v.str(), spec, out);
  }
  if (v.is_integral() &&
      (spec.type == 0 || std::string_view("dxXob").find(spec.type) != std::string_view::npos)) {
    if (spec.precision >= 0) return rt.Fail("a precision does not fit an integer");
    if (spec.comma && spec.type != 0 && spec.type != 'd') return Unsupported(rt, text_spec);
    return AppendNumber(rt, v.as_int() < 0, IntDigits(v.as_int(), spec.type, spec.alternate), spec,
                        out);
  }
  const double value = v.as_float() * (spec.type == '%' ? 100 : 1);
  return AppendFloatSpec(rt, value, spec, spec.type, out);
}

// The value that a field names: "", "0", "name", with ".attribute" and "[key]" behind.
bool FindField(Runtime& rt, std::string_view name, const CallArgs& args, int* automatic,
               Value* out) {
  size_t end = name.find_first_of(".[");
  if (end == std::string_view::npos) end = name.size();
  const std::string_view head = name.substr(0, end);
  int index = -1;
  if (head.empty()) {
    if (*automatic < 0) return rt.Fail("format(): automatic fields after numbered ones");
    index = (*automatic)++;
  } else if (head[0] >= '0' && head[0] <= '9') {
    size_t pos = 0;
    if (!ReadInt(head, &pos, 10000, &index) || pos != head.size()) return Unsupported(rt, name);
    if (*automatic > 0) return rt.Fail("format(): numbered fields after automatic ones");
    *automatic = -1;
  }
  if (index >= 0) {
    if (static_cast<size_t>(index) >= args.positional.size()) {
      return rt.Fail("format(): a field has no argument");
    }
    *out = args.positional[static_cast<size_t>(index)];
  } else {
    const Value* found = nullptr;
    if (!rt.heap().SpendScan(8 * args.named.size(), head.size())) return rt.Ok();
    for (const auto& [key, value] : args.named) {
      if (key == head) found = &value;
    }
    if (found == nullptr) {
      return rt.Fail(absl::StrCat("format(): no argument '", std::string(head), "'"));
    }
    *out = *found;
  }
  for (std::string_view rest = name.substr(end); !rest.empty();) {
    const bool bracket = rest[0] == '[';
    const size_t stop = bracket ? rest.find(']') : rest.find_first_of(".[", 1);
    if (bracket && stop == std::string_view::npos) return Unsupported(rt, name);
    const std::string_view part = rest.substr(1, stop == std::string_view::npos ? stop : stop - 1);
    Value next;
    int number = 0;
    size_t pos = 0;
    if (!bracket) {
      if (!rt.GetAttribute(*out, part, &next)) return false;
    } else {
      const bool digits =
          !part.empty() && ReadInt(part, &pos, 100000000, &number) && pos == part.size();
      if (!rt.GetItem(*out, digits ? Value::Int(number) : rt.heap().String(part), &next)) {
        return false;
      }
    }
    *out = std::move(next);
    rest = stop == std::string_view::npos ? std::string_view()
                                          : rest.substr(bracket ? stop + 1 : stop);
  }
  return true;
}

}  // namespace

bool FormatPercent(Runtime& rt, const Value& format, const Value& args, Value* out) {
  const std::string_view s = format.str();
  if (!rt.heap().SpendBytes(s.size() * 8)) return rt.Ok();
  std::string text;
  size_t next = 0;
  bool by_name = false;
  const bool is_tuple = args.is(Type::kTuple);
  const size_t count = is_tuple ? args.items().size() : 1;
  for (size_t pos = 0; pos < s.size();) {
    const size_t percent = std::min(s.find('%', pos), s.size());
    text.append(s.substr(pos, percent - pos));
    if (percent == s.size()) break;
    pos = percent + 1;
    const auto at = [&] { return pos < s.size() ? s[pos] : '\0'; };
    if (at() == '%') {
      text.push_back('%');
      ++pos;
      continue;
    }
    Spec spec;
    Value value;
    bool named = false;
    if (at() == '(') {
      const size_t end = s.find(')', pos);
      if (end == std::string_view::npos) return rt.Fail("an incomplete format");
      if (!args.is(Type::kDict)) return rt.Fail("the format needs a mapping");
      const std::string_view key = s.substr(pos + 1, end - pos - 1);
      if (!rt.heap().SpendBytes(key.size() * 8)) return rt.Ok();
      const Value* found = args.dict().Find(key);
      if (found == nullptr) return rt.Fail(absl::StrCat("no key '", std::string(key), "'"));
      value = *found;
      named = by_name = true;
      pos = end + 1;
    }
    for (bool more = true; more;) {
      switch (at()) {
        case '-':
          spec.align = '<';
          break;
        case '+':
          spec.sign = '+';
          break;
        case ' ':
          if (spec.sign != '+') spec.sign = ' ';
          break;
        case '#':
          spec.alternate = true;
          break;
        case '0':
          spec.zero = true;
          break;
        default:
          more = false;
      }
      if (more) ++pos;
    }
    if (!ReadInt(s, &pos, kMaxWidth, &spec.width)) return Unsupported(rt, s.substr(percent, 8));
    if (at() == '.') {
      ++pos;
      if (!ReadInt(s, &pos, kMaxPrecision, &spec.precision)) {
        return Unsupported(rt, s.substr(percent, 8));
      }
    }
    if (pos >= s.size()) return rt.Fail("an incomplete format");
    spec.type = s[pos++];
    if (!named) {
      if (next >= count) return rt.Fail("not enough arguments for the format");
      value = is_tuple ? args.items()[next] : args;
      ++next;
    }
    if (!rt.Step() || !AppendPercent(rt, value, spec, &text)) return false;
    if (text.size() > rt.heap().limits().text_bytes) return rt.heap().Room(text.size()) || rt.Ok();
  }
  // A mapping or a sequence may go unused, as in Python.
  const bool may_stay = by_name || args.is(Type::kDict) || args.is(Type::kList) ||
                        args.is(Type::kRange) || args.is_undefined();
  if (next < count && !may_stay) return rt.Fail("not all arguments of the format were used");
  *out = rt.heap().String(std::move(text), format.is_markup());
  return rt.Ok();
}

bool FormatBraces(Runtime& rt, const Value& format, const CallArgs& args, Value* out) {
  const std::string_view s = format.str();
  if (format.is_markup()) return Unsupported(rt, "of Markup");
  if (!rt.heap().SpendBytes(s.size() * 8)) return rt.Ok();
  std::string text;
  int automatic = 0;
  for (size_t pos = 0; pos < s.size();) {
    const char c = s[pos];
    if (c != '{' && c != '}') {
      text.push_back(c);
      ++pos;
      continue;
    }
    if (pos + 1 < s.size() && s[pos + 1] == c) {
      text.push_back(c);
      pos += 2;
      continue;
    }
    const size_t end = s.find('}', pos);
    if (c == '}' || end == std::string_view::npos) return rt.Fail("format(): a single brace");
    std::string_view field = s.substr(pos + 1, end - pos - 1), spec;
    if (field.find('{') != std::string_view::npos) return Unsupported(rt, field);
    if (const size_t colon = field.find(':'); colon != std::string_view::npos) {
      spec = field.substr(colon + 1);
      field = field.substr(0, colon);
    }
    char conversion = 0;
    if (const size_t mark = field.find('!'); mark != std::string_view::npos) {
      if (field.size() != mark + 2) return Unsupported(rt, field);
      conversion = field[mark + 1];
      field = field.substr(0, mark);
    }
    Value value;
    if (!rt.Step() || !FindField(rt, field, args, &automatic, &value)) return false;
    if (conversion != 0) {
      std::string converted;
      if (conversion != 's' && conversion != 'r') return Unsupported(rt, "!");
      if (!(conversion == 's' ? rt.Str(value, &converted) : rt.Repr(value, &converted))) {
        return false;
      }
      value = rt.heap().String(std::move(converted));
    }
    if (!AppendBraces(rt, value, spec, &text)) return false;
    if (text.size() > rt.heap().limits().text_bytes) return rt.heap().Room(text.size()) || rt.Ok();
    pos = end + 1;
  }
  *out = rt.heap().String(std::move(text));
  return rt.Ok();
}

}  // namespace hob::text::jinja
