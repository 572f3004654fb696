// SPDX-License-Identifier: Apache-2.0
// Conversions between values: str(), repr(), iteration; errors.
#include "lib/text/jinja/runtime.h"
#include "lib/text/jinja/unicode.h"

namespace hob::text::jinja {

bool Runtime::Fail(std::string_view message, StatusCode code) {
  if (status_.ok()) {
    status_ = Error(code, absl::StrCat("chat template, line ", line_, ": ", MessageText(message)),
                    code == StatusCode::kUnimplemented
                        ? "hob renders a subset of Jinja; use another template"
                        : "");
  }
  return false;
}

bool Runtime::FailUndefined(const Value& v) {
  if (v.object() == nullptr) return Fail("a value is undefined");
  return Fail(static_cast<const UndefinedObject*>(v.object())->message);
}

bool Runtime::Raise(std::string_view message) {
  if (status_.ok()) {
    status_ = Error(StatusCode::kInvalidArgument, MessageText(message),
                    "the model's chat template refuses these messages");
  }
  return false;
}

bool Runtime::Ok() {
  if (!status_.ok()) return false;
  if (heap_.exceeded() == nullptr) return true;
  return Fail(absl::StrCat(heap_.exceeded(), " has been passed"), StatusCode::kResourceExhausted);
}

bool Runtime::FailDepth() {
  return Fail("the limit on nesting has been passed", StatusCode::kResourceExhausted);
}

bool Runtime::Str(const Value& v, std::string* out) {
  switch (v.type()) {
    case Type::kUndefined:
      return true;
    case Type::kString:
      if (!heap_.Room(out->size() + v.str().size())) return Ok();
      out->append(v.str());
      return true;
    default:
      return Repr(v, out);
  }
}

bool Runtime::ToString(const Value& v, Value* out) {
  if (v.is_string()) {
    *out = v;
    return true;
  }
  std::string text;
  if (!Str(v, &text)) return false;
  *out = heap_.String(std::move(text));
  return Ok();
}

bool Runtime::Repr(const Value& v, std::string* out) { return ReprAt(v, 0, out); }

bool Runtime::ReprAt(const Value& v, int depth, std::string* out) {
  if (!Step()) return false;
  if (out->size() > heap_.limits().text_bytes) return heap_.Room(out->size()) || Ok();
  if (depth > 2 * Heap::kMaxDepth) return FailDepth();
  const auto list = [&](const std::vector<Value>& items, std::string_view open,
                        std::string_view close) {
    out->append(open);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i != 0) out->append(", ");
      if (!ReprAt(items[i], depth + 1, out)) return false;
    }
    out->append(close);
    return true;
  };
  switch (v.type()) {
    case Type::kUndefined:
      out->append("Undefined");
      return true;
    case Type::kNone:
      out->append("None");
      return true;
    case Type::kBool:
      out->append(v.as_bool() ? "True" : "False");
      return true;
    case Type::kInt:
      AppendInt(v.as_int(), out);
      return true;
    case Type::kBigInt:
      out->append(v.str());
      return true;
    case Type::kFloat:
      AppendFloat(v.as_float(), out);
      return true;
    case Type::kString:
      if (!heap_.Room(out->size() + v.str().size())) return Ok();
      if (v.is_markup()) out->append("Markup(");
      AppendStringRepr(v.str(), out);
      if (v.is_markup()) out->append(")");
      return true;
    case Type::kList:
      return list(v.items(), "[", "]");
    case Type::kTuple:
      return list(v.items(), "(", v.items().size() == 1 ? ",)" : ")");
    case Type::kDict: {
      out->push_back('{');
      bool first = true;
      for (const auto& [key, value] : v.dict().entries) {
        if (!first) out->append(", ");
        first = false;
        if (!ReprAt(key, depth + 1, out)) return false;
        out->append(": ");
        if (!ReprAt(value, depth + 1, out)) return false;
      }
      out->push_back('}');
      return true;
    }
    case Type::kView: {
      std::vector<Value> items;
      if (!Iterate(v, &items)) return false;
      out->append(TypeName(v));
      return list(items, "([", "])");
    }
    case Type::kRange: {
      const RangeObject& range = v.range();
      absl::StrAppend(out, "range(", range.start, ", ", range.stop);
      if (range.step != 1) absl::StrAppend(out, ", ", range.step);
      out->push_back(')');
      return true;
    }
    case Type::kNamespace: {
      out->append("<Namespace {");
      bool first = true;
      for (const auto& [key, value] : v.ns().attributes) {
        if (!first) out->append(", ");
        first = false;
        AppendStringRepr(key, out);
        out->append(": ");
        if (!ReprAt(value, depth + 1, out)) return false;
      }
      out->append("}>");
      return true;
    }
    case Type::kCallable: {
      const auto& callable = *static_cast<const CallableObject*>(v.object());
      out->append(callable.kind == CallableObject::Kind::kMacro ? "<Macro " : "<function ");
      AppendStringRepr(callable.name, out);
      out->push_back('>');
      return true;
    }
    case Type::kLoop: {
      const auto& loop = *static_cast<const LoopObject*>(v.object());
      absl::StrAppend(out, "<LoopContext ", loop.index + 1, "/", loop.items.size(), ">");
      return true;
    }
    default:
      absl::StrAppend(out, "<", std::string(TypeName(v)), ">");
      return true;
  }
}

bool Runtime::Items(const Value& v, std::vector<Value>* pairs) {
  const auto& entries = v.dict().entries;
  if (!heap_.RoomForItems(4 * entries.size())) return Ok();
  pairs->reserve(entries.size());
  for (const auto& [key, value] : entries) pairs->push_back(heap_.Tuple({key, value}));
  return Ok();
}

bool Runtime::Iterate(const Value& v, std::vector<Value>* items) {
  const int64_t length = v.is_string() ? 0 : Length(v);
  if (length > 0 && !heap_.RoomForItems(static_cast<size_t>(length))) return Ok();
  switch (v.type()) {
    case Type::kUndefined:
      return true;
    case Type::kString: {
      const std::string& s = v.str();
      if (!heap_.RoomForItems(s.size())) return Ok();
      for (size_t pos = 0; pos < s.size() && heap_.exceeded() == nullptr;) {
        char32_t cp;
        const size_t size = DecodeChar(s, pos, &cp);
        items->push_back(heap_.String(std::string_view(s).substr(pos, size)));
        pos += size;
      }
      return Ok();
    }
    case Type::kList:
    case Type::kTuple:
      *items = v.items();
      return true;
    case Type::kDict:
      items->reserve(v.dict().entries.size());
      for (const auto& [key, value] : v.dict().entries) items->push_back(key);
      return true;
    case Type::kView: {
      const ViewObject& view = v.view();
      if (view.kind == ViewObject::Kind::kItems) return Items(view.owner, items);
      for (const auto& [key, value] : view.owner.dict().entries) {
        items->push_back(view.kind == ViewObject::Kind::kKeys ? key : value);
      }
      return true;
    }
    case Type::kRange: {
      const int64_t size = v.range().size();
      for (int64_t i = 0; i < size; ++i) items->push_back(Value::Int(v.range().at(i)));
      return true;
    }
    case Type::kIterator: {
      // Read once: what it held goes to the reader.
      IteratorObject& iterator = v.iterator();
      if (!heap_.Spend(iterator.items.size())) return Ok();
      for (size_t i = iterator.next; i < iterator.items.size(); ++i) {
        items->push_back(std::move(iterator.items[i]));
      }
      iterator.items.clear();
      iterator.next = 0;
      return true;
    }
    default:
      return Fail(absl::StrCat("'", std::string(TypeName(v)), "' cannot be iterated over"));
  }
}

bool BindNone(Runtime& rt, std::string_view function, const CallArgs& args) {
  if (args.positional.empty() && args.named.empty()) return true;
  return rt.Fail(absl::StrCat(std::string(function), "() takes no arguments"));
}

bool IntArg(Runtime& rt, const Value* v, int64_t* out) {
  if (v == nullptr) return true;
  if (v->is_undefined()) return rt.FailUndefined(*v);
  if (!v->is_integral()) {
    return rt.Fail(absl::StrCat("expected an integer, not '", std::string(TypeName(*v)), "'"));
  }
  *out = v->as_int();
  return true;
}

bool StringArg(Runtime& rt, const Value* v, std::string_view* out) {
  if (v == nullptr) return true;
  if (!v->is_string()) {
    return rt.Fail(absl::StrCat("expected a string, not '", std::string(TypeName(*v)), "'"));
  }
  *out = v->str();
  return true;
}

std::string EscapeHtml(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (const char c : s) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<std::string_view> SplitLines(std::string_view s, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t start = 0;
  for (size_t pos = 0; pos < s.size();) {
    char32_t cp;
    const size_t end = LineBreakLength(s, pos);
    if (end == 0) {
      pos += DecodeChar(s, pos, &cp);
      continue;
    }
    lines.push_back(s.substr(start, (keep_ends ? pos + end : pos) - start));
    pos += end;
    start = pos;
  }
  if (start < s.size()) lines.push_back(s.substr(start));
  return lines;
}

}  // namespace hob::text::jinja
