// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace hob::handoff {

// How long to wait before a request is made again: exponential, with full jitter, so that many
// clients of an endpoint that failed do not come back together.
class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;
  // No wait is longer; an endpoint that asks for more is not asked again.
  static constexpr Milliseconds kLongest{30'000};

  Backoff(Milliseconds first, uint64_t seed) : first_(first), seed_(seed) {}

  // Before the next retry: somewhere from 0 to first·2^n, or what the response's Retry-After asked
  // for. Nothing: do not retry.
  std::optional<Milliseconds> Next(std::optional<Milliseconds> retry_after);

 private:
  const Milliseconds first_;
  const uint64_t seed_;
  uint32_t retry_ = 0;
};

}  // namespace hob::handoff
