// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/sampler/stages.h"

namespace hob {

void ApplyRepetitionPenalty(std::span<float> logits, std::span<const int32_t> recent, float penalty,
                            std::vector<int32_t>& scratch) {
  // By 64 at a time, as caches grow: no step within a page of them allocates.
  if (scratch.capacity() < recent.size()) scratch.reserve((recent.size() + 63) / 64 * 64);
  scratch.assign(recent.begin(), recent.end());
  std::sort(scratch.begin(), scratch.end());
  scratch.erase(std::unique(scratch.begin(), scratch.end()), scratch.end());
  for (const int32_t id : scratch) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(id)];
    if (!std::isfinite(logit)) continue;
    // A number stays one, however extreme the penalty.
    constexpr float kMost = std::numeric_limits<float>::max();
    logit = std::clamp(logit > 0 ? logit / penalty : logit * penalty, -kMost, kMost);
  }
}

}  // namespace hob
