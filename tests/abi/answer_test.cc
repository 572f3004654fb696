// SPDX-License-Identifier: Apache-2.0
// Answers through polling, time limits, the limit of answers, callbacks that take long, and
// conversations that roll.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;
using namespace std::chrono_literals;

namespace {

hob_generate_result Result(const hob_session* session) {
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_get_result(&result, session, &error));
  return result;
}

hob_generate_options Options(int32_t max_tokens) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = max_tokens;
  options.ignore_eos = 1;
  return options;
}

struct Polled {
  std::vector<int32_t> tokens;
  std::string text;
};

Polled PollToEnd(hob_session* session) {
  Polled polled;
  while (true) {
    hob_poll poll = HOB_POLL_NOTHING;
    hob_token token = HOB_TOKEN_INIT;
    REQUIRE_OK(hob_session_poll(&poll, &token, session, -1, &error));
    if (poll == HOB_POLL_END) return polled;
    REQUIRE(poll == HOB_POLL_TOKEN);
    if (token.id >= 0) polled.tokens.push_back(token.id);
    polled.text.append(token.text, token.text_size);
  }
}

}  // namespace

TEST_CASE("a polled answer is the one that blocking gives") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr blocking = MakeSession(model.get()), polling = MakeSession(model.get());
  const hob_generate_options options = Options(40);
  for (hob_session* session : {blocking.get(), polling.get()}) {
    REQUIRE(AddMessage(session, "user", "hello") == HOB_OK);
  }
  REQUIRE_OK(hob_session_generate(nullptr, blocking.get(), &options, &error));
  REQUIRE_OK(hob_session_start(polling.get(), &options, &error));
  const Polled polled = PollToEnd(polling.get());
  CHECK(polled.tokens.size() == 40);
  CHECK(polled.text == Reply(blocking.get()));
  CHECK(Reply(polling.get()) == Reply(blocking.get()));
  CHECK(Tokens(polling.get()) == Tokens(blocking.get()));
  CHECK(Result(polling.get()).finish_reason == HOB_FINISH_LENGTH);
  CHECK(Result(polling.get()).generated_tokens == 40);
}

TEST_CASE("while an answer is on its way the session can be read, not changed or copied") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  hob_poll poll = HOB_POLL_NOTHING;
  const auto polls = [&] {
    return Try([&](auto e) { return hob_session_poll(&poll, nullptr, session.get(), 0, e); });
  };
  CHECK(polls().status == HOB_FAILED_PRECONDITION);
  REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
  const hob_generate_options options = Options(20);
  REQUIRE_OK(hob_session_start(session.get(), &options, &error));
  void* saved = nullptr;
  size_t saved_size = 0;
  hob_session* fork = nullptr;
  for (const Outcome& outcome : {
           Try([&](auto e) { return hob_session_fork(&fork, session.get(), e); }),
           Try([&](auto e) {
             return hob_session_save_buffer(&saved, &saved_size, session.get(), e);
           }),
           Try([&](auto e) { return hob_session_start(session.get(), &options, e); }),
           Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &options, e); }),
           Try([&](auto e) { return AddMessage(session.get(), "user", "x", e); }),
           Try([&](auto e) { return AddText(session.get(), "x", e); }),
           Try([&](auto e) { return hob_session_keep_messages(session.get(), 0, e); }),
           Try([&](auto e) { return hob_session_set_sampler(session.get(), nullptr, e); }),
           Try([&](auto e) { return hob_session_reset(session.get(), e); }),
       }) {
    CHECK(outcome.status == HOB_FAILED_PRECONDITION);
    CHECK(outcome.hint.find("oll") != std::string::npos);
  }
  size_t messages = 0;
  REQUIRE_OK(hob_session_message_count(&messages, session.get(), &error));
  CHECK(messages == 1);
  hob_string role = {nullptr, 0}, text = {nullptr, 0};
  REQUIRE_OK(hob_session_get_message(&role, &text, session.get(), 0, &error));
  CHECK(Text(text) == "hello");
  CHECK(Tokens(session.get()).empty());
  CHECK(Reply(session.get()).empty());
  CHECK(Result(session.get()).generated_tokens == 0);
  CHECK(PollToEnd(session.get()).tokens.size() == 20);
  CHECK(polls().status == HOB_FAILED_PRECONDITION);
  REQUIRE_OK(hob_session_message_count(&messages, session.get(), &error));
  CHECK(messages == 2);
}

TEST_CASE("a started answer that is cancelled ends with what was fetched") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  AddTokens(session.get(), {5, 6, 7});
  const hob_generate_options options = Options(0);
  for (const size_t wanted : {size_t{0}, size_t{3}}) {
    const size_t before = Tokens(session.get()).size();
    REQUIRE_OK(hob_session_start(session.get(), &options, &error));
    hob_poll poll = HOB_POLL_NOTHING;
    for (size_t i = 0; i < wanted; ++i) {
      REQUIRE_OK(hob_session_poll(&poll, nullptr, session.get(), -1, &error));
    }
    hob_session_cancel(session.get());
    CHECK(PollToEnd(session.get()).tokens.empty());
    CHECK(Result(session.get()).finish_reason == HOB_FINISH_CANCELLED);
    CHECK(Result(session.get()).generated_tokens == static_cast<int32_t>(wanted));
    CHECK(Tokens(session.get()).size() == before + wanted);
  }
}

TEST_CASE("max_requests answers may be on their way, and a further one is refused") {
  hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
  runtime_options.threads = 2;
  runtime_options.max_requests = 2;
  hob_runtime* raw = nullptr;
  REQUIRE_OK(hob_runtime_create(&raw, &runtime_options, &error));
  const RuntimePtr runtime(raw);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  SessionPtr sessions[3];
  const hob_generate_options options = Options(30);
  for (SessionPtr& session : sessions) {
    session = MakeSession(model.get());
    AddTokens(session.get(), {5, 6, 7});
  }
  REQUIRE_OK(hob_session_start(sessions[0].get(), &options, &error));
  REQUIRE_OK(hob_session_start(sessions[1].get(), &options, &error));
  const Outcome refused =
      Try([&](auto e) { return hob_session_generate(nullptr, sessions[2].get(), &options, e); });
  CHECK(refused.status == HOB_RESOURCE_EXHAUSTED);
  CHECK(refused.hint.find("max_requests") != std::string::npos);
  CHECK(PollToEnd(sessions[0].get()).tokens.size() == 30);
  REQUIRE_OK(hob_session_generate(nullptr, sessions[2].get(), &options, &error));
  CHECK(Tokens(sessions[2].get()) == Tokens(sessions[0].get()));
}

TEST_CASE("max_time_ms ends an answer, which is kept as far as it came") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.roll = 1;  // or the context would end it
  const SessionPtr session = MakeSession(model.get(), &session_options);
  AddTokens(session.get(), {5, 6, 7});
  hob_generate_options options = Options(0);
  options.max_time_ms = 150;
  std::string text;
  options.user = &text;
  options.on_token = [](void* user, const hob_token* token) -> int32_t {
    static_cast<std::string*>(user)->append(token->text, token->text_size);
    return 0;
  };
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  const auto start = std::chrono::steady_clock::now();
  REQUIRE_OK(hob_session_generate(&result, session.get(), &options, &error));
  CHECK(std::chrono::steady_clock::now() - start >= 150ms);
  CHECK(result.finish_reason == HOB_FINISH_TIME);
  CHECK(result.generated_tokens > 0);
  CHECK(Reply(session.get()) == text);

  // The same for one that is fetched late.
  REQUIRE_OK(hob_session_start(session.get(), &options, &error));
  std::this_thread::sleep_for(200ms);
  const Polled polled = PollToEnd(session.get());
  CHECK(Result(session.get()).finish_reason == HOB_FINISH_TIME);
  CHECK(Result(session.get()).generated_tokens == static_cast<int32_t>(polled.tokens.size()));
}

TEST_CASE("an answer that nobody fetches gives its place up when its time is over") {
  hob_runtime_options runtime_options = HOB_RUNTIME_OPTIONS_INIT;
  runtime_options.max_requests = 1;
  hob_runtime* raw = nullptr;
  REQUIRE_OK(hob_runtime_create(&raw, &runtime_options, &error));
  const RuntimePtr runtime(raw);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr left = MakeSession(model.get()), other = MakeSession(model.get());
  AddTokens(left.get(), {5, 6, 7});
  AddTokens(other.get(), {5, 6, 7});
  hob_generate_options options = Options(0);
  options.max_time_ms = 500;
  REQUIRE_OK(hob_session_start(left.get(), &options, &error));
  options = Options(5);
  hob_status status = hob_session_generate(nullptr, other.get(), &options, nullptr);
  CHECK(status == HOB_RESOURCE_EXHAUSTED);
  for (int i = 0; i < 200 && status == HOB_RESOURCE_EXHAUSTED; ++i) {
    std::this_thread::sleep_for(50ms);
    status = hob_session_generate(nullptr, other.get(), &options, nullptr);
  }
  CHECK(status == HOB_OK);
  CHECK(PollToEnd(left.get()).tokens.size() <= 6);  // what had been chosen ahead
  CHECK(Result(left.get()).finish_reason == HOB_FINISH_TIME);
}

TEST_CASE("a callback that does not return holds no other session up") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr slow = MakeSession(model.get()), quick = MakeSession(model.get());
  AddTokens(slow.get(), {5, 6, 7});
  AddTokens(quick.get(), {5, 6, 7});
  struct Gate {
    std::atomic<bool> inside = false, open = false;
  } gate;
  hob_generate_options options = Options(20);
  hob_generate_options blocked = options;
  blocked.user = &gate;
  blocked.on_token = [](void* user, const hob_token*) -> int32_t {
    auto* g = static_cast<Gate*>(user);
    g->inside = true;
    while (!g->open) std::this_thread::sleep_for(1ms);
    return 0;
  };
  hob_status status = HOB_OK;
  std::thread other([&] { status = hob_session_generate(nullptr, slow.get(), &blocked, nullptr); });
  while (!gate.inside) std::this_thread::yield();
  const hob_status quick_status = hob_session_generate(nullptr, quick.get(), &options, nullptr);
  const bool was_closed = !gate.open.exchange(true);
  other.join();
  CHECK(was_closed);
  CHECK(status == HOB_OK);
  CHECK(quick_status == HOB_OK);
  CHECK(Tokens(slow.get()) == Tokens(quick.get()));
}

TEST_CASE("a conversation that rolls is always that of a fresh session of what is left") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  constexpr size_t kContext = 40, kKeep = 6;
  hob_session_options rolling = HOB_SESSION_OPTIONS_INIT;
  rolling.context_tokens = kContext;
  rolling.roll = 1;
  rolling.keep_tokens = kKeep;
  const SessionPtr session = MakeSession(model.get(), &rolling);
  std::vector<int32_t> left;
  for (int32_t i = 0; i < 11; ++i) left.push_back(5 + i);
  AddTokens(session.get(), left);
  const hob_generate_options options = Options(120);
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session.get(), &options, &error));
  CHECK(result.finish_reason == HOB_FINISH_LENGTH);
  CHECK(result.generated_tokens == 120);

  // Half of what is not kept goes whenever the context is full.
  hob_session_options plain = HOB_SESSION_OPTIONS_INIT;
  plain.context_tokens = kContext;
  const SessionPtr fresh = MakeSession(model.get(), &plain);
  const hob_generate_options one = Options(1);
  int64_t dropped = 0;
  for (int i = 0; i < 120; ++i) {
    if (left.size() >= kContext) {
      const auto block = static_cast<ptrdiff_t>((kContext - kKeep) / 2);
      left.erase(left.begin() + kKeep, left.begin() + kKeep + block);
      dropped += block;
    }
    REQUIRE_OK(hob_session_reset(fresh.get(), &error));
    AddTokens(fresh.get(), left);
    REQUIRE_OK(hob_session_generate(nullptr, fresh.get(), &one, &error));
    left = Tokens(fresh.get());
  }
  CHECK(Tokens(session.get()) == left);
  CHECK(result.dropped_tokens == dropped);
  CHECK(dropped > 0);
}

TEST_CASE("a conversation that rolls goes on in the memory of its context") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_session_options rolling = HOB_SESSION_OPTIONS_INIT;
  rolling.context_tokens = 64;
  rolling.roll = 1;
  const SessionPtr session = MakeSession(model.get(), &rolling);
  AddTokens(session.get(), {5, 6, 7});
  hob_runtime_info before = HOB_RUNTIME_INFO_INIT, after = HOB_RUNTIME_INFO_INIT;
  hob_generate_options options = Options(64);
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
  REQUIRE_OK(hob_runtime_get_info(&before, runtime.get(), &error));
  options.max_tokens = 2000;
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
  REQUIRE_OK(hob_runtime_get_info(&after, runtime.get(), &error));
  CHECK(after.peak_bytes == before.peak_bytes);
  CHECK(Result(session.get()).generated_tokens == 2000);
}
