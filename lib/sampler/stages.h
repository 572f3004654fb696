// SPDX-License-Identifier: Apache-2.0
// The stages of the sampler chain. Each works on what the one before it left; none leaves nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/sampler/candidate.h"

namespace hob {

// Makes the tokens that occur in `recent` less likely, each once: a positive logit is divided by
// `penalty`, a negative one multiplied (CTRL, Keskar et al. 2019). Ids outside `logits` are passed
// over. `scratch` is room for a sorted copy of `recent`.
void ApplyRepetitionPenalty(std::span<float> logits, std::span<const int32_t> recent, float penalty,
                            std::vector<int32_t>& scratch);

// Shifts the logits so that the largest, `highest`, is 0, divides them by `temperature` > 0 and
// fills the weights.
void ApplyTemperature(std::vector<Candidate>& candidates, float highest, float temperature);

// Keeps the `k` > 0 likeliest, sorted.
void KeepTopK(std::vector<Candidate>& candidates, size_t k);

// Keeps the fewest likeliest whose probabilities sum to at least `p` in (0, 1], sorted (nucleus
// sampling, Holtzman et al. 2020).
void KeepTopP(std::vector<Candidate>& candidates, double p);

// Keeps those at least `p` in [0, 1) times as likely as the likeliest (Nguyen et al. 2024); the
// order stays. Weights are relative to the likeliest, whose weight is 1.
void KeepMinP(std::vector<Candidate>& candidates, double p);

// e^x for x ≤ 0 from IEEE arithmetic alone, so that all machines agree; relative error below 1e-15.
double PortableExp(double x);

}  // namespace hob
