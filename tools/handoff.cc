// SPDX-License-Identifier: Apache-2.0
#include "tools/handoff.h"

#include <iterator>

namespace tool {
namespace {

template <size_t kCount>
const char* NameAt(const char* const (&names)[kCount], int32_t index) {
  return index >= 0 && static_cast<size_t>(index) < kCount ? names[index] : "unknown";
}

}  // namespace

std::optional<hob::Handoff> HandoffOptions::Make(const hob::Runtime& runtime) const {
  if (url.empty()) return std::nullopt;
  hob_handoff_options given = values;
  given.consent = consent ? 1 : 0;
  given.url = hob::FromView(url);
  given.model = hob::FromView(model);
  given.key_file = hob::FromView(key_file);
  return Check(hob::Handoff::Create(runtime, given));
}

void AddHandoffOptions(CLI::App& app, HandoffOptions& options) {
  constexpr const char* kGroup = "Hand-off to an endpoint";
  CLI::Option* url = app.add_option("--handoff-url", options.url,
                                    "an OpenAI-compatible endpoint, before /chat/completions")
                         ->group(kGroup);
  const auto needs = [&](CLI::Option* option) { option->needs(url)->group(kGroup); };
  CLI::Option* model = app.add_option("--handoff-model", options.model, "its name for the model");
  needs(model);
  url->needs(model);
  needs(app.add_option("--handoff-key-file", options.key_file, "a file with the API key"));
  needs(app.add_flag("--handoff-consent", options.consent,
                     "messages may be sent there; without it nothing is"));
  needs(app.add_flag("--handoff-always", options.remote, "ask it for every answer"));
  needs(app.add_option("--handoff-prompt", options.values.max_prompt_tokens,
                       "ask it where the prompt has more tokens; 0: than the context")
            ->check(CLI::NonNegativeNumber));
  needs(app.add_option("--handoff-battery", options.values.min_battery_percent,
                       "ask it below this charge in percent; 0: never")
            ->check(CLI::Range(0, 100)));
  needs(app.add_option("--handoff-entropy", options.values.max_mean_entropy,
                       "ask it where the local answer's first tokens have a higher mean entropy, "
                       "in nats; 0: never")
            ->check(CLI::NonNegativeNumber));
  needs(app.add_option("--handoff-judge", options.values.judge_tokens,
                       "how many tokens that looks at; 0: 16")
            ->check(CLI::NonNegativeNumber));
}

const char* SourceName(hob_answer_source source) {
  static constexpr const char* kNames[] = {"none", "local", "remote"};
  return NameAt(kNames, source);
}

const char* ReasonName(hob_handoff_reason reason) {
  static constexpr const char* kNames[] = {"none",    "prompt",  "queue",
                                           "battery", "entropy", "requested"};
  return NameAt(kNames, reason);
}

const char* FallbackName(hob_handoff_fallback fallback) {
  static constexpr const char* kNames[] = {"none",    "consent", "request", "redaction",
                                           "breaker", "library", "remote"};
  return NameAt(kNames, fallback);
}

std::string DescribeSource(const hob_handoff_report& report) {
  static constexpr const char* kReasons[] = {"",
                                             "the prompt is long",
                                             "too many answers wait",
                                             "the battery is low",
                                             "it was unsure",
                                             "as asked"};
  static constexpr const char* kFallbacks[] = {"",
                                               "there is no consent",
                                               "only the local model gives this",
                                               "redaction refused",
                                               "the endpoint rests after failures",
                                               "libcurl is missing",
                                               "the endpoint failed"};
  std::string text = SourceName(report.source);
  if (report.reason == HOB_HANDOFF_REASON_NONE) return text;
  text += std::string(" (") + NameAt(kReasons, report.reason);
  if (report.fallback != HOB_FALLBACK_NONE) {
    text += std::string(", but ") + NameAt(kFallbacks, report.fallback);
  }
  if (report.remote_message.size > 0) {
    text += ": " + std::string(hob::ToView(report.remote_message));
  }
  return text + ")";
}

}  // namespace tool
