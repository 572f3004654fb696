// SPDX-License-Identifier: Apache-2.0
// Regular expressions, for what a whole text is and for the `pattern` of a JSON Schema.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "lib/text/grammar/grammar.h"

namespace hob::text {

// How a text is made of the characters that an expression is about.
struct RegexTarget {
  Grammar* grammar;
  // One character of `ranges`, which may overlap and come in any order.
  std::function<Grammar::Expr(std::vector<CodePoints> ranges)> character;
  // Whether the expression may match a part of the text: what ^ and $ do not hold to its ends has
  // any characters before or behind.
  bool anywhere = false;
  std::string_view what;  // its name in messages
};

struct ParsedRegex {
  Grammar::Expr expr;
  uint32_t least = 0, most = 0;  // characters; kNoLimit
};

StatusOr<ParsedRegex> ParseRegex(std::string_view pattern, const RegexTarget& target);

}  // namespace hob::text
