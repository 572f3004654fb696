// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "lib/handoff/chat_response.h"
#include "lib/handoff/handoff.h"
#include "lib/handoff/http_client.h"
#include "lib/session/stop_matcher.h"

namespace hob::handoff {

// Hands pieces to the app, and knows whether it got any.
class Delivery {
 public:
  Delivery(const GenerateOptions& options, Clock::time_point start, Report& report)
      : options_(options), start_(start), report_(report) {}

  // False: the app wants no more.
  bool Give(const Piece& piece);
  bool any() const { return report_.delivered_bytes > 0; }

 private:
  const GenerateOptions& options_;
  const Clock::time_point start_;
  Report& report_;
};

// One answer of the endpoint, with all attempts at it.
class Asking {
 public:
  // How it ended. kLocal: no piece came out, and the local model is to answer (the report says
  // why); kFailed: after pieces came out.
  enum class End { kAnswered, kCancelled, kLocal, kFailed };

  Asking(Handoff& handoff, Session& session, const GenerateOptions& options,
         Clock::time_point start, Delivery& delivery, Report& report)
      : handoff_(handoff),
        session_(session),
        options_(options),
        start_(start),
        delivery_(delivery),
        report_(report) {}

  // Whether the endpoint could give this answer at all.
  bool CanAsk() const { return handoff_.consented() && suits(); }
  // The same; if not, the report says why.
  bool Possible();
  End Run();
  // After kAnswered or kCancelled.
  std::string TakeText() { return std::move(text_); }

 private:
  class Body;

  // Nothing: the app's hook refused.
  std::optional<std::string> MakeBody();
  HttpResult Attempt(const CurlLibrary& curl, std::string_view body, Clock::time_point deadline);
  End EndOf(const HttpResult& result);
  // Waits before the next attempt; false: there is none.
  bool Wait(std::chrono::milliseconds time, Clock::time_point deadline) const;
  // It is a conversation, and asks for nothing that only the local model gives.
  bool suits() const;
  bool stopped() const { return session_.stopped() || !handoff_.consented(); }
  End Local(Fallback fallback, Status status);

  Handoff& handoff_;
  Session& session_;
  const GenerateOptions& options_;
  const Clock::time_point start_;
  Delivery& delivery_;
  Report& report_;
  std::string text_;  // that came out
};

}  // namespace hob::handoff
