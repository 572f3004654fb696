// SPDX-License-Identifier: Apache-2.0
#include "lib/ops/rope_angles/scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <variant>

namespace hob {
namespace {

constexpr std::pair<RopeScalingType, std::string_view> kNames[] = {
    {RopeScalingType::kNone, "none"},
    {RopeScalingType::kLinear, "linear"},
    {RopeScalingType::kNtk, "ntk"},
    {RopeScalingType::kYarn, "yarn"},
    {RopeScalingType::kLlama3, "llama3"}};

Status Bad(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, absl::StrCat("rope scaling: ", std::string(what)));
}

bool Within(double value, double low, double high) { return value >= low && value <= high; }

// 1 where a pair turns often enough to be left alone, 0 where it is to be slowed, a ramp between.
std::vector<double> YarnShares(size_t half, double base, const RopeScaling& s) {
  const double dimensions = 2 * static_cast<double>(half);
  // The pair, as a real number, that turns so many times within the original context.
  const auto pair_of = [&](double turns) {
    return dimensions *
           std::log(static_cast<double>(s.original_context) / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(base));
  };
  const double low = std::max(std::floor(pair_of(s.beta_fast)), 0.0);
  const double high = std::min(std::ceil(pair_of(s.beta_slow)), dimensions - 1);
  const double width = std::max(high - low, 0.001);
  std::vector<double> shares(half);
  for (size_t i = 0; i < half; ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / width, 0.0, 1.0);
    shares[i] = (1 - ramp) * s.extrapolation;
  }
  return shares;
}

double Llama3Share(double frequency, const RopeScaling& s) {
  const double turns = static_cast<double>(s.original_context) * frequency / (2 * std::numbers::pi);
  return std::clamp((turns - s.low_turns) / (s.high_turns - s.low_turns), 0.0, 1.0);
}

}  // namespace

std::string_view RopeScalingName(RopeScalingType type) {
  for (const auto& [known, name] : kNames) {
    if (known == type) return name;
  }
  return "unknown";
}

std::optional<RopeScalingType> FindRopeScaling(std::string_view name) {
  for (const auto& [type, known] : kNames) {
    if (known == name) return type;
  }
  return std::nullopt;
}

double YarnAttentionFactor(double factor) { return factor <= 1 ? 1 : 0.1 * std::log(factor) + 1; }

Status CheckRopeScaling(const RopeScaling& s, int64_t dimensions, double base) {
  using enum RopeScalingType;
  if (!Within(s.attention_factor, 1e-6, 1e6)) return Bad("the attention factor is out of range");
  if (s.original_context < 0 || s.original_context > kMaxContext) {
    return Bad("the original context is out of range");
  }
  if (s.type == kNone) return absl::OkStatus();
  if (s.type == kLinear) {
    return Within(s.factor, 1e-9, 1e9) ? absl::OkStatus() : Bad("the factor is not above 0");
  }
  if (!Within(s.factor, 1, 1e6)) return Bad("the factor is not 1 or above");
  if (s.type == kNtk) {
    if (dimensions < 4) return Bad("ntk needs 4 rotary dimensions or more");
    return absl::OkStatus();
  }
  if (s.original_context == 0) {
    return Bad(absl::StrCat(std::string(RopeScalingName(s.type)),
                            " needs the context that the model was first trained on"));
  }
  if (s.type == kLlama3) {
    if (!Within(s.low_turns, 1e-6, 1e6) || !Within(s.high_turns, 1e-6, 1e6) ||
        s.low_turns >= s.high_turns) {
      return Bad("low and high frequency factors are out of range or order");
    }
    return absl::OkStatus();
  }
  if (!(base > 1)) return Bad("yarn needs a base above 1");
  if (!Within(s.beta_slow, 1e-6, 1e6) || !Within(s.beta_fast, 1e-6, 1e6) ||
      s.beta_fast < s.beta_slow) {
    return Bad("YaRN's beta_fast and beta_slow are out of range or order");
  }
  if (!Within(s.extrapolation, 0, 1)) return Bad("YaRN's extrapolation is not 0 to 1");
  return absl::OkStatus();
}

void WriteRopeScaling(const RopeScaling& s, Attributes& attributes) {
  using enum RopeScalingType;
  attributes.Set("scaling", std::string(RopeScalingName(s.type)));
  attributes.Set("original_context", s.original_context);
  attributes.Set("attention_factor", s.attention_factor);
  if (s.type != kNone) attributes.Set("factor", s.factor);
  if (s.type == kYarn) {
    attributes.Set("beta_fast", s.beta_fast);
    attributes.Set("beta_slow", s.beta_slow);
    attributes.Set("extrapolation", s.extrapolation);
  }
  if (s.type == kLlama3) {
    attributes.Set("low_turns", s.low_turns);
    attributes.Set("high_turns", s.high_turns);
  }
}

StatusOr<RopeScaling> ReadRopeScaling(const Attributes& attributes) {
  RopeScaling s;
  if (const Attributes::Value* value = attributes.Find("scaling"); value != nullptr) {
    const auto* name = std::get_if<std::string>(value);
    const auto type = name == nullptr ? std::nullopt : FindRopeScaling(*name);
    if (!type.has_value()) {
      return Bad(absl::StrCat("attribute scaling is none of ", std::string(kRopeScalingNames)));
    }
    s.type = *type;
  }
  if (attributes.Find("original_context") != nullptr) {
    HOB_ASSIGN_OR_RETURN(s.original_context, attributes.Int("original_context", 0, kMaxContext));
  }
  const std::pair<std::string_view, double*> reals[] = {{"factor", &s.factor},
                                                        {"attention_factor", &s.attention_factor},
                                                        {"beta_fast", &s.beta_fast},
                                                        {"beta_slow", &s.beta_slow},
                                                        {"low_turns", &s.low_turns},
                                                        {"high_turns", &s.high_turns},
                                                        {"extrapolation", &s.extrapolation}};
  for (const auto& [key, value] : reals) {
    if (attributes.Find(key) == nullptr) continue;
    HOB_ASSIGN_OR_RETURN(*value, attributes.Real(key, 0, 1e9));
  }
  return s;
}

std::vector<double> RopeFrequencies(int64_t dimensions, double base, const RopeScaling& s) {
  using enum RopeScalingType;
  const auto half = static_cast<size_t>(dimensions / 2);
  const auto d = static_cast<double>(dimensions);
  if (s.type == kNtk) base *= std::pow(s.factor, d / (d - 2));
  std::vector<double> frequencies(half);
  for (size_t i = 0; i < half; ++i) {
    frequencies[i] = std::pow(base, -2.0 * static_cast<double>(i) / d);
  }
  if (s.type == kNone || s.type == kNtk) return frequencies;
  std::vector<double> shares(half, 0.0);  // of the unscaled frequency
  if (s.type == kYarn) shares = YarnShares(half, base, s);
  for (size_t i = 0; i < half; ++i) {
    if (s.type == kLlama3) shares[i] = Llama3Share(frequencies[i], s);
    frequencies[i] *= shares[i] + (1 - shares[i]) / s.factor;
  }
  return frequencies;
}

}  // namespace hob
