// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lib/text/grammar/schema_builder.h"

namespace hob::text {

StatusOr<Grammar::Expr> SchemaBuilder::Array(const std::vector<const Value*>& schemas,
                                             const SchemaShape& shape) {
  size_t first_count = 0;  // items with schemas of their own
  for (const Value* schema : schemas) {
    if (const Value* first = FindKeyword(*schema, "prefixItems"); first != nullptr) {
      first_count = std::max(first_count, first->items().size());
    }
  }
  // What holds for the item at `index`; behind the first ones, for all.
  const auto item = [&](size_t index) -> StatusOr<Expr> {
    SchemaParts parts;
    for (const Value* schema : schemas) {
      HOB_RETURN_IF_ERROR(Spend(1, *schema));
      const Value* first = FindKeyword(*schema, "prefixItems");
      const Value* others = FindKeyword(*schema, "items");
      if (first != nullptr && index < first->items().size()) {
        parts.push_back({&first->items()[index]});
      } else if (others != nullptr) {
        parts.push_back({others});
      }
    }
    if (parts.empty()) return json_.Any();
    return RuleOf(std::move(parts));
  };

  const uint64_t least = shape.items.least;
  if (least > Grammar::kMostRepeats) {
    return document_.Lacks(*schemas[0],
                           Concat("a minItems above ", Grammar::kMostRepeats, " is not supported"));
  }
  uint64_t most = shape.items.most;
  if (most != CountRange::kNone) most = std::min(most, std::max(least, kMostItems));
  // Others than the first ones, where nothing is said about them, only if they are asked for.
  const bool told = std::ranges::any_of(
      schemas, [](const Value* schema) { return FindKeyword(*schema, "items") != nullptr; });
  if (first_count > 0 && !told) most = std::min(most, std::max<uint64_t>(least, first_count));
  first_count = std::min<uint64_t>(first_count, most);
  if (most == 0) return grammar_.Sequence({grammar_.Text("["), json_.Space(), grammar_.Text("]")});

  // From the last one to the first: an item is there only if those before it are.
  Expr rest = grammar_.Empty();
  if (most > first_count) {
    HOB_ASSIGN_OR_RETURN(const Expr other, item(first_count));
    const uint64_t before = std::max<uint64_t>(first_count, 1);
    const auto from = static_cast<uint32_t>(least > before ? least - before : 0);
    const auto to =
        most == CountRange::kNone ? Grammar::kNoLimit : static_cast<uint32_t>(most - before);
    rest = grammar_.Repeat(json_.Next(other), from, to);
    if (first_count == 0) rest = grammar_.Sequence({other, rest});
  }
  for (size_t i = first_count; i-- > 0;) {
    HOB_ASSIGN_OR_RETURN(const Expr one, item(i));
    const Expr all = grammar_.Sequence({i == 0 ? one : json_.Next(one), rest});
    rest = i == 0 || i < least ? all : grammar_.Optional(all);
  }
  return json_.Bracketed("[", rest, least == 0, "]");
}

}  // namespace hob::text
