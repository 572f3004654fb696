// SPDX-License-Identifier: Apache-2.0
// What the tests of the readers share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "lib/text/grammar/automaton.h"
#include "lib/text/grammar/paths.h"
#include "tests/grammar/grammar_test.h"
#include "tests/support/grammar_walk.h"
#include "tests/support/times.h"

namespace hob::text {

using test::Times;

// Whether the whole of `text` is in the grammar.
inline bool IsIn(const Automaton& automaton, std::string_view text) {
  const Walked walked = WalkText(automaton, text);
  CHECK_FALSE(walked.overflowed);
  return walked.ends;
}

using Texts = std::initializer_list<std::string_view>;

// Which texts a grammar has, and which not.
inline void CheckTexts(const StatusOr<Grammar>& grammar, Texts in, Texts out) {
  INFO(grammar.status().ToString());
  REQUIRE(grammar.ok());
  const auto automaton = Automaton::Compile(*grammar);
  INFO(automaton.status().ToString());
  REQUIRE(automaton.ok());
  for (const std::string_view text : in) {
    INFO("in: " << text);
    CHECK(IsIn(*automaton, text));
  }
  for (const std::string_view text : out) {
    INFO("out: " << text);
    CHECK_FALSE(IsIn(*automaton, text));
  }
}

// The code of an error, and that its message has a part.
template <typename T>
void CheckError(const StatusOr<T>& result, StatusCode code, std::string_view part) {
  INFO(result.status().ToString());
  REQUIRE(result.status().code() == code);
  CHECK(result.status().message().find(AbslView(part)) != std::string::npos);
  CHECK(result.status().message().size() < 500);
}

}  // namespace hob::text
