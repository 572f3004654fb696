// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/asking.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "lib/handoff/backoff.h"
#include "lib/handoff/chat_request.h"
#include "lib/text/unicode.h"

namespace hob::handoff {

using std::chrono::milliseconds;

bool Delivery::Give(const Piece& piece) {
  if (report_.time_to_first_token_ns == 0) {
    report_.time_to_first_token_ns = static_cast<uint64_t>(
        std::max<int64_t>(1, std::chrono::nanoseconds(Clock::now() - start_).count()));
  }
  report_.delivered_bytes += piece.text.size();
  return options_.on_token == nullptr || options_.on_token(piece);
}

// The endpoint's text on its way to the app, stop texts cut off.
class Asking::Body final : public HttpBody {
 public:
  explicit Body(Asking& asking) : asking_(asking), stops_(asking.options_.stops) {}

  void Begin(bool streams) override {
    response_.emplace(streams,
                      [this](std::string_view text) { return Give(stops_.Push(text), true); });
  }
  StatusOr<bool> Push(std::string_view bytes) override { return response_->Push(bytes); }

  // The connection ended by itself, with or without an error.
  Status End(const Status& transfer) {
    if (!response_) {
      return transfer.ok() ? Error(StatusCode::kUnavailable, "the endpoint's answer is empty")
                           : transfer;
    }
    if (over()) return absl::OkStatus();
    // What was cut after the end has lost nothing.
    const bool whole = response_->finished() && absl::IsUnavailable(transfer);
    if (!transfer.ok() && !whole) return transfer;
    if (!whole) HOB_RETURN_IF_ERROR(response_->End());
    HOB_RETURN_IF_ERROR(Give(stops_.Finish(), false).status());
    if (asking_.text_.empty() && !over()) {
      return Error(StatusCode::kDataLoss, "the endpoint's answer is empty");
    }
    return absl::OkStatus();
  }

  bool cancelled() const { return cancelled_; }
  void Describe(Report& report) const {
    report.prompt_tokens = response_ ? response_->prompt_tokens() : -1;
    report.generated_tokens = response_ ? response_->generated_tokens() : -1;
    report.finish_reason = cancelled_                                 ? FinishReason::kCancelled
                           : stops_.found() >= 0                      ? FinishReason::kStop
                           : response_ && response_->reached_length() ? FinishReason::kLength
                                                                      : FinishReason::kEnd;
  }

 private:
  bool over() const { return cancelled_ || stops_.found() >= 0; }

  StatusOr<bool> Give(std::string text, bool more) {
    if (!text.empty()) {
      asking_.text_.append(text);
      Piece piece;
      piece.text = std::move(text);
      cancelled_ = !asking_.delivery_.Give(piece);
    }
    return more && !over();
  }

  Asking& asking_;
  StopMatcher stops_;
  std::optional<ChatResponse> response_;
  bool cancelled_ = false;
};

Asking::End Asking::Local(Fallback fallback, Status status) {
  report_.fallback = fallback;
  report_.remote_status = std::move(status);
  return End::kLocal;
}

bool Asking::suits() const {
  const auto& messages = session_.messages();
  // Calls and answers of tools are the local model's.
  const bool plain = session_.tools().tools == nullptr &&
                     std::all_of(messages.begin(), messages.end(),
                                 [](const auto& message) { return message.fields.empty(); });
  return plain && !messages.empty() && options_.grammar == nullptr && !options_.logprobs &&
         !options_.ignore_eos;
}

bool Asking::Possible() {
  if (!handoff_.consented()) {
    Local(Fallback::kConsent, absl::OkStatus());
    return false;
  }
  if (!suits()) {
    Local(Fallback::kRequest, absl::OkStatus());
    return false;
  }
  return true;
}

std::optional<std::string> Asking::MakeBody() {
  if (handoff_.options_.redact == nullptr) {
    return WriteChatRequest(handoff_.endpoint_.model, session_.messages(), options_.max_tokens);
  }
  std::vector<text::ChatMessage> messages = session_.messages();
  for (text::ChatMessage& message : messages) {
    auto text = handoff_.options_.redact(message);
    if (!text.has_value() || !text::CheckUtf8(*text, "").ok()) return std::nullopt;
    message.content = *std::move(text);
  }
  return WriteChatRequest(handoff_.endpoint_.model, messages, options_.max_tokens);
}

bool Asking::Wait(milliseconds time, Clock::time_point deadline) const {
  constexpr milliseconds kSlice{20};  // as often as a request looks whether it is cancelled
  const Clock::time_point end = Clock::now() + time;
  if (end >= deadline) return false;
  while (!stopped()) {
    const auto left = end - Clock::now();
    if (left.count() <= 0) return true;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kSlice));
  }
  return false;
}

HttpResult Asking::Attempt(const CurlLibrary& curl, std::string_view body,
                           Clock::time_point deadline) {
  const Options& options = handoff_.options_;
  ++report_.attempts;
  Metrics::Add(handoff_.counts_.attempts);
  Body response(*this);
  HttpResult result = PostJson(
      curl, handoff_.endpoint_, body, {options.connect_timeout, options.idle_timeout, deadline},
      [this] { return stopped(); }, response);
  report_.http_status = result.http_status;
  if (result.http_status == 200 && !absl::IsCancelled(result.status)) {
    const bool was_cut = result.status.ok();
    result.status = response.End(result.status);
    result.may_retry = result.may_retry || (was_cut && absl::IsUnavailable(result.status));
  }
  response.Describe(report_);
  if (!result.status.ok() && !absl::IsCancelled(result.status)) {
    Metrics::AddAt(handoff_.counts_.remote_failures, static_cast<size_t>(result.status.code()));
  }
  return result;
}

Asking::End Asking::EndOf(const HttpResult& result) {
  if (result.status.ok()) {
    return report_.finish_reason == FinishReason::kCancelled ? End::kCancelled : End::kAnswered;
  }
  if (absl::IsCancelled(result.status) && session_.stopped()) {
    report_.finish_reason = FinishReason::kCancelled;
    return End::kCancelled;
  }
  report_.remote_status = result.status;
  if (absl::IsCancelled(result.status)) {  // the user does not consent any more
    report_.remote_status =
        Error(StatusCode::kUnavailable, "the request was cut: consent was taken back");
  }
  const bool late = options_.max_time.count() > 0 && Clock::now() >= start_ + options_.max_time;
  if (delivery_.any() && late) {
    report_.remote_status = absl::OkStatus();
    report_.finish_reason = FinishReason::kTime;
    return End::kAnswered;
  }
  if (delivery_.any()) return End::kFailed;
  return Local(handoff_.consented() ? Fallback::kRemote : Fallback::kConsent,
               report_.remote_status);
}

Asking::End Asking::Run() {
  const Options& options = handoff_.options_;
  const auto curl = CurlLibrary::Load(options.libraries);
  if (!curl.ok()) return Local(Fallback::kLibrary, curl.status());
  {
    // Whether it rests is asked before the app's hook is, which may ask the user.
    const std::lock_guard lock(handoff_.mutex_);
    if (!handoff_.breaker_.Allow(options.now())) {
      return Local(Fallback::kBreaker, absl::OkStatus());
    }
  }
  // Whatever happens, an exception of the app's included, the breaker is told.
  struct Told {
    Handoff& handoff;
    enum { kSucceeded, kFailed, kNothing } what = kNothing;
    ~Told() {
      const std::lock_guard lock(handoff.mutex_);
      const auto now = handoff.options_.now();
      if (what == kSucceeded) handoff.breaker_.Succeed();
      if (what == kFailed) handoff.breaker_.Fail(now);
      if (what == kNothing) handoff.breaker_.Forget(now);
    }
  } told{handoff_};
  const std::optional<std::string> body = MakeBody();
  if (!body.has_value()) return Local(Fallback::kRedaction, absl::OkStatus());

  Clock::time_point deadline = start_ + options.total_timeout;
  if (options_.max_time.count() > 0) deadline = std::min(deadline, start_ + options_.max_time);
  // Addresses differ between answers, and times between processes.
  Backoff backoff(options.backoff, reinterpret_cast<uintptr_t>(this) ^
                                       static_cast<uint64_t>(start_.time_since_epoch().count()));
  HttpResult result;
  for (int32_t retry = 0;; ++retry) {
    result = Attempt(**curl, *body, deadline);
    if (result.status.ok() || !result.may_retry || delivery_.any() || retry == options.retries) {
      break;
    }
    const auto wait = backoff.Next(result.retry_after);
    if (!wait.has_value() || !Wait(*wait, deadline)) break;
  }
  if (result.status.ok()) {
    told.what = Told::kSucceeded;
  } else if (!absl::IsCancelled(result.status) && !stopped()) {
    told.what = Told::kFailed;
  }
  return EndOf(result);
}

}  // namespace hob::handoff
