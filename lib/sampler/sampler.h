// SPDX-License-Identifier: Apache-2.0
// The sampler chain: repetition penalty → temperature → top-k → top-p → min-p → draw.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/status.h"
#include "lib/sampler/candidate.h"

namespace hob {

struct SamplerOptions {
  float temperature = 0.0f;         // 0: greedy (ties go to the smaller id); else > 0
  int32_t top_k = 0;                // 0: off
  float top_p = 1.0f;               // (0, 1]; 1: off (nucleus sampling, Holtzman et al. 2020)
  float min_p = 0.0f;               // [0, 1); 0: off
  float repetition_penalty = 1.0f;  // > 0; 1: off (CTRL, Keskar et al. 2019)
  int32_t repetition_window = 64;   // last tokens it looks at; 0: all
  uint64_t seed = 0;                // the same seed and logits give the same tokens on any machine
};

// One conversation's sampler: its options and random state. Not thread-safe.
class Sampler {
 public:
  // INVALID_ARGUMENT names the option and its range.
  static StatusOr<Sampler> Create(const SamplerOptions& options);

  // Chooses a token. `logits` (one a vocabulary entry) is scratch afterwards; `history` holds the
  // tokens so far, prompt included. DATA_LOSS if a logit is NaN or all are −infinity.
  StatusOr<int32_t> Sample(std::span<float> logits, std::span<const int32_t> history);

  // Writes the probability of each token to `out`, of the size of `logits`: what Sample would draw
  // from. Draws nothing. Errors as Sample.
  Status Probabilities(std::span<float> logits, std::span<const int32_t> history,
                       std::span<float> out);

  const SamplerOptions& options() const { return options_; }

  // The random state: how many numbers were drawn since the seed.
  uint64_t drawn() const { return random_[1]; }
  void set_drawn(uint64_t drawn) { random_[1] = drawn; }

 private:
  explicit Sampler(const SamplerOptions& options);
  // Runs the chain up to the draw: the greedy choice, or −1 with the rest in candidates_.
  StatusOr<int32_t> Narrow(std::span<float> logits, std::span<const int32_t> history);
  int32_t Draw();

  SamplerOptions options_;
  uint64_t random_[2];  // counter-based, see random.h: seed and how many were drawn
  std::vector<Candidate> candidates_;
  std::vector<int32_t> recent_;
};

}  // namespace hob
