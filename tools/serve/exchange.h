// SPDX-License-Identifier: Apache-2.0
// What the part that answers and the part that speaks HTTP know of each other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/serve/api_error.h"

namespace tool::serve {

// How an answer went, for the log and the metrics.
struct Summary {
  std::string_view finish;  // static; empty: none
  int64_t choices = 0, prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  double queue_ms = 0, first_token_ms = 0;
};

// One request and its answer, as the connection has them. The functions are called on the thread
// of the connections; the atomics are for the two sides to see each other.
class Exchange {
 public:
  virtual ~Exchange() = default;
  // A whole answer, JSON.
  virtual void Respond(int status, std::string body, const Summary& summary) = 0;
  virtual void RespondText(std::string body, std::string_view content_type) = 0;
  virtual void Fail(const ApiError& error, const Summary& summary) = 0;
  // An event stream: once Begin, then pieces, then End.
  virtual void BeginStream() = 0;
  virtual void Stream(std::string events) = 0;
  virtual void EndStream(const Summary& summary) = 0;

  // The client has gone: nobody waits for the answer.
  std::atomic<bool> gone{false};
  // Bytes that the client has not taken yet. The answer pauses when they are many.
  std::atomic<size_t> unsent{0};
};

// Something to do on the thread of the connections.
struct Delivery {
  enum class Kind { kRespond, kFail, kBegin, kStream, kEnd };
  std::shared_ptr<Exchange> exchange;
  Kind kind = Kind::kStream;
  std::string text;  // a body, or events
  Summary summary = {};
  std::shared_ptr<ApiError> error = nullptr;  // of kFail

  void Run() {
    switch (kind) {
      case Kind::kRespond:
        return exchange->Respond(200, std::move(text), summary);
      case Kind::kFail:
        return exchange->Fail(*error, summary);
      case Kind::kBegin:
        return exchange->BeginStream();
      case Kind::kStream:
        return exchange->Stream(std::move(text));
      case Kind::kEnd:
        return exchange->EndStream(summary);
    }
  }
};

}  // namespace tool::serve
