// SPDX-License-Identifier: Apache-2.0
// Draft models: the same answer, whatever they guess and whatever becomes of them.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

// Two models of one vocabulary in one runtime: the second one guesses mostly right what the first
// one chooses, but not always.
struct Pair {
  RuntimePtr runtime;
  ModelPtr target, draft;
};

Pair Open(bool draft_first = false, uint64_t memory_limit = 0, int32_t draft_rope_factor = 1) {
  hob_runtime_options runtime = HOB_RUNTIME_OPTIONS_INIT;
  runtime.threads = 2;
  runtime.memory_limit = memory_limit;
  hob_runtime* made = nullptr;
  REQUIRE_OK(hob_runtime_create(&made, &runtime, &error));
  Pair pair;
  pair.runtime.reset(made);
  hob_model_options other = HOB_MODEL_OPTIONS_INIT;
  other.activations = HOB_ACTIVATIONS_INT8;
  if (draft_rope_factor > 1) {
    other.rope_scaling = HOB_ROPE_LINEAR;  // guesses badly
    other.rope_factor = draft_rope_factor;
  }
  if (draft_first) pair.draft = OpenModel(made, ChatFixture(), &other);
  pair.target = OpenModel(made, ChatFixture());
  if (!draft_first) pair.draft = OpenModel(made, ChatFixture(), &other);
  return pair;
}

hob_session_stats Stats(const hob_session* session) {
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  REQUIRE_OK(hob_session_get_stats(&stats, session, &error));
  return stats;
}

hob_session_options With(hob_model* draft) {
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.draft = draft;
  options.draft_tokens = draft == nullptr ? 0 : 3;
  return options;
}

std::vector<int32_t> Answer(hob_model* model, const hob_session_options& options, size_t prompt,
                            int32_t tokens) {
  const SessionPtr session = MakeSession(model, &options);
  AddTokens(session.get(), Prompt(prompt));
  Generate(session.get(), tokens);
  return Tokens(session.get());
}

}  // namespace

TEST_CASE("a draft model changes no answer") {
  for (const bool draft_first : {false, true}) {
    const Pair pair = Open(draft_first);
    for (const float temperature : {0.0f, 0.8f}) {
      for (const uint8_t speculate : {0, 1}) {
        for (const size_t prompt : {1, 40, 150}) {
          hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
          sampler.temperature = temperature;
          sampler.seed = 5;
          hob_session_options options = With(nullptr);
          options.sampler = &sampler;
          const std::vector<int32_t> expected = Answer(pair.target.get(), options, prompt, 60);
          options.draft = pair.draft.get();
          options.draft_tokens = prompt == 40 ? 15 : 2;
          options.speculate = speculate;
          const SessionPtr session = MakeSession(pair.target.get(), &options);
          AddTokens(session.get(), Prompt(prompt));
          const hob_generate_result result = Generate(session.get(), 60);
          CHECK(Tokens(session.get()) == expected);
          CHECK(result.generated_tokens == 60);
          const hob_session_stats stats = Stats(session.get());
          CHECK(stats.right_tokens <= stats.guessed_tokens);
          CHECK(stats.guessed_tokens > 0);
          if (temperature == 0) CHECK(stats.right_tokens * 2 > stats.guessed_tokens);
        }
      }
    }
  }
}

TEST_CASE("a draft model that guesses badly changes no answer, and is asked less") {
  const Pair pair = Open(false, 0, 64);
  const std::vector<int32_t> expected = Answer(pair.target.get(), With(nullptr), 30, 200);
  hob_session_options options = With(pair.draft.get());
  CHECK(Answer(pair.target.get(), options, 30, 200) == expected);
  options.draft_tokens = 0;
  const SessionPtr session = MakeSession(pair.target.get(), &options);
  AddTokens(session.get(), Prompt(30));
  Generate(session.get(), 200);
  CHECK(Tokens(session.get()) == expected);
  CHECK(Stats(session.get()).guessed_tokens < 100);
}

TEST_CASE("an answer goes on after others, in forks, and rolls, with its draft model") {
  const Pair pair = Open();
  hob_session_options options = With(pair.draft.get());
  const std::vector<int32_t> expected = Answer(pair.target.get(), With(nullptr), 20, 90);
  const SessionPtr session = MakeSession(pair.target.get(), &options);
  AddTokens(session.get(), Prompt(20));
  Generate(session.get(), 30);
  hob_session* made = nullptr;
  REQUIRE_OK(hob_session_fork(&made, session.get(), &error));
  const SessionPtr fork(made);
  Generate(session.get(), 60);
  CHECK(Tokens(session.get()) == expected);
  Generate(fork.get(), 60);
  CHECK(Tokens(fork.get()) == expected);
  CHECK(Stats(fork.get()).right_tokens > 0);
  // What is reset keeps its draft model.
  REQUIRE_OK(hob_session_reset(session.get(), &error));
  CHECK(Stats(session.get()).cache_bytes == 0);
  AddTokens(session.get(), Prompt(20));
  Generate(session.get(), 90);
  CHECK(Tokens(session.get()) == expected);

  options.context_tokens = 48;
  options.roll = 1;
  options.keep_tokens = 4;
  options.draft = nullptr;
  options.draft_tokens = 0;
  const std::vector<int32_t> rolled = Answer(pair.target.get(), options, 30, 200);
  options.draft = pair.draft.get();
  options.draft_tokens = 3;
  CHECK(Answer(pair.target.get(), options, 30, 200) == rolled);
}

TEST_CASE("a saved session is restored into one with a draft model") {
  const Pair pair = Open();
  const std::vector<int32_t> expected = Answer(pair.target.get(), With(nullptr), 20, 70);
  const SessionPtr first = MakeSession(pair.target.get());
  AddTokens(first.get(), Prompt(20));
  Generate(first.get(), 30);
  void* data = nullptr;
  size_t size = 0;
  REQUIRE_OK(hob_session_save_buffer(&data, &size, first.get(), &error));
  const hob_session_options options = With(pair.draft.get());
  const SessionPtr second = MakeSession(pair.target.get(), &options);
  const hob_status status = hob_session_restore_buffer(second.get(), data, size, nullptr);
  hob_free(data);
  REQUIRE(status == HOB_OK);
  Generate(second.get(), 40);
  CHECK(Tokens(second.get()) == expected);
  CHECK(Stats(second.get()).guessed_tokens > 0);
}

TEST_CASE("an answer ends at once while its draft model is at work, and handles go in any order") {
  for (int i = 0; i < 40; ++i) {
    Pair pair = Open(i % 2 == 0);
    const hob_session_options options = With(pair.draft.get());
    SessionPtr session = MakeSession(pair.target.get(), &options);
    AddTokens(session.get(), Prompt(100));
    hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
    generate.ignore_eos = 1;
    if (i % 4 == 3) generate.max_time_ms = 1 + static_cast<uint32_t>(i / 8);
    REQUIRE_OK(hob_session_start(session.get(), &generate, &error));
    std::this_thread::sleep_for(std::chrono::microseconds(i * 150));
    if (i % 4 == 0) pair.draft.reset();
    if (i % 8 < 2) pair.runtime.reset();
    if (i % 4 == 2) {
      hob_session_cancel(session.get());
      hob_poll poll = HOB_POLL_NOTHING;
      while (poll != HOB_POLL_END) {
        REQUIRE_OK(hob_session_poll(&poll, nullptr, session.get(), -1, &error));
      }
    }
    if (i % 3 == 0) pair.target.reset();
    session.reset();
  }
}

TEST_CASE("without memory for guesses an answer does without") {
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  hob_model_plan_info draft_plan = HOB_MODEL_PLAN_INFO_INIT;
  {
    const RuntimePtr runtime = MakeRuntime();
    hob_model_options other = HOB_MODEL_OPTIONS_INIT;
    other.activations = HOB_ACTIVATIONS_INT8;
    const std::string path = ChatFixture();
    REQUIRE_OK(hob_model_plan(&plan, runtime.get(), path.data(), path.size(), nullptr, &error));
    REQUIRE_OK(
        hob_model_plan(&draft_plan, runtime.get(), path.data(), path.size(), &other, &error));
  }
  const uint64_t both =
      plan.weight_bytes + plan.scratch_bytes + draft_plan.weight_bytes + draft_plan.scratch_bytes;
  const uint64_t pages =
      static_cast<uint64_t>((100 + plan.kv_page_tokens - 1) / plan.kv_page_tokens);
  // Room for the caches of one session of 100 tokens in both models: it fits, but a second one's
  // draft then finds nothing.
  const Pair pair = Open(false, both + pages * (plan.kv_page_bytes + draft_plan.kv_page_bytes));
  hob_session_options options = With(pair.draft.get());
  options.context_tokens = 100;
  const std::vector<int32_t> expected = Answer(pair.target.get(), With(nullptr), 60, 40);
  options.context_tokens = 100 + plan.kv_page_tokens;
  hob_session* none = nullptr;
  const Outcome refused =
      Try([&](auto e) { return hob_session_create(&none, pair.target.get(), &options, e); });
  CHECK(refused.status == HOB_RESOURCE_EXHAUSTED);
  CHECK(refused.message.find("two models") != std::string::npos);

  options.context_tokens = 100;
  // Others hold what the draft model would take.
  std::vector<SessionPtr> others;
  for (uint64_t i = 0; i < pages; ++i) {
    others.push_back(MakeSession(pair.target.get()));
    AddTokens(others.back().get(), Prompt(3, 50 + i));
    Generate(others.back().get(), 2);
  }
  const SessionPtr session = MakeSession(pair.target.get(), &options);
  AddTokens(session.get(), Prompt(60));
  const hob_generate_result result = Generate(session.get(), 40);
  CHECK(result.generated_tokens == 40);
  CHECK(Tokens(session.get()) == expected);
}

TEST_CASE("what cannot be a draft model is refused") {
  const Pair pair = Open();
  const RuntimePtr elsewhere = MakeRuntime();
  const ModelPtr stranger = OpenModel(elsewhere.get(), ChatFixture());
  const ModelPtr speaks_otherwise = OpenModel(pair.runtime.get(), Fixture("llama-q4_0.gguf"));
  hob_model_options vocabulary_only = HOB_MODEL_OPTIONS_INIT;
  vocabulary_only.vocabulary_only = 1;
  const ModelPtr words = OpenModel(pair.runtime.get(), ChatFixture(), &vocabulary_only);
  const auto refuse = [&](hob_model* draft, hob_status status, const char* word) {
    const hob_session_options options = With(draft);
    hob_session* session = nullptr;
    const Outcome outcome =
        Try([&](auto e) { return hob_session_create(&session, pair.target.get(), &options, e); });
    CHECK(outcome.status == status);
    CHECK(outcome.message.find(word) != std::string::npos);
    CHECK(!outcome.hint.empty());
  };
  for (const int32_t tokens : {-1, 16}) {
    hob_session_options options = With(pair.draft.get());
    options.draft_tokens = tokens;
    hob_session* session = nullptr;
    CHECK(Try([&](auto e) {
            return hob_session_create(&session, pair.target.get(), &options, e);
          }).status == HOB_INVALID_ARGUMENT);
  }
  refuse(pair.target.get(), HOB_INVALID_ARGUMENT, "own model");
  refuse(stranger.get(), HOB_INVALID_ARGUMENT, "runtime");
  refuse(speaks_otherwise.get(), HOB_INVALID_ARGUMENT, "vocabulary");
  refuse(words.get(), HOB_FAILED_PRECONDITION, "vocabulary only");
}
