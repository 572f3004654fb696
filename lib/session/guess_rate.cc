// SPDX-License-Identifier: Apache-2.0
#include "lib/session/guess_rate.h"

#include <algorithm>

namespace hob {
namespace {

constexpr double kLeastGain = 1.05;  // below, doing without is as good
constexpr double kWeight = 0.15;     // of the latest guesses
constexpr double kForget = 0.004;    // of the way back to the start, a step

}  // namespace

int32_t GuessRate::Worth(int32_t most, double cost) const {
  // With n guesses a step chooses 1 + rate + … + rate^n tokens.
  double tokens = 1, chance = 1, best_gain = kLeastGain;
  int32_t best = 0;
  for (int32_t n = 1; n <= most; ++n) {
    chance *= rate_;
    tokens += chance;
    const double gain = tokens / (1 + cost * n);
    if (gain < best_gain) continue;
    best_gain = gain;
    best = n;
  }
  return best;
}

void GuessRate::Learn(int32_t guessed, int32_t right) {
  // A wrong guess ends a draft: those after it say nothing.
  const int32_t tried = std::min(guessed, right + 1);
  for (int32_t i = 0; i < tried; ++i) {
    rate_ += kWeight * ((i < right ? 1.0 : 0.0) - rate_);
  }
}

void GuessRate::Forget() { rate_ += kForget * (kStart - rate_); }

}  // namespace hob
