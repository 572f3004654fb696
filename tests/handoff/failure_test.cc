// SPDX-License-Identifier: Apache-2.0
// Endpoints that fail, and the answer that comes all the same.
#include <cstdio>
#include <thread>

#include "tests/handoff/world.h"

using namespace hob;
using namespace hob::test;
using State = handoff::CircuitBreaker::State;

namespace {

void CheckKeyIsNowhere(const World& world, const Answered& answered) {
  for (const std::string& text :
       {world.log, answered.status.ToString(), answered.report.remote_status.ToString(),
        HintOf(answered.report.remote_status)}) {
    CHECK(text.find("4711") == std::string::npos);
  }
}

}  // namespace

TEST_CASE("responses that are errors leave the answer to the local model") {
  const World world;
  struct Row {
    std::string status;
    StatusCode code;
    int attempts;
  };
  const Row rows[] = {
      {"400 Bad Request", StatusCode::kInvalidArgument, 1},
      {"401 Unauthorized", StatusCode::kUnauthenticated, 1},
      {"403 Forbidden", StatusCode::kPermissionDenied, 1},
      {"404 Not Found", StatusCode::kNotFound, 1},
      {"408 Request Timeout", StatusCode::kDeadlineExceeded, 3},
      {"429 Too Many Requests", StatusCode::kResourceExhausted, 3},
      {"500 Internal Server Error", StatusCode::kUnavailable, 3},
      {"501 Not Implemented", StatusCode::kUnavailable, 1},
      {"503 Service Unavailable", StatusCode::kUnavailable, 3},
      {"204 No Content", StatusCode::kDataLoss, 1},
  };
  for (const Row& row : rows) {
    INFO(row.status);
    // A server that tells the key back.
    const LoopbackServer server({Respond(row.status, "Content-Type: application/json\r\n",
                                         R"({"error":{"message":"no: Bearer secret-4711"}})")});
    const auto handoff = world.New(World::To(server));
    const auto session = world.NewSession();
    const Answered answered = World::Answer(*handoff, *session, Mode::kRemote);
    CheckLocal(world, answered, Fallback::kRemote);
    CHECK(answered.report.remote_status.code() == row.code);
    CHECK(std::to_string(answered.report.http_status) == row.status.substr(0, 3));
    CHECK(answered.report.attempts == row.attempts);
    CHECK(server.connections() == row.attempts);
    CHECK(handoff->counts().attempts == static_cast<uint64_t>(row.attempts));
    CHECK(handoff->counts().remote_failures[static_cast<size_t>(row.code)] ==
          static_cast<uint64_t>(row.attempts));
    CHECK(world.log.find("HTTP status " + row.status.substr(0, 3)) != std::string::npos);
    CheckKeyIsNowhere(world, answered);
  }
}

TEST_CASE("a second attempt may succeed") {
  const World world;
  const LoopbackServer server(
      {Respond("503 Service Unavailable", "", ""), Cut(""), Stream({"at last"})});
  const Answered answered = world.Answer(World::To(server));
  CHECK(answered.report.source == Source::kRemote);
  CHECK(answered.streamed == "at last");
  CHECK(answered.report.attempts == 3);
  CHECK(answered.report.remote_status.ok());
}

TEST_CASE("Retry-After is heeded") {
  const World world;
  SECTION("a short one") {
    const LoopbackServer server(
        {Respond("429 Too Many Requests", "Retry-After: 0\r\n", ""), Stream({"now"})});
    Options options = World::To(server);
    options.backoff = std::chrono::hours(1);  // instead of this
    CHECK(world.Answer(options).report.source == Source::kRemote);
  }
  SECTION("for a long one nobody waits") {
    const LoopbackServer server({Respond("429 Too Many Requests", "retry-after: 3600\r\n", "")});
    const Answered answered = world.Answer(World::To(server));
    CheckLocal(world, answered, Fallback::kRemote);
    CHECK(answered.report.attempts == 1);
  }
  SECTION("one that is no number is none") {
    const LoopbackServer server(
        {Respond("429 Too Many Requests", "Retry-After: Wed, 21 Oct 2035 07:28:00 GMT\r\n", ""),
         Stream({"now"})});
    CHECK(world.Answer(World::To(server)).report.source == Source::kRemote);
  }
}

TEST_CASE("a redirect is not followed") {
  const World world;
  const LoopbackServer elsewhere({Stream({"caught"})});
  for (const char* status : {"301 Moved Permanently", "302 Found", "307 Temporary Redirect"}) {
    const LoopbackServer server(
        {Respond(status, "Location: " + elsewhere.url() + "/chat/completions\r\n", "")});
    const Answered answered = world.Answer(World::To(server));
    CheckLocal(world, answered, Fallback::kRemote);
    CHECK(answered.report.remote_status.code() == StatusCode::kFailedPrecondition);
    CHECK(server.connections() == 1);
  }
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("connections that are cut before the answer leave it to the local model") {
  const World world;
  const std::string bytes[] = {
      "",
      "HTTP/1.1 200",
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n",
      kStreamHead,
      kStreamHead + "data: {\"choices\":[{\"delta\":{\"content\":\"a\xC3",
      kStreamHead + Chunk(""),
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
      "99\r\n\r\n{\"choices\":",
      kStreamHead + "data: [DONE]\n\n",
      kStreamHead + "data: not JSON\n\n",
      kStreamHead + "\x00\xFF\x00\n\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>hello</html>",
      "not HTTP at all\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(200 << 10, 'x') + "\r\n\r\n",
      kStreamHead + "data: " + std::string(2 << 20, 'x'),
  };
  for (const std::string& sent : bytes) {
    INFO(sent.substr(0, 200));
    const LoopbackServer server({Cut(sent)});
    const Answered answered = world.Answer(World::To(server));
    CheckLocal(world, answered, Fallback::kRemote);
    CHECK(!answered.report.remote_status.ok());
    CHECK(answered.report.attempts >= 1);
    CHECK(answered.report.delivered_bytes == answered.streamed.size());
  }
}

TEST_CASE("an answer that breaks off is an error, and the session is as it was") {
  const World world;
  struct Row {
    std::string rest;
    StatusCode code;
  };
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  const Row rows[] = {
      {"", StatusCode::kUnavailable},
      {"data: {\"choices\":[{\"delta\":{\"content\":\"\xE2\x82", StatusCode::kUnavailable},
      {"data: {\"error\":{\"message\":\"overloaded\"}}\n\n", StatusCode::kUnavailable},
      {"data: nonsense\n\n", StatusCode::kDataLoss},
      {"data: " + std::string(2 << 20, 'x'), StatusCode::kResourceExhausted},
  };
  for (const Row& row : rows) {
    INFO(row.rest.substr(0, 100));
    const LoopbackServer server({Cut(kStreamHead + Chunk("The key ") + row.rest)});
    const Answered answered = world.Answer(World::To(server));
    CHECK(answered.status.code() == row.code);
    CHECK(answered.status.message().find("broke off after 8 bytes") != std::string::npos);
    CHECK(answered.streamed == "The key ");
    CHECK(answered.messages.size() == 1);
    CHECK(answered.report.source == Source::kNone);
    CHECK(answered.report.delivered_bytes == 8);
    CHECK(answered.report.attempts == 1);  // what came out is not asked for again
  }
  const std::string chunk = Chunk("The key ");
  char size[16];
  std::snprintf(size, sizeof(size), "%zx\r\n", chunk.size());
  const LoopbackServer server({Cut(chunked + size + chunk + "\r\n")});
  CHECK(world.Answer(World::To(server)).status.code() == StatusCode::kUnavailable);
}

TEST_CASE("what is cut after its end is whole") {
  const World world;
  const LoopbackServer server(
      {Cut("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" +
           Chunk("done") + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")});
  const Answered answered = world.Answer(World::To(server));
  CHECK(answered.report.source == Source::kRemote);
  CHECK(answered.streamed == "done");
}

TEST_CASE("endpoints that say nothing are given up") {
  const World world;
  const LoopbackServer server(
      {[](const LoopbackServer::Connection& connection) { connection.AwaitEnd(); }});
  Options options = World::To(server);
  SECTION("for a while, each time") {
    options.idle_timeout = std::chrono::milliseconds(30);
    const Answered answered = world.Answer(options);
    CheckLocal(world, answered, Fallback::kRemote);
    CHECK(answered.report.remote_status.code() == StatusCode::kDeadlineExceeded);
    CHECK(answered.report.attempts == 3);
  }
  SECTION("in all") {
    options.total_timeout = std::chrono::milliseconds(30);
    const Answered answered = world.Answer(options);
    CheckLocal(world, answered, Fallback::kRemote);
    CHECK(answered.report.attempts == 1);
  }
}

TEST_CASE("an answer that drips is given up in time") {
  const World world;
  const LoopbackServer server({[](const LoopbackServer::Connection& connection) {
    connection.Send(kStreamHead);
    while (connection.Send(": drip\n")) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }});
  Options options = World::To(server);
  options.total_timeout = std::chrono::milliseconds(100);
  const Answered answered = world.Answer(options);
  CheckLocal(world, answered, Fallback::kRemote);
  CHECK(answered.report.remote_status.code() == StatusCode::kDeadlineExceeded);
}

TEST_CASE("an answer without end is cut") {
  const World world;
  const LoopbackServer server({[](const LoopbackServer::Connection& connection) {
    connection.Send(kStreamHead);
    const std::string chunk = Chunk(std::string(64 << 10, 'x'));
    while (connection.Send(chunk)) {
    }
  }});
  const Answered answered = world.Answer(World::To(server));
  CHECK(answered.status.code() == StatusCode::kResourceExhausted);
  CHECK(answered.streamed.size() <= 4u << 20);
  CHECK(answered.messages.size() == 1);
}

TEST_CASE("max_time holds for both together") {
  const World world;
  const LoopbackServer server({[](const LoopbackServer::Connection& connection) {
    connection.Send(kStreamHead + Chunk("so far"));
    connection.AwaitEnd();
  }});
  GenerateOptions generate;
  generate.max_time = std::chrono::seconds(1);
  const Answered answered = world.Answer(World::To(server), Mode::kRemote, generate);
  REQUIRE(answered.status.ok());
  CHECK(answered.report.finish_reason == FinishReason::kTime);
  CHECK(answered.report.source == Source::kRemote);
  CHECK(answered.messages.back().content == "so far");
}

TEST_CASE("hosts that are not there") {
  const World world;
  Options options;
  options.model = "big";
  options.consent = true;
  options.backoff = std::chrono::milliseconds(1);
  int port = 0;
  {
    const LoopbackServer gone({Stream({"x"})});
    port = gone.port();
  }
  SECTION("nobody listens") { options.url = "http://127.0.0.1:" + std::to_string(port); }
  SECTION("nobody has the name") { options.url = "https://no-such-host.invalid/v1"; }
  const Answered answered = world.Answer(options);
  CheckLocal(world, answered, Fallback::kRemote);
  CHECK(answered.report.remote_status.code() == StatusCode::kUnavailable);
  CHECK(answered.report.http_status == 0);
  CHECK(answered.report.attempts == 3);
}

TEST_CASE("a server without TLS gets no request over https") {
  const World world;
  const LoopbackServer server({Stream({"never"})});
  Options options = World::To(server);
  options.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/v1";
  options.connect_timeout = std::chrono::milliseconds(50);
  const Answered answered = world.Answer(options);
  CheckLocal(world, answered, Fallback::kRemote);
  for (const std::string& request : server.requests()) {
    CHECK(request.find("4711") == std::string::npos);
    CHECK(request.find("Anna") == std::string::npos);
  }
}

TEST_CASE("an endpoint that fails again and again rests, and is tried again") {
  const World world;
  const LoopbackServer server({Respond("500 Internal Server Error", "", ""),
                               Respond("500 Internal Server Error", "", ""),
                               Respond("500 Internal Server Error", "", ""), Stream({"well"})});
  Options options = World::To(server);
  options.retries = 0;
  options.breaker_failures = 2;
  options.breaker_cooldown = std::chrono::seconds(10);
  handoff::Clock::time_point now{};
  options.now = [&] { return now; };
  const auto handoff = world.New(options);
  const auto answer = [&] {
    const auto session = world.NewSession();
    return World::Answer(*handoff, *session, Mode::kRemote);
  };
  CheckLocal(world, answer(), Fallback::kRemote);
  CheckLocal(world, answer(), Fallback::kRemote);
  CHECK(handoff->breaker() == std::pair(State::kOpen, uint64_t{1}));
  CheckLocal(world, answer(), Fallback::kBreaker);
  CHECK(server.connections() == 2);
  now += std::chrono::seconds(10);
  CheckLocal(world, answer(), Fallback::kRemote);  // the one that tries it
  CHECK(handoff->breaker() == std::pair(State::kOpen, uint64_t{2}));
  CheckLocal(world, answer(), Fallback::kBreaker);
  CHECK(server.connections() == 3);
  now += std::chrono::seconds(10);
  CHECK(answer().report.source == Source::kRemote);
  CHECK(handoff->breaker().first == State::kClosed);
  CHECK(handoff->counts().fallbacks[static_cast<size_t>(Fallback::kBreaker)] == 2);
}
