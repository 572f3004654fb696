// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/scheduler/scheduler.h"
#include "lib/scheduler/sequence.h"
#include "lib/session/drafter.h"
#include "lib/session/guess_rate.h"
#include "lib/session/prompt_lookup.h"
#include "lib/session/rolling_window.h"
#include "lib/session/session.h"
#include "lib/session/stop_matcher.h"
#include "lib/text/detokenizer.h"
#include "lib/text/grammar/matcher.h"
#include "lib/text/tools/tool_parser.h"

namespace hob {

// One answer on its way. The scheduler drives it, as a Sequence; what it chooses goes through a
// queue to the session's caller, which it may be a few tokens ahead of. Until Commit the session
// changes in its cache and sampler alone, and nobody but the scheduler may touch those until End.
class Generation final : public Sequence {
 public:
  // `prompt` is not empty and fits the context. The session outlives the End of this. `matcher` is
  // of the grammar, if there is one; `parser` there where tools are.
  Generation(Session& session, const GenerateOptions& options, std::optional<text::Matcher> matcher,
             std::optional<text::ToolParser> parser, std::vector<int32_t> prompt, int64_t dropped);

  // The caller's side, one thread at a time.

  // True, and at its end, if there is no room for an answer: it is then not to be submitted.
  bool EndIfFull();

  // Before it is submitted: the session's draft model, if it has one, will help.
  Helper BeginDrafts();

  // Waits until `deadline` for the next piece. When there is none any more, the answer is over:
  // kEnd, or why it failed.
  StatusOr<PieceKind> Take(std::chrono::steady_clock::time_point deadline, Piece* out);
  // Ends the answer with what was taken; returns once the scheduler has let go.
  void Halt();
  // After kEnd: appends the answer to the session, or leaves that as it was.
  Status Commit();
  // After an error or Halt: leaves the session as it was.
  void Abandon();

  // The scheduler's side.
  Work Next(int32_t guesses) override;
  Status Prepare(int32_t rows, SequenceRows* out) override;
  bool Accept(int32_t rows, std::span<float> logits) override;
  void End(const Status& status) override;
  const std::atomic<bool>& stop() const override { return session_.stop_; }

 private:
  using Clock = std::chrono::steady_clock;
  // Tokens that may be chosen before the caller takes them.
  static constexpr size_t kAhead = 4;
  // And what one step may add: as many as were guessed, and a text that was held back.
  static constexpr size_t kQueue = kAhead + Batcher::kCheapRows + 1;

  // A piece, and the sampler's state when it was chosen.
  struct Event {
    Piece piece;
    uint64_t drawn = 0;
  };

  enum class Guesser { kPrompt, kDraft, kGrammar };

  // Fills guesses_ with at most `most` tokens; false: a draft model is at it.
  bool Guess(int32_t most);
  // Guesses what the grammar leaves no choice in, at most `most` tokens.
  void GuessForced(int32_t most);
  // The scheduler lets go of this, or of its drafter.
  void Release();
  // Goes on with what others have computed of the prompt meanwhile.
  void Adopt();
  // Counts what the step that began with so many tokens has chosen.
  void Tell(int32_t before);
  // The answer is over.
  void CountEnd();
  // Lets others have the pages that have become full.
  void Share();
  // Chooses a token from each row of logits, as long as guesses are right; true: go on.
  StatusOr<bool> ChooseAll(std::span<float> logits);
  StatusOr<bool> Choose(std::span<float> logits);
  void Finish(FinishReason reason);
  // The text of a token, less what belongs to a call of a tool.
  StatusOr<std::string> TextOf(int32_t token);
  // `token` is −1 for a text without one.
  void Push(int32_t token, std::string text);
  // Keeps the model's logits before grammar and sampler change them.
  Status Remember(std::span<const float> logits);
  bool full() const { return tokens_.size() >= static_cast<size_t>(session_.context_tokens()); }

  Session& session_;
  const GenerateOptions options_;
  const RollingWindow window_;
  std::vector<int32_t> tokens_;  // prompt and answer
  int64_t dropped_;              // tokens that left tokens_ to make room
  text::StreamingDetokenizer detokenizer_;
  StopMatcher stops_;
  std::optional<text::Matcher> matcher_;
  std::optional<text::ToolParser> parser_;
  std::vector<text::ToolCall> calls_;  // of the next piece
  GenerateResult result_;
  SessionStats stats_;
  Clock::time_point start_, prefilled_, last_token_;
  bool waits_ = true;  // for the first token
  PromptLookup lookup_;
  std::shared_ptr<Drafter> drafter_;
  Guesser guesser_ = Guesser::kPrompt;   // whose guesses_ are
  std::vector<int32_t> guesses_;         // tokens that may come next
  std::vector<float> given_;             // with logprobs or entropy_tokens: the model's logits
  double log_sum_ = 0;                   // of them
  std::vector<TokenLogprob> likeliest_;  // of the next piece
  std::string forced_;                   // text that must
  GuessRate forced_rate_;                // of its tokens
  std::vector<int32_t> run_;             // of the step: what is new, then guesses_
  const uint64_t drawn_;                 // from the sampler, before this answer
  size_t shared_pages_ = 0;              // of the cache, that others know of

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Event, kQueue> queue_;  // a ring
  size_t first_ = 0, queued_ = 0;
  bool paused_ = false;  // Next found the queue full
  int holders_ = 1;      // sequences that the scheduler will still use
  bool ended_ = false;
  Status status_ = {};  // of the end

  // What the caller took.
  std::string reply_;
  std::vector<text::ToolCall> taken_calls_;
  int32_t taken_ = 0;  // tokens
  uint64_t taken_drawn_;
  bool halted_ = false;
};

}  // namespace hob
