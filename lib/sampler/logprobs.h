// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/status.h"

namespace hob {

// A token, and the natural logarithm of its probability.
struct TokenLogprob {
  int32_t id = -1;
  float logprob = 0;
};

// ln Σ e^logit. Logits of −infinity add nothing. DATA_LOSS if one is NaN or +infinity, or all are
// −infinity.
StatusOr<double> LogSumExp(std::span<const float> logits);

// How unsure the distribution of `logits` is, whose LogSumExp is `log_sum`: −Σ p ln p, in nats.
double Entropy(std::span<const float> logits, double log_sum);

// The `most` likeliest of `logits`, whose LogSumExp is `log_sum`, likeliest first; of two equal
// ones the smaller id. Those of probability 0 are left out.
void LikeliestTokens(std::span<const float> logits, double log_sum, size_t most,
                     std::vector<TokenLogprob>& out);

}  // namespace hob
