// SPDX-License-Identifier: Apache-2.0
// A JSON Schema as it was written: where things stand in it, what refers to what, and whether its
// keywords are ones that hob knows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "lib/base/status.h"
#include "lib/text/jinja/heap.h"

namespace hob::text {

// The types of JSON, as bits. Numbers are integers and others.
enum JsonType : uint8_t {
  kJsonNull = 1,
  kJsonBoolean = 2,
  kJsonInteger = 4,
  kJsonFraction = 8,
  kJsonNumber = kJsonInteger | kJsonFraction,
  kJsonString = 16,
  kJsonArray = 32,
  kJsonObject = 64,
  kJsonAll = 127,
};

// What a schema's keyword says something about; 0 if it is not about one type.
uint8_t TypesOfKeyword(std::string_view name);
// The type that a schema names, or 0.
uint8_t TypeOfName(std::string_view name);
JsonType TypeOfValue(const jinja::Value& value);
// As JSON Schema compares: 1 is 1.0, true is not 1. Recurses as deep as values are read.
bool JsonEqual(const jinja::Value& a, const jinja::Value& b);

class SchemaDocument {
 public:
  using Value = jinja::Value;

  // INVALID_ARGUMENT if it is no JSON, or too large.
  static StatusOr<std::unique_ptr<SchemaDocument>> Read(std::string_view text);

  const Value& root() const { return root_; }
  // {"type": "string"}, which is no part of the document.
  const Value& string_schema() const { return string_schema_; }
  // The JSON pointer of a value of the document, with '#'.
  std::string Pointer(const Value& value) const;

  // Whether `value` is a schema all of whose keywords are known and of the right form.
  Status CheckSchema(const Value& value);
  // What the `$ref` of `schema` refers to.
  StatusOr<const Value*> Resolve(const Value& schema) const;

  Status Fail(const Value& at, std::string_view message, std::string_view hint = {}) const;
  Status Lacks(const Value& at, std::string_view message, std::string_view hint = {}) const;

 private:
  enum class Role : uint8_t { kSchema, kSchemaMap, kSchemaList, kOther };
  struct Place {
    const Value* parent;
    std::string token;  // of the pointer, not escaped
  };

  SchemaDocument();
  // Notes places and anchors.
  Status Visit();
  static Role RoleOf(Role parent, std::string_view keyword);
  Status CheckKeyword(std::string_view name, const Value& value) const;

  jinja::Heap heap_;
  Value root_, string_schema_;
  std::unordered_map<const Value*, Place> places_;
  std::map<std::string, const Value*> anchors_;
  std::unordered_set<const Value*> checked_;
};

}  // namespace hob::text
