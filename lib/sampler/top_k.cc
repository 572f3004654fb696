// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lib/sampler/stages.h"

namespace hob {

void KeepTopK(std::vector<Candidate>& candidates, size_t k) {
  if (k < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(k),
                     candidates.end(), LikelierFirst());
    candidates.resize(k);
  }
  std::sort(candidates.begin(), candidates.end(), LikelierFirst());
}

}  // namespace hob
