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
          if (temperature == 0 && speculate == 0)
            CHECK(stats.right_tokens * 2 > stats.guessed_tokens);
        }
      }
    }
  }
}

TEST_CASE("a draft model that guesses badly changes no answer") {
  const Pair pair = Open(false, 0, 64);
  const std::vector<int32_t> expected = Answer(pair.target.get(), With(nullptr), 30, 200);
  hob_session_options options = With(pair.draft.get());
  CHECK(Answer(pair.target.get(), options, 30, 200) == expected);
  options.draft_tokens = 0;
  const SessionPtr session = MakeSession(pair.target.get(), &options);
  AddTokens(session.get(), Prompt(30));
  Generate(session.get(), 200);
  CHECK(Tokens(session.get()) == expected);
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

TEST_CASE("where an answer ends, and by what, does not depend on guesses") {
  const Pair pair = Open();
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.repetition_penalty = 1.3f;
  sampler.repetition_window = 20;
  struct Case {
    float temperature;
    int32_t max_tokens, context_tokens;
    uint8_t ignore_eos, roll;
    bool stop;
  };
  const Case cases[] = {
      {0, 1, 0, 1, 0, false},     {0, 2, 0, 1, 0, false},     {0, 3, 0, 1, 0, true},
      {0.7f, 0, 45, 1, 0, false}, {0.7f, 0, 64, 0, 0, false}, {1.5f, 0, 100, 0, 0, true},
      {1.5f, 90, 32, 1, 1, true}, {0, 0, 41, 1, 0, false},    {1.2f, 150, 33, 0, 1, false},
  };
  for (const Case& each : cases) {
    sampler.temperature = each.temperature;
    for (uint64_t seed = 0; seed < 6; ++seed) {
      sampler.seed = seed;
      std::vector<int32_t> tokens;
      std::string stop_text, reply;
      hob_generate_result result = HOB_GENERATE_RESULT_INIT;
      // Without, by the prompt, by a draft model, by both.
      for (const int way : {0, 1, 2, 3}) {
        INFO("max_tokens " << each.max_tokens << ", context " << each.context_tokens << ", seed "
                           << seed << ", way " << way);
        hob_session_options options = With(way >= 2 ? pair.draft.get() : nullptr);
        options.speculate = way % 2;
        options.sampler = &sampler;
        options.context_tokens = each.context_tokens;
        options.roll = each.roll;
        hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
        generate.max_tokens = each.max_tokens;
        generate.ignore_eos = each.ignore_eos;
        std::vector<int32_t> prompt = Prompt(14);
        const std::vector<int32_t> again = prompt;
        prompt.insert(prompt.end(), again.begin(), again.end());
        if (each.stop && way == 0) {  // what comes without it, in the middle
          const SessionPtr session = MakeSession(pair.target.get(), &options);
          AddTokens(session.get(), prompt);
          REQUIRE_OK(hob_session_generate(nullptr, session.get(), &generate, &error));
          const std::string all = Reply(session.get());
          size_t from = all.size() / 2, to = from;
          while (from > 0 && (all[from] & 0xc0) == 0x80) --from;
          to = std::min(all.size(), from + 3);
          while (to < all.size() && (all[to] & 0xc0) == 0x80) ++to;
          stop_text = all.substr(from, to - from);
        }
        const hob_string stop = {stop_text.data(), stop_text.size()};
        if (!stop_text.empty()) {
          generate.stops = &stop;
          generate.stop_count = 1;
        }
        const SessionPtr session = MakeSession(pair.target.get(), &options);
        AddTokens(session.get(), prompt);
        hob_generate_result own = HOB_GENERATE_RESULT_INIT;
        REQUIRE_OK(hob_session_generate(&own, session.get(), &generate, &error));
        // And on from there: the sampler, too, is where it would be.
        Generate(session.get(), 4);
        if (way == 0) {
          result = own;
          tokens = Tokens(session.get());
          reply = Reply(session.get());
        }
        CHECK(own.finish_reason == result.finish_reason);
        CHECK(own.stop_index == result.stop_index);
        CHECK(own.generated_tokens == result.generated_tokens);
        CHECK(own.dropped_tokens == result.dropped_tokens);
        CHECK(Tokens(session.get()) == tokens);
        CHECK(Reply(session.get()) == reply);
      }
    }
  }
}

TEST_CASE("models draft for each other, and in chains, at once") {
  const Pair pair = Open();
  hob_model_options exact = HOB_MODEL_OPTIONS_INIT;
  exact.activations = HOB_ACTIVATIONS_F32;
  const ModelPtr third = OpenModel(pair.runtime.get(), ChatFixture(), &exact);
  hob_model* const models[] = {pair.target.get(), pair.draft.get(), third.get()};
  std::vector<int32_t> expected[3];
  for (int i = 0; i < 3; ++i) expected[i] = Answer(models[i], With(nullptr), 70, 60);
  std::vector<SessionPtr> sessions;
  std::vector<int> of;
  for (int i = 0; i < 3; ++i) {
    for (const int by : {1, 2, 1, 2}) {
      const hob_session_options options = With(models[(i + by) % 3]);
      sessions.push_back(MakeSession(models[i], &options));
      AddTokens(sessions.back().get(), Prompt(70));
      of.push_back(i);
    }
  }
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 60;
  generate.ignore_eos = 1;
  for (size_t i = 0; i < sessions.size(); ++i) {
    generate.priority = static_cast<int32_t>(i % 3);
    REQUIRE_OK(hob_session_start(sessions[i].get(), &generate, &error));
  }
  // One that is cancelled, and one that nobody fetches until the others are done.
  hob_session_cancel(sessions[5].get());
  for (size_t i = 1; i < sessions.size() + 1; ++i) {
    hob_session* const session = sessions[i % sessions.size()].get();
    hob_poll poll = HOB_POLL_NOTHING;
    while (poll != HOB_POLL_END) REQUIRE_OK(hob_session_poll(&poll, nullptr, session, -1, &error));
    if (i != 5) CHECK(Tokens(session) == expected[of[i % sessions.size()]]);
  }
}

TEST_CASE("guesses take no memory that an answer needs") {
  hob_model_options unshared = HOB_MODEL_OPTIONS_INIT;
  unshared.shared_cache_tokens = -1;
  const std::string path = ChatFixture();
  uint64_t open = 0, page = 0;
  {
    const RuntimePtr runtime = MakeRuntime();
    hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
    REQUIRE_OK(hob_model_plan(&plan, runtime.get(), path.data(), path.size(), &unshared, &error));
    page = plan.kv_page_bytes;
    const ModelPtr model = OpenModel(runtime.get(), path, &unshared);
    hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
    REQUIRE_OK(hob_runtime_get_info(&info, runtime.get(), &error));
    open = info.bytes_in_use;
  }
  // Four pages, one of them another session's: the answer needs two, its draft model would like
  // two.
  hob_runtime_options limited = HOB_RUNTIME_OPTIONS_INIT;
  limited.threads = 2;
  limited.memory_limit = 2 * open + 4 * page;
  hob_runtime* made = nullptr;
  REQUIRE_OK(hob_runtime_create(&made, &limited, &error));
  const RuntimePtr runtime(made);
  const ModelPtr target = OpenModel(made, path, &unshared),
                 draft = OpenModel(made, path, &unshared);
  const std::vector<int32_t> expected = Answer(target.get(), With(nullptr), 50, 50);
  const SessionPtr other = MakeSession(target.get());
  AddTokens(other.get(), Prompt(3));
  Generate(other.get(), 2);
  hob_session_options options = With(draft.get());
  options.draft_tokens = 15;
  options.context_tokens = 100;
  CHECK(Answer(target.get(), options, 50, 50) == expected);

  // A page each for two more, and one for an answer that ends where its page does.
  const SessionPtr more[] = {MakeSession(target.get()), MakeSession(target.get())};
  for (const SessionPtr& each : more) {
    AddTokens(each.get(), Prompt(3));
    Generate(each.get(), 2);
  }
  hob_session_options speculating = HOB_SESSION_OPTIONS_INIT;
  const std::vector<int32_t> repeated(50, 5);
  std::vector<int32_t> plain;
  for (const uint8_t speculate : {0, 1}) {
    speculating.speculate = speculate;
    const SessionPtr session = MakeSession(target.get(), &speculating);
    AddTokens(session.get(), repeated);
    hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
    generate.ignore_eos = 1;
    generate.max_tokens = 15;
    hob_generate_options longer = generate;
    longer.max_tokens = 40;
    // What passes the page fails, and at the same token.
    std::vector<int32_t> seen;
    longer.user = &seen;
    longer.on_token = [](void* user, const hob_token* token) -> int32_t {
      static_cast<std::vector<int32_t>*>(user)->push_back(token->id);
      return 0;
    };
    CHECK(hob_session_generate(nullptr, session.get(), &longer, nullptr) == HOB_RESOURCE_EXHAUSTED);
    CHECK(seen.size() == 15);
    REQUIRE_OK(hob_session_generate(nullptr, session.get(), &generate, &error));
    if (speculate == 0) plain = seen;
    CHECK(seen == plain);
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
