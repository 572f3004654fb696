// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/backoff.h"

#include <algorithm>

#include "lib/sampler/random.h"

namespace hob::handoff {

std::optional<Backoff::Milliseconds> Backoff::Next(std::optional<Milliseconds> retry_after) {
  const uint32_t retry = retry_++;
  if (retry_after.has_value()) {
    if (*retry_after > kLongest) return std::nullopt;
    return std::max(*retry_after, Milliseconds{0});
  }
  Milliseconds most = std::min(first_, kLongest);
  for (uint32_t i = 0; i < retry && most < kLongest; ++i) most = std::min(most * 2, kLongest);
  return Milliseconds(
      static_cast<int64_t>(UniformAt(seed_, retry) * static_cast<double>(most.count() + 1)));
}

}  // namespace hob::handoff
