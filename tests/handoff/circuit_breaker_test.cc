// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/circuit_breaker.h"

#include <catch2/catch_test_macros.hpp>

using hob::handoff::CircuitBreaker;
using State = CircuitBreaker::State;
using std::chrono::milliseconds;

TEST_CASE("a breaker opens, tries and closes") {
  const CircuitBreaker::Time start{};
  CircuitBreaker breaker(2, milliseconds(100));
  REQUIRE(breaker.Allow(start));
  breaker.Fail(start);
  CHECK(breaker.state() == State::kClosed);
  breaker.Succeed();  // they do not add up over a success
  breaker.Fail(start);
  CHECK(breaker.Allow(start));
  breaker.Fail(start);
  CHECK(breaker.state() == State::kOpen);
  CHECK(breaker.opened() == 1);
  CHECK(!breaker.Allow(start + milliseconds(99)));

  SECTION("one request tries it, and it works again") {
    CHECK(breaker.Allow(start + milliseconds(100)));
    CHECK(breaker.state() == State::kHalfOpen);
    CHECK(!breaker.Allow(start + milliseconds(101)));
    breaker.Succeed();
    CHECK(breaker.state() == State::kClosed);
    CHECK(breaker.Allow(start + milliseconds(101)));
  }
  SECTION("it does not work: it rests again at once") {
    CHECK(breaker.Allow(start + milliseconds(100)));
    breaker.Fail(start + milliseconds(150));
    CHECK(breaker.state() == State::kOpen);
    CHECK(breaker.opened() == 2);
    CHECK(!breaker.Allow(start + milliseconds(249)));
    CHECK(breaker.Allow(start + milliseconds(250)));
  }
  SECTION("the try was given up: the next request may try") {
    CHECK(breaker.Allow(start + milliseconds(100)));
    breaker.Forget(start + milliseconds(110));
    CHECK(breaker.opened() == 1);
    CHECK(breaker.Allow(start + milliseconds(110)));
    CHECK(breaker.state() == State::kHalfOpen);
  }
  SECTION("what fails while it rests does not lengthen its rest") {
    breaker.Fail(start + milliseconds(90));
    CHECK(breaker.Allow(start + milliseconds(100)));
  }
}
