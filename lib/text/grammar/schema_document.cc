// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/schema_document.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "lib/text/grammar/decimal.h"
#include "lib/text/grammar/schema_keywords.h"
#include "lib/text/grammar/source_cursor.h"
#include "lib/text/jinja/json.h"

namespace hob::text {
namespace {

using jinja::Type;
using jinja::Value;

constexpr std::string_view kWhat = "JSON Schema";
// Reading a MiB of JSON takes less.
constexpr jinja::Heap::Limits kLimits = {size_t{4} << 20, size_t{512} << 20, size_t{1} << 30};

// Halves of surrogate pairs, which no text has.
Status CheckEscapes(std::string_view text) {
  SourceCursor cursor(text, kWhat);
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    if (text[at] != '\\') continue;
    const auto unit = [&](size_t begin) -> uint32_t {
      uint32_t value = 0;
      if (text.substr(begin, 2) != "\\u" || begin + 6 > text.size()) return 0;
      std::from_chars(text.data() + begin + 2, text.data() + begin + 6, value, 16);
      return value;
    };
    const uint32_t high = unit(at), low = unit(at + 6);
    const bool pair = high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000;
    if (IsSurrogate(high) && !pair) {
      return cursor.FailAt(at, StatusCode::kInvalidArgument, "half of a surrogate pair");
    }
    at += pair ? 11 : 1;
  }
  return absl::OkStatus();
}

std::string Escaped(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

// Of a reference: %HH, and then of a token of a pointer ~0 and ~1.
std::optional<std::string> FromPercent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = SourceCursor::HexDigit(text[i + 1]), low = SourceCursor::HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::string FromToken(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else {
      out += token[i];
    }
  }
  return out;
}

bool IsWhole(const Value& value) {
  if (value.is(Type::kInt) || value.is(Type::kBigInt)) return true;
  return value.is(Type::kFloat) && std::isfinite(value.as_float()) &&
         std::floor(value.as_float()) == value.as_float();
}

bool IsNumber(const Value& value) {
  return value.is(Type::kInt) || value.is(Type::kBigInt) || value.is(Type::kFloat);
}

}  // namespace

uint8_t TypesOfKeyword(std::string_view name) {
  const SchemaKeyword* keyword = FindSchemaKeyword(name);
  return keyword == nullptr ? uint8_t{0} : keyword->types;
}

uint8_t TypeOfName(std::string_view name) {
  static constexpr std::pair<std::string_view, uint8_t> kTypes[] = {
      {"null", kJsonNull},     {"boolean", kJsonBoolean}, {"integer", kJsonInteger},
      {"number", kJsonNumber}, {"string", kJsonString},   {"array", kJsonArray},
      {"object", kJsonObject}};
  for (const auto& [type, bits] : kTypes) {
    if (type == name) return bits;
  }
  return 0;
}

JsonType TypeOfValue(const Value& value) {
  switch (value.type()) {
    case Type::kBool:
      return kJsonBoolean;
    case Type::kInt:
    case Type::kBigInt:
    case Type::kFloat:
      return IsWhole(value) ? kJsonInteger : kJsonFraction;
    case Type::kString:
      return kJsonString;
    case Type::kList:
      return kJsonArray;
    case Type::kDict:
      return kJsonObject;
    default:
      return kJsonNull;
  }
}

bool JsonEqual(const Value& a, const Value& b) {
  const JsonType type = TypeOfValue(a);
  if (type != TypeOfValue(b)) return false;
  switch (type) {
    case kJsonBoolean:
      return a.as_bool() == b.as_bool();
    case kJsonString:
      return a.str() == b.str();
    case kJsonArray: {
      if (a.items().size() != b.items().size()) return false;
      for (size_t i = 0; i < a.items().size(); ++i) {
        if (!JsonEqual(a.items()[i], b.items()[i])) return false;
      }
      return true;
    }
    case kJsonObject: {
      if (a.dict().entries.size() != b.dict().entries.size()) return false;
      for (const auto& [key, item] : a.dict().entries) {
        const Value* other = b.dict().Find(key.str());
        if (other == nullptr || !JsonEqual(item, *other)) return false;
      }
      return true;
    }
    case kJsonInteger:
    case kJsonFraction: {
      if (a.is(Type::kFloat) && b.is(Type::kFloat)) return a.as_float() == b.as_float();
      const auto x = ToDecimal(a), y = ToDecimal(b);
      return x.has_value() && y.has_value() && Compare(*x, *y) == 0;
    }
    default:
      return true;
  }
}

SchemaDocument::SchemaDocument() : heap_(kLimits) {
  auto dict = heap_.NewDict();
  heap_.Put(dict.get(), heap_.String("type"), heap_.String("string"));
  string_schema_ = heap_.Dict(std::move(dict));
}

StatusOr<std::unique_ptr<SchemaDocument>> SchemaDocument::Read(std::string_view text) {
  HOB_RETURN_IF_ERROR(SourceCursor(text, kWhat).Check());
  HOB_RETURN_IF_ERROR(CheckEscapes(text));
  std::unique_ptr<SchemaDocument> out(new SchemaDocument);
  HOB_ASSIGN_OR_RETURN(out->root_, jinja::ReadJson(text, kWhat, &out->heap_));
  HOB_RETURN_IF_ERROR(out->Visit());
  return out;
}

SchemaDocument::Role SchemaDocument::RoleOf(Role parent, std::string_view keyword) {
  if (parent == Role::kSchemaMap || parent == Role::kSchemaList) return Role::kSchema;
  if (parent == Role::kOther) return Role::kOther;
  const SchemaKeyword* known = FindSchemaKeyword(keyword);
  if (known == nullptr) return Role::kOther;
  switch (known->form) {
    case KeywordForm::kSchema:
      return Role::kSchema;
    case KeywordForm::kSchemas:
      return Role::kSchemaMap;
    case KeywordForm::kSchemaList:
      return Role::kSchemaList;
    default:
      return Role::kOther;
  }
}

Status SchemaDocument::Visit() {
  std::vector<std::pair<const Value*, Role>> work = {{&root_, Role::kSchema}};
  places_.try_emplace(&root_, Place{nullptr, {}});
  while (!work.empty()) {
    const auto [value, role] = work.back();
    work.pop_back();
    const auto add = [&, at = value](const Value& child, std::string token, Role child_role) {
      places_.try_emplace(&child, Place{at, std::move(token)});
      work.emplace_back(&child, child_role);
    };
    if (value->is(Type::kList)) {
      for (size_t i = 0; i < value->items().size(); ++i) {
        add(value->items()[i], std::to_string(i),
            role == Role::kSchemaList ? Role::kSchema : Role::kOther);
      }
    } else if (value->is(Type::kDict)) {
      for (const auto& [key, child] : value->dict().entries) {
        add(child, key.str(), RoleOf(role, key.str()));
        if (role != Role::kSchema || !child.is_string()) continue;
        if (key.str() == "$id" && value != &root_) {
          return Lacks(child, "\"$id\" is supported only at the root",
                       "Refer to parts of the schema by JSON pointers, \"#/$defs/…\".");
        }
        if (key.str() == "$anchor" && !anchors_.try_emplace(child.str(), value).second) {
          return Fail(child, Concat("the anchor \"", child.str(), "\" is there twice"));
        }
      }
    }
  }
  return absl::OkStatus();
}

std::string SchemaDocument::Pointer(const Value& value) const {
  std::vector<const std::string*> tokens;
  for (const Value* at = &value;;) {
    const auto found = places_.find(at);
    if (found == places_.end() || found->second.parent == nullptr) break;
    tokens.push_back(&found->second.token);
    at = found->second.parent;
  }
  std::string out = "#";
  for (size_t i = tokens.size(); i-- > 0;) out.append("/").append(Escaped(*tokens[i]));
  return out;
}

Status SchemaDocument::Fail(const Value& at, std::string_view message,
                            std::string_view hint) const {
  return Error(StatusCode::kInvalidArgument, Concat(kWhat, ", ", Pointer(at), ": ", message), hint);
}

Status SchemaDocument::Lacks(const Value& at, std::string_view message,
                             std::string_view hint) const {
  return Error(StatusCode::kUnimplemented, Concat(kWhat, ", ", Pointer(at), ": ", message), hint);
}

Status SchemaDocument::CheckSchema(const Value& value) {
  if (value.is(Type::kBool)) return absl::OkStatus();
  if (!value.is(Type::kDict)) {
    return Fail(value, "a schema is an object, true or false");
  }
  if (!checked_.insert(&value).second) return absl::OkStatus();
  for (const auto& [key, child] : value.dict().entries) {
    HOB_RETURN_IF_ERROR(CheckKeyword(key.str(), child));
    if (key.str() == "$id" && &value != &root_) {
      return Lacks(child, "\"$id\" is supported only at the root");
    }
  }
  return absl::OkStatus();
}

Status SchemaDocument::CheckKeyword(std::string_view name, const Value& value) const {
  const SchemaKeyword* keyword = FindSchemaKeyword(name);
  if (keyword == nullptr) {
    return Lacks(value, Concat("the keyword \"", name, "\" is not known"),
                 "docs/reference/grammars.md lists the keywords.");
  }
  if (keyword->use == KeywordUse::kUnsupported) {
    return Lacks(value, Concat("the keyword \"", name, "\" is not supported"),
                 "docs/reference/grammars.md lists the keywords that are.");
  }
  const auto expect = [&](bool holds, std::string_view what) {
    return holds ? absl::OkStatus() : Fail(value, Concat("\"", name, "\" must be ", what));
  };
  switch (keyword->form) {
    case KeywordForm::kAny:
      return absl::OkStatus();
    case KeywordForm::kSchema:
      if (name == "items" && value.is(Type::kList)) {
        return Lacks(value, "\"items\" with a list is not supported", "Use \"prefixItems\".");
      }
      return expect(value.is(Type::kDict) || value.is(Type::kBool), "a schema");
    case KeywordForm::kSchemas:
      return expect(value.is(Type::kDict), "an object of schemas");
    case KeywordForm::kSchemaList:
      return expect(value.is(Type::kList) && !value.items().empty(),
                    "a list of at least one schema");
    case KeywordForm::kText:
      return expect(value.is_string(), "a string");
    case KeywordForm::kTexts: {
      bool texts = value.is(Type::kList);
      for (size_t i = 0; texts && i < value.items().size(); ++i) {
        texts = value.items()[i].is_string();
      }
      return expect(texts, "a list of strings");
    }
    case KeywordForm::kCount: {
      const bool whole = IsWhole(value);
      const auto number = whole ? ToDecimal(value) : std::nullopt;
      return expect(number.has_value() && !number->negative, "an integer from 0 on");
    }
    case KeywordForm::kNumber:
      return expect(IsNumber(value), "a number");
    case KeywordForm::kBoolean:
      return expect(value.is(Type::kBool), "true or false");
    case KeywordForm::kTypes: {
      if (value.is_string()) return expect(TypeOfName(value.str()) != 0, "the name of a type");
      bool types = value.is(Type::kList) && !value.items().empty();
      for (size_t i = 0; types && i < value.items().size(); ++i) {
        types = value.items()[i].is_string() && TypeOfName(value.items()[i].str()) != 0;
      }
      return expect(types, "a type or a list of types");
    }
    case KeywordForm::kValues:
      return expect(value.is(Type::kList), "a list");
  }
  return absl::OkStatus();
}

StatusOr<const Value*> SchemaDocument::Resolve(const Value& schema) const {
  const Value& at = *schema.dict().Find("$ref");
  const std::string_view ref = at.str();
  if (!ref.starts_with('#')) {
    return Lacks(at, Concat("the reference \"", ref, "\" leads out of the schema"),
                 "Put what it refers to into \"$defs\", and refer to \"#/$defs/…\".");
  }
  const auto nothing = [&] { return Fail(at, Concat("there is nothing at \"", ref, "\"")); };
  const std::optional<std::string> fragment = FromPercent(ref.substr(1));
  if (!fragment.has_value()) return nothing();
  std::string_view rest = *fragment;
  if (!rest.empty() && rest[0] != '/') {
    const auto found = anchors_.find(*fragment);
    if (found == anchors_.end()) return nothing();
    return found->second;
  }
  const Value* to = &root_;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string token = FromToken(rest.substr(0, end));
    rest.remove_prefix(end);
    if (to->is(Type::kDict)) {
      to = to->dict().Find(token);
    } else if (to->is(Type::kList)) {
      size_t index = 0;
      const auto [last, error] = std::from_chars(token.data(), token.data() + token.size(), index);
      const bool good =
          error == std::errc() && last == token.data() + token.size() && index < to->items().size();
      to = good ? &to->items()[index] : nullptr;
    } else {
      to = nullptr;
    }
    if (to == nullptr) return nothing();
  }
  if (!to->is(Type::kDict) && !to->is(Type::kBool)) {
    return Fail(at, Concat("\"", ref, "\" is no schema"));
  }
  return to;
}

}  // namespace hob::text
