// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tool::serve {

// Who asked for what, for the log: goes with a request wherever it goes.
struct RequestContext {
  using Clock = std::chrono::steady_clock;
  std::string id;        // the client's X-Request-Id, or one of ours
  std::string trace_id;  // of the client's traceparent (W3C Trace Context); empty: none
  std::string parent_id;
  std::string method, path, remote;
  Clock::time_point received = Clock::now();
};

// What a client may call its request: 1 to 128 letters, digits and "-_.:". Nothing else may come
// into the log or into our headers.
bool IsRequestId(std::string_view text);

// 32 random hex digits; not for secrets.
std::string RandomId();

// Reads "00-<32 hex>-<16 hex>-<2 hex>"; false, and nothing set, for anything else.
bool ReadTraceparent(std::string_view text, RequestContext& context);

}  // namespace tool::serve
