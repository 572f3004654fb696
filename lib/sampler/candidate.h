// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hob {

// A token that may be chosen.
struct Candidate {
  int32_t id = 0;
  float logit = 0;
  double weight = 0;  // exp(logit − largest logit): its probability times a constant
};

// The order of likelihood: total, so that what sorting yields does not depend on how it sorts.
struct LikelierFirst {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  }
};

}  // namespace hob
