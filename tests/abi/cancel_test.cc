// SPDX-License-Identifier: Apache-2.0
// Every way to end a job early, and the state afterwards.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

size_t MessageCount(const hob_session* session) {
  size_t count = 0;
  REQUIRE_OK(hob_session_message_count(&count, session, &error));
  return count;
}

}  // namespace

TEST_CASE("the progress callback of opening a model cancels it") {
  const RuntimePtr runtime = MakeRuntime();
  const std::string path = ChatFixture();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.progress = [](void*, uint64_t, uint64_t) -> int32_t { return 1; };
  const Outcome outcome = Try([&](auto e) {
    hob_model* model = nullptr;
    return hob_model_open(&model, runtime.get(), path.data(), path.size(), &options, e);
  });
  CHECK(outcome.status == HOB_CANCELLED);
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime.get(), &error));
  CHECK(info.bytes_in_use == 0);
}

TEST_CASE("the progress of opening a model grows to its end") {
  const RuntimePtr runtime = MakeRuntime();
  struct Progress {
    uint64_t done = 0, total = 0;
    bool ordered = true;
  } progress;
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.progress_user = &progress;
  options.progress = [](void* user, uint64_t done, uint64_t total) -> int32_t {
    auto* p = static_cast<Progress*>(user);
    p->ordered = p->ordered && done >= p->done && done <= total;
    p->done = done;
    p->total = total;
    return 0;
  };
  OpenModel(runtime.get(), ChatFixture(), &options);
  CHECK(progress.ordered);
  CHECK(progress.total > 0);
  CHECK(progress.done == progress.total);
}

TEST_CASE("the token callback ends the answer, which is kept as far as it came") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
  struct Seen {
    int calls = 0;
    std::string text;
  } seen;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  options.user = &seen;
  options.on_token = [](void* user, const hob_token* token) -> int32_t {
    auto* s = static_cast<Seen*>(user);
    s->text.append(token->text, token->text_size);
    return ++s->calls == 5;
  };
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session.get(), &options, &error));
  CHECK(result.finish_reason == HOB_FINISH_CANCELLED);
  CHECK(result.generated_tokens == 5);
  CHECK(seen.calls == 5);
  CHECK(Reply(session.get()) == seen.text);
  CHECK(MessageCount(session.get()) == 2);
}

TEST_CASE("hob_session_cancel from another thread ends decoding") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "a") == HOB_OK);
  std::atomic<int> tokens = 0;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  options.user = &tokens;
  options.on_token = [](void* user, const hob_token*) -> int32_t {
    auto* count = static_cast<std::atomic<int>*>(user);
    // Slow enough for the other thread to come before the context is full.
    if (++*count >= 3) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return 0;
  };
  std::thread other([&] {
    while (tokens < 3) std::this_thread::yield();
    hob_session_cancel(session.get());
  });
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session.get(), &options, &error));
  other.join();
  CHECK(result.finish_reason == HOB_FINISH_CANCELLED);
  CHECK(result.generated_tokens >= 3);
  CHECK(result.generated_tokens < 200);
}

TEST_CASE("hob_session_cancel from another thread ends prefill, and nothing is appended") {
  // Needs a prompt that takes long enough: the default model's.
  const std::string path = hob::testing::DefaultModelPath().string();
  if (path.empty()) SKIP("the default model is not there: set HOB_MODEL");
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), path);
  const SessionPtr session = MakeSession(model.get());
  const std::vector<int32_t> prompt(6000, 100);
  REQUIRE_OK(hob_session_add_tokens(session.get(), prompt.data(), prompt.size(), &error));

  using Clock = std::chrono::steady_clock;
  Clock::time_point cancelled;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancelled = Clock::now();
    hob_session_cancel(session.get());
  });
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 1;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  const hob_status status = hob_session_generate(&result, session.get(), &options, nullptr);
  const Clock::time_point ended = Clock::now();
  other.join();
  REQUIRE(status == HOB_OK);
  CHECK(result.finish_reason == HOB_FINISH_CANCELLED);
  CHECK(result.generated_tokens == 0);
  CHECK(Tokens(session.get()).size() == prompt.size());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(ended - cancelled);
  INFO("cancelling took " << took.count() << " ms");
  CHECK(took.count() < 5000);  // a chunk at most, on the slowest machine
}

TEST_CASE("a cancel while nothing runs does nothing") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "a") == HOB_OK);
  hob_session_cancel(session.get());
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 2;
  options.ignore_eos = 1;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session.get(), &options, &error));
  CHECK(result.finish_reason == HOB_FINISH_LENGTH);
}

TEST_CASE("the callback of an evaluation cancels it, and the session is empty") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  const std::vector<int32_t> tokens(200, 7);
  const auto cancel = [](void*, size_t, size_t, const float*) -> int32_t { return 1; };
  CHECK(Try([&](auto e) {
          return hob_session_evaluate(session.get(), tokens.data(), tokens.size(), cancel, nullptr,
                                      e);
        }).status == HOB_CANCELLED);
  CHECK(Tokens(session.get()).size() == 0);
}
