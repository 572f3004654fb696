// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/circuit_breaker.h"

namespace hob::handoff {

bool CircuitBreaker::Allow(Time now) {
  if (state_ == State::kClosed) return true;
  if (state_ == State::kHalfOpen || now - since_ < cooldown_) return false;
  state_ = State::kHalfOpen;
  return true;
}

void CircuitBreaker::Succeed() {
  state_ = State::kClosed;
  failed_ = 0;
}

void CircuitBreaker::Fail(Time now) {
  ++failed_;
  // Requests that began before it opened and fail now do not lengthen its rest.
  if (state_ == State::kOpen) return;
  if (state_ == State::kHalfOpen || failed_ >= failures_) Open(now);
}

void CircuitBreaker::Forget(Time now) {
  if (state_ != State::kHalfOpen) return;
  // The next request may try at once.
  state_ = State::kOpen;
  since_ = now - cooldown_;
}

void CircuitBreaker::Open(Time now) {
  state_ = State::kOpen;
  since_ = now;
  ++opened_;
}

}  // namespace hob::handoff
