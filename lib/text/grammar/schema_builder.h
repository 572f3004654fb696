// SPDX-License-Identifier: Apache-2.0
// Makes a grammar of a JSON Schema.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/text/grammar/json_grammar.h"
#include "lib/text/grammar/schema_document.h"
#include "lib/text/grammar/schema_shape.h"

namespace hob::text {

// A schema, but for those of its keywords of which one branch was chosen already.
struct SchemaPart {
  const jinja::Value* schema;
  bool any_of = false, one_of = false;
  bool followed = false;  // what its `$ref` and `allOf` lead to is beside it
  auto operator<=>(const SchemaPart&) const = default;
};
// Schemas that hold together.
using SchemaParts = std::vector<SchemaPart>;

// Each set of schemas that hold together for some value is one rule, made when it is first needed,
// so recursion and sharing come by themselves, and nothing here recurses with the schema.
class SchemaBuilder {
 public:
  using Expr = Grammar::Expr;
  using Value = jinja::Value;

  SchemaBuilder(SchemaDocument& document, Grammar& grammar);

  // The text of a document, which is the first rule that this adds.
  StatusOr<Expr> Build();

 private:
  static constexpr size_t kMostRules = 1u << 16;
  static constexpr size_t kMostWork = 1u << 22;  // schemas looked at
  static constexpr size_t kMostBranches = 256;   // of oneOf
  static constexpr size_t kMostProperties = 10'000;
  static constexpr uint64_t kMostLength = 4096;  // of a string with maxLength
  static constexpr uint64_t kMostItems = 4096;   // of an array with maxItems

  // What the parts are once references and allOf are followed.
  struct Flat {
    SchemaParts parts;             // objects, without boolean schemas
    const Value* never = nullptr;  // a schema `false`
    std::vector<const Value*> schemas() const;
  };
  struct Pattern {
    Expr string;  // with quotes
    uint32_t least, most;
  };

  StatusOr<Expr> RuleOf(SchemaParts parts);
  StatusOr<Flat> Flatten(const SchemaParts& parts);
  // What a rule is.
  StatusOr<Expr> Combine(const SchemaParts& parts);
  StatusOr<Expr> Branches(const SchemaParts& parts, size_t which, bool one_of);
  // schema_apart.cc: whether no document is valid under two branches.
  struct Branch {
    std::vector<const Value*> schemas;
    SchemaShape shape;
    std::set<std::string> keys;  // of the listed values
    bool never = false;
  };
  Status CheckApart(const Value& list, const std::vector<SchemaParts>& branches);
  StatusOr<Branch> ReadBranch(const SchemaParts& parts);
  StatusOr<bool> ListsAreApart(const Branch& a, const Branch& b);
  StatusOr<bool> AreApart(const Branch& a, const Branch& b, int depth);
  StatusOr<bool> ObjectsAreApart(const Branch& a, const Branch& b, int depth);
  // Values of the types of `shape`.
  StatusOr<Expr> Values(const std::vector<const Value*>& schemas, const SchemaShape& shape);
  StatusOr<Expr> Number(const SchemaShape& shape, bool fractions, const Value& at);
  Expr Never(const Value& at, std::string_view why);
  Status Spend(size_t work, const Value& at);
  // What holds of all of them.
  StatusOr<SchemaShape> Merge(const std::vector<const Value*>& schemas);

  // schema_string.cc
  StatusOr<Expr> String(const SchemaShape& shape, const Value& schema);
  StatusOr<Pattern> PatternOf(const Value& at, std::string_view source, bool anywhere);

  // schema_array.cc
  StatusOr<Expr> Array(const std::vector<const Value*>& schemas, const SchemaShape& shape);

  // schema_object.cc
  struct Members;
  StatusOr<Expr> Object(const std::vector<const Value*>& schemas, const SchemaShape& shape);
  Status ReadMembers(const std::vector<const Value*>& schemas, Members& out);
  Status ReadOthers(const std::vector<const Value*>& schemas, Members& out);
  StatusOr<Expr> OtherKey(const std::vector<const Value*>& schemas, const Members& members);
  StatusOr<Expr> Body(const Members& members, const SchemaShape& shape, const Value& at,
                      bool& may_be_empty);
  Expr Chain(const Members& members);
  // A string in quotes that is none of `names`.
  Expr OtherName(const std::vector<std::string_view>& names);

  SchemaDocument& document_;
  Grammar& grammar_;
  JsonGrammar json_;
  std::map<SchemaParts, Expr> rules_;  // parts sorted
  std::vector<std::pair<Grammar::Rule, SchemaParts>> work_;
  std::map<std::pair<std::string, bool>, Pattern> patterns_;
  size_t spent_ = 0;
  // The first reason why something has no document.
  const Value* never_at_ = nullptr;
  std::string never_;
};

// The regular expression of a format, or empty if it is not known.
std::string_view FormatPattern(std::string_view format);

}  // namespace hob::text
