// SPDX-License-Identifier: Apache-2.0
// What several schemas that hold together say.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/grammar/decimal.h"
#include "lib/text/grammar/schema_document.h"

namespace hob::text {

// Bounds of a count.
struct CountRange {
  static constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();
  uint64_t least = 0, most = kNone;
  bool any() const { return least > 0 || most != kNone; }
};

// The keywords of all of them as one, but for those with schemas within.
struct SchemaShape {
  uint8_t types = kJsonAll;  // that are valid
  uint8_t about = 0;         // types that some keyword is about
  bool typed = false;        // a type, enum or const is there

  // The values that are valid, if some are listed.
  bool listed = false;
  std::vector<const jinja::Value*> values;

  NumberBounds numbers;
  CountRange length, items, properties;
  const jinja::Value* pattern = nullptr;
  const jinja::Value* format = nullptr;

  // Why no document is valid; empty if that is not known.
  std::string never;
  const jinja::Value* never_at = nullptr;
};

// `schemas` are objects that were checked. UNIMPLEMENTED for what is not supported together.
StatusOr<SchemaShape> MergeSchemas(const SchemaDocument& document,
                                   std::span<const jinja::Value* const> schemas);

// A keyword's value, or null.
const jinja::Value* FindKeyword(const jinja::Value& schema, std::string_view name);

}  // namespace hob::text
