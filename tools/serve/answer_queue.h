// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "tools/common.h"
#include "tools/serve/answer_pump.h"
#include "tools/serve/generation_request.h"
#include "tools/serve/grammars.h"

namespace tool::serve {

struct AnswerLimits {
  size_t parallel = 64;  // choices that are generated at a time
  size_t queued = 64;    // requests that wait beside them
  uint32_t answer_seconds = 300;
  int32_t context_tokens = 0;
};

// From a request's body to an answer on its way. A thread of its own reads bodies, makes sessions
// and tokenizes prompts, which may take long, so that neither connections nor other answers wait
// for that; at most `parallel` choices run, the rest wait in the order in which they came.
class AnswerQueue {
 public:
  AnswerQueue(const hob::Model& model, std::string model_id, const RequestDefaults& defaults,
              const AnswerLimits& limits, AnswerPump::Deliver deliver);
  ~AnswerQueue();

  // Takes a request; false if too many wait. Any thread.
  bool Submit(std::shared_ptr<Exchange> exchange, std::string body, bool chat);
  // Ends all that wait or run; see AnswerPump::CancelAll.
  void CancelAll(const ApiError& error);
  // Requests that are not over. Any thread.
  size_t active() const { return active_.load(std::memory_order_acquire); }
  size_t running_choices() const { return running_.load(std::memory_order_relaxed); }

 private:
  struct Arrival {
    std::shared_ptr<Exchange> exchange;
    std::string body;
    bool chat;
    Answer::Clock::time_point received = Answer::Clock::now();
  };

  void Run();
  std::unique_ptr<Answer> Read(Arrival& arrival);
  // Makes and starts the sessions of an answer.
  void Start(std::unique_ptr<Answer> answer);
  hob::Session MakeSession(const GenerationRequest& request, size_t choice,
                           const hob::Tools* tools);
  void Refuse(const std::shared_ptr<Exchange>& exchange, const ApiError& error);

  const hob::Model& model_;
  const std::string model_id_;
  const RequestDefaults defaults_;
  const AnswerLimits limits_;
  const AnswerPump::Deliver deliver_;
  Grammars grammars_;               // of the thread
  std::atomic<size_t> active_{0};   // requests
  std::atomic<size_t> running_{0};  // choices

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Arrival> arrivals_;
  std::deque<std::unique_ptr<Answer>> waiting_;
  std::unique_ptr<ApiError> cancel_;
  bool ending_ = false;

  AnswerPump pump_;
  std::thread thread_;
};

}  // namespace tool::serve
