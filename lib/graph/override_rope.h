// SPDX-License-Identifier: Apache-2.0
// Another scaling of rotary positions than the model's own, for texts longer than it was made for.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/graph/graph.h"
#include "lib/ops/rope_angles/scaling.h"

namespace hob {

struct RopeOverride {
  std::optional<RopeScalingType> type = {};  // none: as the model's file has it
  double factor = 0;  // the context becomes so many times the original; kNone: 0 or 1
  int64_t original_context =
      0;  // that the unscaled frequencies were trained on; 0: as the file says

  // The type's number, and -1 where there is none: what saved sessions say.
  int32_t number() const { return type.has_value() ? static_cast<int32_t>(*type) : -1; }
};

// Replaces the scaling of `graph`, divisors of frequencies included, and sets its context length.
// Angles that a family keeps for its own (of layers that see a window alone) stay. Errors:
// INVALID_ARGUMENT (numbers out of range, or the original context is wanted and nowhere said),
// FAILED_PRECONDITION (a graph without angles that can be scaled).
Status OverrideRope(const RopeOverride& wanted, Graph& graph);

}  // namespace hob
