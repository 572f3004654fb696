// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/policy.h"

namespace hob::handoff {

Reason Decide(const Policy& policy, const Situation& situation) {
  const size_t longest = policy.max_prompt_tokens > 0
                             ? static_cast<size_t>(policy.max_prompt_tokens)
                             : situation.context_tokens;
  if (longest > 0 && situation.prompt_tokens > longest) return Reason::kPrompt;
  if (policy.max_queue_depth > 0 &&
      situation.waiting > static_cast<uint64_t>(policy.max_queue_depth)) {
    return Reason::kQueue;
  }
  if (policy.min_battery_percent > 0 && situation.battery_percent.has_value() &&
      *situation.battery_percent < policy.min_battery_percent) {
    return Reason::kBattery;
  }
  return Reason::kNone;
}

void Judge::Add(double entropy) {
  if (done()) return;
  sum_ += entropy;
  ++tokens_;
}

}  // namespace hob::handoff
