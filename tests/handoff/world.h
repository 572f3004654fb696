// SPDX-License-Identifier: Apache-2.0
// A model with random weights, sessions of it, and answers with a hand-off beside them.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lib/handoff/handoff.h"
#include "tests/handoff/loopback_server.h"
#include "tests/support/shared_dir.h"

namespace hob::test {

using handoff::Fallback;
using handoff::Handoff;
using handoff::Mode;
using handoff::Options;
using handoff::Reason;
using handoff::Report;
using handoff::Source;

// What came of an answer.
struct Answered {
  Status status;
  Report report;
  std::string streamed;
  std::vector<text::ChatMessage> messages;  // of the session, afterwards
};

class World {
 public:
  World() {
    RuntimeOptions options;
    options.threads = 1;
    options.log = [this](LogLevel, std::string_view line) { log += std::string(line) + "\n"; };
    auto made = Runtime::Create(options);
    REQUIRE(made.ok());
    runtime = *made;
    auto opened = Model::Open(
        runtime, (testing::SourceDir() / "tests/fixtures/smollm-q4_1.gguf").string(), {});
    REQUIRE(opened.ok());
    model = *opened;
  }

  std::unique_ptr<Session> NewSession(const SessionOptions& options = {}) const {
    auto session = Session::Create(model, options);
    REQUIRE(session.ok());
    REQUIRE((*session)->AddMessage("user", "Where is the key of Anna's house?").ok());
    return *std::move(session);
  }

  std::shared_ptr<Handoff> New(Options options) const {
    auto made = Handoff::Create(runtime, std::move(options));
    INFO(made.status().ToString());
    REQUIRE(made.ok());
    return *made;
  }

  // To a server, with consent, and quick to try again.
  static Options To(const LoopbackServer& server) {
    Options options;
    options.url = server.url();
    options.model = "big";
    options.api_key = "secret-4711";
    options.consent = true;
    options.backoff = std::chrono::milliseconds(1);
    return options;
  }

  // A local answer of these options, without a hand-off.
  Answered Local(const GenerateOptions& options = Short()) const {
    const auto session = NewSession();
    Answered answered;
    GenerateOptions given = options;
    given.on_token = [&](const Piece& piece) {
      answered.streamed += piece.text;
      return true;
    };
    answered.status = session->Generate(given).status();
    answered.messages = session->messages();
    return answered;
  }

  static Answered Answer(Handoff& handoff, Session& session, Mode mode,
                         GenerateOptions options = Short()) {
    Answered answered;
    options.on_token = [&answered, then = options.on_token](const Piece& piece) {
      answered.streamed += piece.text;
      return then == nullptr || then(piece);
    };
    answered.status = handoff.Answer(session, mode, options, answered.report);
    answered.messages = session.messages();
    return answered;
  }

  Answered Answer(Options options, Mode mode = Mode::kRemote,
                  const GenerateOptions& generate = Short()) const {
    const auto session = NewSession();
    return Answer(*New(std::move(options)), *session, mode, generate);
  }

  static GenerateOptions Short() {
    GenerateOptions options;
    options.max_tokens = 12;
    return options;
  }

  std::string log;  // of the runtime
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<Model> model;
};

// The answer is the one that the model gives alone, and the report says why.
inline void CheckLocal(const World& world, const Answered& answered, Fallback fallback) {
  INFO(answered.status.ToString());
  REQUIRE(answered.status.ok());
  const Answered alone = world.Local();
  CHECK(!alone.streamed.empty());
  CHECK(answered.streamed == alone.streamed);
  CHECK(answered.messages.back().content == alone.messages.back().content);
  CHECK(answered.report.source == Source::kLocal);
  CHECK(answered.report.fallback == fallback);
}

}  // namespace hob::test
