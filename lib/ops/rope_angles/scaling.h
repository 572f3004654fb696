// SPDX-License-Identifier: Apache-2.0
// How the frequencies of rotary positions are changed, so that a model holds beyond the context
// that it was trained on; and how a rope_angles node says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/base/attributes.h"
#include "lib/base/status.h"

namespace hob {

enum class RopeScalingType : int32_t {
  kNone = 0,
  kLinear = 1,  // all positions closer together: Chen et al., Positional Interpolation, 2023
  kNtk = 2,     // a larger base: base·factor^(d / (d − 2)), which spares the fast frequencies
  kYarn = 3,    // interpolates slow frequencies alone: Peng et al., YaRN, 2023
  kLlama3 = 4,  // the same with other bounds: Llama 3.1, Grattafiori et al., 2024
};

inline constexpr int64_t kMaxContext = 1 << 26;

struct RopeScaling {
  RopeScalingType type = RopeScalingType::kNone;
  double factor = 1;  // by which the context grows
  // Positions that the unscaled frequencies were trained on; YaRN and Llama 3 need it. 0: not
  // known.
  int64_t original_context = 0;
  // Cosines and sines are multiplied by it; scores of attention thus by its square.
  double attention_factor = 1;
  // YaRN: frequencies that turn more than beta_fast times within the original context are left as
  // they are, those that turn less than beta_slow times are divided by the factor.
  double beta_fast = 32, beta_slow = 1;
  double extrapolation = 1;  // share of the frequencies left alone; 0 makes it linear
  // Llama 3: the same bounds, as low < high turns.
  double low_turns = 1, high_turns = 4;
};

// "none", "linear", "ntk", "yarn", "llama3"; and all of them, for messages.
std::string_view RopeScalingName(RopeScalingType type);
std::optional<RopeScalingType> FindRopeScaling(std::string_view name);
inline constexpr std::string_view kRopeScalingNames = "none, linear, ntk, yarn, llama3";

// What YaRN multiplies cosines and sines by: 0.1·ln(factor) + 1.
double YarnAttentionFactor(double factor);

// INVALID_ARGUMENT says what of it does not hold, or not for this many dimensions and this base.
Status CheckRopeScaling(const RopeScaling& scaling, int64_t dimensions, double base);

// As attributes of a rope_angles node. Reading checks kinds of values; CheckRopeScaling the rest.
void WriteRopeScaling(const RopeScaling& scaling, Attributes& attributes);
StatusOr<RopeScaling> ReadRopeScaling(const Attributes& attributes);

// Radians a position, for each of dimensions/2 pairs. `scaling` has passed CheckRopeScaling.
std::vector<double> RopeFrequencies(int64_t dimensions, double base, const RopeScaling& scaling);

}  // namespace hob
