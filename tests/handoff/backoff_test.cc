// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/backoff.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

using hob::handoff::Backoff;
using std::chrono::milliseconds;

TEST_CASE("waits are between nothing and a bound that doubles") {
  milliseconds longest[10] = {}, shortest[10];
  std::fill(std::begin(shortest), std::end(shortest), milliseconds(1'000'000));
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Backoff backoff(milliseconds(100), seed);
    for (int retry = 0; retry < 10; ++retry) {
      const auto wait = backoff.Next({});
      REQUIRE(wait.has_value());
      REQUIRE(*wait >= milliseconds(0));
      REQUIRE(*wait <= std::min(milliseconds(100) * (1 << retry), Backoff::kLongest));
      longest[retry] = std::max(longest[retry], *wait);
      shortest[retry] = std::min(shortest[retry], *wait);
    }
  }
  // The whole range is used.
  CHECK(shortest[3] < milliseconds(40));
  CHECK(longest[3] > milliseconds(760));
  CHECK(longest[9] > milliseconds(29'000));
}

TEST_CASE("the same seed waits the same") {
  Backoff one(milliseconds(1000), 7), two(milliseconds(1000), 7), other(milliseconds(1000), 8);
  const auto wait = one.Next({});
  CHECK(wait == two.Next({}));
  CHECK(wait != other.Next({}));
}

TEST_CASE("what the endpoint asks for is heeded, up to a bound") {
  Backoff backoff(milliseconds(1), 1);
  CHECK(backoff.Next(milliseconds(5000)) == milliseconds(5000));
  CHECK(backoff.Next(milliseconds(0)) == milliseconds(0));
  CHECK(backoff.Next(Backoff::kLongest) == Backoff::kLongest);
  CHECK(backoff.Next(Backoff::kLongest + milliseconds(1)) == std::nullopt);
}
