// SPDX-License-Identifier: Apache-2.0
#include "lib/session/prompt_lookup.h"

#include <algorithm>
#include <cmath>

namespace hob {
namespace {

constexpr size_t kLongest = 8;   // tokens that are compared
constexpr size_t kShortest = 3;  // that must be alike
// A further row adds about a sixth of a token's time: with less hope than this it does not pay.
constexpr double kLeastHope = 0.25;
constexpr double kWeight = 0.15;   // of the latest guesses
constexpr double kForget = 0.004;  // a step without guesses moves the rate towards the start

// How many of the last tokens of a and b are the same, up to kLongest.
size_t Alike(std::span<const int32_t> a, std::span<const int32_t> b) {
  const size_t most = std::min({a.size(), b.size(), kLongest});
  size_t n = 0;
  while (n < most && a[a.size() - 1 - n] == b[b.size() - 1 - n]) ++n;
  return n;
}

}  // namespace

void PromptLookup::Draft(std::span<const int32_t> history, int32_t most,
                         std::vector<int32_t>& out) {
  out.clear();
  rate_ += kForget * (kStart - rate_);
  // The chance that the n-th guess is right is about rate^n.
  const double worth = rate_ <= kLeastHope ? 0 : std::log(kLeastHope) / std::log(rate_);
  most = std::min({most, kMaxDraft, static_cast<int32_t>(worth)});
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

void PromptLookup::Learn(int32_t drafted, int32_t right) {
  if (drafted == 0) return;
  // A wrong guess ends a draft: those after it say nothing.
  const int32_t tried = std::min(drafted, right + 1);
  for (int32_t i = 0; i < tried; ++i) {
    rate_ += kWeight * ((i < right ? 1.0 : 0.0) - rate_);
  }
}

}  // namespace hob
