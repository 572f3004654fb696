// SPDX-License-Identifier: Apache-2.0
// Two runtimes in one process share no state: not their options, memory, log or threads, and one
// may end while the other answers.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "tests/hygiene/broken_template.h"

using namespace hob::test;

namespace {

// One app's hooks. Counts what the hooks are asked with this as their user.
struct App {
  std::atomic<int64_t> bytes{0};
  std::atomic<int> lines{0};

  static void* Allocate(void* user, size_t bytes, size_t alignment) {
    static_cast<App*>(user)->bytes += static_cast<int64_t>(bytes);
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void Release(void* user, void* memory, size_t bytes, size_t) {
    static_cast<App*>(user)->bytes -= static_cast<int64_t>(bytes);
    std::free(memory);
  }
  static void Log(void* user, hob_log_level, const char*, size_t) {
    ++static_cast<App*>(user)->lines;
  }

  RuntimePtr MakeRuntime(uint32_t threads, hob_log_level level, uint64_t memory_limit) {
    hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
    options.threads = threads;
    options.log_level = level;
    options.memory_limit = memory_limit;
    options.allocate = Allocate;
    options.release = Release;
    options.allocator_user = this;
    options.log = Log;
    options.log_user = this;
    hob_runtime* runtime = nullptr;
    REQUIRE_OK(hob_runtime_create(&runtime, &options, &error));
    return RuntimePtr(runtime);
  }
};

hob_runtime_info Info(const hob_runtime* runtime) {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime, &error));
  return info;
}

// Makes no assertion, so that any thread may run it.
std::pair<hob_status, std::string> Answer(hob_session* session) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 60;
  options.ignore_eos = 1;
  const hob_status status = hob_session_generate(nullptr, session, &options, nullptr);
  hob_string text = {nullptr, 0};
  hob_session_get_reply(&text, session, nullptr);
  return {status, Text(text)};
}

}  // namespace

TEST_CASE("two runtimes share no options, no memory and no log") {
  App one, two;
  const RuntimePtr first = one.MakeRuntime(1, HOB_LOG_DEBUG, 0);
  const TemporaryFolder folder;
  const std::string path = WriteModelWithBrokenTemplate(folder);
  const ModelPtr first_model = OpenModel(first.get(), path);
  const int64_t bytes = one.bytes;
  const int lines = one.lines;
  CHECK(bytes > 0);
  CHECK(lines == 1);

  const RuntimePtr second = two.MakeRuntime(3, HOB_LOG_ERROR, uint64_t{64} << 20);
  const ModelPtr second_model = OpenModel(second.get(), path);
  CHECK(Info(first.get()).threads == 1);
  CHECK(Info(second.get()).threads == 3);
  CHECK(one.bytes == bytes);
  CHECK(one.lines == lines);
  CHECK(two.lines == 0);
  CHECK(Info(first.get()).bytes_in_use == static_cast<uint64_t>(one.bytes.load()));
  CHECK(Info(second.get()).bytes_in_use == static_cast<uint64_t>(two.bytes.load()));

  // One that is full does not narrow the other.
  App three;
  const RuntimePtr full = three.MakeRuntime(1, HOB_LOG_ERROR, 4096);
  hob_model* model = nullptr;
  CHECK(Try([&](auto e) {
          return hob_model_open(&model, full.get(), path.data(), path.size(), nullptr, e);
        }).status == HOB_RESOURCE_EXHAUSTED);
  CHECK(OpenModel(second.get(), path) != nullptr);
  // A draft of another runtime is refused: its threads and memory are not this one's.
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.draft = second_model.get();
  hob_session* session = nullptr;
  CHECK(Try([&](auto e) {
          return hob_session_create(&session, first_model.get(), &options, e);
        }).status == HOB_INVALID_ARGUMENT);
}

TEST_CASE("two runtimes answer at the same time, bit for bit as alone") {
  std::string alone;
  {
    const RuntimePtr runtime = MakeRuntime(1);
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
    const SessionPtr session = MakeSession(model.get());
    REQUIRE(AddText(session.get(), "hello") == HOB_OK);
    alone = Answer(session.get()).second;
    REQUIRE(!alone.empty());
  }
  App one, two;
  RuntimePtr runtimes[] = {one.MakeRuntime(1, HOB_LOG_INFO, 0),
                           two.MakeRuntime(3, HOB_LOG_INFO, 0)};
  std::pair<hob_status, std::string> answers[2];
  {
    ModelPtr models[2];
    SessionPtr sessions[2];
    for (int i = 0; i < 2; ++i) {
      models[i] = OpenModel(runtimes[i].get(), ChatFixture());
      sessions[i] = MakeSession(models[i].get());
      REQUIRE(AddText(sessions[i].get(), "hello") == HOB_OK);
    }
    std::thread other([&] { answers[1] = Answer(sessions[1].get()); });
    answers[0] = Answer(sessions[0].get());
    other.join();
  }
  for (const auto& [status, text] : answers) {
    CHECK(status == HOB_OK);
    CHECK(text == alone);
  }
  runtimes[0].reset();
  runtimes[1].reset();
  CHECK(one.bytes == 0);
  CHECK(two.bytes == 0);
}

TEST_CASE("a runtime that ends leaves the one that answers as it was") {
  struct Ending {
    RuntimePtr runtime;
    ModelPtr model;
    SessionPtr session;
    int tokens = 0;
  };
  const RuntimePtr runtime = MakeRuntime(2);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);
  const std::string alone = Answer(session.get()).second;

  Ending ending{MakeRuntime(2), nullptr, nullptr};
  ending.model = OpenModel(ending.runtime.get(), ChatFixture());
  ending.session = MakeSession(ending.model.get());
  REQUIRE(AddText(ending.session.get(), "hello") == HOB_OK);
  REQUIRE(hob_session_start(ending.session.get(), nullptr, nullptr) == HOB_OK);

  const SessionPtr again = MakeSession(model.get());
  REQUIRE(AddText(again.get(), "hello") == HOB_OK);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 60;
  options.ignore_eos = 1;
  options.user = &ending;
  options.on_token = [](void* user, const hob_token*) -> int32_t {
    auto* other = static_cast<Ending*>(user);
    if (++other->tokens == 3) {
      other->session.reset();
      other->model.reset();
      other->runtime.reset();
    }
    return 0;
  };
  REQUIRE_OK(hob_session_generate(nullptr, again.get(), &options, &error));
  CHECK(ending.runtime == nullptr);
  CHECK(Reply(again.get()) == alone);
}
