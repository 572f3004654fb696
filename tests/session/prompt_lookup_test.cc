// SPDX-License-Identifier: Apache-2.0
#include "lib/session/prompt_lookup.h"

#include <catch2/catch_test_macros.hpp>
#include <vector>

using hob::PromptLookup;
using Tokens = std::vector<int32_t>;

namespace {

Tokens Guess(PromptLookup& lookup, const Tokens& history, int32_t most = 3) {
  Tokens out = {99};
  lookup.Guess(history, most, 1.0 / 6, out);
  return out;
}

}  // namespace

TEST_CASE("what followed the same tokens is guessed") {
  PromptLookup lookup;
  CHECK(Guess(lookup, {1, 2, 3, 4, 5, 6, 1, 2, 3}, 2) == Tokens{4, 5});
  CHECK(Guess(lookup, {1, 2, 3, 4, 5, 6, 1, 2, 3}, 1) == Tokens{4});
  // Up to the end, and no further.
  CHECK(Guess(lookup, {7, 7, 7, 7}) == Tokens{7});
}

TEST_CASE("the longest likeness wins, and of equal ones the latest") {
  PromptLookup lookup;
  CHECK(Guess(lookup, {9, 1, 2, 3, 50, 8, 1, 2, 3, 60, 9, 1, 2, 3}, 1) == Tokens{50});
  CHECK(Guess(lookup, {8, 1, 2, 3, 50, 8, 1, 2, 3, 60, 9, 1, 2, 3}, 1) == Tokens{60});
}

TEST_CASE("nothing is guessed from little") {
  PromptLookup lookup;
  CHECK(Guess(lookup, {}).empty());
  CHECK(Guess(lookup, {1}).empty());
  CHECK(Guess(lookup, {1, 2, 3, 4, 5, 6}).empty());
  CHECK(Guess(lookup, {9, 2, 3, 4, 8, 2, 3}).empty());  // two tokens alike
  CHECK(Guess(lookup, {1, 2, 3, 4, 1, 2, 3}, 0).empty());
}

TEST_CASE("wrong guesses of the prompt end guessing, and time brings it back") {
  PromptLookup lookup;
  const Tokens history = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3};
  CHECK(!Guess(lookup, history, 8).empty());
  for (int i = 0; i < 20; ++i) lookup.Learn(4, 0);
  CHECK(Guess(lookup, history, 8).empty());
  size_t steps = 0;
  while (Guess(lookup, history, 8).empty() && steps < 1000) ++steps;
  CHECK(steps > 20);
  CHECK(steps < 1000);
  for (int i = 0; i < 50; ++i) lookup.Learn(4, 4);
  CHECK(Guess(lookup, history, 8) == Tokens{4, 5, 6, 7, 8, 9, 10, 1});
}
