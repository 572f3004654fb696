// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace hob {

// How many tokens are worth guessing, from how many guesses were right lately: the number that
// makes the expected tokens per time most (Leviathan et al. 2023, "Fast inference from transformers
// via speculative decoding", section 3.3).
class GuessRate {
 public:
  // At most `most`; 0 if guesses do not pay. `cost` is what a guess and its check take, in steps of
  // the model without guesses.
  int32_t Worth(int32_t most, double cost) const;
  // Of `guessed` tokens the first `right` were what the model chose.
  void Learn(int32_t guessed, int32_t right);
  // A step has passed: what was learnt is worth a little less.
  void Forget();

 private:
  static constexpr double kStart = 0.6;
  double rate_ = kStart;  // of guesses that were right, lately
};

}  // namespace hob
