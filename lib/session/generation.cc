// SPDX-License-Identifier: Apache-2.0
#include "lib/session/generation.h"

#include <algorithm>
#include <utility>

#include "lib/base/contain.h"
#include "lib/scheduler/scheduler.h"
#include "lib/text/tools/tool_messages.h"

namespace hob {
namespace {

uint64_t Nanoseconds(std::chrono::steady_clock::duration time) {
  return static_cast<uint64_t>(std::chrono::nanoseconds(time).count());
}

// What failed on the scheduler's thread may lack a message: there may have been no memory for one.
Status WithMessage(const Status& status) {
  if (!status.message().empty()) return status;
  return Error(status.code(), status.code() == StatusCode::kResourceExhausted
                                  ? "out of memory"
                                  : "an unexpected exception ended the answer");
}

}  // namespace

Generation::Generation(Session& session, const GenerateOptions& options,
                       std::optional<text::Matcher> matcher, std::optional<text::ToolParser> parser,
                       std::vector<int32_t> prompt, int64_t dropped)
    : session_(session),
      options_(options),
      window_(session.window()),
      tokens_(std::move(prompt)),
      dropped_(dropped),
      detokenizer_(session.model().tokenizer()),
      stops_(options.stops),
      matcher_(std::move(matcher)),
      parser_(std::move(parser)),
      start_(Clock::now()),
      drawn_(session.sampler_.drawn()),
      taken_drawn_(drawn_) {
  result_.prompt_tokens = static_cast<int32_t>(tokens_.size());
  // The last token is run again in any case: its logits begin the answer.
  session_.KeepCached(std::span(tokens_).first(tokens_.size() - 1));
  result_.cached_tokens = session_.cache_.tokens();
  shared_pages_ = session_.cache_.full_pages();
}

Helper Generation::BeginDrafts() {
  drafter_ = session_.drafter_;
  if (drafter_ == nullptr) return {};
  drafter_->Begin([this] { Release(); });
  ++holders_;
  return {&drafter_->batcher(), drafter_};
}

bool Generation::EndIfFull() {
  if (!full()) return false;
  Finish(FinishReason::kContextFull);
  ended_ = true;
  return true;
}

StatusOr<PieceKind> Generation::Take(Clock::time_point deadline, Piece* out) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return queued_ > 0 || ended_; };
  // Waiting until a time that is over takes a system call: a look at many sessions would feel it.
  if (!ready() && !session_.stopped() && deadline <= Clock::now()) return PieceKind::kNone;
  if (deadline == Clock::time_point::max()) {
    changed_.wait(lock, ready);
  } else if (!changed_.wait_until(lock, deadline, ready) && !session_.stopped()) {
    return PieceKind::kNone;
  }
  if (session_.stopped() && (queued_ > 0 || !ended_)) {
    lock.unlock();
    Halt();
    return PieceKind::kEnd;
  }
  if (queued_ == 0) {
    if (absl::IsCancelled(status_)) {
      Finish(FinishReason::kCancelled);
    } else if (absl::IsDeadlineExceeded(status_)) {
      Finish(FinishReason::kTime);
    } else if (!status_.ok()) {
      return WithMessage(status_);
    }
    return PieceKind::kEnd;
  }
  Event& event = queue_[first_];
  std::swap(*out, event.piece);
  taken_drawn_ = event.drawn;
  first_ = (first_ + 1) % kQueue;
  --queued_;
  const bool wake = std::exchange(paused_, false);
  lock.unlock();
  if (wake) session_.model().batcher()->scheduler().Wake();
  // Room for the text of a page of tokens, when one begins.
  constexpr size_t kTokenBytes = 16;
  constexpr size_t kPageBytes = kTokenBytes * static_cast<size_t>(kKvPageTokens);
  if ((result_.prompt_tokens + taken_) % kKvPageTokens == 0 || taken_ == 0) {
    if (reply_.capacity() - reply_.size() < kPageBytes)
      reply_.reserve(reply_.size() + 2 * kPageBytes);
  }
  if (out->token >= 0) ++taken_;
  reply_.append(out->text);
  taken_calls_.insert(taken_calls_.end(), out->calls.begin(), out->calls.end());
  return PieceKind::kToken;
}

void Generation::Halt() {
  session_.stop_.store(true, std::memory_order_relaxed);  // nobody cancelled it
  session_.model().batcher()->scheduler().Wake();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_; });
  // What was chosen and not taken has not happened.
  size_t ahead = 0;
  for (size_t i = 0; i < queued_; ++i) {
    if (queue_[(first_ + i) % kQueue].piece.token >= 0) ++ahead;
  }
  tokens_.resize(tokens_.size() - ahead);
  queued_ = 0;
  halted_ = true;
  Finish(FinishReason::kCancelled);
  result_.generated_tokens = taken_;
}

Status Generation::Commit() {
  std::string fields;
  if (!taken_calls_.empty()) {
    HOB_ASSIGN_OR_RETURN(fields, text::FieldsOfCalls(taken_calls_));
    if (result_.finish_reason == FinishReason::kEnd) Finish(FinishReason::kToolCalls);
  }
  if (result_.generated_tokens > 0) {
    // The first may throw for lack of memory, the others do not.
    if (!session_.messages_.empty()) {
      session_.messages_.push_back({"assistant", reply_, std::move(fields)});
    }
    session_.calls_ = std::move(taken_calls_);
    session_.tokens_ = std::move(tokens_);
    session_.reply_ = std::move(reply_);
    session_.dropped_ = dropped_;
  }
  if (halted_) session_.sampler_.set_drawn(taken_drawn_);
  result_.dropped_tokens = dropped_;
  stats_.cache_bytes = session_.cache_bytes();
  stats_.counts = result_;
  session_.stats_ = stats_;
  CountEnd();
  Metrics::AddAt(session_.model().batcher()->scheduler().metrics().ended,
                 static_cast<size_t>(result_.finish_reason));
  return absl::OkStatus();
}

void Generation::Abandon() {
  session_.sampler_.set_drawn(drawn_);
  CountEnd();
  const StatusCode code = status_.ok() ? StatusCode::kCancelled : status_.code();
  Metrics::AddAt(session_.model().batcher()->scheduler().metrics().failed,
                 static_cast<size_t>(code));
}

Work Generation::Next(int32_t guesses) {
  {
    const std::lock_guard lock(mutex_);
    // To roll, the caller must have taken all: what it did not take has not happened.
    paused_ = queued_ >= (full() ? 1 : kAhead);
    if (paused_) return {};
  }
  if (full()) {
    const auto drop = static_cast<ptrdiff_t>(window_.Drop(tokens_.size()));
    const auto from = tokens_.begin() + window_.keep;
    tokens_.erase(from, from + drop);
    dropped_ += drop;
    session_.KeepCached(std::span(tokens_).first(tokens_.size() - 1));
    shared_pages_ = session_.cache_.full_pages();
  }
  if (result_.generated_tokens == 0) Adopt();
  const auto fresh = std::span(tokens_).subspan(static_cast<size_t>(session_.cache_.tokens()));
  guesses_.clear();
  bool wait = false;
  if (fresh.size() == 1) {
    // Without memory for guesses, or for the cache of them, there are none.
    const Status guessed = Contain([&] {
      wait = !Guess(guesses);
      if (wait || guesses_.empty()) return absl::OkStatus();
      if (matcher_) {
        HOB_ASSIGN_OR_RETURN(const size_t fitting, matcher_->CountAcceptable(guesses_));
        guesses_.resize(fitting);
      }
      run_.assign(fresh.begin(), fresh.end());
      run_.insert(run_.end(), guesses_.begin(), guesses_.end());
      return session_.cache_.PrepareAppend(static_cast<int32_t>(run_.size()));
    });
    if (!guessed.ok()) guesses_.clear();
  }
  if (wait) return {};
  if (guesses_.empty()) return {fresh, 1};
  return {run_, static_cast<int32_t>(run_.size())};
}

bool Generation::Guess(int32_t most) {
  const auto room = session_.context_tokens() - static_cast<int32_t>(tokens_.size());
  const int32_t left =
      options_.max_tokens == 0 ? room : options_.max_tokens - result_.generated_tokens - 1;
  most = std::min({most, room, left});
  if (matcher_) GuessForced(most);
  if (!guesses_.empty()) return true;
  guesser_ = Guesser::kPrompt;
  const Batcher& batcher = *session_.model().batcher();
  const bool asked = drafter_ != nullptr && drafter_->asked();
  if (session_.guesses() && !asked) lookup_.Guess(tokens_, most, batcher.row_cost(), guesses_);
  // The draft model begins once the first token is there: it would hold that up.
  if (drafter_ == nullptr || !guesses_.empty() || result_.generated_tokens == 0) return true;
  guesser_ = Guesser::kDraft;
  return drafter_->Guess(tokens_, most, batcher, guesses_);
}

void Generation::GuessForced(int32_t most) {
  guesser_ = Guesser::kGrammar;
  constexpr size_t kTokenBytes = 16;  // no more are worth looking ahead
  forced_rate_.Forget();
  most = forced_rate_.Worth(most, session_.model().batcher()->row_cost());
  if (most <= 0) return;
  const Status status = matcher_->ForcedText(static_cast<size_t>(most) * kTokenBytes, forced_);
  if (!status.ok() || forced_.empty()) return;
  const auto tokens = session_.model().tokenizer().Encode(forced_, {});
  if (!tokens.ok()) return;  // it begins within a character
  guesses_.assign(tokens->begin(),
                  tokens->begin() + std::min<ptrdiff_t>(most, std::ssize(*tokens)));
}

void Generation::Adopt() {
  const int32_t before = session_.cache_.tokens();
  // Without memory for it, it is computed once more.
  const Status status = Contain([&] {
    session_.AdoptShared(tokens_);
    return absl::OkStatus();
  });
  if (!status.ok()) return;
  result_.cached_tokens += session_.cache_.tokens() - before;
  shared_pages_ = std::max(shared_pages_, session_.cache_.full_pages());
}

Status Generation::Prepare(int32_t rows, SequenceRows* out) {
  return Contain([&] {
    ReserveByPages(session_.cached_, session_.cached_.size() + static_cast<size_t>(rows), 0);
    Status status = session_.cache_.PrepareAppend(rows);
    if (absl::IsResourceExhausted(status) && drafter_ != nullptr) {
      // Guesses are worth less than the answer.
      drafter_->Clear();
      drafter_->Stop();
      status = session_.cache_.PrepareAppend(rows);
    }
    HOB_RETURN_IF_ERROR(status);
    *out = {session_.cache_.pages(), session_.kv_type(), 0, rows, session_.cache_.tokens()};
    return absl::OkStatus();
  });
}

bool Generation::Accept(int32_t rows, std::span<float> logits) {
  const auto count = static_cast<size_t>(rows);
  const auto ran = guesses_.empty() ? std::span(tokens_).subspan(
                                          static_cast<size_t>(session_.cache_.tokens()), count)
                                    : std::span(run_).first(count);
  session_.cache_.CommitAppend(rows);
  session_.cached_.insert(session_.cached_.end(), ran.begin(), ran.end());
  if (logits.empty()) {
    Share();
    return true;
  }
  if (result_.generated_tokens == 0) {
    prefilled_ = Clock::now();
    stats_.prefill_ns = Nanoseconds(prefilled_ - start_);
  } else {
    stats_.decode_ns = Nanoseconds(Clock::now() - prefilled_);
  }
  bool more = false;
  const int32_t before = result_.generated_tokens;
  const bool first = before == 0;
  const Status status = Contain([&] {
    HOB_ASSIGN_OR_RETURN(more, ChooseAll(logits));
    return absl::OkStatus();
  });
  if (first) {
    prefilled_ = Clock::now();
    stats_.time_to_first_token_ns = Nanoseconds(prefilled_ - start_);
  }
  if (status.ok()) Tell(before);
  Share();
  if (status.ok()) return more;
  const std::lock_guard lock(mutex_);
  status_ = status;
  return false;
}

void Generation::Tell(int32_t before) {
  Metrics& metrics = session_.model().batcher()->scheduler().metrics();
  const Clock::time_point now = Clock::now();
  const auto chosen = static_cast<uint64_t>(result_.generated_tokens - before);
  Metrics::Add(metrics.generated_tokens, chosen);
  if (waits_) {
    waits_ = false;
    Metrics::Subtract(metrics.waiting);
    Metrics::Add(metrics.prompt_tokens, static_cast<uint64_t>(result_.prompt_tokens));
    Metrics::Add(metrics.cached_tokens, static_cast<uint64_t>(result_.cached_tokens));
    metrics.first_token.Add(stats_.time_to_first_token_ns);
  } else if (chosen > 0) {
    // Guesses that were right come at once: each took its part of the time.
    metrics.between_tokens.Add(Nanoseconds(now - last_token_) / chosen, chosen);
  }
  last_token_ = now;
}

void Generation::CountEnd() {
  Metrics& metrics = session_.model().batcher()->scheduler().metrics();
  if (std::exchange(waits_, false)) Metrics::Subtract(metrics.waiting);
  Metrics::Add(metrics.guessed_tokens, static_cast<uint64_t>(stats_.guessed));
  Metrics::Add(metrics.right_tokens, static_cast<uint64_t>(stats_.right));
}

void Generation::Share() {
  if (dropped_ > 0) return;  // nobody else's text has this gap
  if (session_.cache_.full_pages() <= shared_pages_) return;
  const Status shared = Contain([&] {
    session_.Share(shared_pages_);
    return absl::OkStatus();
  });
  if (shared.ok()) shared_pages_ = session_.cache_.full_pages();
}

void Generation::End(const Status& status) {
  // What a step left unfinished goes.
  session_.cache_.Truncate(session_.cache_.tokens());
  {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = status;
  }
  if (drafter_ != nullptr) drafter_->Stop();
  Release();
}

void Generation::Release() {
  const std::lock_guard lock(mutex_);
  ended_ = --holders_ == 0;
  if (ended_) changed_.notify_all();
}

StatusOr<bool> Generation::ChooseAll(std::span<float> logits) {
  const size_t stride = logits.size() / (guesses_.size() + 1);
  int32_t right = 0;
  bool more = true;
  for (size_t i = 0; more && i <= guesses_.size(); ++i) {
    // Ids past the tokenizer's are padding of the model's last matrix.
    HOB_ASSIGN_OR_RETURN(more,
                         Choose(logits.subspan(i * stride, session_.model().tokenizer().size())));
    if (!more || i == guesses_.size() || tokens_.back() != guesses_[i]) break;
    ++right;
    if (full()) break;  // Next makes room
  }
  const auto guessed = static_cast<int32_t>(guesses_.size());
  if (guesser_ == Guesser::kPrompt) {
    lookup_.Learn(guessed, right);
  } else if (guesser_ == Guesser::kDraft) {
    drafter_->Learn(guessed, right);
  } else {
    forced_rate_.Learn(guessed, right);
  }
  stats_.guessed += guessed;
  stats_.right += right;
  if (right < guessed) {
    const int32_t keep = session_.cache_.tokens() - (guessed - right);
    session_.cache_.Truncate(keep);
    session_.cached_.resize(static_cast<size_t>(keep));
  }
  return more;
}

// Chooses the next token and queues it; true: go on.
StatusOr<bool> Generation::Choose(std::span<float> logits) {
  const text::Tokenizer& tokenizer = session_.model().tokenizer();
  if (options_.logprobs || result_.generated_tokens < options_.entropy_tokens) {
    HOB_RETURN_IF_ERROR(Remember(logits));
  }
  if (matcher_) HOB_RETURN_IF_ERROR(matcher_->MaskLogits(logits));
  HOB_ASSIGN_OR_RETURN(const int32_t token, session_.sampler_.Sample(logits, tokens_));
  if (matcher_) {
    HOB_ASSIGN_OR_RETURN(const size_t taken, matcher_->Accept({&token, 1}));
    if (taken == 0) return Error(StatusCode::kInternal, "the grammar does not take its own token");
  }
  ++result_.generated_tokens;
  const bool end = !options_.ignore_eos && tokenizer.IsEndOfGeneration(token);
  bool more = false;
  if (end) {
    Finish(FinishReason::kEnd);
  } else {
    ReserveByPages(tokens_, tokens_.size(), 1);
    tokens_.push_back(token);
    HOB_ASSIGN_OR_RETURN(const std::string text, TextOf(token));
    Push(token, stops_.Push(text));
    if (stops_.found() >= 0) {
      Finish(FinishReason::kStop);
    } else if (matcher_ && matcher_->must_end()) {
      Finish(FinishReason::kEnd);
    } else if (result_.generated_tokens == options_.max_tokens) {
      Finish(FinishReason::kLength);
    } else if (full() && !session_.rolls()) {
      Finish(FinishReason::kContextFull);
    } else {
      more = true;
    }
  }
  if (more) return true;
  // What detokenizer and stop texts held back.
  std::string rest = detokenizer_.Finish();
  if (parser_) {
    rest = parser_->Push(rest, calls_);
    rest.append(parser_->Finish(calls_));
  }
  rest = stops_.Push(rest);
  if (stops_.found() >= 0) {
    Finish(FinishReason::kStop);
  } else {
    rest.append(stops_.Finish());
  }
  if (!rest.empty() || !calls_.empty()) Push(-1, std::move(rest));
  return false;
}

StatusOr<std::string> Generation::TextOf(int32_t token) {
  HOB_ASSIGN_OR_RETURN(std::string text, detokenizer_.Push(token));
  if (!parser_) return text;
  // A mark of calls may be a control token, which is no text.
  const text::Tokenizer& tokenizer = session_.model().tokenizer();
  if (tokenizer.Type(token) == TokenType::kControl) {
    const text::ToolStyle& style = session_.tools_.tools->style();
    const std::string_view stored = tokenizer.StoredText(token);
    if (!stored.empty() && (stored == style.open || stored == style.close)) text = stored;
  }
  return parser_->Push(text, calls_);
}

Status Generation::Remember(std::span<const float> logits) {
  given_.assign(logits.begin(), logits.end());
  HOB_ASSIGN_OR_RETURN(log_sum_, LogSumExp(given_));
  return absl::OkStatus();
}

void Generation::Finish(FinishReason reason) {
  result_.finish_reason = reason;
  result_.stop_index = stops_.found();
}

void Generation::Push(int32_t token, std::string text) {
  float logprob = 0, entropy = 0;
  likeliest_.clear();
  if (token >= 0 && result_.generated_tokens <= options_.entropy_tokens) {
    entropy = static_cast<float>(Entropy(given_, log_sum_));
  }
  if (options_.logprobs && token >= 0) {
    logprob = static_cast<float>(given_[static_cast<size_t>(token)] - log_sum_);
    LikeliestTokens(given_, log_sum_, static_cast<size_t>(options_.top_logprobs), likeliest_);
  }
  const std::lock_guard lock(mutex_);
  Event& event = queue_[(first_ + queued_) % kQueue];
  event.piece.token = token;
  event.piece.text = std::move(text);
  event.piece.logprob = logprob;
  event.piece.entropy = entropy;
  event.piece.likeliest.swap(likeliest_);
  event.piece.calls.swap(calls_);
  calls_.clear();
  event.drawn = session_.sampler_.drawn();
  ++queued_;
  changed_.notify_all();
}

}  // namespace hob
