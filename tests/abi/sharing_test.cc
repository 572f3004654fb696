// SPDX-License-Identifier: Apache-2.0
// Forks, shared prefixes, guessed tokens and rolling contexts: faster, or longer, and the same
// answer.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

// Words that come again and again.
std::vector<int32_t> Refrain(size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = static_cast<int32_t>(20 + i % 9);
  return tokens;
}

std::vector<int32_t> Alone(const std::vector<int32_t>& prompt, int32_t count,
                           const hob_session_options* options = nullptr) {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get(), options);
  AddTokens(session.get(), prompt);
  Generate(session.get(), count);
  return Tokens(session.get());
}

}  // namespace

TEST_CASE("sessions that begin alike share what was computed, and answer as if alone") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const std::vector<int32_t> prompt = Prompt(150);
  const SessionPtr first = MakeSession(model.get());
  AddTokens(first.get(), prompt);
  CHECK(Generate(first.get(), 20).cached_tokens == 0);
  const SessionPtr second = MakeSession(model.get());
  AddTokens(second.get(), prompt);
  CHECK(Generate(second.get(), 20).cached_tokens == 128);  // two pages of 64
  CHECK(Tokens(second.get()) == Tokens(first.get()));

  // The third parts in the second page.
  std::vector<int32_t> other = prompt;
  other[100] = 3;
  const SessionPtr third = MakeSession(model.get());
  AddTokens(third.get(), other);
  CHECK(Generate(third.get(), 20).cached_tokens == 64);
  CHECK(Tokens(third.get()) == Alone(other, 20));
  CHECK(Tokens(first.get()) == Alone(prompt, 20));
}

TEST_CASE("caches of several types share a model, and what is computed within a type") {
  const std::vector<int32_t> prompt = Prompt(150);
  constexpr hob_kv_type kTypes[] = {HOB_KV_F16, HOB_KV_F32, HOB_KV_INT8};
  // What a model that was opened for the type answers, and the bytes that takes.
  std::vector<std::vector<int32_t>> wanted;
  std::vector<uint64_t> token_bytes;
  for (const hob_kv_type type : kTypes) {
    const RuntimePtr runtime = MakeRuntime();
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.kv_type = type;
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
    const SessionPtr session = MakeSession(model.get());
    AddTokens(session.get(), prompt);
    Generate(session.get(), 20);
    wanted.push_back(Tokens(session.get()));
    hob_model_info info = HOB_MODEL_INFO_INIT;
    REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
    token_bytes.push_back(info.kv_bytes_per_token);
  }
  for (const hob_kv_type own : kTypes) {
    const RuntimePtr runtime = MakeRuntime();
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.kv_type = own;
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
    for (const int32_t cached : {0, 128}) {
      for (size_t i = 0; i < std::size(kTypes); ++i) {
        INFO("model " << own << ", session " << kTypes[i]);
        hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
        session_options.kv_type = kTypes[i];
        const SessionPtr session = MakeSession(model.get(), &session_options);
        AddTokens(session.get(), prompt);
        CHECK(Generate(session.get(), 20).cached_tokens == cached);  // of its own type
        CHECK(Tokens(session.get()) == wanted[i]);
        hob_session* fork = nullptr;
        REQUIRE_OK(hob_session_fork(&fork, session.get(), &error));
        const SessionPtr owner(fork);
        for (hob_session* each : {session.get(), fork}) {
          hob_session_stats stats = HOB_SESSION_STATS_INIT;
          REQUIRE_OK(hob_session_get_stats(&stats, each, &error));
          CHECK(stats.cache_bytes == 192 * token_bytes[i]);
        }
        Generate(session.get(), 30);
        CHECK(Generate(fork, 30).cached_tokens > 160);
        CHECK(Tokens(fork) == Tokens(session.get()));
      }
    }
  }
}

TEST_CASE("what is shared is bounded, and gone where it is not wanted") {
  const RuntimePtr runtime = MakeRuntime();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  for (const int32_t tokens : {-1, 64, 128}) {
    options.shared_cache_tokens = tokens;
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
    hob_runtime_info before = HOB_RUNTIME_INFO_INIT, after = HOB_RUNTIME_INFO_INIT;
    REQUIRE_OK(hob_runtime_get_info(&before, runtime.get(), &error));
    for (int32_t i = 0; i < 5; ++i) {
      const SessionPtr session = MakeSession(model.get());
      AddTokens(session.get(), Prompt(200, 10 * static_cast<size_t>(i)));
      Generate(session.get(), 1);
    }
    hob_model_info info = HOB_MODEL_INFO_INIT;
    REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
    REQUIRE_OK(hob_runtime_get_info(&after, runtime.get(), &error));
    const uint64_t kept = tokens < 0 ? 0 : static_cast<uint64_t>(tokens);
    CHECK(after.bytes_in_use - before.bytes_in_use == kept * info.kv_bytes_per_token);
  }
  options.shared_cache_tokens = -2;
  const std::string path = ChatFixture();
  CHECK(Try([&](auto e) {
          hob_model* model = nullptr;
          return hob_model_open(&model, runtime.get(), path.data(), path.size(), &options, e);
        }).status == HOB_INVALID_ARGUMENT);
}

TEST_CASE("what is shared makes room for whoever needs memory") {
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  const std::string path = ChatFixture();
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  REQUIRE_OK(hob_model_plan(&plan, MakeRuntime().get(), path.data(), path.size(), nullptr, &error));
  options.memory_limit = plan.weight_bytes + plan.scratch_bytes + plan.session_bytes +
                         plan.evaluate_bytes + 4096;  // and not a page more
  hob_runtime* limited = nullptr;
  REQUIRE_OK(hob_runtime_create(&limited, &options, &error));
  const RuntimePtr runtime(limited);
  const ModelPtr model = OpenModel(limited, path);
  const std::vector<int32_t> prompt = Prompt(240), other = Prompt(240, 90);
  const auto fill = [&](const std::vector<int32_t>& tokens) {
    const SessionPtr session = MakeSession(model.get());
    AddTokens(session.get(), tokens);
    Generate(session.get(), 5);
    void* data = nullptr;
    size_t size = 0;
    REQUIRE_OK(hob_session_save_buffer(&data, &size, session.get(), &error));
    std::vector<uint8_t> saved(size);
    std::memcpy(saved.data(), data, size);
    hob_free(data);
    return saved;
  };
  const auto evaluate = [](void*, size_t, size_t, const float*) -> int32_t { return 0; };
  const std::vector<uint8_t> saved = fill(prompt);  // its pages stay, for others
  fill(other);
  {
    const SessionPtr session = MakeSession(model.get());
    REQUIRE_OK(hob_session_evaluate(session.get(), prompt.data(), prompt.size(), evaluate, nullptr,
                                    &error));
  }
  fill(other);
  const SessionPtr session = MakeSession(model.get());
  REQUIRE_OK(hob_session_restore_buffer(session.get(), saved.data(), saved.size(), &error));
  CHECK(Tokens(session.get()).size() == 245);
}

TEST_CASE("a fork goes on from where its origin is, and neither disturbs the other") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 1.2f;
  sampler.seed = 5;
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.sampler = &sampler;
  const std::vector<int32_t> prompt = Prompt(90);
  const SessionPtr origin = MakeSession(model.get(), &options);
  AddTokens(origin.get(), prompt);
  Generate(origin.get(), 10);
  hob_session* made = nullptr;
  REQUIRE_OK(hob_session_fork(&made, origin.get(), &error));
  const SessionPtr fork(made);
  CHECK(Tokens(fork.get()) == Tokens(origin.get()));
  const hob_generate_result result = Generate(fork.get(), 30);
  CHECK(result.cached_tokens == 99);
  const std::vector<int32_t> answer = Tokens(fork.get());
  Generate(origin.get(), 30);
  CHECK(Tokens(origin.get()) == answer);
  CHECK(answer == [&] {
    const SessionPtr whole = MakeSession(model.get(), &options);
    AddTokens(whole.get(), prompt);
    Generate(whole.get(), 40);
    return Tokens(whole.get());
  }());
  // Another way from the same place.
  REQUIRE_OK(hob_session_reset(fork.get(), &error));
  AddTokens(fork.get(), Prompt(90, 40));
  Generate(fork.get(), 5);
  CHECK(Tokens(origin.get()) == answer);
}

TEST_CASE("guessed tokens change no answer") {
  for (const float temperature : {0.0f, 0.7f}) {
    for (const auto& prompt : {Refrain(60), Prompt(60), Refrain(3), Refrain(200)}) {
      hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
      sampler.temperature = temperature;
      sampler.repetition_penalty = 1.1f;
      hob_session_options options = HOB_SESSION_OPTIONS_INIT;
      options.sampler = &sampler;
      const std::vector<int32_t> expected = Alone(prompt, 50, &options);
      options.speculate = 1;
      CHECK(Alone(prompt, 50, &options) == expected);
    }
  }
}

TEST_CASE("a session that rolls goes on without end, as one that begins with what is left") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  for (const uint8_t speculate : {0, 1}) {
    hob_session_options options = HOB_SESSION_OPTIONS_INIT;
    options.context_tokens = 40;
    options.roll = 1;
    options.keep_tokens = 4;
    options.speculate = speculate;
    const SessionPtr session = MakeSession(model.get(), &options);
    AddTokens(session.get(), Prompt(30));
    // Full at 40, 18 of the 36 that are not kept go.
    hob_generate_result result = Generate(session.get(), 10);
    CHECK(result.finish_reason == HOB_FINISH_LENGTH);
    CHECK(result.dropped_tokens == 0);
    const std::vector<int32_t> before = Tokens(session.get());
    result = Generate(session.get(), 300);
    CHECK(result.finish_reason == HOB_FINISH_LENGTH);
    CHECK(result.generated_tokens == 300);
    CHECK(result.dropped_tokens == ((339 - 40) / 18 + 1) * 18);
    CHECK(Tokens(session.get()).size() == static_cast<size_t>(340 - result.dropped_tokens));

    // By hand: what is left, then as many tokens as there is room for.
    std::vector<int32_t> left(before.begin(), before.begin() + 4);
    left.insert(left.end(), before.begin() + 22, before.end());
    std::vector<int32_t> all = before;
    while (all.size() < 340) {
      options.roll = 0;
      options.keep_tokens = 0;
      const SessionPtr fresh = MakeSession(model.get(), &options);
      AddTokens(fresh.get(), left);
      Generate(fresh.get(),
               static_cast<int32_t>(std::min<size_t>(40 - left.size(), 340 - all.size())));
      const std::vector<int32_t> now = Tokens(fresh.get());
      all.insert(all.end(), now.begin() + static_cast<ptrdiff_t>(left.size()), now.end());
      left.assign(now.begin(), now.begin() + 4);
      left.insert(left.end(), now.begin() + 22, now.end());
    }
    const std::vector<int32_t> end = Tokens(session.get());
    CHECK(std::equal(end.begin() + 4, end.end(), all.end() - static_cast<ptrdiff_t>(end.size()) + 4,
                     all.end()));
  }
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.keep_tokens = 4;
  CHECK(Try([&](auto e) {
          hob_session* session = nullptr;
          return hob_session_create(&session, model.get(), &options, e);
        }).status == HOB_INVALID_ARGUMENT);
}

TEST_CASE("an answer can be polled, and the session refuses all else meanwhile") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  hob_poll kind = HOB_POLL_NOTHING;
  hob_token token = HOB_TOKEN_INIT;
  CHECK(Try([&](auto e) { return hob_session_poll(&kind, &token, session.get(), 0, e); }).status ==
        HOB_FAILED_PRECONDITION);
  const std::vector<int32_t> prompt = Prompt(100);
  AddTokens(session.get(), prompt);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 20;
  options.ignore_eos = 1;
  REQUIRE_OK(hob_session_start(session.get(), &options, &error));
  CHECK(Try([&](auto e) { return hob_session_reset(session.get(), e); }).status ==
        HOB_FAILED_PRECONDITION);
  CHECK(Try([&](auto e) { return hob_session_start(session.get(), &options, e); }).status ==
        HOB_FAILED_PRECONDITION);
  std::vector<int32_t> seen = prompt;
  std::string text;
  while (kind != HOB_POLL_END) {
    REQUIRE_OK(hob_session_poll(&kind, &token, session.get(), 1, &error));
    if (kind != HOB_POLL_TOKEN) continue;
    if (token.id != HOB_NO_TOKEN) seen.push_back(token.id);
    text.append(token.text, token.text_size);
  }
  CHECK(seen == Tokens(session.get()));
  CHECK(text == Reply(session.get()));
  CHECK(seen == Alone(prompt, 20));
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_get_result(&result, session.get(), &error));
  CHECK(result.generated_tokens == 20);
  CHECK(result.finish_reason == HOB_FINISH_LENGTH);

  // Cancelled after three tokens: what came further has not happened.
  options.max_tokens = 0;
  REQUIRE_OK(hob_session_start(session.get(), &options, &error));
  for (int i = 0; i < 3; ++i) {
    REQUIRE_OK(hob_session_poll(&kind, &token, session.get(), -1, &error));
    CHECK(kind == HOB_POLL_TOKEN);
  }
  hob_session_cancel(session.get());
  REQUIRE_OK(hob_session_poll(&kind, nullptr, session.get(), -1, &error));
  CHECK(kind == HOB_POLL_END);
  CHECK(Tokens(session.get()).size() == seen.size() + 3);
  // Destroyed in the middle.
  REQUIRE_OK(hob_session_start(session.get(), &options, &error));
}
