// SPDX-License-Identifier: Apache-2.0
#include "lib/session/guess_rate.h"

#include <catch2/catch_test_macros.hpp>

using hob::GuessRate;

TEST_CASE("the more guesses are right, and the less they cost, the more are made") {
  GuessRate rate;
  const int32_t at_first = rate.Worth(15, 1.0 / 6);
  CHECK(at_first >= 1);
  CHECK(at_first <= 4);
  CHECK(rate.Worth(15, 0.01) > at_first);
  CHECK(rate.Worth(1, 0.01) == 1);
  CHECK(rate.Worth(0, 0.01) == 0);
  CHECK(rate.Worth(-1, 0.01) == 0);
  for (int i = 0; i < 100; ++i) rate.Learn(at_first, at_first);
  CHECK(rate.Worth(15, 1.0 / 6) == 15);
  // As dear as tokens, and always right: nothing is gained.
  CHECK(rate.Worth(15, 1.0) == 0);
}

TEST_CASE("wrong guesses end guessing, and time brings it back") {
  GuessRate rate;
  for (int i = 0; i < 20; ++i) rate.Learn(4, 0);
  CHECK(rate.Worth(15, 1.0 / 6) == 0);
  int steps = 0;
  while (rate.Worth(15, 1.0 / 6) == 0 && steps < 1000) {
    rate.Forget();
    ++steps;
  }
  CHECK(steps > 20);
  CHECK(steps < 1000);
}

TEST_CASE("guesses after a wrong one say nothing") {
  GuessRate one, many;
  one.Learn(1, 0);
  many.Learn(15, 0);
  CHECK(one.Worth(15, 0.1) == many.Worth(15, 0.1));
}
