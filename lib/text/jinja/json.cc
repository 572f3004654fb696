// SPDX-License-Identifier: Apache-2.0
#include "lib/text/jinja/json.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::string_view what, Heap* heap)
      : s_(text), what_(what), heap_(heap) {}

  StatusOr<Value> Run() {
    Value value;
    if (!ReadValue(0, &value)) return status_;
    SkipSpace();
    if (pos_ != s_.size()) {
      Fail("text behind the end of the value");
      return status_;
    }
    return value;
  }

 private:
  // Leaves room below the limit on nesting for what the template builds around.
  static constexpr int kMaxDepth = Heap::kMaxDepth - 16;

  bool Fail(std::string_view message) {
    if (status_.ok()) {
      status_ = Error(StatusCode::kInvalidArgument,
                      absl::StrCat(std::string(what_), ", byte ", pos_, ": ", std::string(message)),
                      "pass valid JSON");
    }
    return false;
  }
  char Peek() const { return pos_ < s_.size() ? s_[pos_] : '\0'; }
  void SkipSpace() {
    while (pos_ < s_.size() &&
           (s_[pos_] == ' ' || s_[pos_] == '\n' || s_[pos_] == '\r' || s_[pos_] == '\t')) {
      ++pos_;
    }
  }
  bool Skip(std::string_view text) {
    if (s_.substr(pos_, text.size()) != text) return false;
    pos_ += text.size();
    return true;
  }

  bool ReadValue(int depth, Value* out) {
    SkipSpace();
    if (depth > kMaxDepth) return Fail("nested too deeply");
    if (heap_->exceeded() != nullptr) return Fail("too large");
    switch (Peek()) {
      case '{':
        return ReadObject(depth, out);
      case '[':
        return ReadArray(depth, out);
      case '"': {
        std::string text;
        if (!ReadString(&text)) return false;
        *out = heap_->String(std::move(text));
        return true;
      }
      case 't':
        *out = Value::Bool(true);
        return Skip("true") || Fail("unexpected text");
      case 'f':
        *out = Value::Bool(false);
        return Skip("false") || Fail("unexpected text");
      case 'n':
        *out = Value::None();
        return Skip("null") || Fail("unexpected text");
      default:
        return ReadNumber(out);
    }
  }

  bool ReadObject(int depth, Value* out) {
    ++pos_;
    auto dict = heap_->NewDict();
    SkipSpace();
    if (Skip("}")) {
      *out = heap_->Dict(std::move(dict));
      return true;
    }
    while (true) {
      SkipSpace();
      if (Peek() != '"') return Fail("expected a name in quotes");
      std::string key;
      if (!ReadString(&key)) return false;
      SkipSpace();
      if (!Skip(":")) return Fail("expected ':'");
      Value value;
      if (!ReadValue(depth + 1, &value)) return false;
      heap_->Put(dict.get(), heap_->String(std::move(key)), std::move(value));
      SkipSpace();
      if (Skip(",")) continue;
      if (!Skip("}")) return Fail("expected ',' or '}'");
      *out = heap_->Dict(std::move(dict));
      return true;
    }
  }

  bool ReadArray(int depth, Value* out) {
    ++pos_;
    std::vector<Value> items;
    SkipSpace();
    if (!Skip("]")) {
      while (true) {
        Value value;
        if (!ReadValue(depth + 1, &value)) return false;
        // It is counted when it is whole; until then it must not outgrow what there may be.
        if (items.size() == items.capacity() && !heap_->FitsItems(2 * items.size())) {
          return Fail("too large");
        }
        items.push_back(std::move(value));
        SkipSpace();
        if (Skip(",")) continue;
        if (!Skip("]")) return Fail("expected ',' or ']'");
        break;
      }
    }
    *out = heap_->List(std::move(items));
    return true;
  }

  bool ReadHex4(size_t at, char32_t* cp) const {
    if (at + 4 > s_.size()) return false;
    const char* end = s_.data() + at + 4;
    uint32_t value = 0;
    const auto result = std::from_chars(s_.data() + at, end, value, 16);
    *cp = value;
    return result.ec == std::errc() && result.ptr == end;
  }

  bool ReadString(std::string* out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    ++pos_;
    while (true) {
      const size_t start = pos_;
      while (pos_ < s_.size() && s_[pos_] != '"' && s_[pos_] != '\\' &&
             static_cast<unsigned char>(s_[pos_]) >= 0x20) {
        ++pos_;
      }
      out->append(s_.substr(start, pos_ - start));
      if (pos_ >= s_.size()) return Fail("a string without end");
      const char c = s_[pos_++];
      if (c == '"') return true;
      if (c != '\\') return Fail("a control character in a string");
      const char escape = Peek();
      if (const size_t at = kFrom.find(escape); pos_ < s_.size() && at != std::string_view::npos) {
        out->push_back(kTo[at]);
        ++pos_;
        continue;
      }
      char32_t cp, low;
      if (escape != 'u' || !ReadHex4(pos_ + 1, &cp)) return Fail("a broken escape");
      pos_ += 5;
      if (cp >= 0xD800 && cp < 0xDC00 && s_.substr(pos_, 2) == "\\u" && ReadHex4(pos_ + 2, &low) &&
          low >= 0xDC00 && low < 0xE000) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        pos_ += 6;
      } else if (cp >= 0xD800 && cp < 0xE000) {
        cp = 0xFFFD;
      }
      AppendChar(cp, out);
    }
  }

  bool ReadNumber(Value* out) {
    const size_t start = pos_;
    const auto digits = [&] {
      const size_t first = pos_;
      while (Peek() >= '0' && Peek() <= '9') ++pos_;
      return pos_ > first;
    };
    Skip("-");
    const bool leading_zero = Peek() == '0';
    const size_t whole = pos_;
    if (!digits() || (leading_zero && pos_ - whole > 1)) return Fail("unexpected text");
    bool integer = true;
    if (Peek() == '.') {
      ++pos_;
      integer = false;
      if (!digits()) return Fail("a broken number");
    }
    if (Peek() == 'e' || Peek() == 'E') {
      ++pos_;
      integer = false;
      if (Peek() == '+' || Peek() == '-') ++pos_;
      if (!digits()) return Fail("a broken number");
    }
    const std::string_view text = s_.substr(start, pos_ - start);
    const char* end = text.data() + text.size();
    if (integer) {
      int64_t value = 0;
      if (std::from_chars(text.data(), end, value).ec == std::errc()) {
        *out = Value::Int(value);
      } else {
        *out = heap_->BigInt(std::string(text));
      }
      return true;
    }
    double value = 0;
    if (std::from_chars(text.data(), end, value).ec == std::errc::result_out_of_range) {
      const size_t e = text.find_first_of("eE");
      const bool small = e != std::string_view::npos && text[e + 1] == '-';
      value = small ? 0.0 : std::numeric_limits<double>::infinity();
      if (text[0] == '-') value = -value;
    }
    *out = Value::Float(value);
    return true;
  }

  std::string_view s_, what_;
  Heap* heap_;
  size_t pos_ = 0;
  Status status_;
};

class Writer {
 public:
  Writer(Runtime& rt, const JsonStyle& style, std::string* out)
      : rt_(rt), style_(style), out_(out) {}

  bool Write(const Value& v, int depth) {
    if (!rt_.Step()) return false;
    if (out_->size() > rt_.heap().limits().text_bytes) {
      return rt_.heap().Room(out_->size()) || rt_.Ok();
    }
    switch (v.type()) {
      case Type::kNone:
        out_->append("null");
        return true;
      case Type::kBool:
        out_->append(v.as_bool() ? "true" : "false");
        return true;
      case Type::kInt:
        AppendInt(v.as_int(), out_);
        return true;
      case Type::kBigInt:
        out_->append(v.str());
        return true;
      case Type::kFloat:
        Float(v.as_float());
        return true;
      case Type::kString:
        if (!rt_.heap().SpendBytes(v.str().size() * 4)) return rt_.Ok();
        String(v.str());
        return true;
      case Type::kList:
      case Type::kTuple:
        return List(v.items(), depth);
      case Type::kDict:
        return Dict(v.dict(), depth);
      default:
        return rt_.Fail(absl::StrCat("tojson: a value of type ", std::string(TypeName(v)),
                                     " has no JSON form"));
    }
  }

 private:
  void NewLine(int depth) {
    if (!style_.pretty) return;
    out_->push_back('\n');
    for (int i = 0; i < depth; ++i) out_->append(style_.indent);
  }

  void Float(double d) {
    std::string text;
    AppendFloat(d, &text);
    out_->append(text == "nan"    ? "NaN"
                 : text == "inf"  ? "Infinity"
                 : text == "-inf" ? "-Infinity"
                                  : text);
  }

  void Escape(uint32_t unit) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_->append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) out_->push_back(kHex[unit >> shift & 0xF]);
  }

  void String(std::string_view s) {
    static constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt";
    out_->push_back('"');
    for (size_t pos = 0; pos < s.size();) {
      const char c = s[pos];
      if (const size_t at = kFrom.find(c); at != std::string_view::npos) {
        out_->push_back('\\');
        out_->push_back(kTo[at]);
        ++pos;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        Escape(static_cast<unsigned char>(c));
        ++pos;
      } else if (static_cast<unsigned char>(c) < 0x80 || !style_.ensure_ascii) {
        out_->push_back(c);
        ++pos;
      } else {
        char32_t cp;
        pos += DecodeChar(s, pos, &cp);
        if (cp >= 0x10000) {
          Escape(0xD800 + ((cp - 0x10000) >> 10));
          Escape(0xDC00 + ((cp - 0x10000) & 0x3FF));
        } else {
          Escape(cp);
        }
      }
    }
    out_->push_back('"');
  }

  bool List(const std::vector<Value>& items, int depth) {
    if (items.empty()) {
      out_->append("[]");
      return true;
    }
    out_->push_back('[');
    for (size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out_->append(style_.item_separator);
      NewLine(depth + 1);
      if (!Write(items[i], depth + 1)) return false;
    }
    NewLine(depth);
    out_->push_back(']');
    return true;
  }

  bool Key(const Value& key) {
    if (key.is_string()) {
      String(key.str());
      return true;
    }
    if (!key.is_none() && !key.is_number() && !key.is(Type::kBigInt)) {
      return rt_.Fail(absl::StrCat("tojson: a key of type ", std::string(TypeName(key))));
    }
    out_->push_back('"');
    if (!Write(key, 0)) return false;
    out_->push_back('"');
    return true;
  }

  bool Dict(const DictObject& dict, int depth) {
    if (dict.entries.empty()) {
      out_->append("{}");
      return true;
    }
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      if (!rt_.heap().Spend(entries.size() * 8)) return rt_.Ok();
      std::stable_sort(entries.begin(), entries.end(), [this](const auto* a, const auto* b) {
        bool less = false;
        return rt_.Less(a->first, b->first, Op::kLt, &less) && less;
      });
      if (!rt_.Ok()) return false;
    }
    out_->push_back('{');
    bool first = true;
    for (const auto* entry : entries) {
      if (!first) out_->append(style_.item_separator);
      first = false;
      NewLine(depth + 1);
      if (!Key(entry->first)) return false;
      out_->append(style_.key_separator);
      if (!Write(entry->second, depth + 1)) return false;
    }
    NewLine(depth);
    out_->push_back('}');
    return true;
  }

  Runtime& rt_;
  const JsonStyle& style_;
  std::string* out_;
};

}  // namespace

StatusOr<Value> ReadJson(std::string_view text, std::string_view what, Heap* heap) {
  return Reader(text, what, heap).Run();
}

bool WriteJson(Runtime& rt, const Value& v, const JsonStyle& style, std::string* out) {
  return Writer(rt, style, out).Write(v, 0) && rt.Ok();
}

}  // namespace hob::text::jinja
