// SPDX-License-Identifier: Apache-2.0
// Which model answers, and what becomes of the session.
#include <algorithm>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <thread>

#include "tests/handoff/world.h"

using namespace hob;
using namespace hob::test;

namespace {

std::string Body(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("an endpoint answers") {
  const World world;
  const LoopbackServer server({Stream({"The ", "caf\xC3\xA9 ", "door."})});
  const auto session = world.NewSession();
  const auto handoff = world.New(World::To(server));
  const Answered answered = World::Answer(*handoff, *session, Mode::kRemote);
  INFO(answered.status.ToString());
  REQUIRE(answered.status.ok());
  CHECK(answered.streamed == "The caf\xC3\xA9 door.");
  CHECK(session->reply() == answered.streamed);
  REQUIRE(answered.messages.size() == 2);
  CHECK(answered.messages[1].role == "assistant");
  CHECK(answered.messages[1].content == answered.streamed);
  const Report& report = answered.report;
  CHECK(report.source == Source::kRemote);
  CHECK(report.reason == Reason::kRequested);
  CHECK(report.fallback == Fallback::kNone);
  CHECK(report.remote_status.ok());
  CHECK(report.http_status == 200);
  CHECK(report.attempts == 1);
  CHECK(report.finish_reason == FinishReason::kEnd);
  CHECK(report.prompt_tokens == 7);
  CHECK(report.generated_tokens == 3);
  CHECK(report.time_to_first_token_ns > 0);
  CHECK(report.delivered_bytes == answered.streamed.size());

  const std::string request = server.requests().at(0);
  CHECK(request.rfind("POST /v1/chat/completions HTTP/1.1\r\n", 0) == 0);
  CHECK(request.find("Authorization: Bearer secret-4711\r\n") != std::string::npos);
  CHECK(Body(request) == R"({"model":"big","messages":[{"role":"user",)"
                         R"("content":"Where is the key of Anna's house?"}],"stream":true,)"
                         R"("stream_options":{"include_usage":true},"max_tokens":12})");
  CHECK(handoff->counts().remote == 1);
  CHECK(world.log.empty());

  // The conversation goes on with the local model, which reads the endpoint's answer.
  REQUIRE(session->AddMessage("user", "And then?").ok());
  const Answered next = World::Answer(*handoff, *session, Mode::kNever);
  CHECK(next.report.source == Source::kLocal);
  CHECK(next.messages.size() == 4);
  CHECK(server.connections() == 1);
}

TEST_CASE("an endpoint that does not stream answers") {
  const World world;
  const LoopbackServer server({Respond("200 OK", "Content-Type: application/json\r\n",
                                       R"({"choices":[{"message":{"content":"Here."}}]})")});
  const Answered answered = world.Answer(World::To(server));
  CHECK(answered.report.source == Source::kRemote);
  CHECK(answered.streamed == "Here.");
  CHECK(answered.report.prompt_tokens == -1);
}

TEST_CASE("without consent nobody is asked") {
  const World world;
  const LoopbackServer server({Stream({"never"})});
  Options options = World::To(server);
  options.consent = false;
  options.policy.max_prompt_tokens = 1;
  options.policy.max_mean_entropy = 1e-6f;
  bool redacted = false;
  options.redact = [&](const text::ChatMessage& message) {
    redacted = true;
    return std::optional(message.content);
  };
  CheckLocal(world, world.Answer(options, Mode::kRemote), Fallback::kConsent);
  const Answered asked = world.Answer(options, Mode::kAuto);
  CheckLocal(world, asked, Fallback::kConsent);
  CHECK(asked.report.reason == Reason::kPrompt);
  CHECK(server.connections() == 0);
  CHECK(!redacted);

  SECTION("it may be given and taken back") {
    options.policy = {};
    const auto handoff = world.New(options);
    handoff->SetConsent(true);
    const auto first = world.NewSession(), second = world.NewSession();
    CHECK(World::Answer(*handoff, *first, Mode::kRemote).streamed == "never");
    handoff->SetConsent(false);
    CheckLocal(world, World::Answer(*handoff, *second, Mode::kRemote), Fallback::kConsent);
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("consent that is taken back cuts the request") {
  const World world;
  const LoopbackServer server({[](const LoopbackServer::Connection& connection) {
    connection.Send(kStreamHead);
    connection.AwaitEnd();
  }});
  const auto handoff = world.New(World::To(server));
  const auto session = world.NewSession();
  std::thread user([&] {
    while (server.connections() == 0) std::this_thread::yield();
    handoff->SetConsent(false);
  });
  const Answered answered = World::Answer(*handoff, *session, Mode::kRemote);
  user.join();
  CheckLocal(world, answered, Fallback::kConsent);
  CHECK(handoff->breaker().first == handoff::CircuitBreaker::State::kClosed);
}

TEST_CASE("what is asked of whom") {
  const World world;
  const LoopbackServer server({Stream({"far"})});
  const auto far = [&](Options options, Mode mode = Mode::kAuto) {
    return world.Answer(std::move(options), mode).report;
  };
  Options options = World::To(server);
  CHECK(far(options).source == Source::kLocal);
  CHECK(far(options, Mode::kRemote).reason == Reason::kRequested);

  SECTION("a long prompt") {
    options.policy.max_prompt_tokens = 5;
    CHECK(far(options).source == Source::kRemote);
    CHECK(far(options).reason == Reason::kPrompt);
    CHECK(far(options, Mode::kNever).source == Source::kLocal);
    CHECK(far(options, Mode::kNever).reason == Reason::kNone);
    options.policy.max_prompt_tokens = 250;
    CHECK(far(options).source == Source::kLocal);
  }
  SECTION("a low battery") {
    options.policy.min_battery_percent = 30;
    std::optional<int32_t> percent = 29;
    options.battery = [&] { return percent; };
    CHECK(far(options).reason == Reason::kBattery);
    percent = 30;
    CHECK(far(options).source == Source::kLocal);
    percent.reset();
    CHECK(far(options).source == Source::kLocal);
  }
  SECTION("a queue") {
    options.policy.max_queue_depth = 1;
    Metrics::Count& waiting = world.runtime->scheduler().metrics().waiting;
    waiting = 2;
    CHECK(far(options).reason == Reason::kQueue);
    waiting = 1;
    CHECK(far(options).source == Source::kLocal);
    waiting = 0;
  }
}

TEST_CASE("a prompt that the context does not hold") {
  const World world;
  const LoopbackServer server({Stream({"far"}), Respond("404 Not Found", "", "")});
  const auto handoff = world.New(World::To(server));
  SessionOptions small;
  small.context_tokens = 8;
  const auto session = world.NewSession(small);
  CHECK(World::Answer(*handoff, *session, Mode::kAuto).report.source == Source::kRemote);
  const Answered answered = World::Answer(*handoff, *session, Mode::kAuto);
  CHECK(answered.status.code() == StatusCode::kOutOfRange);  // as without a hand-off
  CHECK(answered.report.reason == Reason::kPrompt);
  CHECK(answered.report.fallback == Fallback::kRemote);
  CHECK(answered.report.source == Source::kNone);
  CHECK(answered.messages.size() == 2);
}

TEST_CASE("an unsure answer is handed over") {
  const World world;
  const LoopbackServer server({Stream({"sure"})});
  Options options = World::To(server);
  options.policy.judge_tokens = 4;

  SECTION("before a piece of it is delivered") {
    options.policy.max_mean_entropy = 0.01f;  // weights are random: it is unsure
    const auto session = world.NewSession();
    const Answered answered = World::Answer(*world.New(options), *session, Mode::kAuto);
    CHECK(answered.streamed == "sure");
    CHECK(answered.report.reason == Reason::kEntropy);
    CHECK(answered.report.judged_tokens == 4);
    CHECK(answered.report.mean_entropy > 0.01);
    CHECK(answered.report.mean_entropy <= std::log(288.0) + 1e-6);  // of the vocabulary
    CHECK(answered.messages.size() == 2);
  }
  SECTION("and is the local one if nobody is there") {
    options.policy.max_mean_entropy = 0.01f;
    options.url = "http://127.0.0.1:1/v1";
    options.retries = 0;
    SessionOptions sampled;
    sampled.sampler.temperature = 1;
    sampled.sampler.seed = 9;
    const auto judged = world.NewSession(sampled), alone = world.NewSession(sampled);
    const Answered answered = World::Answer(*world.New(options), *judged, Mode::kAuto);
    REQUIRE(alone->Generate(World::Short()).ok());
    CHECK(answered.report.fallback == Fallback::kRemote);
    CHECK(answered.report.reason == Reason::kEntropy);
    CHECK(answered.streamed == alone->reply());
    CHECK(judged->reply() == alone->reply());
    CHECK(std::ranges::equal(judged->tokens(), alone->tokens()));
  }
  SECTION("a sure one stays, all of it") {
    options.policy.max_mean_entropy = 100;
    const Answered answered = world.Answer(options, Mode::kAuto);
    CheckLocal(world, answered, Fallback::kNone);
    CHECK(answered.report.judged_tokens == 4);
    CHECK(server.connections() == 0);
  }
  SECTION("one that ends before is not judged") {
    options.policy.max_mean_entropy = 0.01f;
    options.policy.judge_tokens = 100;
    CheckLocal(world, world.Answer(options, Mode::kAuto), Fallback::kNone);
    CHECK(server.connections() == 0);
  }
}

TEST_CASE("what only the local model gives stays with it") {
  const World world;
  const LoopbackServer server({Stream({"never"})});
  const auto handoff = world.New(World::To(server));
  GenerateOptions options = World::Short();
  options.logprobs = true;
  const auto session = world.NewSession();
  CheckLocal(world, World::Answer(*handoff, *session, Mode::kRemote, options), Fallback::kRequest);

  auto raw = Session::Create(world.model, {});
  REQUIRE((*raw)->AddText("Once upon", {}).ok());
  const Answered answered = World::Answer(*handoff, **raw, Mode::kRemote);
  CHECK(answered.report.fallback == Fallback::kRequest);
  CHECK(answered.status.ok());
  CHECK(server.connections() == 0);
}

TEST_CASE("what arrives is what redaction left") {
  const World world;
  const LoopbackServer server({Stream({"fine"})});
  Options options = World::To(server);
  std::string roles;
  SECTION("other texts") {
    options.redact = [&](const text::ChatMessage& message) {
      roles += message.role;
      std::string text = message.content;
      text.replace(text.find("Anna"), 4, "[name]");
      return std::optional(text);
    };
    const Answered answered = world.Answer(options);
    CHECK(answered.report.source == Source::kRemote);
    CHECK(roles == "user");
    CHECK(server.requests().at(0).find("Anna") == std::string::npos);
    CHECK(server.requests().at(0).find("the key of [name]'s house") != std::string::npos);
    CHECK(answered.messages[0].content == "Where is the key of Anna's house?");
  }
  SECTION("a refusal, or a text that is none") {
    const bool refuses = GENERATE(true, false);
    options.redact = [&](const text::ChatMessage&) {
      return refuses ? std::nullopt : std::optional<std::string>("\xC3");
    };
    CheckLocal(world, world.Answer(options), Fallback::kRedaction);
    CHECK(server.connections() == 0);
  }
}

TEST_CASE("an answer is cancelled on its way") {
  const World world;
  const LoopbackServer server({[](const LoopbackServer::Connection& connection) {
    connection.Send(kStreamHead + Chunk("one "));
    connection.AwaitEnd();
  }});
  const auto handoff = world.New(World::To(server));
  const auto session = world.NewSession();
  GenerateOptions options;
  SECTION("by another thread") {
    std::thread other;
    options.on_token = [&](const Piece&) {
      other = std::thread([&] { session->Cancel(); });
      return true;
    };
    const Answered answered = World::Answer(*handoff, *session, Mode::kRemote, options);
    other.join();
    REQUIRE(answered.status.ok());
    CHECK(answered.report.finish_reason == FinishReason::kCancelled);
    CHECK(answered.report.source == Source::kRemote);
    CHECK(answered.messages.back().content == "one ");
  }
  SECTION("by the callback") {
    options.on_token = [](const Piece&) { return false; };
    const Answered answered = World::Answer(*handoff, *session, Mode::kRemote, options);
    REQUIRE(answered.status.ok());
    CHECK(answered.report.finish_reason == FinishReason::kCancelled);
    CHECK(answered.messages.back().content == "one ");
  }
  SECTION("by an exception, which leaves the session as it was") {
    options.on_token = [](const Piece&) -> bool { throw 7; };
    Report report;
    CHECK_THROWS_AS(handoff->Answer(*session, Mode::kRemote, options, report), int);
    CHECK(session->message_count() == 1);
  }
  CHECK(handoff->breaker().first == handoff::CircuitBreaker::State::kClosed);
}

TEST_CASE("an answer is cancelled before its first piece") {
  const World world;
  const LoopbackServer server(
      {[](const LoopbackServer::Connection& connection) { connection.AwaitEnd(); }});
  const auto handoff = world.New(World::To(server));
  const auto session = world.NewSession();
  std::thread other([&] {
    while (server.connections() == 0) std::this_thread::yield();
    session->Cancel();
  });
  const Answered answered = World::Answer(*handoff, *session, Mode::kRemote);
  other.join();
  REQUIRE(answered.status.ok());
  CHECK(answered.report.finish_reason == FinishReason::kCancelled);
  CHECK(answered.report.source == Source::kNone);
  CHECK(answered.messages.size() == 1);
}

TEST_CASE("stop texts and lengths hold for an endpoint, too") {
  const World world;
  const std::string end =
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n";
  const LoopbackServer server(
      {Stream({"a ST", "OP b"}), Cut(kStreamHead + Chunk("long") + end), Stream({"a ST"})});
  const auto handoff = world.New(World::To(server));
  GenerateOptions options;
  options.stops = {"STOP"};
  const auto answer = [&] {
    const auto session = world.NewSession();
    return World::Answer(*handoff, *session, Mode::kRemote, options);
  };
  const Answered stopped = answer();
  CHECK(stopped.streamed == "a ");
  CHECK(stopped.report.finish_reason == FinishReason::kStop);
  const Answered length = answer();
  CHECK(length.streamed == "long");
  CHECK(length.report.finish_reason == FinishReason::kLength);
  CHECK(answer().streamed == "a ST");  // it did not come whole
}

TEST_CASE("a system without libcurl answers locally") {
  const World world;
  const LoopbackServer server({Stream({"never"})});
  Options options = World::To(server);
  static constexpr const char* kNone[] = {"libno-such-library.so.4"};
  options.libraries = kNone;
  const Answered answered = world.Answer(options);
  CheckLocal(world, answered, Fallback::kLibrary);
  CHECK(answered.report.remote_status.code() == StatusCode::kNotFound);
  CHECK(HintOf(answered.report.remote_status).find("Install") == 0);
  CHECK(server.connections() == 0);
}

TEST_CASE("options that are wrong are named") {
  const World world;
  const auto refused = [&](auto change) {
    Options options;
    options.url = "https://example.org/v1";
    options.model = "big";
    change(options);
    const auto made = Handoff::Create(world.runtime, options);
    return std::string(made.status().message());
  };
  CHECK(refused([](Options&) {}).empty());
  CHECK(refused([](Options& o) { o.url = "x"; }).find("url") != std::string::npos);
  CHECK(refused([](Options& o) { o.model = ""; }).find("model") != std::string::npos);
  CHECK(refused([](Options& o) { o.api_key = "a b"; }).find("api_key") != std::string::npos);
  CHECK(refused([](Options& o) { o.key_file = "/no/such"; }).find("key_file") != std::string::npos);
  CHECK(refused([](Options& o) { o.retries = 11; }).find("retries") != std::string::npos);
  CHECK(refused([](Options& o) { o.policy.min_battery_percent = 101; }).find("battery") !=
        std::string::npos);
  CHECK(refused([](Options& o) { o.policy.max_mean_entropy = NAN; }).find("entropy") !=
        std::string::npos);
  CHECK(refused([](Options& o) { o.policy.judge_tokens = -1; }).find("judge") != std::string::npos);
}
