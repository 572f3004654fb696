// SPDX-License-Identifier: Apache-2.0
#include "lib/session/drafter.h"

#include <algorithm>
#include <utility>

#include "lib/base/contain.h"

namespace hob {
namespace {

// What a step of the draft model takes, against one of the target, before it is known.
constexpr double kAssumedRatio = 0.25;

}  // namespace

StatusOr<std::shared_ptr<Drafter>> Drafter::Create(Model& draft, const Model& target,
                                                   int32_t tokens) {
  if (draft.batcher() == nullptr) {
    return Error(StatusCode::kFailedPrecondition,
                 "the draft model was opened with its vocabulary only",
                 "Open it without vocabulary_only.");
  }
  HOB_RETURN_IF_ERROR(draft.CheckGenerates("the draft model"));
  if (&draft == &target) {
    return Error(StatusCode::kInvalidArgument, "the draft model is the session's own model",
                 "Use a smaller one of the same vocabulary.");
  }
  if (&draft.runtime() != &target.runtime()) {
    return Error(StatusCode::kInvalidArgument, "the draft model belongs to another runtime",
                 "Open both models in one runtime.");
  }
  if (draft.file().vocabulary.tokens != target.file().vocabulary.tokens) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("the draft model has another vocabulary, of ", draft.tokenizer().size(),
                        " tokens, than the model, which has ", target.tokenizer().size()),
                 "Use a smaller model of the same family and vocabulary.");
  }
  HOB_ASSIGN_OR_RETURN(Sampler greedy, Sampler::Create({}));
  KvCache cache(draft.runtime().allocator(), draft.batcher()->executor().kv_layout(),
                &draft.prefixes(), &draft.runtime().scheduler().metrics());
  return std::shared_ptr<Drafter>(new Drafter(draft, tokens, std::move(cache), std::move(greedy)));
}

std::shared_ptr<Drafter> Drafter::Fork() const {
  std::shared_ptr<Drafter> fork(new Drafter(*model_, tokens_, cache_.Fork(), sampler_));
  fork->text_ = text_;
  fork->rate_ = rate_;
  return fork;
}

void Drafter::Clear() {
  wanted_ = 0;
  text_.clear();
  cache_.Truncate(0);
}

void Drafter::Begin(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  wanted_ = 0;
  gone_ = false;
  stop_.store(false, std::memory_order_relaxed);
}

int32_t Drafter::Room(size_t tokens) const {
  const auto context = static_cast<size_t>(model_->batcher()->executor().shape().context_length);
  return static_cast<int32_t>(context - std::min(context, tokens));
}

bool Drafter::Knows(std::span<const int32_t> tokens) const {
  const int32_t vocabulary = model_->batcher()->executor().shape().vocabulary;
  return std::all_of(tokens.begin(), tokens.end(), [&](int32_t id) { return id < vocabulary; });
}

int32_t Drafter::Count(int32_t most, const Batcher& target) {
  if (tokens_ > 0) return std::clamp(most, 0, tokens_);
  rate_.Forget();
  const double seconds = model_->batcher()->token_seconds();
  const double ratio = seconds == 0 || target.token_seconds() == 0
                           ? kAssumedRatio
                           : seconds / target.token_seconds();
  return rate_.Worth(most, ratio + target.row_cost());
}

bool Drafter::Guess(std::span<const int32_t> text, int32_t most, const Batcher& target,
                    std::vector<int32_t>& out) {
  out.clear();
  if (gone_ || stop_.load(std::memory_order_relaxed)) return true;
  if (wanted_ == 0) {
    const int32_t count = Count(std::min(most, Room(text.size())), target);
    if (count == 0) return true;
    const auto differ = std::mismatch(text_.begin(), text_.end(), text.begin(), text.end()).first;
    const auto alike = static_cast<size_t>(differ - text_.begin());
    if (!Knows(text.subspan(alike))) return true;
    ReserveByPages(text_, text.size(), static_cast<size_t>(count));
    text_.resize(alike);
    text_.insert(text_.end(), text.begin() + static_cast<ptrdiff_t>(alike), text.end());
    // The last token is run again in any case: its logits begin the guesses.
    const size_t keep = std::min(alike, text.size() - 1);
    if (static_cast<size_t>(cache_.tokens()) > keep) cache_.Truncate(static_cast<int32_t>(keep));
    given_ = text.size();
    wanted_ = count;
  }
  if (text_.size() < given_ + static_cast<size_t>(wanted_)) return false;
  wanted_ = 0;
  const auto guessed = std::span(text_).subspan(given_);
  out.assign(guessed.begin(),
             guessed.begin() + std::clamp<ptrdiff_t>(most, 0, std::ssize(guessed)));
  return true;
}

Work Drafter::Next(int32_t) {
  if (wanted_ == 0 || text_.size() == given_ + static_cast<size_t>(wanted_)) return {};
  return {std::span(text_).subspan(static_cast<size_t>(cache_.tokens())), 1};
}

Status Drafter::Prepare(int32_t rows, SequenceRows* out) {
  return Contain([&] {
    HOB_RETURN_IF_ERROR(cache_.PrepareAppend(rows));
    *out = {cache_.pages(), model_->batcher()->executor().kv_layout().type, 0, rows,
            cache_.tokens()};
    return absl::OkStatus();
  });
}

bool Drafter::Accept(int32_t rows, std::span<float> logits) {
  cache_.CommitAppend(rows);
  if (logits.empty()) return true;
  const Status status = Contain([&] {
    HOB_ASSIGN_OR_RETURN(const int32_t token,
                         sampler_.Sample(logits.first(model_->tokenizer().size()), {}));
    text_.push_back(token);  // Guess has made room
    return absl::OkStatus();
  });
  return status.ok();  // else without guesses
}

void Drafter::End(const Status&) {
  // What a step left unfinished goes.
  cache_.Truncate(cache_.tokens());
  gone_ = true;
  wanted_ = 0;
  std::exchange(on_end_, nullptr)();
}

}  // namespace hob
