// SPDX-License-Identifier: Apache-2.0
#include "lib/sampler/logprobs.h"

#include <algorithm>
#include <cmath>

#include "lib/sampler/stages.h"

namespace hob {

StatusOr<double> LogSumExp(std::span<const float> logits) {
  float highest = -INFINITY;
  for (const float logit : logits) {
    if (std::isnan(logit)) highest = INFINITY;
    highest = std::max(highest, logit);
  }
  if (std::isinf(highest)) {
    return Error(StatusCode::kDataLoss, "the model's logits are not numbers",
                 "The model file may be damaged.");
  }
  double sum = 0;
  for (const float logit : logits) {
    // Below this a million of them change no digit of a float.
    constexpr float kFar = -40;
    const float below = logit - highest;
    if (below > kFar) sum += PortableExp(static_cast<double>(below));
  }
  return static_cast<double>(highest) + std::log(sum);
}

double Entropy(std::span<const float> logits, double log_sum) {
  double sum = 0;
  for (const float logit : logits) {
    constexpr double kFar = -40;  // as above: e^-40 · 40 is no digit of the sum
    const double log_p = static_cast<double>(logit) - log_sum;
    if (log_p > kFar) sum -= PortableExp(log_p) * log_p;
  }
  return std::max(sum, 0.0);
}

void LikeliestTokens(std::span<const float> logits, double log_sum, size_t most,
                     std::vector<TokenLogprob>& out) {
  out.clear();
  // By logit, until the end.
  const auto likelier = [](const TokenLogprob& a, const TokenLogprob& b) {
    return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
  };
  for (size_t id = 0; id < logits.size() && most > 0; ++id) {
    if (std::isinf(logits[id]) || (out.size() == most && logits[id] <= out.back().logprob))
      continue;
    if (out.size() == most) out.pop_back();
    const TokenLogprob token{static_cast<int32_t>(id), logits[id]};
    out.insert(std::upper_bound(out.begin(), out.end(), token, likelier), token);
  }
  for (TokenLogprob& token : out) {
    token.logprob = static_cast<float>(static_cast<double>(token.logprob) - log_sum);
  }
}

}  // namespace hob
