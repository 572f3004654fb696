// SPDX-License-Identifier: Apache-2.0
// Many threads that do whatever the interface allows, for as long as HOB_TEST_SECONDS says: for
// ThreadSanitizer, and to see that nothing hangs, crashes or answers with an unexpected error.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

constexpr size_t kThreads = 32;
constexpr uint32_t kMaxRequests = 20;  // fewer than threads: some are refused

std::chrono::seconds Duration() {
  const char* text = std::getenv("HOB_TEST_SECONDS");
  return std::chrono::seconds(text == nullptr ? 3 : std::atoi(text));
}

// A session that its thread uses; the mutex is for others, who may cancel while it lives.
struct Slot {
  std::mutex mutex;
  hob_session* session = nullptr;
};

class Worker {
 public:
  Worker(size_t number, hob_runtime* runtime, hob_model* const (&models)[2], hob_model* draft,
         std::vector<Slot>& slots)
      : random_(number),
        runtime_(runtime),
        models_(models),
        draft_(draft),
        slots_(slots),
        slot_(slots[number]) {}

  void Run(std::chrono::steady_clock::time_point until) {
    while (failure.empty() && std::chrono::steady_clock::now() < until) {
      Act();
      ++actions;
    }
    Destroy();
  }

  std::string failure;
  size_t actions = 0;
  size_t refused = 0, tokens = 0;

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }

  void Expect(hob_status status, const char* call, std::initializer_list<hob_status> allowed) {
    if (std::find(allowed.begin(), allowed.end(), status) == allowed.end()) {
      failure = std::string(call) + " gives " + std::to_string(status);
    }
  }

  void Act() {
    hob_session* session = slot_.session;  // nobody else writes it
    const int action = Below(20);
    if (action == 0) return OpenAndClose();
    if (action <= 3) return Meddle();
    if (session == nullptr) return Create();
    if (started_) {
      if (action <= 16) return Poll();
      if (action == 17) return hob_session_cancel(session);
      if (action == 18)
        return Expect(hob_session_reset(session, nullptr), "reset while answering",
                      {HOB_FAILED_PRECONDITION});
      return Destroy();
    }
    if (action <= 5) return Destroy();
    if (action == 6) {
      return Expect(hob_session_reset(session, nullptr), "reset",
                    {HOB_OK, HOB_FAILED_PRECONDITION});
    }
    if (action <= 10) return Start(session);
    if (action <= 12) return Generate(session);
    if (action == 13) return Evaluate(session);
    Add(session);
  }

  void Create() {
    hob_session_options options = HOB_SESSION_OPTIONS_INIT;
    options.context_tokens = 64 + Below(3) * 96;
    options.roll = static_cast<uint8_t>(Below(2));
    const int model = Below(2);
    if (model == 0 && Below(2) == 0) {
      options.draft = draft_;
      options.draft_tokens = Below(4);
    }
    hob_session* session = nullptr;
    Expect(hob_session_create(&session, models_[model], &options, nullptr), "create", {HOB_OK});
    const std::lock_guard lock(slot_.mutex);
    slot_.session = session;
  }

  void Destroy() {
    const std::lock_guard lock(slot_.mutex);
    hob_session_destroy(slot_.session);
    slot_.session = nullptr;
    started_ = false;
  }

  void Add(hob_session* session) {
    const std::vector<int32_t> prompt(static_cast<size_t>(1 + Below(60)), 5 + Below(20));
    Expect(hob_session_add_tokens(session, prompt.data(), prompt.size(), nullptr), "add_tokens",
           {HOB_OK, HOB_OUT_OF_RANGE, HOB_FAILED_PRECONDITION});
  }

  hob_generate_options Options() {
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.max_tokens = 1 + Below(12);
    options.ignore_eos = 1;
    options.priority = Below(3) - 1;
    if (Below(8) == 0) options.max_time_ms = 1 + static_cast<uint32_t>(Below(5));
    return options;
  }

  // Also FAILED_PRECONDITION: an empty session, or one that a meddler looks at just now.
  void Start(hob_session* session) {
    const hob_generate_options options = Options();
    const hob_status status = hob_session_start(session, &options, nullptr);
    Expect(status, "start", {HOB_OK, HOB_FAILED_PRECONDITION, HOB_RESOURCE_EXHAUSTED});
    started_ = status == HOB_OK;
    if (status == HOB_RESOURCE_EXHAUSTED) ++refused;
  }

  void Poll() {
    hob_poll poll = HOB_POLL_NOTHING;
    hob_token token = HOB_TOKEN_INIT;
    const hob_status status = hob_session_poll(&poll, &token, slot_.session, Below(3) - 1, nullptr);
    Expect(status, "poll", {HOB_OK, HOB_FAILED_PRECONDITION});
    if (poll == HOB_POLL_TOKEN) ++tokens;
    if (poll == HOB_POLL_END) started_ = false;
  }

  void Generate(hob_session* session) {
    hob_generate_options options = Options();
    int32_t left = Below(8);
    options.user = &left;
    options.on_token = [](void* user, const hob_token*) -> int32_t {
      return --*static_cast<int32_t*>(user) == 0 ? 1 : 0;
    };
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    const hob_status status = hob_session_generate(&result, session, &options, nullptr);
    Expect(status, "generate", {HOB_OK, HOB_FAILED_PRECONDITION, HOB_RESOURCE_EXHAUSTED});
    if (status == HOB_RESOURCE_EXHAUSTED) ++refused;
    tokens += static_cast<size_t>(result.generated_tokens);
  }

  void Evaluate(hob_session* session) {
    const int32_t prompt[] = {5, 6, 7, 8};
    const auto on_logits = [](void*, size_t, size_t, const float*) -> int32_t { return 0; };
    Expect(hob_session_evaluate(session, prompt, 4, on_logits, nullptr, nullptr), "evaluate",
           {HOB_OK, HOB_FAILED_PRECONDITION, HOB_CANCELLED});
  }

  // Looks at another's session, or cancels it.
  void Meddle() {
    Slot& other = slots_[static_cast<size_t>(Below(kThreads))];
    if (&other == &slot_) return;
    const std::lock_guard lock(other.mutex);
    if (other.session == nullptr) return;
    if (Below(2) == 0) return hob_session_cancel(other.session);
    size_t count = 0;
    Expect(hob_session_message_count(&count, other.session, nullptr), "message_count",
           {HOB_OK, HOB_FAILED_PRECONDITION});
  }

  void OpenAndClose() {
    const std::string path = Fixture("llama-q4_0.gguf");
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.vocabulary_only = static_cast<uint8_t>(Below(2));
    options.max_batch_rows = 16;
    hob_model* model = nullptr;
    Expect(hob_model_open(&model, runtime_, path.data(), path.size(), &options, nullptr), "open",
           {HOB_OK});
    const ModelPtr owner(model);
    if (options.vocabulary_only != 0 || Below(2) == 0) return;
    // A session that outlives its model's handle.
    hob_session* session = nullptr;
    Expect(hob_session_create(&session, model, nullptr, nullptr), "create", {HOB_OK});
    const SessionPtr session_owner(session);
    hob_model_destroy(const_cast<ModelPtr&>(owner).release());
    Add(session);
    Generate(session);
  }

  std::mt19937 random_;
  hob_runtime* runtime_;
  hob_model* const (&models_)[2];
  hob_model* draft_;  // of the first
  std::vector<Slot>& slots_;
  Slot& slot_;
  bool started_ = false;
};

}  // namespace

TEST_CASE("32 threads create, start, poll, cancel, reset and destroy") {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  options.max_requests = kMaxRequests;
  hob_runtime* raw = nullptr;
  REQUIRE_OK(hob_runtime_create(&raw, &options, &error));
  const RuntimePtr runtime(raw);
  hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
  model_options.max_batch_rows = 24;
  const ModelPtr first = OpenModel(runtime.get(), ChatFixture(), &model_options);
  const ModelPtr second = OpenModel(runtime.get(), Fixture("qwen2-q5_0.gguf"));
  model_options.activations = HOB_ACTIVATIONS_INT8;
  const ModelPtr draft = OpenModel(runtime.get(), ChatFixture(), &model_options);
  hob_model* const models[2] = {first.get(), second.get()};
  std::vector<Slot> slots(kThreads);
  std::vector<Worker> workers;
  for (size_t i = 0; i < kThreads; ++i) {
    workers.emplace_back(i, runtime.get(), models, draft.get(), slots);
  }
  const auto until = std::chrono::steady_clock::now() + Duration();
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&worker, until] { worker.Run(until); });
  for (std::thread& thread : threads) thread.join();
  size_t actions = 0, refused = 0, tokens = 0;
  for (const Worker& worker : workers) {
    CHECK(worker.failure == "");
    actions += worker.actions;
    refused += worker.refused;
    tokens += worker.tokens;
  }
  CHECK(tokens > 0);
  SUCCEED(actions << " actions, " << tokens << " tokens, " << refused << " refused");

  // The runtime is as good as new.
  const SessionPtr session = MakeSession(first.get());
  REQUIRE(AddText(session.get(), "a") == HOB_OK);
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 5;
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &generate, &error));
}
