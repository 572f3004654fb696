// SPDX-License-Identifier: Apache-2.0
// What oneOf asks: that no document is valid under two of its branches.
#include <algorithm>

#include "lib/text/grammar/schema_builder.h"

namespace hob::text {
namespace {

using jinja::Type;
using jinja::Value;

constexpr int kMostDepth = 4;  // of properties that tell branches apart

// Keywords within `properties` of some of the schemas.
SchemaParts PropertyOf(const std::vector<const Value*>& schemas, std::string_view name) {
  SchemaParts out;
  for (const Value* schema : schemas) {
    const Value* properties = FindKeyword(*schema, "properties");
    const Value* found = properties == nullptr ? nullptr : properties->dict().Find(name);
    if (found != nullptr) out.push_back({found});
  }
  return out;
}

bool Forbids(const std::vector<const Value*>& schemas, std::string_view name) {
  return std::ranges::any_of(schemas, [&](const Value* schema) {
    const Value* properties = FindKeyword(*schema, "properties");
    const Value* others = FindKeyword(*schema, "additionalProperties");
    return others != nullptr && others->is(Type::kBool) && !others->as_bool() &&
           FindKeyword(*schema, "patternProperties") == nullptr &&
           (properties == nullptr || properties->dict().Find(name) == nullptr);
  });
}

std::vector<std::string_view> RequiredNames(const std::vector<const Value*>& schemas) {
  std::vector<std::string_view> out;
  for (const Value* schema : schemas) {
    const Value* required = FindKeyword(*schema, "required");
    if (required == nullptr) continue;
    for (const Value& name : required->items()) out.push_back(name.str());
  }
  return out;
}

bool AreApart(const CountRange& a, const CountRange& b) {
  return a.least > b.most || b.least > a.most;
}

bool AreApart(const NumberBounds& a, const NumberBounds& b) {
  const auto below = [](const NumberBounds& low, const NumberBounds& high) {
    if (!low.most.has_value() || !high.least.has_value()) return false;
    const int order = Compare(*low.most, *high.least);
    return order < 0 || (order == 0 && (low.below || high.above));
  };
  return below(a, b) || below(b, a);
}

// Whether the listed values of `a`, if there are some, are none of `b`.
bool ListsAreApart(const SchemaShape& a, const SchemaShape& b) {
  return a.listed && std::ranges::none_of(a.values, [&](const Value* value) {
           if (!b.listed) return (TypeOfValue(*value) & b.types) != 0;
           return std::ranges::any_of(
               b.values, [&](const Value* other) { return JsonEqual(*value, *other); });
         });
}

}  // namespace

StatusOr<SchemaBuilder::Branch> SchemaBuilder::ReadBranch(const SchemaParts& parts) {
  HOB_ASSIGN_OR_RETURN(const Flat flat, Flatten(parts));
  Branch out;
  out.schemas = flat.schemas();
  HOB_ASSIGN_OR_RETURN(out.shape, MergeSchemas(document_, out.schemas));
  out.never = flat.never != nullptr || out.shape.types == 0 ||
              (out.shape.listed && out.shape.values.empty());
  return out;
}

Status SchemaBuilder::CheckApart(const Value& list, const std::vector<SchemaParts>& parts) {
  if (parts.size() > kMostBranches) {
    return document_.Lacks(
        list, Concat("\"oneOf\" of more than ", kMostBranches, " schemas is not supported"),
        "Use \"anyOf\".");
  }
  std::vector<Branch> branches;
  for (const SchemaParts& branch : parts) {
    HOB_ASSIGN_OR_RETURN(branches.emplace_back(), ReadBranch(branch));
  }
  for (size_t i = 0; i < branches.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      HOB_ASSIGN_OR_RETURN(const bool apart, AreApart(branches[k], branches[i], 0));
      if (apart) continue;
      return document_.Lacks(
          list,
          Concat("schemas ", k, " and ", i, " of \"oneOf\" are not known to exclude each other"),
          "Use \"anyOf\", or tell them apart by type, by \"const\" or \"enum\", or by a required "
          "property with another \"const\" in each.");
    }
  }
  return absl::OkStatus();
}

StatusOr<bool> SchemaBuilder::AreApart(const Branch& a, const Branch& b, int depth) {
  HOB_RETURN_IF_ERROR(Spend(1, document_.root()));
  if (a.never || b.never) return true;
  if (ListsAreApart(a.shape, b.shape) || ListsAreApart(b.shape, a.shape)) return true;
  const uint8_t common = a.shape.types & b.shape.types;
  if ((common & (kJsonNull | kJsonBoolean)) != 0) return false;
  if ((common & kJsonNumber) != 0 && !text::AreApart(a.shape.numbers, b.shape.numbers)) {
    return false;
  }
  if ((common & kJsonString) != 0 && !text::AreApart(a.shape.length, b.shape.length)) return false;
  if ((common & kJsonArray) != 0 && !text::AreApart(a.shape.items, b.shape.items)) return false;
  if ((common & kJsonObject) == 0 || text::AreApart(a.shape.properties, b.shape.properties)) {
    return true;
  }
  return ObjectsAreApart(a, b, depth);
}

// A property that one of them requires, and that the other does not allow, or not with that value.
StatusOr<bool> SchemaBuilder::ObjectsAreApart(const Branch& a, const Branch& b, int depth) {
  if (depth >= kMostDepth) return false;
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    for (const std::string_view name : RequiredNames(one->schemas)) {
      HOB_RETURN_IF_ERROR(Spend(one->schemas.size() + other->schemas.size(), document_.root()));
      if (Forbids(other->schemas, name)) return true;
      const SchemaParts mine = PropertyOf(one->schemas, name),
                        theirs = PropertyOf(other->schemas, name);
      if (mine.empty() || theirs.empty()) continue;
      HOB_ASSIGN_OR_RETURN(const Branch left, ReadBranch(mine));
      HOB_ASSIGN_OR_RETURN(const Branch right, ReadBranch(theirs));
      HOB_ASSIGN_OR_RETURN(const bool apart, AreApart(left, right, depth + 1));
      if (apart) return true;
    }
  }
  return false;
}

}  // namespace hob::text
