// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hob {

// Guesses the tokens to come from those that followed the last words' earlier occurrence (prompt
// lookup decoding, Saxena 2023; LLMA, Yang et al. 2023). The model checks guesses in one pass, as
// many rows as tokens; how many are worth it follows from how many were right.
class PromptLookup {
 public:
  static constexpr int32_t kMaxDraft = 15;

  // Fills `out` with at most `most` tokens that may follow `history`.
  void Draft(std::span<const int32_t> history, int32_t most, std::vector<int32_t>& out);
  // Of `drafted` tokens the first `right` were what the model chose.
  void Learn(int32_t drafted, int32_t right);

 private:
  static constexpr double kStart = 0.6;
  double rate_ = kStart;  // of guesses that were right, lately
};

}  // namespace hob
