// SPDX-License-Identifier: Apache-2.0
// A conversation with a model, or a raw text that it continues.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/sampler/logprobs.h"
#include "lib/sampler/sampler.h"
#include "lib/session/kv_cache.h"
#include "lib/session/model.h"
#include "lib/session/rolling_window.h"
#include "lib/session/tools.h"

namespace hob {

namespace text {
class CompiledGrammar;
}
class Drafter;
class Generation;

struct SessionOptions {
  int32_t context_tokens = 0;    // 0: the model's
  bool roll = false;             // where the context is full, drop old tokens rather than end
  int32_t keep_tokens = 0;       // that are never dropped, at the beginning
  bool guess = false;            // speculative decoding by prompt lookup
  std::optional<DType> kv_type;  // of the cache, KvLayout::Holds; none: the model's
  std::shared_ptr<Model> draft;  // speculative decoding by a smaller model
  int32_t draft_tokens = 0;      // that it guesses at a time; 0: as many as pay
  SamplerOptions sampler;
};

enum class FinishReason : int32_t {
  kEnd = 1,
  kLength = 2,
  kStop = 3,
  kCancelled = 4,
  kContextFull = 5,
  kTime = 6,
  kToolCalls = 7,
};

// A piece of an answer: a token (−1: none) and the text that became complete. With
// GenerateOptions::logprobs, what the model thought, before grammar and sampler changed it.
struct Piece {
  int32_t token = -1;
  std::string text;
  float logprob = 0;
  std::vector<TokenLogprob> likeliest;
  // With GenerateOptions::entropy_tokens, of what the model held of this token's place, in nats.
  float entropy = 0;
  std::vector<text::ToolCall> calls;  // that it made whole; their text is not in `text`
};

struct GenerateOptions {
  static constexpr int32_t kMaxTopLogprobs = 20;
  static constexpr size_t kMaxStops = 64;
  static constexpr size_t kMaxStopBytes = 4096;

  int32_t max_tokens = 0;  // 0: until the context is full
  std::vector<std::string> stops;
  bool ignore_eos = false;
  // The answer is a text of it, unless something else ends it before. Of the model's tokenizer.
  std::shared_ptr<const text::CompiledGrammar> grammar;
  // With each token, how likely the model held it, and this many of the likeliest in its place.
  bool logprobs = false;
  int32_t top_logprobs = 0;
  // With each of the first so many tokens, how unsure the model was.
  int32_t entropy_tokens = 0;
  // The answer has begun elsewhere: a cancel that came since Arm ends it.
  bool armed = false;
  int32_t priority = 0;                   // against other sessions of the runtime: higher first
  std::chrono::milliseconds max_time{0};  // 0: any
  // Given each piece; returns false to end the answer.
  std::function<bool(const Piece& piece)> on_token;
};

struct GenerateResult {
  FinishReason finish_reason = FinishReason::kEnd;
  int32_t stop_index = -1;
  int32_t prompt_tokens = 0;
  int32_t cached_tokens = 0;
  int32_t generated_tokens = 0;
  int64_t dropped_tokens = 0;  // of the conversation, that the model sees no more
};

enum class PieceKind : int32_t { kNone = 0, kToken = 1, kEnd = 2 };

struct SessionStats {
  GenerateResult counts;
  uint64_t time_to_first_token_ns = 0;
  uint64_t prefill_ns = 0;
  uint64_t decode_ns = 0;
  uint64_t cache_bytes = 0;
  int64_t guessed = 0, right = 0;  // tokens
};

// OUT_OF_RANGE with both numbers.
Status PromptTooLong(size_t tokens, int32_t context);

// One thread at a time, save Cancel and TryEnter. While an answer is on its way (Start), calls that
// would change the session give FAILED_PRECONDITION. Whatever fails leaves messages and text as
// they were; what is cached may differ, which cannot be seen in any result.
class Session {
 public:
  static StatusOr<std::unique_ptr<Session>> Create(std::shared_ptr<Model> model,
                                                   const SessionOptions& options);
  // Another session that goes on from here, on the same cache pages until one writes to them.
  StatusOr<std::unique_ptr<Session>> Fork() const;
  // Ends an answer that is on its way.
  ~Session();

  // For callers that cannot know that they are alone: false while another call is within Enter and
  // Leave.
  bool TryEnter() { return !busy_.exchange(true, std::memory_order_acquire); }
  void Leave() { busy_.store(false, std::memory_order_release); }

  Status SetSampler(const SamplerOptions& options);
  // From now on; made for this model. INVALID_ARGUMENT, NOT_FOUND (`only`).
  Status SetTools(ToolUse use);
  // What SetTools has taken before; the session is idle.
  void PutBackTools(ToolUse&& use) noexcept { tools_ = std::move(use); }
  // `fields`: what else the message has, as text::ReadMessageFields reads it; empty: nothing.
  Status AddMessage(std::string_view role, std::string_view content, std::string_view fields = {});
  Status KeepMessages(size_t count);
  Status AddText(std::string_view text, const text::EncodeOptions& options);
  Status AddTokens(std::span<const int32_t> tokens);

  // See hob_session_generate.
  StatusOr<GenerateResult> Generate(const GenerateOptions& options);
  // The same in steps: Start, whose on_token is not used, then Poll until kEnd or an error. Between
  // them calls that would change, copy or save the session give FAILED_PRECONDITION.
  Status Start(const GenerateOptions& options);
  // *out is the piece, until the next call; null if there is none.
  StatusOr<PieceKind> Poll(std::chrono::steady_clock::time_point deadline, const Piece** out);
  // Any thread, signal handlers too.
  void Cancel() {
    cancels_.fetch_add(1);  // first: TakeBack looks at it last
    stop_.store(true);
  }
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  // An answer begins, of which Start is only a part: Cancel counts from now on.
  void Arm() {
    armed_ = cancels_.load();
    stop_.store(false);
  }
  // Ends the answer that is on its way, as if it had not begun.
  void Undo();
  // The same, for an answer that another one is to replace: a Cancel since Arm still counts.
  void TakeBack();
  // How many tokens the conversation makes; errors as Start.
  StatusOr<size_t> CountPrompt() const;
  // Appends an answer that another model gave, a text in UTF-8.
  Status AppendAnswer(std::string text);
  // A text about the last answer, for whoever gave it.
  void KeepNote(std::string note) { note_ = std::move(note); }
  std::string_view note() const { return note_; }

  // Resets, then runs `tokens` and gives `on_logits` the logits [rows, vocabulary] of each chunk,
  // until it returns false (CANCELLED).
  using LogitsCallback =
      std::function<bool(size_t first, size_t rows, std::span<const float> logits)>;
  Status Evaluate(std::span<const int32_t> tokens, const LogitsCallback& on_logits);

  Status Reset();

  // What Evaluate takes for logits, at most.
  static size_t EvaluateBytes(int32_t max_rows, int32_t vocabulary);

  const Model& model() const { return *model_; }
  int32_t context_tokens() const { return window_.context; }
  bool rolls() const { return rolls_; }
  bool guesses() const { return guess_; }
  DType kv_type() const { return cache_.type(); }
  const RollingWindow& window() const { return window_; }
  size_t message_count() const { return messages_.size(); }
  const std::vector<text::ChatMessage>& messages() const { return messages_; }
  std::span<const int32_t> tokens() const { return tokens_; }
  std::string_view reply() const { return reply_; }
  // Of the last answer.
  const std::vector<text::ToolCall>& calls() const { return calls_; }
  const ToolUse& tools() const { return tools_; }
  const SessionStats& stats() const { return stats_; }

 private:
  friend class Generation;
  friend class SessionImage;     // persist.h
  friend class SessionRestorer;  // persist_restore.cc

  Session(std::shared_ptr<Model> model, const RollingWindow& window, const SessionOptions& options,
          Sampler sampler);

  Status CheckIdle() const;
  // Of the draft model's, too.
  size_t cache_bytes() const;
  void Clear();
  Status CheckTokens(std::span<const int32_t> tokens) const;
  // Drops what the cache holds beyond its common beginning with `tokens`.
  void KeepCached(std::span<const int32_t> tokens);
  // Goes on with what other sessions of the model have computed of `tokens`, the last one left out;
  // the cache holds a beginning of them.
  void AdoptShared(std::span<const int32_t> tokens);
  // Lets other sessions have the full pages from `first` on.
  void Share(size_t first);
  // Runs `tokens` at the end of the cache and puts the logits of those named in `logit_rows` into
  // `logits`. At most max_rows tokens. The cache is as before on errors.
  Status RunStep(std::span<const int32_t> tokens, std::span<const int32_t> logit_rows,
                 float* logits);

  std::shared_ptr<Model> model_;
  RollingWindow window_;
  int32_t context_limit_;  // what it was created with: no restored one has more
  bool rolls_, guess_;
  Sampler sampler_;

  std::vector<text::ChatMessage> messages_;
  std::vector<int32_t> tokens_;  // raw text; or the last prompt and answer of the conversation
  int64_t dropped_ = 0;          // tokens before those of tokens_ that are behind the kept ones
  std::string reply_, note_;
  ToolUse tools_;
  std::vector<text::ToolCall> calls_;  // of the last answer
  KvCache cache_;
  std::vector<int32_t> cached_;       // the tokens that cache_ holds
  bool restored_ = false;             // cache_ began as a file's
  std::shared_ptr<Model> draft_;      // null: none
  std::shared_ptr<Drafter> drafter_;  // of draft_
  SessionStats stats_;
  std::atomic<bool> stop_{false};
  std::atomic<uint32_t> cancels_{0};
  uint32_t armed_ = 0;  // cancels_ then
  std::atomic<bool> busy_{false};
  std::shared_ptr<Generation> running_;
  Piece piece_;  // the last one polled
};

}  // namespace hob
