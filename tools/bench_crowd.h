// SPDX-License-Identifier: Apache-2.0
// Many answers at once.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/common.h"

namespace tool {

struct Crowd {
  double tokens_per_second;          // of all together
  double gap_median_ms, gap_p99_ms;  // between two tokens of a session
};

// `count` sessions continue `prompt`, each with another first token, by `generate` tokens. Speed is
// taken between the moment when all have their first token and that when the first is done. With
// `join`, a session with that prompt begins when the others have a quarter of their tokens, and the
// times between tokens are those until its first one.
Crowd MeasureCrowd(const hob::Model& model, const hob_session_options& options, int count,
                   const std::vector<int32_t>& prompt, const std::vector<int32_t>& join,
                   int32_t generate);

}  // namespace tool
