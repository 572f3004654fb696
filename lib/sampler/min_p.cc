// SPDX-License-Identifier: Apache-2.0
#include "lib/sampler/stages.h"

namespace hob {

void KeepMinP(std::vector<Candidate>& candidates, double p) {
  std::erase_if(candidates, [p](const Candidate& candidate) { return candidate.weight < p; });
}

}  // namespace hob
