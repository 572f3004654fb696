// SPDX-License-Identifier: Apache-2.0
// What a session does, seen through the C interface, on a tiny random model.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/abi/client.h"

using namespace hob::test;

namespace {

std::vector<float> Evaluate(hob_session* session, const std::vector<int32_t>& tokens,
                            size_t vocabulary) {
  struct State {
    std::vector<float> logits;
    size_t vocabulary, next = 0;
    bool ordered = true;
  } state{{}, vocabulary};
  const auto take = [](void* user, size_t first, size_t rows, const float* logits) -> int32_t {
    auto* s = static_cast<State*>(user);
    s->ordered = s->ordered && first == s->next;
    s->next = first + rows;
    s->logits.insert(s->logits.end(), logits, logits + rows * s->vocabulary);
    return 0;
  };
  REQUIRE_OK(hob_session_evaluate(session, tokens.data(), tokens.size(), take, &state, &error));
  CHECK(state.ordered);
  CHECK(state.next == tokens.size());
  return state.logits;
}

}  // namespace

TEST_CASE("a model tells what it is") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_model_info info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
  CHECK(info.vocabulary_size == 288);
  CHECK(info.context_length == 256);
  CHECK(info.layers == 2);
  CHECK(info.has_chat_template == 1);
  CHECK(info.parameters > 0);
  CHECK(info.file_bytes > 0);
  CHECK(info.kv_bytes_per_token ==
        uint64_t{2} * 2 * static_cast<uint64_t>(info.layers * info.kv_heads * info.head_dim));
  hob_string text;
  REQUIRE_OK(hob_model_get_text(&text, model.get(), HOB_MODEL_ARCHITECTURE, &error));
  CHECK(Text(text) == "llama");
  REQUIRE_OK(hob_model_get_text(&text, model.get(), HOB_MODEL_NAME, &error));
  CHECK(Text(text) == "hob fixture smollm-q4_1");
  REQUIRE_OK(hob_model_get_text(&text, model.get(), HOB_MODEL_TOKENIZER, &error));
  CHECK(Text(text) == "gpt2/smollm");
  REQUIRE_OK(hob_model_get_text(&text, model.get(), HOB_MODEL_LICENSE, &error));
  CHECK(text.data != nullptr);
}

TEST_CASE("text becomes tokens and text again") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const std::string text = "Hello é 世界<|im_end|>";
  int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(hob_model_tokenize(&tokens, &count, model.get(), text.data(), text.size(),
                                HOB_TEXT_PARSE_SPECIAL, &error));
  REQUIRE(count > 1);
  int32_t end = -1;
  REQUIRE_OK(hob_model_find_token(&end, model.get(), "<|im_end|>", 10, &error));
  CHECK(tokens[count - 1] == end);
  uint8_t is_end = 0;
  REQUIRE_OK(hob_model_is_end_token(&is_end, model.get(), end, &error));
  CHECK(is_end == 1);
  REQUIRE_OK(hob_model_is_end_token(&is_end, model.get(), tokens[0], &error));
  CHECK(is_end == 0);
  for (const hob_text_flags flags : {HOB_TEXT_PLAIN, HOB_TEXT_SHOW_SPECIAL}) {
    char* back = nullptr;
    size_t size = 0;
    REQUIRE_OK(hob_model_detokenize(&back, &size, model.get(), tokens, count, flags, &error));
    CHECK(std::string(back, size) == (flags == 0 ? text.substr(0, text.size() - 10) : text));
    CHECK(back[size] == '\0');
    hob_free(back);
  }
  hob_free(tokens);
  REQUIRE_OK(hob_model_tokenize(&tokens, &count, model.get(), nullptr, 0, 0, &error));
  CHECK(count == 0);
  hob_free(tokens);
}

TEST_CASE("a conversation goes on from its cache") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "system", "be kind") == HOB_OK);
  REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
  const hob_generate_result first = Generate(session.get(), 6);
  CHECK(first.cached_tokens == 0);
  CHECK(first.generated_tokens == 6);
  CHECK(first.finish_reason == HOB_FINISH_LENGTH);
  CHECK(Tokens(session.get()).size() == static_cast<size_t>(first.prompt_tokens) + 6);

  REQUIRE(AddMessage(session.get(), "user", "more") == HOB_OK);
  const hob_generate_result second = Generate(session.get(), 6);
  CHECK(second.cached_tokens >= first.prompt_tokens);
  CHECK(second.prompt_tokens > first.prompt_tokens);
  size_t count = 0;
  REQUIRE_OK(hob_session_message_count(&count, session.get(), &error));
  CHECK(count == 5);
  const std::vector<int32_t> tokens = Tokens(session.get());

  // Going back and asking again gives the same answer, cached or not.
  REQUIRE_OK(hob_session_keep_messages(session.get(), 4, &error));
  const hob_generate_result again = Generate(session.get(), 6);
  CHECK(again.cached_tokens == second.prompt_tokens - 1);
  CHECK(Tokens(session.get()) == tokens);

  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  REQUIRE_OK(hob_session_get_stats(&stats, session.get(), &error));
  CHECK(stats.prompt_tokens == static_cast<uint64_t>(again.prompt_tokens));
  CHECK(stats.cached_tokens == static_cast<uint64_t>(again.cached_tokens));
  CHECK(stats.generated_tokens == 6);
  CHECK(stats.time_to_first_token_ns >= stats.prefill_ns);
  CHECK(stats.decode_tokens_per_second > 0);
  CHECK(stats.cache_bytes > 0);
  CHECK(stats.context_tokens == 256);
}

TEST_CASE("raw text is continued, and the same whatever was cached or how it was cut") {
  const RuntimePtr runtime = MakeRuntime();
  const std::vector<int32_t> prompt = Prompt(150);
  std::vector<int32_t> expected;
  for (const uint32_t rows : {512u, 1u, 7u, 64u}) {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.max_batch_rows = rows;
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
    const SessionPtr session = MakeSession(model.get());
    REQUIRE_OK(hob_session_add_tokens(session.get(), prompt.data(), prompt.size(), &error));
    Generate(session.get(), 20);
    if (expected.empty()) expected = Tokens(session.get());
    CHECK(Tokens(session.get()) == expected);
    // In two halves, with an answer between them that is then replaced.
    REQUIRE_OK(hob_session_reset(session.get(), &error));
    REQUIRE_OK(hob_session_add_tokens(session.get(), prompt.data(), 70, &error));
    Generate(session.get(), 1);
    REQUIRE_OK(hob_session_reset(session.get(), &error));
    REQUIRE_OK(hob_session_add_tokens(session.get(), prompt.data(), 150, &error));
    Generate(session.get(), 10);
    const hob_generate_result rest = Generate(session.get(), 10);
    CHECK(rest.cached_tokens == 159);
    CHECK(Tokens(session.get()) == expected);
  }
}

TEST_CASE("the context bounds an answer") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.context_tokens = 30;
  const SessionPtr session = MakeSession(model.get(), &options);
  const std::vector<int32_t> prompt = Prompt(20);
  REQUIRE_OK(hob_session_add_tokens(session.get(), prompt.data(), prompt.size(), &error));
  hob_generate_result result = Generate(session.get(), 0);
  CHECK(result.finish_reason == HOB_FINISH_CONTEXT_FULL);
  CHECK(result.generated_tokens == 10);
  CHECK(Tokens(session.get()).size() == 30);
  result = Generate(session.get(), 0);
  CHECK(result.finish_reason == HOB_FINISH_CONTEXT_FULL);
  CHECK(result.generated_tokens == 0);
}

TEST_CASE("an answer streams as it is kept, and a stop text ends it") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  struct Seen {
    std::string text;
    std::vector<int32_t> ids;
    bool whole = true;
  } seen;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 60;
  options.ignore_eos = 1;
  options.user = &seen;
  options.on_token = [](void* user, const hob_token* token) -> int32_t {
    auto* s = static_cast<Seen*>(user);
    s->whole = s->whole && token->struct_size == sizeof(hob_token);
    s->text.append(token->text, token->text_size);
    if (token->id != HOB_NO_TOKEN) s->ids.push_back(token->id);
    return 0;
  };
  REQUIRE(AddText(session.get(), "Once upon a time") == HOB_OK);
  const size_t prompt = Tokens(session.get()).size();
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
  const std::string reply = Reply(session.get());
  CHECK(seen.text == reply);
  CHECK(seen.whole);
  const std::vector<int32_t> tokens = Tokens(session.get());
  CHECK(std::equal(seen.ids.begin(), seen.ids.end(),
                   tokens.begin() + static_cast<ptrdiff_t>(prompt), tokens.end()));

  // A piece of that answer as the stop text.
  REQUIRE(reply.size() > 12);
  size_t at = reply.size() / 2;
  while ((static_cast<uint8_t>(reply[at]) & 0xC0) == 0x80) --at;
  size_t end = at + 4;
  while (end < reply.size() && (static_cast<uint8_t>(reply[end]) & 0xC0) == 0x80) ++end;
  const std::string stop_text = reply.substr(at, end - at);
  const hob_string stops[] = {{"never in there", 14}, {stop_text.data(), stop_text.size()}};
  options.stops = stops;
  options.stop_count = 2;
  seen = {};
  REQUIRE_OK(hob_session_reset(session.get(), &error));
  REQUIRE(AddText(session.get(), "Once upon a time") == HOB_OK);
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session.get(), &options, &error));
  CHECK(result.finish_reason == HOB_FINISH_STOP);
  CHECK(result.stop_index == 1);
  CHECK(Reply(session.get()) == reply.substr(0, reply.find(stop_text)));
  CHECK(seen.text == Reply(session.get()));
}

TEST_CASE("the sampler's seed decides the answer") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 1.5f;
  const auto answer = [&](uint64_t seed) {
    sampler.seed = seed;
    hob_session_options options = HOB_SESSION_OPTIONS_INIT;
    options.sampler = &sampler;
    const SessionPtr session = MakeSession(model.get(), &options);
    REQUIRE(AddText(session.get(), "hello") == HOB_OK);
    Generate(session.get(), 30);
    const std::vector<int32_t> tokens = Tokens(session.get());
    // The same once more after a reset.
    REQUIRE_OK(hob_session_reset(session.get(), &error));
    REQUIRE(AddText(session.get(), "hello") == HOB_OK);
    Generate(session.get(), 30);
    CHECK(Tokens(session.get()) == tokens);
    return tokens;
  };
  const auto one = answer(1);
  CHECK(answer(1) == one);
  CHECK(answer(2) != one);
}

TEST_CASE("sessions side by side give what each gives alone") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  constexpr size_t kSessions = 6;
  // Runs on several threads at once, so it asserts nothing: Catch2's assertions are for one thread.
  const auto run = [&](size_t i) {
    hob_session* made = nullptr;
    hob_session_create(&made, model.get(), nullptr, nullptr);
    const SessionPtr session(made);
    const std::vector<int32_t> prompt = Prompt(10 + 30 * i);
    hob_session_add_tokens(session.get(), prompt.data(), prompt.size(), nullptr);
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.max_tokens = 25;
    options.ignore_eos = 1;
    hob_session_generate(nullptr, session.get(), &options, nullptr);
    const int32_t* tokens = nullptr;
    size_t count = 0;
    hob_session_get_tokens(&tokens, &count, session.get(), nullptr);
    return std::vector<int32_t>(tokens, tokens + count);
  };
  std::vector<std::vector<int32_t>> alone(kSessions), together(kSessions);
  for (size_t i = 0; i < kSessions; ++i) alone[i] = run(i);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kSessions; ++i) threads.emplace_back([&, i] { together[i] = run(i); });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kSessions; ++i) {
    CHECK(alone[i].size() == 10 + 30 * i + 25);
    CHECK(alone[i] == together[i]);
  }
}

TEST_CASE("evaluate gives every position's logits, the same for any chunk and as generation uses") {
  const RuntimePtr runtime = MakeRuntime();
  const std::vector<int32_t> tokens = Prompt(200);
  std::vector<float> expected;
  for (const uint32_t rows : {512u, 13u}) {
    hob_model_options options = HOB_MODEL_OPTIONS_INIT;
    options.max_batch_rows = rows;
    const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
    const SessionPtr session = MakeSession(model.get());
    const std::vector<float> logits = Evaluate(session.get(), tokens, 288);
    CHECK(logits.size() == 200 * 288);
    CHECK(std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }));
    if (expected.empty()) expected = logits;
    CHECK(std::memcmp(expected.data(), logits.data(), logits.size() * sizeof(float)) == 0);

    const hob_generate_result result = Generate(session.get(), 1);
    CHECK(result.cached_tokens == 199);
    const auto best = std::max_element(logits.end() - 288, logits.end()) - (logits.end() - 288);
    CHECK(Tokens(session.get()).back() == best);
  }
}

TEST_CASE("rope scaling makes the context longer") {
  const RuntimePtr runtime = MakeRuntime();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.rope_scaling = HOB_ROPE_YARN;
  options.rope_factor = 2;
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
  hob_model_info info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
  CHECK(info.context_length == 512);
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.context_tokens = 512;
  hob_session* created = nullptr;
  REQUIRE_OK(hob_session_create(&created, model.get(), &session_options, &error));
  const SessionPtr session(created);
  const std::vector<float> logits = Evaluate(session.get(), Prompt(500), 288);
  CHECK(logits.size() == 500 * 288);
  session_options.context_tokens = 513;
  CHECK(Try([&](auto e) {
          return hob_session_create(&created, model.get(), &session_options, e);
        }).status == HOB_INVALID_ARGUMENT);
}
