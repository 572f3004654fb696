// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/session/guess_rate.h"

namespace hob {

// Guesses the tokens to come from those that followed the last words' earlier occurrence (prompt
// lookup decoding, Saxena 2023; LLMA, Yang et al. 2023). The model checks guesses in one pass, as
// many rows as tokens.
class PromptLookup {
 public:
  // Fills `out` with at most `most` tokens that may follow `history`. `cost` is what checking one
  // takes, in steps of the model without guesses.
  void Guess(std::span<const int32_t> history, int32_t most, double cost,
             std::vector<int32_t>& out);
  void Learn(int32_t guessed, int32_t right) { rate_.Learn(guessed, right); }

 private:
  GuessRate rate_;
};

}  // namespace hob
