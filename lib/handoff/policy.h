// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace hob::handoff {

// Why an answer is handed over: the numbers of hob_handoff_reason.
enum class Reason : int32_t {
  kNone = 0,
  kPrompt = 1,
  kQueue = 2,
  kBattery = 3,
  kEntropy = 4,
  kRequested = 5,
};

// When the local model is not the right one; limits of 0 are none.
struct Policy {
  static constexpr int32_t kJudgeTokens = 16;

  int32_t max_prompt_tokens = 0;  // 0: the session's context
  int32_t max_queue_depth = 0;
  int32_t min_battery_percent = 0;
  float max_mean_entropy = 0;  // nats
  int32_t judge_tokens = kJudgeTokens;
};

// What is known before the answer begins.
struct Situation {
  size_t prompt_tokens = 0;
  size_t context_tokens = 0;  // 0: a session that rolls, which has no longest prompt
  uint64_t waiting = 0;       // answers without a token yet, this one left out
  std::optional<int32_t> battery_percent;
};

// The first reason, in the order of their numbers, that is given before the answer.
Reason Decide(const Policy& policy, const Situation& situation);

// The mean entropy of the first tokens of a local answer.
class Judge {
 public:
  explicit Judge(const Policy& policy) : policy_(policy) {}

  void Add(double entropy);
  // No further token is needed.
  bool done() const { return tokens_ >= policy_.judge_tokens; }
  // Of what was added; false where nothing was.
  bool doubts() const { return tokens_ > 0 && mean() > policy_.max_mean_entropy; }
  int32_t tokens() const { return tokens_; }
  double mean() const { return tokens_ == 0 ? 0 : sum_ / tokens_; }

 private:
  const Policy policy_;
  double sum_ = 0;
  int32_t tokens_ = 0;
};

}  // namespace hob::handoff
