// SPDX-License-Identifier: Apache-2.0
// Memory that runs out at any point: an error, nothing leaked, and the next try works.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <unordered_map>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

// Counts what is out and fails from the n-th allocation on.
struct Hooks {
  std::mutex mutex;
  std::unordered_map<void*, size_t> live;
  int64_t left = -1;  // allocations until failure; −1: never fails
  int64_t made = 0;
  bool wrong = false;  // a release that fits no allocation

  static void* Allocate(void* user, size_t bytes, size_t alignment) {
    auto* self = static_cast<Hooks*>(user);
    const std::lock_guard lock(self->mutex);
    if (self->left == 0) return nullptr;
    if (self->left > 0) --self->left;
    ++self->made;
    void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    self->live[memory] = bytes;
    return memory;
  }
  static void Release(void* user, void* memory, size_t bytes, size_t) {
    auto* self = static_cast<Hooks*>(user);
    const std::lock_guard lock(self->mutex);
    const auto found = self->live.find(memory);
    if (found == self->live.end() || found->second != bytes) {
      self->wrong = true;
      return;
    }
    self->live.erase(found);
    std::free(memory);
  }
  hob_runtime_options Options() {
    hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
    options.threads = 2;
    options.allocate = &Allocate;
    options.release = &Release;
    options.allocator_user = this;
    return options;
  }
};

// Opens, chats and closes; the first failure's status.
hob_status Chat(Hooks& hooks, std::string* reply) {
  const std::string path = ChatFixture();
  const hob_runtime_options options = hooks.Options();
  hob_runtime* runtime = nullptr;
  hob_model* model = nullptr;
  hob_session* session = nullptr;
  hob_error* error = nullptr;
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 70;  // a second cache page
  generate.ignore_eos = 1;
  hob_status status = hob_runtime_create(&runtime, &options, &error);
  if (status == HOB_OK) {
    status = hob_model_open(&model, runtime, path.data(), path.size(), nullptr, &error);
  }
  if (status == HOB_OK) status = hob_session_create(&session, model, nullptr, &error);
  if (status == HOB_OK) status = AddMessage(session, "user", "hello", &error);
  if (status == HOB_OK) status = hob_session_generate(nullptr, session, &generate, &error);
  if (status == HOB_OK) {
    *reply = Reply(session);
  } else {
    CHECK(hob_error_message(error).size > 0);
    size_t messages = 0;
    if (session != nullptr) {
      CHECK(hob_session_message_count(&messages, session, nullptr) == HOB_OK);
      CHECK(messages == 1);
      // With memory again, the same session answers.
      hooks.left = -1;
      CHECK(hob_session_generate(nullptr, session, &generate, nullptr) == HOB_OK);
      *reply = Reply(session);
    }
  }
  hob_error_destroy(error);
  hob_runtime_destroy(runtime);
  hob_model_destroy(model);
  hob_session_destroy(session);
  return status;
}

}  // namespace

TEST_CASE("the app's allocator gets everything back") {
  Hooks hooks;
  std::string reply;
  REQUIRE(Chat(hooks, &reply) == HOB_OK);
  CHECK(hooks.made > 0);
  CHECK(hooks.live.empty());
  CHECK(!hooks.wrong);
}

TEST_CASE("an allocation that fails at any point is an error, and nothing leaks") {
  std::string expected;
  Hooks counting;
  REQUIRE(Chat(counting, &expected) == HOB_OK);
  for (int64_t n = 0; n < counting.made; ++n) {
    INFO("allocation " << n << " of " << counting.made);
    Hooks hooks;
    hooks.left = n;
    std::string reply;
    REQUIRE(Chat(hooks, &reply) == HOB_RESOURCE_EXHAUSTED);
    CHECK(hooks.live.empty());
    CHECK(!hooks.wrong);
    if (!reply.empty()) CHECK(reply == expected);
  }
}

TEST_CASE("the counters tell what is in use and the peak") {
  const RuntimePtr runtime = MakeRuntime();
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  uint64_t peak = 0;
  {
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
    const SessionPtr session = MakeSession(model.get());
    REQUIRE_OK(hob_runtime_get_info(&info, runtime.get(), &error));
    CHECK(info.bytes_in_use > 0);
    CHECK(info.peak_bytes >= info.bytes_in_use);
    peak = info.peak_bytes;
  }
  REQUIRE_OK(hob_runtime_get_info(&info, runtime.get(), &error));
  CHECK(info.bytes_in_use == 0);
  CHECK(info.peak_bytes == peak);
}
