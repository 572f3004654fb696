// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lib/sampler/stages.h"

namespace hob {

void KeepTopP(std::vector<Candidate>& candidates, double p) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  const double wanted = p * total;
  // Few candidates make up the sum as a rule: sorts a prefix, and a longer one only if needed.
  size_t sorted = 0;
  double sum = 0;
  while (sorted < candidates.size()) {
    const size_t end = std::min(candidates.size(), std::max<size_t>(256, 4 * sorted));
    const auto first = candidates.begin() + static_cast<ptrdiff_t>(sorted);
    const auto last = candidates.begin() + static_cast<ptrdiff_t>(end);
    if (last != candidates.end()) {
      std::nth_element(first, last, candidates.end(), LikelierFirst());
    }
    std::sort(first, last, LikelierFirst());
    for (; sorted < end; ++sorted) {
      sum += candidates[sorted].weight;
      if (sum >= wanted) {
        candidates.resize(sorted + 1);
        return;
      }
    }
  }
}

}  // namespace hob
