// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "lib/text/grammar/schema_builder.h"
#include "lib/text/unicode.h"

namespace hob::text {

using jinja::Type;

// The properties of an object: those with names in the order of the schema, then others.
struct SchemaBuilder::Members {
  struct Named {
    std::string_view name;
    bool required = false;
    Expr expr = -1;  // the name, the colon and the value
  };
  std::vector<Named> named;
  std::map<std::string_view, size_t> index;
  size_t required = 0;
  // Another property, if there may be any, and how many.
  Expr other = -1;
  uint32_t other_least = 0, other_most = 0;

  Named& Get(std::string_view name) {
    const auto [found, added] = index.try_emplace(name, named.size());
    if (added) named.push_back({name});
    return named[found->second];
  }
};

namespace {

bool IsFalse(const jinja::Value& value) { return value.is(Type::kBool) && !value.as_bool(); }

}  // namespace

Status SchemaBuilder::ReadMembers(const std::vector<const Value*>& schemas, Members& out) {
  for (const Value* schema : schemas) {
    if (const Value* properties = FindKeyword(*schema, "properties"); properties != nullptr) {
      for (const auto& [key, value] : properties->dict().entries) out.Get(key.str());
    }
  }
  for (const Value* schema : schemas) {
    if (const Value* required = FindKeyword(*schema, "required"); required != nullptr) {
      for (const Value& name : required->items()) {
        Members::Named& member = out.Get(name.str());
        out.required += member.required ? 0 : 1;
        member.required = true;
      }
    }
  }
  if (out.named.size() > kMostProperties) {
    return document_.Fail(*schemas[0],
                          Concat("there are more than ", kMostProperties, " properties"));
  }
  for (Members::Named& member : out.named) {
    HOB_RETURN_IF_ERROR(Spend(schemas.size(), *schemas[0]));
    SchemaParts parts;
    for (const Value* schema : schemas) {
      const Value* properties = FindKeyword(*schema, "properties");
      const Value* value = properties == nullptr ? nullptr : properties->dict().Find(member.name);
      if (value == nullptr) value = FindKeyword(*schema, "additionalProperties");
      if (value != nullptr) parts.push_back({value});
      for (const std::string_view keyword : {"patternProperties", "propertyNames"}) {
        if (const Value* other = FindKeyword(*schema, keyword); other != nullptr) {
          return document_.Lacks(*other, Concat("\"", keyword,
                                                "\" beside \"properties\" or \"required\" is not "
                                                "supported"));
        }
      }
    }
    Expr value = json_.Any();
    if (!parts.empty()) {
      HOB_ASSIGN_OR_RETURN(value, RuleOf(std::move(parts)));
    }
    member.expr = grammar_.Sequence({json_.Quoted(member.name), json_.Colon(), value});
  }
  return absl::OkStatus();
}

// Properties without `properties` of their own.
Status SchemaBuilder::ReadOthers(const std::vector<const Value*>& schemas, Members& out) {
  SchemaParts parts;
  bool closed = false;
  const Value* pattern = nullptr;
  for (const Value* schema : schemas) {
    const Value* others = FindKeyword(*schema, "additionalProperties");
    const Value* patterns = FindKeyword(*schema, "patternProperties");
    if (patterns != nullptr && !patterns->dict().entries.empty()) {
      if (pattern != nullptr || patterns->dict().entries.size() > 1) {
        return document_.Lacks(*patterns, "more than one pattern of properties is not supported");
      }
      pattern = &patterns->dict().entries[0].second;
      parts.push_back({pattern});
    } else if (others != nullptr) {
      closed = closed || IsFalse(*others);
      parts.push_back({others});
    } else {
      // Nothing is said about others: those that are named are meant to be all.
      closed = closed || FindKeyword(*schema, "properties") != nullptr;
    }
  }
  if (closed) return absl::OkStatus();
  Expr value = json_.Any();
  if (!parts.empty()) {
    HOB_ASSIGN_OR_RETURN(value, RuleOf(std::move(parts)));
  }
  HOB_ASSIGN_OR_RETURN(const Expr key, OtherKey(schemas, out));
  out.other = grammar_.Sequence({key, json_.Colon(), value});
  out.other_most = Grammar::kNoLimit;
  return absl::OkStatus();
}

StatusOr<Grammar::Expr> SchemaBuilder::OtherKey(const std::vector<const Value*>& schemas,
                                                const Members& members) {
  SchemaParts names;
  const Value* pattern = nullptr;  // the name is the pattern's source
  for (const Value* schema : schemas) {
    if (const Value* name = FindKeyword(*schema, "propertyNames"); name != nullptr) {
      names.push_back({name});
    }
    const Value* patterns = FindKeyword(*schema, "patternProperties");
    if (patterns != nullptr && !patterns->dict().entries.empty()) pattern = patterns;
  }
  if (!names.empty() && pattern != nullptr) {
    return document_.Lacks(*pattern,
                           "\"patternProperties\" beside \"propertyNames\" is not "
                           "supported");
  }
  if (pattern != nullptr) {
    const auto& [source, value] = pattern->dict().entries[0];
    HOB_ASSIGN_OR_RETURN(const Pattern parsed, PatternOf(value, source.str(), true));
    return parsed.string;
  }
  if (!names.empty()) {
    names.push_back({&document_.string_schema()});
    return RuleOf(std::move(names));
  }
  if (members.named.empty()) return json_.String();
  std::vector<std::string_view> known;
  for (const Members::Named& member : members.named) known.push_back(member.name);
  return OtherName(known);
}

// The names as a trie of characters: another name leaves it somewhere, or ends within.
Grammar::Expr SchemaBuilder::OtherName(const std::vector<std::string_view>& names) {
  struct Node {
    std::vector<std::pair<char32_t, size_t>> next;
    bool name = false;
  };
  std::vector<Node> trie(1);
  for (const std::string_view name : names) {
    size_t at = 0;
    for (size_t i = 0; i < name.size();) {
      const Utf8Step step = StepUtf8(name, i);
      i += step.length;
      size_t to = 0;
      for (const auto& [value, child] : trie[at].next) {
        if (value == step.value) to = child;
      }
      if (to == 0) {
        to = trie.size();
        trie[at].next.emplace_back(step.value, to);
        trie.emplace_back();
      }
      at = to;
    }
    trie[at].name = true;
  }
  // Children come behind their parents, so the last one is made first.
  std::vector<Expr> made(trie.size());
  for (size_t i = trie.size(); i-- > 0;) {
    // Names come without escapes, so what needs one is not on the way to any.
    std::vector<CodePoints> taken = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
    std::vector<Expr> parts;
    if (!trie[i].name) parts.push_back(grammar_.Text("\""));
    for (const auto& [value, child] : trie[i].next) {
      if (value < 0x20 || value == '"' || value == '\\') continue;
      taken.push_back({value, value});
      parts.push_back(grammar_.Sequence({grammar_.Class({{value, value}}), made[child]}));
    }
    parts.push_back(grammar_.Sequence({grammar_.NotClass(std::move(taken)), json_.StringRest()}));
    made[i] = grammar_.Choice(parts);
  }
  return grammar_.Sequence({grammar_.Text("\""), made[0]});
}

// At least one property: the first one that is there, and then those behind it.
Grammar::Expr SchemaBuilder::Chain(const Members& members) {
  const size_t count = members.named.size();
  size_t first_count = 0;  // that may be the first one
  while (first_count < count && !members.named[first_count].required) ++first_count;
  const bool all_optional = first_count == count;
  first_count = std::min(first_count + 1, count);
  // What follows each is written out for each that may be first. Where that is much, it is in
  // rules, a number of properties each.
  constexpr size_t kMuch = 1024, kMostRulesOfOne = 48;
  const size_t share = first_count * count > kMuch && first_count > 1
                           ? std::max<size_t>(16, count / kMostRulesOfOne)
                           : count + 1;
  std::vector<Expr> rest(count + 1);  // what follows the properties before, with its comma
  const auto least = members.other_least, most = members.other_most;
  const bool open = members.other >= 0 && most > 0;
  rest[count] = open ? grammar_.Repeat(json_.Next(members.other), least, most) : grammar_.Empty();
  for (size_t i = count; i-- > 0;) {
    const Expr next = json_.Next(members.named[i].expr);
    const Expr item = members.named[i].required ? next : grammar_.Optional(next);
    rest[i] = grammar_.Sequence({item, rest[i + 1]});
    if (i > 0 && i % share == 0) {
      const Grammar::Rule rule = grammar_.AddRule("properties");
      grammar_.Define(rule, rest[i]);
      rest[i] = grammar_.Refer(rule);
    }
  }
  std::vector<Expr> choices;
  for (size_t i = 0; i < first_count; ++i) {
    choices.push_back(grammar_.Sequence({members.named[i].expr, rest[i + 1]}));
  }
  if (all_optional && open) {
    const uint32_t fewer = most == Grammar::kNoLimit ? most : most - 1;
    choices.push_back(
        grammar_.Sequence({members.other, grammar_.Repeat(json_.Next(members.other),
                                                          least > 0 ? least - 1 : 0, fewer)}));
  }
  return grammar_.Choice(choices);
}

StatusOr<Grammar::Expr> SchemaBuilder::Body(const Members& members, const SchemaShape& shape,
                                            const Value& at, bool& may_be_empty) {
  const uint64_t required = members.required, named = members.named.size();
  const bool open = members.other >= 0;
  const auto [least, most] = shape.properties;
  may_be_empty = required == 0 && least == 0;
  if (most < required) return Never(at, "more properties are required than maxProperties allows");
  if (!open && least > named) return Never(at, "there are fewer properties than minProperties");
  Members bounded = members;
  const auto lacks = [&](std::string_view keyword) {
    return document_.Lacks(at, Concat("\"", keyword, "\" is not supported with these properties"),
                           "Say which properties are \"required\".");
  };
  if (least > required && !(least == 1)) {
    // Several others may have the same name, and so be one.
    if (!open || least > required + 1) return lacks("minProperties");
    bounded.other_least = 1;
  }
  if (open ? most != CountRange::kNone : most < named) {
    if (most == 0) {
      bounded = Members();
    } else if (!open && required == 0 && most == 1) {
      std::vector<Expr> choices;
      for (const Members::Named& member : members.named) choices.push_back(member.expr);
      return grammar_.Choice(choices);
    } else if (!open || most < named) {
      return lacks("maxProperties");
    } else {
      bounded.other_most = static_cast<uint32_t>(std::min<uint64_t>(most - named, kMostItems));
      if (bounded.other_least > bounded.other_most) return lacks("maxProperties");
    }
  }
  return Chain(bounded);
}

StatusOr<Grammar::Expr> SchemaBuilder::Object(const std::vector<const Value*>& schemas,
                                              const SchemaShape& shape) {
  if ((shape.about & kJsonObject) == 0) return json_.Object();
  Members members;
  HOB_RETURN_IF_ERROR(ReadMembers(schemas, members));
  HOB_RETURN_IF_ERROR(ReadOthers(schemas, members));
  bool may_be_empty = false;
  HOB_ASSIGN_OR_RETURN(const Expr body, Body(members, shape, *schemas[0], may_be_empty));
  return json_.Bracketed("{", body, may_be_empty, "}");
}

}  // namespace hob::text
