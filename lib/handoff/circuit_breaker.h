// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace hob::handoff {

// Leaves an endpoint alone that failed several times running. Time is the caller's; one thread at a
// time.
class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // The numbers of hob_breaker_state.
  enum class State : int32_t { kClosed = 0, kOpen = 1, kHalfOpen = 2 };

  CircuitBreaker(int32_t failures, std::chrono::milliseconds cooldown)
      : failures_(failures), cooldown_(cooldown) {}

  // Whether a request may be made; one that may is followed by one of the three below. After the
  // cool-down one request is let through to try the endpoint.
  bool Allow(Time now);
  void Succeed();
  void Fail(Time now);
  // The request was given up for reasons of the caller's own, and tells nothing.
  void Forget(Time now);

  State state() const { return state_; }
  uint64_t opened() const { return opened_; }

 private:
  void Open(Time now);

  const int32_t failures_;
  const std::chrono::milliseconds cooldown_;
  State state_ = State::kClosed;
  int32_t failed_ = 0;  // running
  Time since_{};        // open
  uint64_t opened_ = 0;
};

}  // namespace hob::handoff
