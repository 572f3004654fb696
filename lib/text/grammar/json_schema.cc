// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <set>

#include "lib/text/grammar/analysis.h"
#include "lib/text/grammar/schema_builder.h"

namespace hob::text {

using jinja::Type;

SchemaBuilder::SchemaBuilder(SchemaDocument& document, Grammar& grammar)
    : document_(document), grammar_(grammar), json_(grammar) {}

Grammar::Expr SchemaBuilder::Never(const Value& at, std::string_view why) {
  if (never_at_ == nullptr) {
    never_at_ = &at;
    never_ = why;
  }
  return grammar_.Never();
}

Status SchemaBuilder::Spend(size_t work, const Value& at) {
  spent_ += work;
  if (spent_ <= kMostWork && grammar_.rule_count() <= kMostRules) return absl::OkStatus();
  return document_.Fail(at, "the schema is too large once its references and branches are followed",
                        "Use fewer \"anyOf\", \"oneOf\" and \"allOf\" within each other.");
}

StatusOr<Grammar::Expr> SchemaBuilder::Build() {
  const SchemaParts parts = {{&document_.root()}};
  const auto first = static_cast<Grammar::Rule>(grammar_.rule_count());
  HOB_ASSIGN_OR_RETURN(const Expr root, RuleOf(parts));
  while (!work_.empty()) {
    const auto [rule, parts] = std::move(work_.back());
    work_.pop_back();
    HOB_ASSIGN_OR_RETURN(const Expr what, Combine(parts));
    grammar_.Define(rule, what);
    if (grammar_.too_large()) break;
  }
  if (grammar_.too_large()) return grammar_.Check();
  if (never_at_ != nullptr &&
      !FindProductive(grammar_)[static_cast<size_t>(grammar_.what(first))]) {
    return Annotate(document_.Fail(*never_at_, never_), "no document is valid under the schema");
  }
  return root;
}

StatusOr<Grammar::Expr> SchemaBuilder::RuleOf(SchemaParts parts) {
  SchemaParts key = parts;
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  const auto [found, added] = rules_.try_emplace(std::move(key), -1);
  if (added) {
    const Value& at = *parts[0].schema;
    HOB_RETURN_IF_ERROR(Spend(parts.size(), at));
    const Grammar::Rule rule = grammar_.AddRule(document_.Pointer(at));
    found->second = grammar_.Refer(rule);
    work_.emplace_back(rule, std::move(parts));
  }
  return found->second;
}

std::vector<const jinja::Value*> SchemaBuilder::Flat::schemas() const {
  std::vector<const Value*> out;
  std::set<const Value*> seen;
  for (const SchemaPart& part : parts) {
    if (seen.insert(part.schema).second) out.push_back(part.schema);
  }
  return out;
}

StatusOr<SchemaBuilder::Flat> SchemaBuilder::Flatten(const SchemaParts& parts) {
  struct Step {
    SchemaPart part;
    bool leave;
  };
  Flat out;
  std::set<SchemaPart> done, on_path, seen;
  std::vector<Step> work;
  for (size_t i = parts.size(); i-- > 0;) work.push_back({parts[i], false});
  while (!work.empty()) {
    const auto [part, leave] = work.back();
    work.pop_back();
    const Value& schema = *part.schema;
    if (leave) {
      on_path.erase(part);
      done.insert(part);
      continue;
    }
    HOB_RETURN_IF_ERROR(Spend(1, schema));
    HOB_RETURN_IF_ERROR(document_.CheckSchema(schema));
    if (schema.is(Type::kBool)) {
      if (!schema.as_bool() && out.never == nullptr) out.never = &schema;
      continue;
    }
    if (done.contains(part)) continue;
    SchemaPart followed = part;
    followed.followed = true;
    if (seen.insert(followed).second) out.parts.push_back(followed);
    if (part.followed) continue;
    if (!on_path.insert(part).second) {
      return document_.Fail(schema, "the schema is part of itself, by \"$ref\" or \"allOf\"",
                            "A value can hold others of its kind only as properties or items.");
    }
    work.push_back({part, true});
    if (const Value* all = FindKeyword(schema, "allOf"); all != nullptr) {
      for (size_t i = all->items().size(); i-- > 0;) {
        work.push_back({SchemaPart{&all->items()[i]}, false});
      }
    }
    if (FindKeyword(schema, "$ref") != nullptr) {
      HOB_ASSIGN_OR_RETURN(const Value* target, document_.Resolve(schema));
      work.push_back({SchemaPart{target}, false});
    }
  }
  return out;
}

StatusOr<Grammar::Expr> SchemaBuilder::Combine(const SchemaParts& parts) {
  HOB_ASSIGN_OR_RETURN(const Flat flat, Flatten(parts));
  if (flat.never != nullptr) return Never(*flat.never, "the schema is false");
  for (size_t i = 0; i < flat.parts.size(); ++i) {
    const SchemaPart& part = flat.parts[i];
    for (const bool one_of : {false, true}) {
      const bool chosen = one_of ? part.one_of : part.any_of;
      if (!chosen && FindKeyword(*part.schema, one_of ? "oneOf" : "anyOf") != nullptr) {
        return Branches(flat.parts, i, one_of);
      }
    }
  }
  const std::vector<const Value*> schemas = flat.schemas();
  if (schemas.empty()) return json_.Any();
  HOB_ASSIGN_OR_RETURN(SchemaShape shape, Merge(schemas));
  if (shape.never_at != nullptr) return Never(*shape.never_at, shape.never);
  if (shape.listed) {
    std::vector<Expr> values;
    for (const Value* value : shape.values) values.push_back(json_.Literal(*value));
    return grammar_.Choice(values);
  }
  // Keywords about one type alone are meant for a value of it.
  const uint8_t about = shape.about;
  if (!shape.typed && (about == kJsonObject || about == kJsonArray || about == kJsonString ||
                       about == kJsonNumber)) {
    shape.types &= about;
  }
  if (shape.types == kJsonAll && about == 0) return json_.Any();
  return Values(schemas, shape);
}

StatusOr<SchemaShape> SchemaBuilder::Merge(const std::vector<const Value*>& schemas) {
  for (const Value* schema : schemas) {
    const Value* values = FindKeyword(*schema, "enum");
    HOB_RETURN_IF_ERROR(Spend(values == nullptr ? 1 : values->items().size(), *schema));
  }
  return MergeSchemas(document_, schemas);
}

StatusOr<Grammar::Expr> SchemaBuilder::Branches(const SchemaParts& parts, size_t which,
                                                bool one_of) {
  const Value& list = *FindKeyword(*parts[which].schema, one_of ? "oneOf" : "anyOf");
  std::vector<SchemaParts> branches;
  std::vector<Expr> choices;
  for (const Value& item : list.items()) {
    HOB_RETURN_IF_ERROR(Spend(parts.size(), list));
    SchemaParts branch = parts;
    (one_of ? branch[which].one_of : branch[which].any_of) = true;
    branch.push_back({&item});
    if (one_of) branches.push_back(branch);
    HOB_ASSIGN_OR_RETURN(choices.emplace_back(), RuleOf(std::move(branch)));
  }
  if (one_of) HOB_RETURN_IF_ERROR(CheckApart(list, branches));
  return grammar_.Choice(choices);
}

StatusOr<Grammar::Expr> SchemaBuilder::Values(const std::vector<const Value*>& schemas,
                                              const SchemaShape& shape) {
  std::vector<Expr> parts;
  const uint8_t types = shape.types;
  if ((types & kJsonObject) != 0) {
    HOB_ASSIGN_OR_RETURN(parts.emplace_back(), Object(schemas, shape));
  }
  if ((types & kJsonArray) != 0) {
    HOB_ASSIGN_OR_RETURN(parts.emplace_back(), Array(schemas, shape));
  }
  if ((types & kJsonString) != 0) {
    HOB_ASSIGN_OR_RETURN(parts.emplace_back(), String(shape, *schemas[0]));
  }
  if ((types & kJsonInteger) != 0) {
    HOB_ASSIGN_OR_RETURN(parts.emplace_back(),
                         Number(shape, (types & kJsonFraction) != 0, *schemas[0]));
  }
  if ((types & kJsonBoolean) != 0) parts.push_back(json_.Boolean());
  if ((types & kJsonNull) != 0) parts.push_back(grammar_.Text("null"));
  return parts.size() == 1 ? parts[0] : grammar_.Choice(parts);
}

StatusOr<Grammar::Expr> SchemaBuilder::Number(const SchemaShape& shape, bool fractions,
                                              const Value& at) {
  const NumberBounds& bounds = shape.numbers;
  if (!bounds.any()) return fractions ? json_.Number() : json_.Integer();
  if (!fractions) {
    const NumberBounds whole = ToIntegers(bounds);
    if (whole.least.has_value() && whole.most.has_value() &&
        Compare(*whole.least, *whole.most) > 0) {
      return Never(at, "no integer is within the bounds");
    }
    return IntegerRange(grammar_, whole);
  }
  // Doubles would take a decimal next to such a bound for the bound.
  constexpr size_t kExactDigits = 15;
  if ((bounds.above && bounds.least->digits() > kExactDigits) ||
      (bounds.below && bounds.most->digits() > kExactDigits)) {
    return document_.Lacks(at, "an exclusive bound of more than 15 digits is not supported");
  }
  return DecimalRange(grammar_, bounds);
}

StatusOr<Grammar::Expr> AddJsonSchema(std::string_view schema, Grammar& grammar) {
  HOB_ASSIGN_OR_RETURN(const std::unique_ptr<SchemaDocument> document,
                       SchemaDocument::Read(schema));
  return SchemaBuilder(*document, grammar).Build();
}

StatusOr<Grammar> ReadJsonSchema(std::string_view schema) {
  Grammar grammar;
  HOB_RETURN_IF_ERROR(AddJsonSchema(schema, grammar).status());
  return grammar;
}

}  // namespace hob::text
