// SPDX-License-Identifier: Apache-2.0
// The keywords of JSON Schema: what their values look like, and what hob does with them.
#pragma once

#include <cstdint>
#include <string_view>

namespace hob::text {

enum class KeywordUse : uint8_t {
  kAsserts,    // is kept
  kAnnotates,  // says nothing about which documents are valid
  kUnsupported,
};

enum class KeywordForm : uint8_t {
  kAny,
  kSchema,
  kSchemas,     // an object of them
  kSchemaList,  // an array of at least one
  kText,
  kTexts,  // an array of strings
  kCount,  // an integer from 0 on
  kNumber,
  kBoolean,
  kTypes,
  kValues,  // an array
};

struct SchemaKeyword {
  std::string_view name;
  KeywordUse use;
  KeywordForm form;
  uint8_t types;  // that it is about; 0 if not about one
};

// Null if there is none of that name.
const SchemaKeyword* FindSchemaKeyword(std::string_view name);

}  // namespace hob::text
