// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tools/serve/answer.h"

namespace tool::serve {

// Fetches the tokens of all answers on their way, on one thread.
//
// The runtime gives every answer its next token in the same step, so one wait for all of them costs
// one wake-up a step instead of one a token. The interface has no call that waits for any of
// several sessions; hob_session_poll waits for one. So the pump waits for the answer that is likely
// the last to get its token in a step (the youngest that still lacks it), then takes what has come
// to the others without waiting, and hands all of it over at once.
class AnswerPump {
 public:
  using Deliver = std::function<void(std::vector<Delivery>)>;
  // `deliver` is called on the pump's thread; `ended`, too, with the number of choices that an
  // answer had, when it is over.
  AnswerPump(const hob::Model& model, Deliver deliver, std::function<void(size_t)> ended);
  // Answers are cut short.
  ~AnswerPump();

  // Takes over an answer whose sessions have been started.
  void Add(std::unique_ptr<Answer> answer);
  // Ends all answers: those that are sent whole with `error`, streams with it as their last event.
  void CancelAll(const ApiError& error);

 private:
  void Run();
  void TakeArrivals();
  // Cancels what nobody waits for any more.
  void Sweep();
  // Waits for a token of one answer, at most a few milliseconds.
  void WaitForOne();
  void Drain(Answer& answer);
  // Takes what has come to a choice; true if something had.
  bool Poll(Answer& answer, size_t choice, int32_t timeout_ms);
  void Finish(Answer& answer);
  void Flush();
  bool Paused(const Answer& answer) const;

  const hob::Model& model_;
  const Deliver deliver_;
  const std::function<void(size_t)> ended_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Answer>> arrivals_;
  std::unique_ptr<ApiError> cancel_;  // for all, once
  bool ending_ = false;

  // Of the thread.
  std::vector<std::unique_ptr<Answer>> answers_;
  std::vector<Delivery> deliveries_;
  std::string events_;  // of the answer at hand
  std::thread thread_;
};

}  // namespace tool::serve
