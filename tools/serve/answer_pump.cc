// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/answer_pump.h"

#include <chrono>
#include <utility>

namespace tool::serve {
namespace {

// How long the pump waits for one answer: so late may others' tokens come if that one stalls.
constexpr int32_t kWaitMs = 5;
// Bytes that a client may leave untaken before its answer pauses.
constexpr size_t kMostUnsent = size_t{256} << 10;

}  // namespace

AnswerPump::AnswerPump(const hob::Model& model, Deliver deliver, std::function<void(size_t)> ended)
    : model_(model),
      deliver_(std::move(deliver)),
      ended_(std::move(ended)),
      thread_([this] { Run(); }) {}

AnswerPump::~AnswerPump() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void AnswerPump::Add(std::unique_ptr<Answer> answer) {
  {
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(std::move(answer));
  }
  changed_.notify_one();
}

void AnswerPump::CancelAll(const ApiError& error) {
  {
    const std::lock_guard lock(mutex_);
    cancel_ = std::make_unique<ApiError>(error);
  }
  changed_.notify_one();
}

void AnswerPump::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (answers_.empty()) {
        changed_.wait(lock, [&] { return !arrivals_.empty() || ending_; });
      }
      if (ending_) break;
    }
    TakeArrivals();
    WaitForOne();
    Sweep();
    Flush();
  }
  answers_.clear();  // destroying a session ends its answer
}

void AnswerPump::TakeArrivals() {
  std::unique_ptr<ApiError> cancel;
  size_t known = answers_.size();
  {
    const std::lock_guard lock(mutex_);
    for (auto& answer : arrivals_) answers_.push_back(std::move(answer));
    arrivals_.clear();
    cancel = std::move(cancel_);
  }
  for (; known < answers_.size(); ++known) {
    Answer& answer = *answers_[known];
    if (!answer.request().stream) continue;
    deliveries_.push_back({answer.exchange_pointer(), Delivery::Kind::kBegin, {}});
    std::string begin;
    answer.AppendBegin(begin);
    if (!begin.empty()) {
      deliveries_.push_back({answer.exchange_pointer(), Delivery::Kind::kStream, std::move(begin)});
    }
  }
  Flush();
  for (auto& answer : answers_) {
    const bool gone = answer->exchange().gone.load(std::memory_order_relaxed);
    if (answer->cancelled || (!gone && cancel == nullptr)) continue;
    answer->cancelled = true;
    if (cancel != nullptr && !gone) answer->failure = std::make_unique<ApiError>(*cancel);
    // All of them first: waiting for one to let go then does for all.
    for (Choice& choice : answer->choices()) choice.session.Cancel();
  }
}

bool AnswerPump::Paused(const Answer& answer) const {
  return !answer.cancelled && const_cast<Answer&>(answer).exchange().unsent.load(
                                  std::memory_order_relaxed) > kMostUnsent;
}

void AnswerPump::WaitForOne() {
  // The youngest that lacks a token of this round, else the youngest that has had one, else any.
  Answer* waited = nullptr;
  size_t index = 0;
  int best = 0;
  for (auto answer = answers_.rbegin(); answer != answers_.rend() && best < 3; ++answer) {
    if (Paused(**answer)) continue;
    auto& choices = (*answer)->choices();
    for (size_t i = choices.size(); i-- > 0;) {
      if (choices[i].over) continue;
      const int worth = !choices[i].started ? 1 : choices[i].fresh ? 2 : 3;
      if (worth <= best) continue;
      best = worth;
      waited = answer->get();
      index = i;
    }
  }
  if (waited == nullptr) {  // all clients are slow
    std::this_thread::sleep_for(std::chrono::milliseconds(kWaitMs));
    return;
  }
  const bool came = Poll(*waited, index, kWaitMs);
  if (!events_.empty()) {
    deliveries_.push_back(
        {waited->exchange_pointer(), Delivery::Kind::kStream, std::exchange(events_, {})});
  }
  if (!came) waited->choices()[index].started = false;  // it stalls: others are waited for
  // A round is over when nobody lacks its token.
  bool lacking = false;
  for (auto& answer : answers_) {
    for (const Choice& choice : answer->choices()) {
      lacking = lacking || (!choice.over && choice.started && !choice.fresh);
    }
  }
  if (lacking && came) return;
  for (auto& answer : answers_) {
    for (Choice& choice : answer->choices()) choice.fresh = false;
  }
  if (came) waited->choices()[index].fresh = true;
}

void AnswerPump::Sweep() {
  for (auto& answer : answers_) {
    if (Paused(*answer)) continue;
    Drain(*answer);
  }
  std::erase_if(answers_, [&](const std::unique_ptr<Answer>& answer) {
    for (const Choice& choice : answer->choices()) {
      if (!choice.over) return false;
    }
    Finish(*answer);
    ended_(answer->choices().size());
    return true;
  });
}

void AnswerPump::Drain(Answer& answer) {
  auto& choices = answer.choices();
  for (size_t i = 0; i < choices.size(); ++i) {
    // What came while taking comes next time: one answer does not hold up the others.
    for (int taken = 0; taken < 8 && !choices[i].over && Poll(answer, i, 0); ++taken) {
    }
  }
  if (events_.empty()) return;
  deliveries_.push_back(
      {answer.exchange_pointer(), Delivery::Kind::kStream, std::exchange(events_, {})});
}

bool AnswerPump::Poll(Answer& answer, size_t index, int32_t timeout_ms) {
  Choice& choice = answer.choices()[index];
  hob_poll kind = HOB_POLL_NOTHING;
  hob_token token = HOB_TOKEN_INIT;
  hob_error* error = nullptr;
  const hob_status status =
      hob_session_poll(&kind, &token, choice.session.get(), timeout_ms, &error);
  if (status != HOB_OK) {
    const hob::Error owned(status, error);
    choice.over = true;
    if (answer.failure == nullptr) answer.failure = std::make_unique<ApiError>(FromHob(owned));
    for (Choice& other : answer.choices()) other.session.Cancel();
    return true;
  }
  if (kind == HOB_POLL_NOTHING) return false;
  const bool stream = answer.request().stream;
  if (kind == HOB_POLL_END) {
    choice.over = true;
    if (auto result = choice.session.LastResult(); result.ok()) choice.result = *result;
    if (stream && !answer.cancelled && answer.failure == nullptr) {
      answer.AppendFinish(events_, index);
    }
    return true;
  }
  choice.started = choice.fresh = true;
  if (answer.cancelled) return true;
  if (token.id != HOB_NO_TOKEN) {
    if (answer.first_token == Answer::Clock::time_point()) {
      answer.first_token = Answer::Clock::now();
    }
    if (answer.request().logprobs) choice.logprobs.Add(model_, token);
  }
  const std::string_view text(token.text, token.text_size);
  if (!stream) {
    choice.text += text;
  } else if (!text.empty() || !choice.logprobs.empty()) {
    answer.AppendPiece(events_, index, text);
  }
  return true;
}

void AnswerPump::Finish(Answer& answer) {
  Delivery delivery{answer.exchange_pointer(), Delivery::Kind::kRespond, {}};
  delivery.summary = answer.Summarize();
  if (answer.request().stream) {
    std::string last;
    if (answer.failure != nullptr) {
      Answer::AppendError(last, *answer.failure);
    } else {
      answer.AppendEnd(last);
    }
    deliveries_.push_back({answer.exchange_pointer(), Delivery::Kind::kStream, std::move(last)});
    delivery.kind = Delivery::Kind::kEnd;
  } else if (answer.failure != nullptr) {
    delivery.kind = Delivery::Kind::kFail;
    delivery.error = std::move(answer.failure);
  } else {
    delivery.text = answer.Body();
  }
  deliveries_.push_back(std::move(delivery));
}

void AnswerPump::Flush() {
  if (!deliveries_.empty()) deliver_(std::exchange(deliveries_, {}));
}

}  // namespace tool::serve
