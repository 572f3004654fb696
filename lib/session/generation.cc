// SPDX-License-Identifier: Apache-2.0
#include "lib/session/generation.h"

#include <algorithm>
#include <span>

#include "lib/text/unicode.h"

namespace hob {
namespace {

Status CheckOptions(const GenerateOptions& options) {
  if (options.max_tokens < 0) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("generate option max_tokens is ", options.max_tokens, ", below 0"));
  }
  if (options.stops.size() > GenerateOptions::kMaxStops) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("there are ", options.stops.size(), " stop texts, more than ",
                        GenerateOptions::kMaxStops));
  }
  for (size_t i = 0; i < options.stops.size(); ++i) {
    const std::string& stop = options.stops[i];
    if (stop.empty() || stop.size() > GenerateOptions::kMaxStopBytes) {
      return Error(StatusCode::kInvalidArgument,
                   Concat("stop text ", i, " has ", stop.size(), " bytes, not 1 to ",
                          GenerateOptions::kMaxStopBytes));
    }
    if (text::FindInvalidUtf8(stop) != std::string_view::npos) {
      return Error(StatusCode::kInvalidArgument, Concat("stop text ", i, " is not UTF-8"));
    }
  }
  return absl::OkStatus();
}

uint64_t Nanoseconds(std::chrono::steady_clock::duration time) {
  return static_cast<uint64_t>(std::chrono::nanoseconds(time).count());
}

}  // namespace

StatusOr<GenerateResult> Session::Generate(const GenerateOptions& options) {
  stop_.store(false, std::memory_order_relaxed);
  HOB_RETURN_IF_ERROR(CheckOptions(options));
  std::vector<int32_t> prompt;
  if (messages_.empty()) {
    prompt = tokens_;
  } else {
    HOB_ASSIGN_OR_RETURN(prompt, model_->EncodeChat(messages_));
  }
  if (prompt.empty()) {
    return Error(StatusCode::kFailedPrecondition, "the session is empty",
                 "Add a message, text or tokens first.");
  }
  if (prompt.size() > static_cast<size_t>(context_tokens_)) {
    return PromptTooLong(prompt.size(), context_tokens_);
  }
  Generation generation(*this, options, std::move(prompt));
  HOB_RETURN_IF_ERROR(generation.Run());
  generation.Commit();
  return generation.result();
}

Generation::Generation(Session& session, const GenerateOptions& options,
                       std::vector<int32_t> prompt)
    : session_(session),
      options_(options),
      tokens_(std::move(prompt)),
      detokenizer_(session.model().tokenizer()),
      stops_(options.stops),
      start_(Clock::now()),
      drawn_(session.sampler_.drawn()) {
  result_.prompt_tokens = static_cast<int32_t>(tokens_.size());
}

Generation::~Generation() {
  if (!committed_) session_.sampler_.set_drawn(drawn_);
}

Status Generation::Run() {
  if (full()) {
    End(FinishReason::kContextFull);
    return absl::OkStatus();
  }
  Status status = Prefill();
  if (status.ok()) status = Decode();
  if (absl::IsCancelled(status)) {
    End(FinishReason::kCancelled);
    status = absl::OkStatus();
  }
  return status;
}

Status Generation::Prefill() {
  // The last token is run again in any case: its logits begin the answer.
  session_.KeepCached(std::span(tokens_).first(tokens_.size() - 1));
  result_.cached_tokens = session_.cache_.tokens();
  const auto chunk = static_cast<size_t>(session_.model().scheduler()->executor().max_rows());
  const Clock::time_point start = Clock::now();
  for (auto at = static_cast<size_t>(result_.cached_tokens); at < tokens_.size();) {
    const size_t rows = std::min(chunk, tokens_.size() - at);
    const auto last = static_cast<int32_t>(rows) - 1;
    const bool end = at + rows == tokens_.size();
    HOB_RETURN_IF_ERROR(session_.RunStep(std::span(tokens_).subspan(at, rows),
                                         std::span(&last, end ? 1 : 0),
                                         session_.logits_.as<float>()));
    at += rows;
  }
  stats_.prefill_ns = Nanoseconds(Clock::now() - start);
  return absl::OkStatus();
}

Status Generation::Decode() {
  Clock::time_point first;
  while (true) {
    HOB_ASSIGN_OR_RETURN(const bool more, NextToken());
    if (result_.generated_tokens == 1) {
      first = Clock::now();
      stats_.time_to_first_token_ns = Nanoseconds(first - start_);
    }
    if (!more) break;
    const int32_t row = 0;
    HOB_RETURN_IF_ERROR(session_.RunStep(std::span(tokens_).last(1), std::span(&row, 1),
                                         session_.logits_.as<float>()));
    stats_.decode_ns = Nanoseconds(Clock::now() - first);
  }
  if (result_.finish_reason != FinishReason::kCancelled) Flush();
  return absl::OkStatus();
}

StatusOr<bool> Generation::NextToken() {
  const text::Tokenizer& tokenizer = session_.model().tokenizer();
  // Ids past the tokenizer's are padding of the model's last matrix.
  const std::span<float> logits(session_.logits_.as<float>(), tokenizer.size());
  HOB_ASSIGN_OR_RETURN(const int32_t token, session_.sampler_.Sample(logits, tokens_));
  ++result_.generated_tokens;
  if (!options_.ignore_eos && tokenizer.IsEndOfGeneration(token)) return End(FinishReason::kEnd);

  tokens_.push_back(token);
  HOB_ASSIGN_OR_RETURN(const std::string text, detokenizer_.Push(token));
  if (!Emit(token, stops_.Push(text))) return End(FinishReason::kCancelled);
  if (stops_.found() >= 0) return End(FinishReason::kStop);
  if (result_.generated_tokens == options_.max_tokens) return End(FinishReason::kLength);
  if (full()) return End(FinishReason::kContextFull);
  return true;
}

bool Generation::Emit(int32_t token, const std::string& text) {
  reply_.append(text);
  return options_.on_token == nullptr || options_.on_token(token, text);
}

bool Generation::End(FinishReason reason) {
  result_.finish_reason = reason;
  result_.stop_index = stops_.found();
  return false;
}

void Generation::Flush() {
  std::string rest = stops_.Push(detokenizer_.Finish());
  if (stops_.found() >= 0) {
    End(FinishReason::kStop);
  } else {
    rest.append(stops_.Finish());
  }
  if (!rest.empty() && !Emit(-1, rest)) End(FinishReason::kCancelled);
}

void Generation::Commit() {
  if (result_.generated_tokens > 0) {
    // The first may throw for lack of memory, the others do not.
    if (!session_.messages_.empty()) session_.messages_.push_back({"assistant", reply_});
    session_.tokens_ = std::move(tokens_);
    session_.reply_ = std::move(reply_);
  }
  stats_.counts = result_;
  session_.stats_ = stats_;
  committed_ = true;
}

}  // namespace hob
