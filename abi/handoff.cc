// SPDX-License-Identifier: Apache-2.0
#include <hob/handoff.h>

#include <string>

#include "abi/handles.h"
#if !defined(HOB_WITHOUT_HANDOFF)
#include "abi/generate_options.h"
#include "lib/handoff/handoff.h"
#endif

#if defined(HOB_WITHOUT_HANDOFF)

struct hob_handoff {};  // there is none

namespace hob::abi {
namespace {

Status LeftOut() {
  return Error(StatusCode::kUnimplemented, "this build of hob leaves out hand-off",
               "Build hob with HOB_WITH_HANDOFF=ON.");
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_handoff_create(hob_handoff**, hob_runtime*, const hob_handoff_options*,
                              hob_error** error) {
  return hob::abi::Call(error, hob::abi::LeftOut);
}

void hob_handoff_destroy(hob_handoff*) {}

hob_status hob_handoff_set_consent(hob_handoff*, uint8_t, hob_error** error) {
  return hob::abi::Call(error, hob::abi::LeftOut);
}

hob_status hob_handoff_answer(hob_handoff_report*, hob_handoff*, hob_session*, hob_handoff_mode,
                              const hob_generate_options*, hob_error** error) {
  return hob::abi::Call(error, hob::abi::LeftOut);
}

hob_status hob_handoff_get_metrics(hob_handoff_metrics*, const hob_handoff*, hob_error** error) {
  return hob::abi::Call(error, hob::abi::LeftOut);
}

}  // extern "C"

#else

struct hob_handoff {
  std::shared_ptr<hob::handoff::Handoff> object;
  const hob::Runtime& runtime() const { return object->runtime(); }
};

namespace hob::abi {
namespace {

using std::chrono::milliseconds;

StatusOr<std::string> ReadText(const hob_string& text, std::string_view what) {
  HOB_RETURN_IF_ERROR(CheckRange(text.data, text.size, what));
  return std::string(View(text.data, text.size));
}

// `given`, or what stands in `value` for 0.
void SetTime(milliseconds& value, uint32_t given) {
  if (given > 0) value = milliseconds(given);
}
void SetCount(int32_t& value, int32_t given) {
  if (given != 0) value = given;
}

std::function<std::optional<std::string>(const text::ChatMessage&)> Redaction(hob_redact_fn redact,
                                                                              void* user) {
  return [redact, user](const text::ChatMessage& message) -> std::optional<std::string> {
    const hob_string text = ToHobString(message.content);
    hob_string out = text;
    if (redact(user, ToHobString(message.role), text, &out) != 0) return std::nullopt;
    if (out.data == nullptr && out.size > 0) return std::nullopt;
    return std::string(View(out.data, out.size));
  };
}

StatusOr<handoff::Options> ReadOptions(const hob_handoff_options* options) {
  HOB_ASSIGN_OR_RETURN(
      const hob_handoff_options given,
      ReadStruct(options, hob_handoff_options(HOB_HANDOFF_OPTIONS_INIT), "hob_handoff_options"));
  HOB_RETURN_IF_ERROR(CheckBool(given.consent, "hob_handoff_options.consent"));
  HOB_RETURN_IF_ERROR(CheckBool(given.allow_http, "hob_handoff_options.allow_http"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_handoff_options"));
  handoff::Options read;
  HOB_ASSIGN_OR_RETURN(read.url, ReadText(given.url, "hob_handoff_options.url"));
  HOB_ASSIGN_OR_RETURN(read.model, ReadText(given.model, "hob_handoff_options.model"));
  HOB_ASSIGN_OR_RETURN(read.api_key, ReadText(given.api_key, "hob_handoff_options.api_key"));
  HOB_ASSIGN_OR_RETURN(read.key_file, ReadText(given.key_file, "hob_handoff_options.key_file"));
  read.consent = given.consent != 0;
  read.allow_http = given.allow_http != 0;
  read.policy.max_prompt_tokens = given.max_prompt_tokens;
  read.policy.max_queue_depth = given.max_queue_depth;
  read.policy.min_battery_percent = given.min_battery_percent;
  read.policy.max_mean_entropy = given.max_mean_entropy;
  SetCount(read.policy.judge_tokens, given.judge_tokens);
  SetTime(read.connect_timeout, given.connect_timeout_ms);
  SetTime(read.idle_timeout, given.idle_timeout_ms);
  SetTime(read.total_timeout, given.total_timeout_ms);
  if (given.retries < -1) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("hob_handoff_options.retries is ", given.retries, ", below -1"));
  }
  if (given.retries != 0) read.retries = given.retries == -1 ? 0 : given.retries;
  SetTime(read.backoff, given.backoff_ms);
  SetCount(read.breaker_failures, given.breaker_failures);
  SetTime(read.breaker_cooldown, given.breaker_cooldown_ms);
  if (given.redact != nullptr) read.redact = Redaction(given.redact, given.redact_user);
  if (given.battery != nullptr) {
    read.battery = [battery = given.battery,
                    user = given.battery_user]() -> std::optional<int32_t> {
      const int32_t percent = battery(user);
      if (percent < 0) return std::nullopt;
      return percent;
    };
  }
  return read;
}

void WriteReport(hob_handoff_report* out, const handoff::Report& report, std::string_view note) {
  hob_handoff_report written = HOB_HANDOFF_REPORT_INIT;
  written.source = static_cast<hob_answer_source>(report.source);
  written.reason = static_cast<hob_handoff_reason>(report.reason);
  written.fallback = static_cast<hob_handoff_fallback>(report.fallback);
  written.remote_status = static_cast<hob_status>(report.remote_status.code());
  written.http_status = report.http_status;
  written.attempts = report.attempts;
  written.finish_reason = static_cast<hob_finish_reason>(report.finish_reason);
  written.prompt_tokens = report.prompt_tokens;
  written.generated_tokens = report.generated_tokens;
  written.judged_tokens = report.judged_tokens;
  written.mean_entropy = static_cast<float>(report.mean_entropy);
  written.time_to_first_token_ns = report.time_to_first_token_ns;
  written.delivered_bytes = report.delivered_bytes;
  written.remote_message = ToHobString(note);
  WriteStruct(out, written);
}

template <size_t kSize>
void Write(uint64_t (&out)[kSize], const std::array<Metrics::Count, kSize>& counts) {
  for (size_t i = 0; i < kSize; ++i) out[i] = counts[i].load(std::memory_order_relaxed);
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_handoff_create(hob_handoff** out, hob_runtime* runtime,
                              const hob_handoff_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(runtime, "runtime"));
    HOB_ASSIGN_OR_RETURN(hob::handoff::Options read, ReadOptions(options));
    HOB_ASSIGN_OR_RETURN(auto handoff,
                         hob::handoff::Handoff::Create(runtime->object, std::move(read)));
    *out = Adopt(new hob_handoff{std::move(handoff)});
    return absl::OkStatus();
  });
}

void hob_handoff_destroy(hob_handoff* handoff) { hob::abi::Destroy(handoff); }

hob_status hob_handoff_set_consent(hob_handoff* handoff, uint8_t consent, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(handoff, "handoff"));
    HOB_RETURN_IF_ERROR(CheckBool(consent, "consent"));
    handoff->object->SetConsent(consent != 0);
    return absl::OkStatus();
  });
}

hob_status hob_handoff_answer(hob_handoff_report* out, hob_handoff* handoff, hob_session* session,
                              hob_handoff_mode mode, const hob_generate_options* options,
                              hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(handoff, "handoff"));
    // Alive for the call, even if a callback destroys the handle.
    const std::shared_ptr<hob::handoff::Handoff> object = handoff->object;
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (out != nullptr) HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_handoff_report"));
    if (mode < HOB_HANDOFF_AUTO || mode > HOB_HANDOFF_REMOTE) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        hob::Concat("mode is ", mode, ", no hob_handoff_mode"));
    }
    HOB_ASSIGN_OR_RETURN(const hob::GenerateOptions read, ReadGenerateOptions(options));
    hob::handoff::Report report;
    const hob::Status status =
        object->Answer(use.session(), static_cast<hob::handoff::Mode>(mode), read, report);
    if (out != nullptr) WriteReport(out, report, use->note());
    return status;
  });
}

hob_status hob_handoff_get_metrics(hob_handoff_metrics* out, const hob_handoff* handoff,
                                   hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_RETURN_IF_ERROR(CheckHandle(handoff, "handoff"));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_handoff_metrics"));
    const hob::handoff::Counts& counts = handoff->object->counts();
    const auto read = [](const hob::Metrics::Count& count) {
      return count.load(std::memory_order_relaxed);
    };
    hob_handoff_metrics to = HOB_HANDOFF_METRICS_INIT;
    const auto [state, opened] = handoff->object->breaker();
    to.breaker = static_cast<hob_breaker_state>(state);
    to.breaker_opened = opened;
    to.answers_local = read(counts.local);
    to.answers_remote = read(counts.remote);
    to.answers_failed = read(counts.failed);
    Write(to.reasons, counts.reasons);
    Write(to.fallbacks, counts.fallbacks);
    to.attempts = read(counts.attempts);
    Write(to.remote_failures, counts.remote_failures);
    WriteStruct(out, to);
    return absl::OkStatus();
  });
}

}  // extern "C"

#endif
