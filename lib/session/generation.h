// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/session/session.h"
#include "lib/session/stop_matcher.h"
#include "lib/text/detokenizer.h"

namespace hob {

// One answer on its way: prefill, then choose, hand out, run, token by token. Changes of the
// session other than its cache wait for Commit.
class Generation {
 public:
  // `prompt` is not empty and fits the context.
  Generation(Session& session, const GenerateOptions& options, std::vector<int32_t> prompt);
  // Without Commit, the sampler's random state is as it was.
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  Status Run();
  // Appends the answer to the session.
  void Commit();

  const GenerateResult& result() const { return result_; }

 private:
  using Clock = std::chrono::steady_clock;

  // Runs the prompt, all but what is cached. CANCELLED if the session was.
  Status Prefill();
  Status Decode();
  // Chooses the next token from the session's logits and hands it out; true: go on.
  StatusOr<bool> NextToken();
  // Hands out `text`; false if the callback ends the answer.
  bool Emit(int32_t token, const std::string& text);
  bool End(FinishReason reason);
  // Hands out what detokenizer and stop texts held back.
  void Flush();
  bool full() const { return tokens_.size() >= static_cast<size_t>(session_.context_tokens()); }

  Session& session_;
  const GenerateOptions& options_;
  std::vector<int32_t> tokens_;  // prompt and answer
  std::string reply_;
  text::StreamingDetokenizer detokenizer_;
  StopMatcher stops_;
  GenerateResult result_;
  SessionStats stats_;
  Clock::time_point start_;
  uint64_t drawn_;  // from the sampler, before this answer
  bool committed_ = false;
};

}  // namespace hob
