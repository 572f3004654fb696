// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/metrics.h"
#include "lib/base/status.h"
#include "lib/handoff/circuit_breaker.h"
#include "lib/handoff/curl_library.h"
#include "lib/handoff/endpoint.h"
#include "lib/handoff/policy.h"
#include "lib/session/runtime.h"
#include "lib/session/session.h"

namespace hob::handoff {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string url, model, api_key, key_file;
  bool consent = false, allow_http = false;
  Policy policy;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds idle_timeout{30'000};
  std::chrono::milliseconds total_timeout{120'000};
  int32_t retries = 2;
  std::chrono::milliseconds backoff{250};
  int32_t breaker_failures = 3;
  std::chrono::milliseconds breaker_cooldown{30'000};
  // Replaces a message's text by what it returns; nothing: refuses. Null: sent as it is.
  std::function<std::optional<std::string>(const text::ChatMessage& message)> redact;
  std::function<std::optional<int32_t>()> battery;  // percent

  // Not in the interface: for tests.
  std::span<const char* const> libraries = CurlLibrary::Names();
  std::function<Clock::time_point()> now = [] { return Clock::now(); };  // of the circuit breaker
};

// The numbers of the interface's enums.
enum class Mode : int32_t { kAuto = 0, kNever = 1, kRemote = 2 };
enum class Source : int32_t { kNone = 0, kLocal = 1, kRemote = 2 };
enum class Fallback : int32_t {
  kNone = 0,
  kConsent = 1,
  kRequest = 2,
  kRedaction = 3,
  kBreaker = 4,
  kLibrary = 5,
  kRemote = 6,
};

// See hob_handoff_report.
struct Report {
  Source source = Source::kNone;
  Reason reason = Reason::kNone;
  Fallback fallback = Fallback::kNone;
  Status remote_status;
  int32_t http_status = 0;
  int32_t attempts = 0;
  FinishReason finish_reason = FinishReason::kEnd;
  int32_t prompt_tokens = 0, generated_tokens = 0;
  int32_t judged_tokens = 0;
  double mean_entropy = 0;
  uint64_t time_to_first_token_ns = 0;
  uint64_t delivered_bytes = 0;
};

struct Counts {
  Metrics::Count local{0}, remote{0}, failed{0}, attempts{0};
  std::array<Metrics::Count, 8> reasons{}, fallbacks{};
  std::array<Metrics::Count, Metrics::kStatuses> remote_failures{};
};

// An endpoint and when to use it: hob_handoff. Thread-safe.
class Handoff {
 public:
  // INVALID_ARGUMENT names the option.
  static StatusOr<std::shared_ptr<Handoff>> Create(std::shared_ptr<Runtime> runtime,
                                                   Options options);

  // See hob_handoff_answer. `report` is filled in any case.
  Status Answer(Session& session, Mode mode, const GenerateOptions& options, Report& report);

  void SetConsent(bool consent) { consent_.store(consent, std::memory_order_relaxed); }
  Runtime& runtime() const { return *runtime_; }
  const Counts& counts() const { return counts_; }
  // State and how often it opened.
  std::pair<CircuitBreaker::State, uint64_t> breaker() const;

 private:
  friend class Asking;
  Handoff(std::shared_ptr<Runtime> runtime, Options options, Endpoint endpoint);
  // What speaks for the endpoint before the answer begins.
  Reason Before(const Session& session) const;
  Status Choose(Session& session, Mode mode, const GenerateOptions& options, Report& report);
  bool consented() const { return consent_.load(std::memory_order_relaxed); }

  const std::shared_ptr<Runtime> runtime_;
  const Options options_;
  const Endpoint endpoint_;
  std::atomic<bool> consent_;
  mutable std::mutex mutex_;  // of breaker_
  CircuitBreaker breaker_;
  Counts counts_;
};

}  // namespace hob::handoff
