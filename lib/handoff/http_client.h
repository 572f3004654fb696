// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/status.h"
#include "lib/handoff/curl_library.h"
#include "lib/handoff/endpoint.h"

namespace hob::handoff {

struct HttpTimes {
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds connect{0};
  std::chrono::milliseconds idle{0};  // without a byte of the body
  Clock::time_point deadline;
};

// What came of a request.
struct HttpResult {
  // OK: the body came whole, or as far as it was wanted. CANCELLED: `stop`.
  Status status;
  int32_t http_status = 0;                               // 0: no response came
  bool may_retry = false;                                // the same request may well succeed later
  std::optional<std::chrono::milliseconds> retry_after;  // the response asks for it
};

class HttpBody {
 public:
  virtual ~HttpBody() = default;
  // Of a response of status 200, before its first bytes.
  virtual void Begin(bool streams) = 0;
  // False: no more is wanted. Anything may be thrown.
  virtual StatusOr<bool> Push(std::string_view bytes) = 0;
};

// Posts `body` and hands out the response as it comes, on this thread. Certificates are checked,
// redirects are not followed, and no message has a word of the API key. `stop` is asked some fifty
// times a second.
HttpResult PostJson(const CurlLibrary& curl, const Endpoint& endpoint, std::string_view body,
                    const HttpTimes& times, const std::function<bool()>& stop, HttpBody& response);

}  // namespace hob::handoff
