// SPDX-License-Identifier: Apache-2.0
#include "lib/scheduler/turnstile.h"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>
#include <vector>

TEST_CASE("one thread has the turn at a time, and each gets as many as it asks for") {
  hob::Turnstile turnstile;
  std::atomic<int> inside = 0;
  std::atomic<bool> crowded = false;
  int turns = 0;  // guarded by the turnstile
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const hob::Turnstile::Turn turn(turnstile);
        if (++inside != 1) crowded = true;
        ++turns;
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(turns == 1600);
  CHECK(!crowded);
}

TEST_CASE("turns come in the order of asking") {
  hob::Turnstile turnstile;
  std::vector<int> order;  // guarded by the turnstile
  std::vector<std::thread> threads;
  {
    const hob::Turnstile::Turn first(turnstile);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const hob::Turnstile::Turn turn(turnstile);
        order.push_back(t);
      });
      while (turnstile.waiting() != static_cast<uint64_t>(t) + 1) std::this_thread::yield();
    }
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(order == std::vector<int>{0, 1, 2, 3});
}
