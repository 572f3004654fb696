// SPDX-License-Identifier: Apache-2.0
#include "lib/text/jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

// From this many entries on, a dict keeps an index of its string keys.
constexpr size_t kIndexFrom = 12;

}  // namespace

const std::string& Value::str() const { return static_cast<StringObject*>(object_.get())->text; }
bool Value::is_markup() const {
  return is_string() && static_cast<StringObject*>(object_.get())->markup;
}
const std::vector<Value>& Value::items() const {
  return static_cast<ListObject*>(object_.get())->items;
}
const DictObject& Value::dict() const { return *static_cast<DictObject*>(object_.get()); }
const ViewObject& Value::view() const { return *static_cast<ViewObject*>(object_.get()); }
const RangeObject& Value::range() const { return *static_cast<RangeObject*>(object_.get()); }
IteratorObject& Value::iterator() const { return *static_cast<IteratorObject*>(object_.get()); }
NamespaceObject& Value::ns() const { return *static_cast<NamespaceObject*>(object_.get()); }

const Value* DictObject::Find(std::string_view key) const {
  if (!index.empty()) {
    const auto it = index.find(key);
    return it == index.end() ? nullptr : &entries[it->second].second;
  }
  for (const auto& [k, v] : entries) {
    if (k.is_string() && k.str() == key) return &v;
  }
  return nullptr;
}

const Value* DictObject::Find(const Value& key) const {
  if (key.is_string()) return Find(key.str());
  for (const auto& [k, v] : entries) {
    if (!k.is_string() && KeysEqual(k, key)) return &v;
  }
  return nullptr;
}

void DictObject::Set(Value key, Value value) {
  if (const Value* old = Find(key)) {
    *const_cast<Value*>(old) = std::move(value);
    return;
  }
  if (!index.empty()) {
    if (key.is_string()) index.emplace(key.str(), entries.size());
  } else if (entries.size() >= kIndexFrom) {
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].first.is_string()) index.emplace(entries[i].first.str(), i);
    }
    if (key.is_string()) index.emplace(key.str(), entries.size());
  }
  entries.emplace_back(std::move(key), std::move(value));
}

int64_t RangeObject::size() const {
  // range() bounds the size, so that these differences cannot overflow.
  if (step > 0) return start < stop ? (stop - start - 1) / step + 1 : 0;
  return start > stop ? (start - stop - 1) / -step + 1 : 0;
}

bool IsHashable(const Value& v) {
  switch (v.type()) {
    case Type::kList:
    case Type::kDict:
    case Type::kView:
      return false;
    case Type::kTuple:
      for (const Value& item : v.items()) {
        if (Depth(item) > 0) return false;
      }
      return true;
    default:
      return true;
  }
}

bool KeysEqual(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_int() == b.as_int();
    return a.as_float() == b.as_float();
  }
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Type::kUndefined:
    case Type::kNone:
      return true;
    case Type::kString:
    case Type::kBigInt:
      return a.str() == b.str();
    case Type::kTuple: {
      if (a.object() == b.object()) return true;
      if (a.items().size() != b.items().size()) return false;
      for (size_t i = 0; i < a.items().size(); ++i) {
        if (!KeysEqual(a.items()[i], b.items()[i])) return false;
      }
      return true;
    }
    default:
      return a.object() == b.object();
  }
}

bool Truthy(const Value& v) {
  switch (v.type()) {
    case Type::kUndefined:
    case Type::kNone:
      return false;
    case Type::kBool:
    case Type::kInt:
      return v.as_int() != 0;
    case Type::kFloat:
      return v.as_float() != 0;
    case Type::kString:
      return !v.str().empty();
    case Type::kList:
    case Type::kTuple:
    case Type::kDict:
    case Type::kView:
    case Type::kRange:
      return Length(v) != 0;
    default:
      return true;
  }
}

std::string_view TypeName(const Value& v) {
  switch (v.type()) {
    case Type::kUndefined:
      return "Undefined";
    case Type::kNone:
      return "NoneType";
    case Type::kBool:
      return "bool";
    case Type::kInt:
    case Type::kBigInt:
      return "int";
    case Type::kFloat:
      return "float";
    case Type::kString:
      return v.is_markup() ? "Markup" : "str";
    case Type::kList:
      return "list";
    case Type::kTuple:
      return "tuple";
    case Type::kDict:
      return "dict";
    case Type::kView:
      switch (v.view().kind) {
        case ViewObject::Kind::kKeys:
          return "dict_keys";
        case ViewObject::Kind::kValues:
          return "dict_values";
        case ViewObject::Kind::kItems:
          return "dict_items";
      }
      return "dict_items";
    case Type::kRange:
      return "range";
    case Type::kIterator:
      return "generator";
    case Type::kNamespace:
      return "Namespace";
    case Type::kCallable:
      return "function";
    case Type::kLoop:
      return "LoopContext";
    case Type::kCycler:
      return "Cycler";
    case Type::kJoiner:
      return "Joiner";
  }
  return "object";
}

int64_t Length(const Value& v) {
  switch (v.type()) {
    case Type::kUndefined:
      return 0;
    case Type::kString:
      return static_cast<int64_t>(CountChars(v.str()));
    case Type::kList:
    case Type::kTuple:
      return static_cast<int64_t>(v.items().size());
    case Type::kDict:
      return static_cast<int64_t>(v.dict().entries.size());
    case Type::kView:
      return Length(v.view().owner);
    case Type::kRange:
      return v.range().size();
    default:
      return -1;
  }
}

void AppendInt(int64_t i, std::string* out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), i).ptr;
  out->append(buffer, end);
}

void AppendFloat(double d, std::string* out) {
  if (std::isnan(d)) {
    out->append("nan");
    return;
  }
  if (std::isinf(d)) {
    out->append(d < 0 ? "-inf" : "inf");
    return;
  }
  // The shortest digits that give the number back, laid out as Python's repr does.
  char buffer[40];
  const char* end =
      std::to_chars(buffer, buffer + sizeof(buffer), d, std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  if (text.front() == '-') {
    out->push_back('-');
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 2) digits.append(text.substr(2, e - 2));
  int exponent = 0;
  const char* first = text.data() + e + 1;
  if (*first == '+') ++first;
  std::from_chars(first, text.data() + text.size(), exponent);
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out->push_back(digits[0]);
    if (count > 1) out->append(".").append(digits, 1);
    out->append(exponent < 0 ? "e-" : "e+");
    const int magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude < 10) out->push_back('0');
    AppendInt(magnitude, out);
  } else if (exponent < 0) {
    out->append("0.").append(static_cast<size_t>(-exponent - 1), '0').append(digits);
  } else if (count <= exponent + 1) {
    out->append(digits).append(static_cast<size_t>(exponent + 1 - count), '0').append(".0");
  } else {
    out->append(digits, 0, static_cast<size_t>(exponent) + 1);
    out->append(".").append(digits, static_cast<size_t>(exponent) + 1);
  }
}

void AppendStringRepr(std::string_view s, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  const bool double_quotes =
      s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  out->push_back(quote);
  for (size_t pos = 0; pos < s.size();) {
    char32_t cp;
    const size_t length = DecodeChar(s, pos, &cp);
    if (cp == static_cast<char32_t>(quote) || cp == '\\') {
      out->push_back('\\');
      out->push_back(static_cast<char>(cp));
    } else if (cp == '\n') {
      out->append("\\n");
    } else if (cp == '\r') {
      out->append("\\r");
    } else if (cp == '\t') {
      out->append("\\t");
    } else if (IsPrintable(cp)) {
      out->append(s.substr(pos, length));
    } else {
      const int width = cp < 0x100 ? 2 : cp < 0x10000 ? 4 : 8;
      out->push_back('\\');
      out->push_back(cp < 0x100 ? 'x' : cp < 0x10000 ? 'u' : 'U');
      for (int shift = 4 * (width - 1); shift >= 0; shift -= 4) {
        out->push_back(kHex[cp >> shift & 0xF]);
      }
    }
    pos += length;
  }
  out->push_back(quote);
}

}  // namespace hob::text::jinja
