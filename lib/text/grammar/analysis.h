// SPDX-License-Identifier: Apache-2.0
// What is true of a grammar's rules, as compiling it needs to know.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/text/grammar/grammar.h"

namespace hob::text {

// Of each expression, whether some text matches it. Time is linear in the grammar, as below.
std::vector<bool> FindProductive(const Grammar& grammar);
// Of each expression, whether the empty text matches it.
std::vector<bool> FindNullable(const Grammar& grammar);

// Of each rule, whether it is compiled into those that refer to it: it is not recursive, and it is
// referred to once, or matches bounded texts and is small.
std::vector<bool> FindInlined(const Grammar& grammar);

}  // namespace hob::text
