// SPDX-License-Identifier: Apache-2.0
#include "lib/sampler/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "lib/sampler/random.h"
#include "lib/sampler/stages.h"

namespace hob {
namespace {

Status OptionError(std::string_view name, double value, std::string_view range) {
  return Error(StatusCode::kInvalidArgument,
               Concat("sampler option ", name, " is ", value, ", not ", range));
}

// NaN fails every comparison, and with it these checks.
Status CheckOptions(const SamplerOptions& o) {
  if (!(o.temperature >= 0 && o.temperature <= 100)) {
    return OptionError("temperature", o.temperature, "between 0 (greedy) and 100");
  }
  if (o.top_k < 0) return OptionError("top_k", o.top_k, "0 (off) or more");
  if (!(o.top_p > 0 && o.top_p <= 1)) {
    return OptionError("top_p", o.top_p, "above 0 and at most 1 (off)");
  }
  if (!(o.min_p >= 0 && o.min_p < 1)) {
    return OptionError("min_p", o.min_p, "at least 0 (off) and below 1");
  }
  if (!(o.repetition_penalty > 0 && o.repetition_penalty <= 100)) {
    return OptionError("repetition_penalty", o.repetition_penalty, "above 0 and at most 100");
  }
  if (o.repetition_window < 0) {
    return OptionError("repetition_window", o.repetition_window, "0 (all tokens) or more");
  }
  return absl::OkStatus();
}

// Floats as integers of the same order, which compilers turn into vector code: below kLowest and
// above kHighest are NaN and infinity alone.
int32_t OrderOf(float x) {
  const auto bits = std::bit_cast<int32_t>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}
constexpr int32_t kHighest = 0x7f7fffff;      // the largest float
constexpr int32_t kLowest = -0x7f800000 - 1;  // −infinity

// The first of the highest logits. DATA_LOSS if one is NaN or +infinity, or all are −infinity.
StatusOr<size_t> FindHighest(std::span<const float> logits) {
  int32_t high = std::numeric_limits<int32_t>::min(), low = std::numeric_limits<int32_t>::max();
  for (const float x : logits) {
    const int32_t order = OrderOf(x);
    high = std::max(high, order);
    low = std::min(low, order);
  }
  if (high > kHighest || low < kLowest || high == kLowest || logits.empty()) {
    return Error(StatusCode::kDataLoss, "the model's logits are not numbers",
                 "The model file may be damaged.");
  }
  // Whole blocks first: within one, any match will do.
  constexpr size_t kBlock = 64;
  size_t at = 0;
  for (; at + kBlock <= logits.size(); at += kBlock) {
    int32_t found = 0;
    for (size_t i = at; i < at + kBlock; ++i) found |= OrderOf(logits[i]) == high ? 1 : 0;
    if (found != 0) break;
  }
  while (OrderOf(logits[at]) != high) ++at;
  // -0 and 0 are the same logit, but not the same bits.
  if (high == 0) {
    for (size_t i = 0; i < at; ++i) {
      if (logits[i] == 0) return i;
    }
  }
  return at;
}

}  // namespace

StatusOr<Sampler> Sampler::Create(const SamplerOptions& options) {
  HOB_RETURN_IF_ERROR(CheckOptions(options));
  return Sampler(options);
}

Sampler::Sampler(const SamplerOptions& options) : options_(options), random_{options.seed, 0} {}

StatusOr<int32_t> Sampler::Sample(std::span<float> logits, std::span<const int32_t> history) {
  HOB_ASSIGN_OR_RETURN(const int32_t greedy, Narrow(logits, history));
  return greedy >= 0 ? greedy : Draw();
}

Status Sampler::Probabilities(std::span<float> logits, std::span<const int32_t> history,
                              std::span<float> out) {
  HOB_ASSIGN_OR_RETURN(const int32_t greedy, Narrow(logits, history));
  std::fill(out.begin(), out.end(), 0.0f);
  if (greedy >= 0) {
    out[static_cast<size_t>(greedy)] = 1;
    return absl::OkStatus();
  }
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  for (const Candidate& candidate : candidates_) {
    out[static_cast<size_t>(candidate.id)] = static_cast<float>(candidate.weight / total);
  }
  return absl::OkStatus();
}

StatusOr<int32_t> Sampler::Narrow(std::span<float> logits, std::span<const int32_t> history) {
  if (options_.repetition_penalty != 1.0f) {
    const auto window = static_cast<size_t>(options_.repetition_window);
    const auto recent = window == 0 || window >= history.size() ? history : history.last(window);
    ApplyRepetitionPenalty(logits, recent, options_.repetition_penalty, recent_);
  }

  const StatusOr<size_t> best = FindHighest(logits);
  if (!best.ok()) return best.status();
  const float highest = logits[*best];
  if (options_.temperature == 0) return static_cast<int32_t>(*best);

  candidates_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    candidates_[i] = {static_cast<int32_t>(i), logits[i], 0};
  }
  if (options_.top_k == 0) {
    ApplyTemperature(candidates_, highest, options_.temperature);
  } else {
    // Temperature keeps the order, so it can come after and look at few.
    KeepTopK(candidates_, static_cast<size_t>(options_.top_k));
    ApplyTemperature(candidates_, highest, options_.temperature);
  }
  if (options_.top_p < 1) KeepTopP(candidates_, options_.top_p);
  if (options_.min_p > 0) KeepMinP(candidates_, options_.min_p);
  return -1;
}

int32_t Sampler::Draw() {
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  const double wanted = UniformAt(random_[0], random_[1]++) * total;
  double sum = 0;
  int32_t chosen = candidates_.front().id;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight == 0) continue;
    chosen = candidate.id;  // the last one, should rounding leave `sum` below `wanted`
    sum += candidate.weight;
    if (sum > wanted) break;
  }
  return chosen;
}

}  // namespace hob
