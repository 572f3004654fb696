// SPDX-License-Identifier: Apache-2.0
// Hand-off through the C and C++ interfaces; tests/handoff has what endpoints do.
#include <hob/handoff.hpp>

#include "tests/abi/client.h"

using namespace hob::test;

#if defined(HOB_WITHOUT_HANDOFF)

TEST_CASE("hand-off is left out") {
  hob_handoff* handoff = nullptr;
  CHECK(hob_handoff_create(&handoff, nullptr, nullptr, nullptr) == HOB_UNIMPLEMENTED);
}

#else

namespace {

using HandoffPtr = std::unique_ptr<hob_handoff, Destroyer<hob_handoff_destroy> >;

// To a port where nobody listens.
hob_handoff_options Nobody() {
  hob_handoff_options options = HOB_HANDOFF_OPTIONS_INIT;
  options.consent = 1;
  options.url = {"http://127.0.0.1:1/v1", 21};
  options.model = {"big", 3};
  options.retries = -1;
  return options;
}

HandoffPtr Make(const RuntimePtr& runtime, const hob_handoff_options& options) {
  hob_handoff* handoff = nullptr;
  REQUIRE_OK(hob_handoff_create(&handoff, runtime.get(), &options, &error));
  return HandoffPtr(handoff);
}

}  // namespace

TEST_CASE("an answer tells where it came from") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get()), alone = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
  REQUIRE(AddMessage(alone.get(), "user", "hello") == HOB_OK);
  const HandoffPtr handoff = Make(runtime, Nobody());
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 8;
  std::string streamed;
  generate.on_token = [](void* user, const hob_token* token) -> int32_t {
    static_cast<std::string*>(user)->append(token->text, token->text_size);
    return 0;
  };
  generate.user = &streamed;
  hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;
  REQUIRE_OK(hob_handoff_answer(&report, handoff.get(), session.get(), HOB_HANDOFF_REMOTE,
                                &generate, &error));
  CHECK(report.source == HOB_SOURCE_LOCAL);
  CHECK(report.reason == HOB_HANDOFF_REASON_REQUESTED);
  CHECK(report.fallback == HOB_FALLBACK_REMOTE);
  CHECK(report.remote_status == HOB_UNAVAILABLE);
  CHECK(Text(report.remote_message).find("127.0.0.1:1: ") == 0);
  CHECK(report.attempts == 1);
  CHECK(report.delivered_bytes == streamed.size());
  Generate(alone.get(), 8, false);
  CHECK(streamed == Reply(alone.get()));
  CHECK(Tokens(session.get()) == Tokens(alone.get()));

  hob_handoff_metrics metrics = HOB_HANDOFF_METRICS_INIT;
  REQUIRE_OK(hob_handoff_get_metrics(&metrics, handoff.get(), &error));
  CHECK(metrics.answers_local == 1);
  CHECK(metrics.answers_remote == 0);
  CHECK(metrics.attempts == 1);
  CHECK(metrics.reasons[HOB_HANDOFF_REASON_REQUESTED] == 1);
  CHECK(metrics.fallbacks[HOB_FALLBACK_REMOTE] == 1);
  CHECK(metrics.remote_failures[HOB_UNAVAILABLE] == 1);
  CHECK(metrics.breaker == HOB_BREAKER_CLOSED);

  REQUIRE_OK(hob_handoff_set_consent(handoff.get(), 0, &error));
  REQUIRE_OK(hob_handoff_answer(&report, handoff.get(), session.get(), HOB_HANDOFF_REMOTE,
                                &generate, &error));
  CHECK(report.fallback == HOB_FALLBACK_CONSENT);
  CHECK(report.attempts == 0);
  CHECK(report.remote_message.size == 0);
}

TEST_CASE("redaction and battery are asked on the caller's thread") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
  struct Seen {
    std::string text;
    int battery = 0;
  } seen;
  hob_handoff_options options = Nobody();
  options.min_battery_percent = 50;
  options.battery = [](void* user) -> int32_t {
    ++static_cast<Seen*>(user)->battery;
    return 49;
  };
  options.battery_user = &seen;
  options.redact = [](void* user, hob_string role, hob_string text, hob_string*) -> int32_t {
    static_cast<Seen*>(user)->text += Text(role) + ":" + Text(text);
    return 1;
  };
  options.redact_user = &seen;
  const HandoffPtr handoff = Make(runtime, options);
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 2;
  hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;
  REQUIRE_OK(hob_handoff_answer(&report, handoff.get(), session.get(), HOB_HANDOFF_AUTO, &generate,
                                &error));
  CHECK(report.reason == HOB_HANDOFF_REASON_BATTERY);
  CHECK(report.fallback == HOB_FALLBACK_REDACTION);
  CHECK(seen.battery == 1);
  CHECK(seen.text == "user:hello");
}

TEST_CASE("what hand-off refuses") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const auto refused = [&](auto change) {
    hob_handoff_options options = Nobody();
    change(options);
    hob_handoff* handoff = nullptr;
    const Outcome outcome =
        Try([&](auto e) { return hob_handoff_create(&handoff, runtime.get(), &options, e); });
    CHECK(handoff == nullptr);
    return outcome;
  };
  CHECK(refused([](auto& o) { o.consent = 2; }).status == HOB_INVALID_ARGUMENT);
  CHECK(refused([](auto& o) { o.reserved[0] = 1; }).status == HOB_INVALID_ARGUMENT);
  CHECK(refused([](auto& o) { o.url = {nullptr, 5}; }).status == HOB_INVALID_ARGUMENT);
  CHECK(refused([](auto& o) { o.url = {"http://example.org", 18}; }).status ==
        HOB_FAILED_PRECONDITION);
  CHECK(refused([](auto& o) { o.retries = -2; }).status == HOB_INVALID_ARGUMENT);
  CHECK(refused([](auto& o) { o.struct_size = 3; }).status == HOB_INVALID_ARGUMENT);
  CHECK(refused([](auto& o) { o.key_file = {"/no/such/key", 12}; }).status == HOB_NOT_FOUND);

  const HandoffPtr handoff = Make(runtime, Nobody());
  const SessionPtr session = MakeSession(model.get());
  CHECK(Try([&](auto e) {
          return hob_handoff_answer(nullptr, handoff.get(), session.get(), 3, nullptr, e);
        }).status == HOB_INVALID_ARGUMENT);
  CHECK(Try([&](auto e) {
          return hob_handoff_answer(nullptr, handoff.get(), session.get(), HOB_HANDOFF_REMOTE,
                                    nullptr, e);
        }).status == HOB_FAILED_PRECONDITION);  // it is empty
  CHECK(hob_handoff_set_consent(handoff.get(), 2, nullptr) == HOB_INVALID_ARGUMENT);
}

TEST_CASE("hand-off in C++") {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, ChatFixture()).value();
  hob::Handoff handoff = hob::Handoff::Create(runtime, Nobody()).value();
  handoff.SetConsent(false).value();
  hob::Session session = hob::Session::Create(model).value();
  session.AddMessage("user", "hello").value();
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 4;
  std::string streamed;
  const hob_handoff_report report =
      handoff
          .Answer(
              session, [&](std::string_view text) { streamed += text; }, HOB_HANDOFF_REMOTE,
              options)
          .value();
  CHECK(report.source == HOB_SOURCE_LOCAL);
  CHECK(report.fallback == HOB_FALLBACK_CONSENT);
  CHECK(session.Reply() == streamed);
  CHECK(handoff.Answer(session, HOB_HANDOFF_NEVER, options)->source == HOB_SOURCE_LOCAL);
  CHECK(handoff.Metrics()->answers_local == 2);
  hob::Session empty = hob::Session::Create(model).value();
  hob_handoff_report failed = HOB_HANDOFF_REPORT_INIT;
  CHECK(handoff.Answer(empty, HOB_HANDOFF_AUTO, options, &failed).code() ==
        HOB_FAILED_PRECONDITION);
}

#endif
