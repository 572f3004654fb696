// SPDX-License-Identifier: Apache-2.0
#include "lib/session/prompt_lookup.h"

#include <algorithm>

namespace hob {
namespace {

constexpr size_t kLongest = 8;   // tokens that are compared
constexpr size_t kShortest = 3;  // that must be alike

// How many of the last tokens of a and b are the same, up to kLongest.
size_t Alike(std::span<const int32_t> a, std::span<const int32_t> b) {
  const size_t most = std::min({a.size(), b.size(), kLongest});
  size_t n = 0;
  while (n < most && a[a.size() - 1 - n] == b[b.size() - 1 - n]) ++n;
  return n;
}

}  // namespace

void PromptLookup::Guess(std::span<const int32_t> history, int32_t most, double cost,
                         std::vector<int32_t>& out) {
  out.clear();
  rate_.Forget();
  most = rate_.Worth(most, cost);
  if (most < 1 || history.size() <= kShortest) return;

  size_t best = 0, from = 0;
  for (size_t end = history.size() - 1; end >= kShortest && best < kLongest; --end) {
    if (history[end - 1] != history.back()) continue;
    const size_t alike = Alike(history.first(end), history);
    if (alike > best) {
      best = alike;
      from = end;
    }
  }
  if (best < kShortest) return;
  const size_t count = std::min(static_cast<size_t>(most), history.size() - from);
  const auto found = history.subspan(from, count);
  out.assign(found.begin(), found.end());
}

}  // namespace hob
