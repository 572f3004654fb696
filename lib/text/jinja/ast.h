// SPDX-License-Identifier: Apache-2.0
// The tree of a parsed template. Immutable after parsing; shared by all renderings.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/text/jinja/value.h"

namespace hob::text::jinja {

struct Expr;
struct Stmt;
using ExprPtr = std::unique_ptr<Expr>;
using StmtPtr = std::unique_ptr<Stmt>;
using Block = std::vector<StmtPtr>;

// clang-format off
enum class Op : uint8_t {
  kAdd, kSub, kMul, kDiv, kFloorDiv, kMod, kPow,       // arithmetic
  kEq, kNe, kLt, kLe, kGt, kGe, kIn, kNotIn,           // comparison
};
// clang-format on

struct Arguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, double_star;  // *args, **kwargs
};

enum class ExprKind : uint8_t {
  kConstant,   // value
  kName,       // symbol
  kList,       // items
  kTuple,      // items
  kDict,       // items: key, value, key, value, …
  kAttribute,  // items[0] . text
  kItem,       // items[0] [ items[1] ]
  kSlice,      // items[0] [ items[1] : items[2] : items[3] ], each of the last three may be null
  kCall,       // items[0] ( arguments )
  kFilter,     // items[0] | text(arguments); items[0] is null in a filter block
  kTest,       // items[0] is text(arguments)
  kNot,        // items[0]
  kNegate,     // items[0]
  kPositive,   // items[0]
  kAnd,        // items
  kOr,         // items
  kConcat,     // items joined by ~
  kMath,       // items[0] ops[0] items[1] ops[1] items[2] …, from the left
  kCompare,    // the same, chained as Python does
  kCondition,  // items[0] if items[1] else items[2] (may be null)
};

struct Expr {
  ExprKind kind;
  int32_t line = 0;
  int32_t height = 1;     // of the tree below
  int32_t symbol = -1;    // kName
  int32_t function = -1;  // kFilter, kTest: index in the table; -1: unknown
  Value value;            // kConstant
  std::string text;       // kName, kAttribute, kFilter, kTest
  std::vector<ExprPtr> items;
  std::vector<Op> ops;
  Arguments arguments;
};

// What an assignment stores to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
  int32_t symbol = -1;
  std::string attribute;  // not empty: `name.attribute`
  bool is_tuple = false;
  std::vector<Target> parts;
};

struct Parameter {
  std::string name;
  int32_t symbol = -1;
  ExprPtr default_value;  // may be null
};

// A macro, or the body of a call block.
struct MacroDefinition {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

enum class StmtKind : uint8_t {
  kText,       // text
  kPrint,      // expressions
  kIf,         // expressions[i] guards bodies[i]; a last body without one is the else
  kFor,        // target in expressions[0] if expressions[1]; bodies[0], else bodies[1]
  kSet,        // target = expressions[0]
  kSetBlock,   // target = bodies[0], through the filters of expressions[0] when there is one
  kMacro,      // symbol = macro
  kCallBlock,  // expressions[0] is the call, macro its caller
  kFilter,     // bodies[0] through the filters of expressions[0]
  kWith,       // targets = expressions; bodies[0]
  kScope,      // bodies[0] in a scope of its own (generation blocks)
  kBreak,
  kContinue,
};

struct Stmt {
  StmtKind kind;
  int32_t line = 0;
  int32_t symbol = -1;
  bool recursive = false;  // kFor
  std::string text;
  std::vector<Target> targets;
  std::vector<ExprPtr> expressions;
  std::vector<Block> bodies;
  std::unique_ptr<MacroDefinition> macro;
};

struct Program {
  Block body;
  // Names are numbered as they appear.
  std::vector<std::string> symbols;
  std::map<std::string, int32_t, std::less<>> symbol_index;
  int32_t loop_symbol = -1, caller_symbol = -1, varargs_symbol = -1, kwargs_symbol = -1;
};

}  // namespace hob::text::jinja
