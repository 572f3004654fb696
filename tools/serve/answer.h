// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <hob/hob.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tools/serve/exchange.h"
#include "tools/serve/generation_request.h"
#include "tools/serve/logprobs.h"

namespace tool::serve {

// One of the n answers to a prompt.
struct Choice {
  Choice(hob::Session made, bool chat) : session(std::move(made)), logprobs(chat) {}
  hob::Session session;
  Logprobs logprobs;  // not sent yet
  std::string text;   // so far; kept only where the answer is sent whole
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  bool over = false;
  // For the order of waiting: see AnswerPump.
  bool started = false;  // has had a token
  bool fresh = false;    // has had one in this round
};

// A request that is being answered, and the words of the protocol for it. One thread at a time.
class Answer {
 public:
  using Clock = std::chrono::steady_clock;

  Answer(std::shared_ptr<Exchange> exchange, GenerationRequest request, const std::string& model);

  const GenerationRequest& request() const { return request_; }
  Exchange& exchange() { return *exchange_; }
  const std::shared_ptr<Exchange>& exchange_pointer() const { return exchange_; }
  std::vector<Choice>& choices() { return choices_; }

  // Events of a stream.
  void AppendBegin(std::string& out) const;
  void AppendPiece(std::string& out, size_t choice, std::string_view text);
  void AppendFinish(std::string& out, size_t choice) const;
  void AppendEnd(std::string& out) const;  // usage, if asked for, and [DONE]
  static void AppendError(std::string& out, const ApiError& error);
  // The body of an answer that is sent whole; once.
  std::string Body();

  Summary Summarize() const;

  Clock::time_point received = Clock::now(), begun = {}, first_token = {};
  bool cancelled = false;  // every session has been told to stop
  std::unique_ptr<ApiError> failure;

 private:
  void AppendHead(std::string& out) const;  // up to "choices":
  std::string Usage() const;

  std::shared_ptr<Exchange> exchange_;
  GenerationRequest request_;
  std::vector<Choice> choices_;
  std::string head_;  // of each event
};

}  // namespace tool::serve
