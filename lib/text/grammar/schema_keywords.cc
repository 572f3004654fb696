// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/schema_keywords.h"

#include "lib/text/grammar/schema_document.h"

namespace hob::text {
namespace {

using enum KeywordUse;
using enum KeywordForm;

// docs/reference/grammars.md describes them.
constexpr SchemaKeyword kKeywords[] = {
    {"type", kAsserts, kTypes, 0},
    {"enum", kAsserts, kValues, 0},
    {"const", kAsserts, kAny, 0},
    {"anyOf", kAsserts, kSchemaList, 0},
    {"oneOf", kAsserts, kSchemaList, 0},
    {"allOf", kAsserts, kSchemaList, 0},
    {"$ref", kAsserts, kText, 0},
    {"properties", kAsserts, kSchemas, kJsonObject},
    {"required", kAsserts, kTexts, kJsonObject},
    {"additionalProperties", kAsserts, kSchema, kJsonObject},
    {"patternProperties", kAsserts, kSchemas, kJsonObject},
    {"propertyNames", kAsserts, kSchema, kJsonObject},
    {"minProperties", kAsserts, kCount, kJsonObject},
    {"maxProperties", kAsserts, kCount, kJsonObject},
    {"items", kAsserts, kSchema, kJsonArray},
    {"prefixItems", kAsserts, kSchemaList, kJsonArray},
    {"minItems", kAsserts, kCount, kJsonArray},
    {"maxItems", kAsserts, kCount, kJsonArray},
    {"uniqueItems", kAsserts, kBoolean, kJsonArray},
    {"minLength", kAsserts, kCount, kJsonString},
    {"maxLength", kAsserts, kCount, kJsonString},
    {"pattern", kAsserts, kText, kJsonString},
    {"format", kAsserts, kText, kJsonString},
    {"minimum", kAsserts, kNumber, kJsonNumber},
    {"maximum", kAsserts, kNumber, kJsonNumber},
    {"exclusiveMinimum", kAsserts, kNumber, kJsonNumber},
    {"exclusiveMaximum", kAsserts, kNumber, kJsonNumber},
    {"multipleOf", kAsserts, kNumber, kJsonNumber},

    {"title", kAnnotates, kText, 0},
    {"description", kAnnotates, kText, 0},
    {"default", kAnnotates, kAny, 0},
    {"examples", kAnnotates, kValues, 0},
    {"deprecated", kAnnotates, kBoolean, 0},
    {"readOnly", kAnnotates, kBoolean, 0},
    {"writeOnly", kAnnotates, kBoolean, 0},
    {"$comment", kAnnotates, kText, 0},
    {"$schema", kAnnotates, kText, 0},
    {"$id", kAnnotates, kText, 0},
    {"$anchor", kAnnotates, kText, 0},
    {"$defs", kAnnotates, kSchemas, 0},
    {"definitions", kAnnotates, kSchemas, 0},

    {"not", kUnsupported, kSchema, 0},
    {"if", kUnsupported, kSchema, 0},
    {"then", kUnsupported, kSchema, 0},
    {"else", kUnsupported, kSchema, 0},
    {"contains", kUnsupported, kSchema, kJsonArray},
    {"minContains", kUnsupported, kCount, kJsonArray},
    {"maxContains", kUnsupported, kCount, kJsonArray},
    {"additionalItems", kUnsupported, kSchema, kJsonArray},
    {"unevaluatedItems", kUnsupported, kSchema, kJsonArray},
    {"unevaluatedProperties", kUnsupported, kSchema, kJsonObject},
    {"dependentRequired", kUnsupported, kAny, kJsonObject},
    {"dependentSchemas", kUnsupported, kSchemas, kJsonObject},
    {"dependencies", kUnsupported, kAny, kJsonObject},
    {"contentEncoding", kUnsupported, kText, kJsonString},
    {"contentMediaType", kUnsupported, kText, kJsonString},
    {"contentSchema", kUnsupported, kSchema, kJsonString},
    {"$dynamicRef", kUnsupported, kText, 0},
    {"$dynamicAnchor", kUnsupported, kText, 0},
    {"$recursiveRef", kUnsupported, kText, 0},
    {"$recursiveAnchor", kUnsupported, kAny, 0},
    {"$vocabulary", kUnsupported, kAny, 0},
};

}  // namespace

const SchemaKeyword* FindSchemaKeyword(std::string_view name) {
  for (const SchemaKeyword& keyword : kKeywords) {
    if (keyword.name == name) return &keyword;
  }
  return nullptr;
}

}  // namespace hob::text
