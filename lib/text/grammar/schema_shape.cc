// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/schema_shape.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/text/grammar/schema_keywords.h"
#include "lib/text/unicode.h"

namespace hob::text {
namespace {

using jinja::Type;
using jinja::Value;

uint64_t CountOf(const Value& value) {
  const auto number = ToDecimal(value);
  if (!number.has_value() || number->whole.size() > 9) return 1'000'000'000;
  return number->whole.empty() ? 0 : std::stoull(number->whole);
}

// Recurses as deep as values are read.
bool IsFinite(const Value& value) {
  if (value.is(Type::kFloat)) return std::isfinite(value.as_float());
  if (value.is(Type::kList)) return std::ranges::all_of(value.items(), IsFinite);
  if (value.is(Type::kDict)) {
    return std::ranges::all_of(value.dict().entries,
                               [](const auto& entry) { return IsFinite(entry.second); });
  }
  return true;
}

class Merger {
 public:
  explicit Merger(const SchemaDocument& document) : document_(document) {}

  Status Add(const Value& schema) {
    for (const auto& [key, value] : schema.dict().entries) {
      const SchemaKeyword* keyword = FindSchemaKeyword(key.str());
      shape_.about |= keyword->types;
      if (keyword->use == KeywordUse::kAsserts) HOB_RETURN_IF_ERROR(Add(keyword->name, value));
    }
    return absl::OkStatus();
  }

  StatusOr<SchemaShape> Finish() {
    if (shape_.types == 0) Never(*last_type_, "no type is left that all keywords allow");
    // A keyword about a type that cannot be says nothing.
    if ((shape_.types & kJsonString) != 0) CheckOrder(shape_.length, kJsonString, "length");
    if ((shape_.types & kJsonArray) != 0) CheckOrder(shape_.items, kJsonArray, "number of items");
    if ((shape_.types & kJsonObject) != 0) {
      CheckOrder(shape_.properties, kJsonObject, "number of properties");
    }
    const auto& [least, most, above, below] = shape_.numbers;
    if (least.has_value() && most.has_value()) {
      const int order = Compare(*least, *most);
      if (order > 0 || (order == 0 && (above || below))) {
        Exclude(kJsonNumber, *last_bound_, "no number is within the bounds");
      }
    }
    if (shape_.listed) HOB_RETURN_IF_ERROR(Filter());
    return std::move(shape_);
  }

 private:
  void Never(const Value& at, std::string_view why) {
    if (shape_.never_at != nullptr) return;
    shape_.never = why;
    shape_.never_at = &at;
  }
  // No value of these types is valid.
  void Exclude(uint8_t types, const Value& at, std::string_view why) {
    if ((shape_.types & types) == 0) return;
    shape_.types &= static_cast<uint8_t>(~types);
    if (shape_.types == 0 || (!shape_.typed && (shape_.about & ~types) == 0)) Never(at, why);
  }
  void CheckOrder(const CountRange& range, uint8_t type, std::string_view what) {
    if (range.least > range.most) {
      Exclude(type, *last_count_, Concat("the least ", what, " is above the most"));
    }
  }

  Status Add(std::string_view name, const Value& value) {
    if (name == "type") return AddType(value);
    if (name == "enum") return AddValues(value, false);
    if (name == "const") return AddValues(value, true);
    if (name == "minLength" || name == "maxLength") return AddCount(shape_.length, name, value);
    if (name == "minItems" || name == "maxItems") return AddCount(shape_.items, name, value);
    if (name == "minProperties" || name == "maxProperties") {
      return AddCount(shape_.properties, name, value);
    }
    if (name == "minimum") return AddLeast(value, false);
    if (name == "exclusiveMinimum") return AddLeast(value, true);
    if (name == "maximum") return AddMost(value, false);
    if (name == "exclusiveMaximum") return AddMost(value, true);
    if (name == "pattern") return AddText(shape_.pattern, name, value);
    if (name == "format") return AddText(shape_.format, name, value);
    if (name == "multipleOf") {
      const auto number = ToDecimal(value);
      if (!number.has_value() || number->whole != "1" || !number->fraction.empty()) {
        return document_.Lacks(value, "\"multipleOf\" is supported only with 1");
      }
      shape_.types &= static_cast<uint8_t>(~kJsonFraction);
      last_type_ = &value;
    }
    if (name == "uniqueItems" && value.as_bool()) {
      return document_.Lacks(value, "the keyword \"uniqueItems\" is not supported");
    }
    return absl::OkStatus();
  }

  Status AddType(const Value& value) {
    uint8_t types = 0;
    if (value.is_string()) {
      types = TypeOfName(value.str());
    } else {
      for (const Value& item : value.items()) types |= TypeOfName(item.str());
    }
    shape_.types &= types;
    shape_.typed = true;
    last_type_ = &value;
    return absl::OkStatus();
  }

  Status AddValues(const Value& value, bool single) {
    if (!IsFinite(value)) return document_.Fail(value, "a number that is too large");
    std::vector<const Value*> values;
    if (single) {
      values.push_back(&value);
    } else {
      for (const Value& item : value.items()) values.push_back(&item);
    }
    if (shape_.listed) {
      std::erase_if(shape_.values, [&](const Value* known) {
        return std::ranges::none_of(values,
                                    [&](const Value* other) { return JsonEqual(*known, *other); });
      });
    } else {
      shape_.values = std::move(values);
    }
    shape_.listed = shape_.typed = true;
    last_values_ = &value;
    return absl::OkStatus();
  }

  Status AddCount(CountRange& range, std::string_view name, const Value& value) {
    const uint64_t count = CountOf(value);
    if (name.starts_with("min")) {
      range.least = std::max(range.least, count);
    } else {
      range.most = std::min(range.most, count);
    }
    last_count_ = &value;
    return absl::OkStatus();
  }

  StatusOr<Decimal> Bound(const Value& value) {
    const auto number = ToDecimal(value);
    if (!number.has_value()) {
      return document_.Lacks(value, "a bound of more than 40 digits is not supported");
    }
    last_bound_ = &value;
    return *number;
  }
  Status AddLeast(const Value& value, bool open) {
    HOB_ASSIGN_OR_RETURN(const Decimal bound, Bound(value));
    auto& numbers = shape_.numbers;
    const int order = numbers.least.has_value() ? Compare(bound, *numbers.least) : 1;
    if (order > 0) numbers.above = false;
    if (order >= 0) {
      numbers.least = bound;
      numbers.above = numbers.above || open;
    }
    return absl::OkStatus();
  }
  Status AddMost(const Value& value, bool open) {
    HOB_ASSIGN_OR_RETURN(const Decimal bound, Bound(value));
    auto& numbers = shape_.numbers;
    const int order = numbers.most.has_value() ? Compare(bound, *numbers.most) : -1;
    if (order < 0) numbers.below = false;
    if (order <= 0) {
      numbers.most = bound;
      numbers.below = numbers.below || open;
    }
    return absl::OkStatus();
  }

  Status AddText(const Value*& known, std::string_view name, const Value& value) {
    if (known != nullptr && known->str() != value.str()) {
      return document_.Lacks(
          value, Concat("two different \"", name, "\" that hold together are not supported"));
    }
    known = &value;
    return absl::OkStatus();
  }

  // Keeps the listed values that the other keywords allow.
  Status Filter() {
    std::vector<const Value*> kept;
    for (const Value* value : shape_.values) {
      HOB_ASSIGN_OR_RETURN(const bool valid, IsValid(*value));
      if (valid) kept.push_back(value);
    }
    if (kept.empty()) Never(*last_values_, "no value of it is allowed by the other keywords");
    shape_.values = std::move(kept);
    return absl::OkStatus();
  }

  StatusOr<bool> IsValid(const Value& value) const {
    const JsonType type = TypeOfValue(value);
    if ((type & shape_.types) == 0) return false;
    if ((type & kJsonNumber) != 0 && shape_.numbers.any()) {
      const auto number = ToDecimal(value);
      return number.has_value() && shape_.numbers.Contain(*number);
    }
    const bool told = type == kJsonString ? shape_.pattern != nullptr || shape_.format != nullptr
                                          : (type & (kJsonArray | kJsonObject) & shape_.about) != 0;
    if (told) {
      return document_.Lacks(value,
                             "a listed value beside keywords about its type is not supported",
                             "Leave out those keywords: the value is what it is.");
    }
    if (type == kJsonString) {
      const uint64_t length = static_cast<uint64_t>(
          std::ranges::count_if(value.str(), [](char c) { return (c & 0xC0) != 0x80; }));
      return length >= shape_.length.least && length <= shape_.length.most;
    }
    return true;
  }

  const SchemaDocument& document_;
  SchemaShape shape_;
  const Value *last_type_ = nullptr, *last_values_ = nullptr, *last_count_ = nullptr,
              *last_bound_ = nullptr;
};

}  // namespace

const Value* FindKeyword(const Value& schema, std::string_view name) {
  return schema.dict().Find(name);
}

StatusOr<SchemaShape> MergeSchemas(const SchemaDocument& document,
                                   std::span<const Value* const> schemas) {
  Merger merger(document);
  for (const Value* schema : schemas) HOB_RETURN_IF_ERROR(merger.Add(*schema));
  return merger.Finish();
}

}  // namespace hob::text
