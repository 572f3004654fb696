// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "lib/sampler/sampler.h"
#include "lib/scheduler/sequence.h"
#include "lib/session/guess_rate.h"
#include "lib/session/kv_cache.h"
#include "lib/session/model.h"

namespace hob {

// Lets a smaller model of the same vocabulary guess what a larger one will choose, for the larger
// one to check in one pass (speculative decoding, Leviathan et al. 2023; Chen et al. 2023). It
// guesses greedily, and only what the larger model then chooses by itself counts, so any draft
// model leaves the answer as it is.
//
// A session has one, with a cache that lasts; while the session answers, the scheduler drives it
// beside the answer. One thread at a time; save Create, Fork and Begin, the scheduler's.
class Drafter final : public Sequence {
 public:
  static constexpr int32_t kMostTokens = Batcher::kCheapRows - 1;

  // For sessions of `target`, to guess `tokens` at a time, 0: as many as pay. `draft` outlives the
  // session, but not all of this: the scheduler may drop the last reference. FAILED_PRECONDITION
  // for a vocabulary-only draft; INVALID_ARGUMENT if it is of another runtime or vocabulary, or
  // `target` itself.
  static StatusOr<std::shared_ptr<Drafter>> Create(Model& draft, const Model& target,
                                                   int32_t tokens);
  // On the same cache pages.
  std::shared_ptr<Drafter> Fork() const;

  // Before an answer. `on_end` is called when the scheduler has let go of this.
  void Begin(std::function<void()> on_end);
  // Guesses at most `most` tokens that follow `text`: false while it is at it, then `out` is
  // filled. `target` knows what its steps take.
  bool Guess(std::span<const int32_t> text, int32_t most, const Batcher& target,
             std::vector<int32_t>& out);
  // Whether it is at it.
  bool asked() const { return wanted_ > 0; }
  void Learn(int32_t guessed, int32_t right) { rate_.Learn(guessed, right); }
  // Makes the scheduler let go.
  void Stop() { stop_.store(true, std::memory_order_relaxed); }

  // Forgets text and cache.
  void Clear();

  Batcher& batcher() const { return *model_->batcher(); }
  size_t cache_bytes() const { return cache_.bytes(); }

  Work Next(int32_t guesses) override;
  Status Prepare(int32_t rows, SequenceRows* out) override;
  bool Accept(int32_t rows, std::span<float> logits) override;
  void End(const Status& status) override;
  const std::atomic<bool>& stop() const override { return stop_; }

 private:
  Drafter(Model& model, int32_t tokens, KvCache cache, Sampler greedy)
      : model_(&model), tokens_(tokens), cache_(std::move(cache)), sampler_(std::move(greedy)) {}

  Model* model_;
  int32_t tokens_;
  KvCache cache_;  // of a beginning of text_
  Sampler sampler_;
  std::vector<int32_t> text_;  // and behind it what was guessed last
  GuessRate rate_;
  size_t given_ = 0;    // tokens of text_ that are not guessed
  int32_t wanted_ = 0;  // guesses; 0: none are asked for
  bool gone_ = true;    // the scheduler does not know it, or no more
  std::atomic<bool> stop_{false};
  std::function<void()> on_end_;

  // How many tokens its model can add to a text of so many.
  int32_t Room(size_t tokens) const;
  // Whether all are in its model's vocabulary. The last matrix of the larger one may be padded with
  // more ids, which a text can hold.
  bool Knows(std::span<const int32_t> tokens) const;
  // How many to guess.
  int32_t Count(int32_t most, const Batcher& target);
};

}  // namespace hob
