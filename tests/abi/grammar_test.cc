// SPDX-License-Identifier: Apache-2.0
// Answers of a promised form, and how likely the model held each token.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <thread>

#include "tests/abi/units.h"

using namespace hob::test;

namespace {

using GrammarPtr = std::unique_ptr<hob_grammar, Destroyer<hob_grammar_destroy>>;
using MatcherPtr = std::unique_ptr<hob_matcher, Destroyer<hob_matcher_destroy>>;

TokenizerPtr TokenizerOf(const hob_model* model) {
  hob_tokenizer* tokenizer = nullptr;
  REQUIRE_OK(hob_model_get_tokenizer(&tokenizer, model, &error));
  return TokenizerPtr(tokenizer);
}

GrammarPtr Choices(const hob_tokenizer* tokenizer, std::vector<std::string_view> texts) {
  std::vector<hob_string> list;
  for (const std::string_view text : texts) list.push_back({text.data(), text.size()});
  hob_grammar* grammar = nullptr;
  REQUIRE_OK(hob_grammar_create_choices(&grammar, tokenizer, list.data(), list.size(), &error));
  return GrammarPtr(grammar);
}

GrammarPtr Create(const hob_tokenizer* tokenizer, hob_grammar_kind kind, std::string_view source) {
  hob_grammar* grammar = nullptr;
  REQUIRE_OK(hob_grammar_create(&grammar, tokenizer, kind, source.data(), source.size(), &error));
  return GrammarPtr(grammar);
}

struct Answered {
  std::string text;
  hob_finish_reason finish;
};

Answered Answer(hob_model* model, const hob_grammar* grammar,
                const hob_sampler_options* sampler = nullptr, uint8_t speculate = 0,
                int32_t max_tokens = 0) {
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.sampler = sampler;
  options.speculate = speculate;
  const SessionPtr session = MakeSession(model, &options);
  REQUIRE(AddMessage(session.get(), "user", "Please tell me a story.") == HOB_OK);
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.grammar = grammar;
  generate.max_tokens = max_tokens;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session.get(), &generate, &error));
  hob_string reply = {nullptr, 0};
  REQUIRE_OK(hob_session_get_reply(&reply, session.get(), &error));
  return {Text(reply), result.finish_reason};
}

}  // namespace

TEST_CASE("an answer is a text of its grammar") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const TokenizerPtr tokenizer = TokenizerOf(model.get());
  const std::vector<std::string_view> texts = {"yes", "no", "a longer one, with \u00E9",
                                               "{\"a\": 1}"};
  const GrammarPtr grammar = Choices(tokenizer.get(), texts);
  for (uint64_t seed = 0; seed < 12; ++seed) {
    hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
    sampler.temperature = seed == 0 ? 0.0f : 3.0f;
    sampler.top_k = seed % 3 == 1 ? 40 : 0;
    sampler.repetition_penalty = seed % 2 == 0 ? 1.0f : 1.3f;
    sampler.seed = seed;
    const Answered answer = Answer(model.get(), grammar.get(), &sampler);
    INFO(answer.text);
    CHECK(answer.finish == HOB_FINISH_END);
    CHECK(std::find(texts.begin(), texts.end(), answer.text) != texts.end());
    // What is guessed changes nothing.
    CHECK(Answer(model.get(), grammar.get(), &sampler, 1).text == answer.text);
    // Cut, it is a beginning of it.
    const Answered cut = Answer(model.get(), grammar.get(), &sampler, 0, 1);
    CHECK(answer.text.compare(0, cut.text.size(), cut.text) == 0);
  }
}

TEST_CASE("each kind of grammar makes answers") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const TokenizerPtr tokenizer = TokenizerOf(model.get());
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 1.5f;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    sampler.seed = seed;
    const GrammarPtr digits = Create(tokenizer.get(), HOB_GRAMMAR_REGEX, "[0-9]{3}-[0-9]{2}");
    const std::string number = Answer(model.get(), digits.get(), &sampler).text;
    REQUIRE(number.size() == 6);
    CHECK(number[3] == '-');
    CHECK(std::count_if(number.begin(), number.end(),
                        [](char c) { return c >= '0' && c <= '9'; }) == 5);
    const GrammarPtr nested =
        Create(tokenizer.get(), HOB_GRAMMAR_GBNF, "root ::= \"(\" root? \")\"");
    const Answered brackets = Answer(model.get(), nested.get(), &sampler, 0, 60);
    if (brackets.finish == HOB_FINISH_END) {
      const size_t half = brackets.text.size() / 2;
      CHECK(brackets.text == std::string(half, '(') + std::string(half, ')'));
    }
    const GrammarPtr object = Create(
        tokenizer.get(), HOB_GRAMMAR_JSON_SCHEMA,
        R"({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})");
    std::string json = Answer(model.get(), object.get(), &sampler).text;
    std::erase_if(json, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
    CHECK((json == R"({"ok":true})" || json == R"({"ok":false})"));
  }
}

TEST_CASE("answers share a grammar, which may go before they end") {
  const RuntimePtr runtime = MakeRuntime(3);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const TokenizerPtr tokenizer = TokenizerOf(model.get());
  GrammarPtr grammar = Create(tokenizer.get(), HOB_GRAMMAR_REGEX, "[a-m ]{20}");
  const std::string alone = Answer(model.get(), grammar.get()).text;
  CHECK(alone.size() == 20);
  std::vector<SessionPtr> sessions;
  for (int i = 0; i < 6; ++i) {
    sessions.push_back(MakeSession(model.get()));
    REQUIRE(AddMessage(sessions.back().get(), "user", "Please tell me a story.") == HOB_OK);
    hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
    generate.grammar = grammar.get();
    REQUIRE_OK(hob_session_start(sessions.back().get(), &generate, &error));
  }
  grammar.reset();
  for (const SessionPtr& session : sessions) {
    hob_poll poll = HOB_POLL_NOTHING;
    while (poll != HOB_POLL_END) {
      REQUIRE_OK(hob_session_poll(&poll, nullptr, session.get(), -1, &error));
    }
    hob_string reply = {nullptr, 0};
    REQUIRE_OK(hob_session_get_reply(&reply, session.get(), &error));
    CHECK(Text(reply) == alone);
  }
}

TEST_CASE("grammars and options that do not go together are refused") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const TokenizerPtr tokenizer = TokenizerOf(model.get());
  const GrammarPtr grammar = Choices(tokenizer.get(), {"yes"});
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "user", "Hello") == HOB_OK);
  const auto refused = [&](const hob_generate_options& options, std::string_view part) {
    const Outcome outcome =
        Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &options, e); });
    INFO(outcome.message);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find(part) != std::string::npos);
  };
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.grammar = grammar.get();
  options.ignore_eos = 1;
  refused(options, "ignore_eos");
  hob_tokenizer* other = nullptr;
  const std::string path = ChatFixture();
  REQUIRE_OK(hob_tokenizer_open(&other, path.data(), path.size(), &error));
  const TokenizerPtr owner(other);
  const GrammarPtr foreign = Choices(other, {"yes"});
  options = HOB_GENERATE_OPTIONS_INIT;
  options.grammar = foreign.get();
  refused(options, "another tokenizer");
  options = HOB_GENERATE_OPTIONS_INIT;
  options.top_logprobs = 3;
  refused(options, "logprobs is not");
  options.logprobs = 1;
  options.top_logprobs = 21;
  refused(options, "top_logprobs is 21");
  options.top_logprobs = -1;
  refused(options, "top_logprobs is -1");
  options = HOB_GENERATE_OPTIONS_INIT;
  options.logprobs = 2;
  refused(options, "logprobs");
  options = HOB_GENERATE_OPTIONS_INIT;
  options.reserved2[1] = 1;
  refused(options, "reserved");

  const auto no_grammar = [&](hob_grammar_kind kind, std::string_view source, hob_status status) {
    const Outcome outcome = Try([&](auto e) {
      hob_grammar* made = nullptr;
      return hob_grammar_create(&made, tokenizer.get(), kind, source.data(), source.size(), e);
    });
    INFO(outcome.message);
    CHECK(outcome.status == status);
  };
  no_grammar(HOB_GRAMMAR_GBNF, "root ::= root \"a\" | \"b\"", HOB_INVALID_ARGUMENT);
  no_grammar(HOB_GRAMMAR_REGEX, "(a", HOB_INVALID_ARGUMENT);
  no_grammar(HOB_GRAMMAR_JSON_SCHEMA, "{\"type\": 5}", HOB_INVALID_ARGUMENT);
  no_grammar(0, "x", HOB_INVALID_ARGUMENT);
  no_grammar(HOB_GRAMMAR_GBNF + 1, "x", HOB_INVALID_ARGUMENT);
  const hob_string broken[] = {{"yes", 3}, {"\xFF", 1}, {nullptr, 4}};
  for (const size_t count : {2, 3}) {
    // The last one is wrong, and is named.
    const Outcome outcome = Try([&](auto e) {
      hob_grammar* made = nullptr;
      const hob_string list[] = {broken[0], broken[0], broken[count - 1]};
      return hob_grammar_create_choices(&made, tokenizer.get(), list, 3, e);
    });
    INFO(outcome.message);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find('2') != std::string::npos);
  }
  const auto null_output = [&](auto call) {
    const Outcome outcome = Try(call);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find("out is NULL") != std::string::npos);
  };
  null_output([&](auto e) {
    return hob_grammar_create(nullptr, tokenizer.get(), HOB_GRAMMAR_REGEX, "x", 1, e);
  });
  null_output(
      [&](auto e) { return hob_grammar_create_choices(nullptr, tokenizer.get(), broken, 1, e); });
  null_output([&](auto e) { return hob_matcher_create(nullptr, grammar.get(), e); });
  const Outcome none = Try([&](auto e) {
    hob_grammar* made = nullptr;
    return hob_grammar_create_choices(&made, tokenizer.get(), nullptr, 0, e);
  });
  CHECK(none.status == HOB_INVALID_ARGUMENT);
}

TEST_CASE("a matcher follows tokens that are sampled elsewhere") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const TokenizerPtr tokenizer = TokenizerOf(model.get());
  const GrammarPtr grammar = Choices(tokenizer.get(), {"yes!", "yes?"});
  hob_matcher* made = nullptr;
  REQUIRE_OK(hob_matcher_create(&made, grammar.get(), &error));
  const MatcherPtr matcher(made);
  hob_string forced = {nullptr, 0};
  REQUIRE_OK(hob_matcher_forced_text(&forced, matcher.get(), 100, &error));
  CHECK(Text(forced) == "yes");
  int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(hob_tokenizer_encode(&tokens, &count, tokenizer.get(), "yes?", 4, 0, &error));
  REQUIRE_OK(hob_matcher_accept(matcher.get(), tokens, count, &error));
  uint8_t may = 0, must = 0;
  REQUIRE_OK(hob_matcher_get_end(&may, &must, matcher.get(), &error));
  CHECK(may == 1);
  CHECK(must == 1);
  const Outcome again =
      Try([&](auto e) { return hob_matcher_accept(matcher.get(), tokens, count, e); });
  CHECK(again.status == HOB_INVALID_ARGUMENT);
  CHECK(again.message.find("tokens[0]") != std::string::npos);
  REQUIRE_OK(hob_matcher_reset(matcher.get(), &error));
  REQUIRE_OK(hob_matcher_get_end(&may, nullptr, matcher.get(), &error));
  CHECK(may == 0);
  hob_free(tokens);
}

TEST_CASE("each token tells how likely the model held it") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "user", "Please tell me a story.") == HOB_OK);
  struct Seen {
    std::vector<float> logprobs;
    std::vector<std::vector<hob_token_logprob>> likeliest;
    std::vector<int32_t> ids;
  } seen;
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 6;
  options.ignore_eos = 1;
  options.logprobs = 1;
  options.top_logprobs = 4;
  options.user = &seen;
  options.on_token = [](void* user, const hob_token* token) -> int32_t {
    auto* s = static_cast<Seen*>(user);
    if (token->id < 0) return 0;
    s->ids.push_back(token->id);
    s->logprobs.push_back(token->logprob);
    s->likeliest.emplace_back(token->likeliest, token->likeliest + token->likeliest_count);
    return 0;
  };
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
  REQUIRE(seen.ids.size() == 6);

  // Against the logits themselves.
  const int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(hob_session_get_tokens(&tokens, &count, session.get(), &error));
  const std::vector<int32_t> all(tokens, tokens + count);
  const SessionPtr reader = MakeSession(model.get());
  std::vector<std::vector<float>> rows(count);
  struct User {
    std::vector<std::vector<float>>* rows;
    size_t width;
  };
  hob_model_info info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
  User user{&rows, static_cast<size_t>(info.vocabulary_size)};
  REQUIRE_OK(hob_session_evaluate(
      reader.get(), all.data(), all.size(),
      [](void* given, size_t first, size_t chunk, const float* logits) -> int32_t {
        auto* u = static_cast<User*>(given);
        for (size_t i = 0; i < chunk; ++i) {
          (*u->rows)[first + i].assign(logits + i * u->width, logits + (i + 1) * u->width);
        }
        return 0;
      },
      &user, &error));
  for (size_t i = 0; i < seen.ids.size(); ++i) {
    const std::vector<float>& row = rows[count - seen.ids.size() + i - 1];
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit));
    const auto expected = [&](int32_t id) {
      return std::log(std::exp(static_cast<double>(row[static_cast<size_t>(id)])) / sum);
    };
    CHECK(std::abs(seen.logprobs[i] - expected(seen.ids[i])) < 1e-4);
    REQUIRE(seen.likeliest[i].size() == 4);
    CHECK(seen.likeliest[i][0].id == seen.ids[i]);  // greedy
    for (size_t k = 0; k < 4; ++k) {
      const hob_token_logprob& token = seen.likeliest[i][k];
      CHECK(std::abs(token.logprob - expected(token.id)) < 1e-4);
      if (k > 0) CHECK(token.logprob <= seen.likeliest[i][k - 1].logprob);
      // No other is likelier than the last of them.
      if (k == 3) {
        const auto above = std::count_if(row.begin(), row.end(), [&](float logit) {
          return logit > row[static_cast<size_t>(token.id)];
        });
        CHECK(above <= 3);
      }
    }
  }
}

TEST_CASE("a program that knows the smaller structs is served") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddMessage(session.get(), "user", "Hello") == HOB_OK);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.struct_size = offsetof(hob_generate_options, grammar);
  options.grammar = reinterpret_cast<const hob_grammar*>(1);  // not of that struct
  options.max_tokens = 2;
  REQUIRE_OK(hob_session_start(session.get(), &options, &error));
  hob_token token = HOB_TOKEN_INIT;
  token.struct_size = offsetof(hob_token, likeliest);
  token.likeliest_count = 77;
  hob_poll poll = HOB_POLL_NOTHING;
  while (poll != HOB_POLL_END) {
    REQUIRE_OK(hob_session_poll(&poll, &token, session.get(), -1, &error));
  }
  CHECK(token.likeliest_count == 77);
}
