// SPDX-License-Identifier: Apache-2.0
// Every function refuses what it cannot take, by name, and goes on working.
#include <algorithm>
#include <limits>
#include <vector>

#include "tests/abi/units.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

namespace {

void CheckInvalid(const Outcome& outcome, std::string_view part) {
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  INFO(outcome.message);
  CHECK(outcome.message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("the NULL handle is refused everywhere") {
  hob_string text;
  hob_runtime_info runtime_info = HOB_RUNTIME_INFO_INIT;
  hob_model_info model_info = HOB_MODEL_INFO_INIT;
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  hob_runtime* runtime;
  hob_model* model;
  hob_session* session;
  int32_t* tokens;
  const int32_t* view;
  char* chars;
  size_t size;
  int32_t token;
  uint8_t flag;
  hob_tokenizer* tokenizer;
  hob_detokenizer* detokenizer;
  hob_chat_template* chat_template;
  hob_tokenizer_info tokenizer_info = HOB_TOKENIZER_INFO_INIT;
  hob_token_info token_info = HOB_TOKEN_INFO_INIT;
  hob_runtime_metrics metrics = HOB_RUNTIME_METRICS_INIT;
  hob_grammar* grammar;
  hob_matcher* matcher;
  hob_embedder* embedder;
  hob_embedder_info embedder_info = HOB_EMBEDDER_INFO_INIT;
  hob_tools* tools;
  hob_tool_call tool_call = HOB_TOOL_CALL_INIT;
  const hob_tool_loop tool_loop = HOB_TOOL_LOOP_INIT;
  hob_handoff* handoff;
  hob_handoff_report report = HOB_HANDOFF_REPORT_INIT;
  hob_handoff_metrics handoff_metrics = HOB_HANDOFF_METRICS_INIT;
  const hob_string choice = {"yes", 3};
  float number = 0;
  uint64_t drawn;
  hob_matrix* matrix;
  hob_graph* graph;
  hob_program* program;
  hob_matrix_info matrix_info = HOB_MATRIX_INFO_INIT;
  hob_program_info program_info = HOB_PROGRAM_INFO_INIT;
  hob_weight weight = HOB_WEIGHT_INIT;
  hob_node node = HOB_NODE_INIT;
  const auto logits = [](void*, size_t, size_t, const float*) -> int32_t { return 0; };

  const std::vector<Outcome> outcomes = {
      Try([&](auto e) { return hob_runtime_create(nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_runtime_get_info(&runtime_info, nullptr, e); }),
      Try([&](auto e) { return hob_runtime_get_metrics(&metrics, nullptr, e); }),
      Try([&](auto e) { return hob_model_open(&model, nullptr, "x", 1, nullptr, e); }),
      Try([&](auto e) { return hob_model_plan(&plan, nullptr, "x", 1, nullptr, e); }),
      Try([&](auto e) { return hob_model_get_info(&model_info, nullptr, e); }),
      Try([&](auto e) { return hob_model_get_text(&text, nullptr, HOB_MODEL_NAME, e); }),
      Try([&](auto e) { return hob_model_tokenize(&tokens, &size, nullptr, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_model_detokenize(&chars, &size, nullptr, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_model_token_bytes(&chars, &size, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_model_find_token(&token, nullptr, "x", 1, e); }),
      Try([&](auto e) { return hob_model_is_end_token(&flag, nullptr, 0, e); }),
      Try([&](auto e) { return hob_model_describe(&chars, &size, nullptr, e); }),
      Try([&](auto e) { return hob_model_get_tokenizer(&tokenizer, nullptr, e); }),
      Try([&](auto e) { return hob_model_get_chat_template(&chat_template, nullptr, e); }),
      Try([&](auto e) { return hob_tokenizer_get_info(&tokenizer_info, nullptr, e); }),
      Try([&](auto e) { return hob_tokenizer_encode(&tokens, &size, nullptr, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_decode(&chars, &size, nullptr, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_token_bytes(&chars, &size, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_find(&token, nullptr, "x", 1, e); }),
      Try([&](auto e) { return hob_tokenizer_get_token(&token_info, nullptr, 0, e); }),
      Try([&](auto e) { return hob_detokenizer_create(&detokenizer, nullptr, 0, e); }),
      Try([&](auto e) { return hob_detokenizer_push(&text, nullptr, 0, e); }),
      Try([&](auto e) { return hob_detokenizer_finish(&text, nullptr, e); }),
      Try([&](auto e) {
        return hob_chat_template_render(&chars, &size, nullptr, nullptr, 0, nullptr, e);
      }),
      Try([&](auto e) {
        return hob_grammar_create(&grammar, nullptr, HOB_GRAMMAR_REGEX, "x", 1, e);
      }),
      Try([&](auto e) { return hob_grammar_create_choices(&grammar, nullptr, &choice, 1, e); }),
      Try([&](auto e) { return hob_matcher_create(&matcher, nullptr, e); }),
      Try([&](auto e) { return hob_matcher_mask_logits(nullptr, &number, 1, e); }),
      Try([&](auto e) { return hob_matcher_accept(nullptr, nullptr, 0, e); }),
      Try([&](auto e) { return hob_matcher_get_end(&flag, &flag, nullptr, e); }),
      Try([&](auto e) { return hob_matcher_forced_text(&text, nullptr, 1, e); }),
      Try([&](auto e) { return hob_matcher_reset(nullptr, e); }),
      Try([&](auto e) { return hob_embedder_create(&embedder, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_embedder_get_info(&embedder_info, nullptr, e); }),
      Try([&](auto e) { return hob_embedder_embed(&number, 1, nullptr, nullptr, nullptr, 0, e); }),
      Try([&](auto e) { return hob_embedder_count_tokens(&size, nullptr, "x", 1, e); }),
      Try([&](auto e) { return hob_handoff_create(&handoff, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_handoff_set_consent(nullptr, 1, e); }),
      Try([&](auto e) {
        return hob_handoff_answer(&report, nullptr, nullptr, HOB_HANDOFF_AUTO, nullptr, e);
      }),
      Try([&](auto e) { return hob_handoff_get_metrics(&handoff_metrics, nullptr, e); }),
      Try([&](auto e) { return hob_sampler_accept(nullptr, nullptr, 0, e); }),
      Try([&](auto e) { return hob_sampler_sample(&token, nullptr, &number, 1, e); }),
      Try([&](auto e) { return hob_sampler_get_probabilities(&number, nullptr, &number, 1, e); }),
      Try([&](auto e) { return hob_sampler_reset(nullptr, e); }),
      Try([&](auto e) { return hob_sampler_get_drawn(&drawn, nullptr, e); }),
      Try([&](auto e) { return hob_sampler_set_drawn(nullptr, 0, e); }),
      Try([&](auto e) {
        return hob_matrix_create(&matrix, nullptr, 0, &number, 4, 1, 1, nullptr, e);
      }),
      Try([&](auto e) {
        return hob_matrix_quantize(&matrix, nullptr, 0, &number, 1, 1, nullptr, e);
      }),
      Try([&](auto e) { return hob_matrix_get_info(&matrix_info, nullptr, e); }),
      Try([&](auto e) { return hob_matrix_multiply(&number, nullptr, &number, 1, e); }),
      Try([&](auto e) { return hob_graph_create(&graph, nullptr, e); }),
      Try([&](auto e) { return hob_graph_add_input(&token, nullptr, "x", 1, 1, e); }),
      Try([&](auto e) { return hob_graph_add_weight(&token, nullptr, &weight, e); }),
      Try([&](auto e) { return hob_graph_add_node(&token, nullptr, &node, e); }),
      Try([&](auto e) { return hob_graph_add_output(nullptr, 0, e); }),
      Try([&](auto e) { return hob_program_create(&program, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_program_get_info(&program_info, nullptr, e); }),
      Try([&](auto e) { return hob_program_run(nullptr, 0, nullptr, nullptr, 0, 1, nullptr, e); }),
      Try([&](auto e) { return hob_session_create(&session, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_session_set_sampler(nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_session_add_message(nullptr, "user", 4, "x", 1, e); }),
      Try([&](auto e) { return hob_session_message_count(&size, nullptr, e); }),
      Try([&](auto e) { return hob_session_keep_messages(nullptr, 0, e); }),
      Try([&](auto e) { return hob_session_add_text(nullptr, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_session_add_tokens(nullptr, nullptr, 0, e); }),
      Try([&](auto e) { return hob_session_generate(nullptr, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_session_reset(nullptr, e); }),
      Try([&](auto e) { return hob_session_get_reply(&text, nullptr, e); }),
      Try([&](auto e) { return hob_session_get_tokens(&view, &size, nullptr, e); }),
      Try([&](auto e) { return hob_session_get_stats(&stats, nullptr, e); }),
      Try([&](auto e) { return hob_tools_create(&tools, nullptr, "[]", 2, nullptr, e); }),
      Try([&](auto e) { return hob_session_set_tools(nullptr, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_session_tool_call_count(&size, nullptr, e); }),
      Try([&](auto e) { return hob_session_get_tool_call(&tool_call, nullptr, 0, e); }),
      Try([&](auto e) {
        return hob_session_add_message_fields(nullptr, "user", 4, "x", 1, "{}", 2, e);
      }),
      Try([&](auto e) { return hob_session_get_message_fields(&text, nullptr, 0, e); }),
      Try([&](auto e) { return hob_session_run_tools(nullptr, nullptr, &tool_loop, e); }),
      Try([&](auto e) { return hob_session_evaluate(nullptr, nullptr, 0, logits, nullptr, e); }),
  };
  for (const Outcome& outcome : outcomes) CheckInvalid(outcome, "NULL");

  hob_error_destroy(nullptr);
  hob_runtime_destroy(nullptr);
  hob_model_destroy(nullptr);
  hob_session_destroy(nullptr);
  hob_session_cancel(nullptr);
  hob_tokenizer_destroy(nullptr);
  hob_detokenizer_destroy(nullptr);
  hob_chat_template_destroy(nullptr);
  hob_sampler_destroy(nullptr);
  hob_grammar_destroy(nullptr);
  hob_matcher_destroy(nullptr);
  hob_tools_destroy(nullptr);
  hob_embedder_destroy(nullptr);
  hob_handoff_destroy(nullptr);
  hob_matrix_destroy(nullptr);
  hob_graph_destroy(nullptr);
  hob_program_destroy(nullptr);
  hob_free(nullptr);
  CHECK(hob_error_code(nullptr) == HOB_OK);
  CHECK(hob_error_message(nullptr).size == 0);
  CHECK(hob_error_hint(nullptr).size == 0);
  (void)runtime;
}

TEST_CASE("NULL for what is to be written is refused") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  char* chars;
  size_t size;
  int32_t* tokens;
  const auto m = model.get();
  const auto s = session.get();
  const std::vector<Outcome> outcomes = {
      Try([&](auto e) { return hob_runtime_get_info(nullptr, runtime.get(), e); }),
      Try([&](auto e) { return hob_runtime_get_metrics(nullptr, runtime.get(), e); }),
      Try([&](auto e) { return hob_model_open(nullptr, runtime.get(), "x", 1, nullptr, e); }),
      Try([&](auto e) { return hob_model_get_info(nullptr, m, e); }),
      Try([&](auto e) { return hob_model_get_text(nullptr, m, HOB_MODEL_NAME, e); }),
      Try([&](auto e) { return hob_model_tokenize(nullptr, &size, m, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_model_tokenize(&tokens, nullptr, m, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_model_tokenize(&tokens, &size, m, nullptr, 1, 0, e); }),
      Try([&](auto e) { return hob_model_detokenize(nullptr, &size, m, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_model_detokenize(&chars, nullptr, m, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_model_detokenize(&chars, &size, m, nullptr, 1, 0, e); }),
      Try([&](auto e) { return hob_model_token_bytes(nullptr, &size, m, 0, 0, e); }),
      Try([&](auto e) { return hob_model_find_token(nullptr, m, "x", 1, e); }),
      Try([&](auto e) { return hob_model_is_end_token(nullptr, m, 0, e); }),
      Try([&](auto e) { return hob_model_describe(nullptr, &size, m, e); }),
      Try([&](auto e) { return hob_model_plan(nullptr, runtime.get(), "x", 1, nullptr, e); }),
      Try([&](auto e) { return hob_session_create(nullptr, m, nullptr, e); }),
      Try([&](auto e) { return hob_session_fork(nullptr, s, e); }),
      Try([&](auto e) { return hob_session_poll(nullptr, nullptr, s, 0, e); }),
      Try([&](auto e) { return hob_session_get_result(nullptr, s, e); }),
      Try([&](auto e) { return hob_session_add_message(s, nullptr, 1, "x", 1, e); }),
      Try([&](auto e) { return hob_session_add_message(s, "user", 4, nullptr, 1, e); }),
      Try([&](auto e) { return hob_session_add_text(s, nullptr, 1, 0, e); }),
      Try([&](auto e) { return hob_session_add_tokens(s, nullptr, 1, e); }),
      Try([&](auto e) { return hob_session_message_count(nullptr, s, e); }),
      Try([&](auto e) { return hob_session_get_reply(nullptr, s, e); }),
      Try([&](auto e) { return hob_session_get_tokens(nullptr, &size, s, e); }),
      Try([&](auto e) { return hob_session_get_stats(nullptr, s, e); }),
      Try([&](auto e) { return hob_session_evaluate(s, nullptr, 1, nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_convert(nullptr, 1, "x", 1, nullptr, e); }),
  };
  for (const Outcome& outcome : outcomes) CheckInvalid(outcome, "NULL");
}

TEST_CASE("NULL for what a piece on its own is to write or read is refused") {
  const TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  const TemplatePtr chat_template = MakeTemplate("x");
  const SamplerPtr sampler = MakeSampler(HOB_SAMPLER_OPTIONS_INIT);
  const RuntimePtr runtime = MakeRuntime(1);
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_tokenizer* made = nullptr;
  hob_detokenizer* created = nullptr;
  REQUIRE_OK(hob_detokenizer_create(&created, tokenizer.get(), HOB_TEXT_PLAIN, &error));
  const DetokenizerPtr detokenizer(created);
  const MatrixPtr one = QuantizeMatrix(runtime.get(), HOB_TYPE_F32, {1.0f}, 1);
  hob_matrix* matrix = nullptr;
  hob_graph* made_graph = nullptr;
  REQUIRE_OK(hob_graph_create(&made_graph, runtime.get(), &error));
  const GraphPtr graph(made_graph);
  const auto r = runtime.get();
  const auto g = graph.get();
  const auto t = tokenizer.get();
  const auto c = chat_template.get();
  const auto s = sampler.get();
  char* chars;
  size_t size;
  int32_t* tokens;
  int32_t token;
  float number = 0;
  const std::vector<Outcome> outcomes = {
      Try([&](auto e) { return hob_tokenizer_open(nullptr, "x", 1, e); }),
      Try([&](auto e) { return hob_tokenizer_open(&made, nullptr, 1, e); }),
      Try([&](auto e) { return hob_model_get_tokenizer(nullptr, model.get(), e); }),
      Try([&](auto e) { return hob_model_get_chat_template(nullptr, model.get(), e); }),
      Try([&](auto e) { return hob_tokenizer_get_info(nullptr, t, e); }),
      Try([&](auto e) { return hob_tokenizer_encode(nullptr, &size, t, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_encode(&tokens, nullptr, t, "x", 1, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_encode(&tokens, &size, t, nullptr, 1, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_decode(nullptr, &size, t, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_decode(&chars, nullptr, t, nullptr, 0, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_decode(&chars, &size, t, nullptr, 1, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_token_bytes(nullptr, &size, t, 0, 0, e); }),
      Try([&](auto e) { return hob_tokenizer_find(nullptr, t, "x", 1, e); }),
      Try([&](auto e) { return hob_tokenizer_find(&token, t, nullptr, 1, e); }),
      Try([&](auto e) { return hob_tokenizer_get_token(nullptr, t, 0, e); }),
      Try([&](auto e) { return hob_detokenizer_create(nullptr, t, 0, e); }),
      Try([&](auto e) { return hob_detokenizer_push(nullptr, detokenizer.get(), 0, e); }),
      Try([&](auto e) { return hob_detokenizer_finish(nullptr, detokenizer.get(), e); }),
      Try([&](auto e) { return hob_chat_template_create(nullptr, "x", 1, nullptr, e); }),
      Try([&](auto e) {
        return hob_chat_template_render(nullptr, &size, c, nullptr, 0, nullptr, e);
      }),
      Try([&](auto e) {
        return hob_chat_template_render(&chars, nullptr, c, nullptr, 0, nullptr, e);
      }),
      Try([&](auto e) {
        return hob_chat_template_render(&chars, &size, c, nullptr, 1, nullptr, e);
      }),
      Try([&](auto e) { return hob_sampler_create(nullptr, nullptr, e); }),
      Try([&](auto e) { return hob_sampler_accept(s, nullptr, 1, e); }),
      Try([&](auto e) { return hob_sampler_sample(nullptr, s, &number, 1, e); }),
      Try([&](auto e) { return hob_sampler_sample(&token, s, nullptr, 1, e); }),
      Try([&](auto e) { return hob_sampler_get_probabilities(nullptr, s, &number, 1, e); }),
      Try([&](auto e) { return hob_sampler_get_drawn(nullptr, s, e); }),
      Try([&](auto e) { return hob_quantize(nullptr, 4, 0, &number, 1, 1, e); }),
      Try([&](auto e) { return hob_quantize(&number, 4, 0, nullptr, 1, 1, e); }),
      Try([&](auto e) { return hob_matrix_create(nullptr, r, 0, &number, 4, 1, 1, nullptr, e); }),
      Try([&](auto e) { return hob_matrix_create(&matrix, r, 0, nullptr, 4, 1, 1, nullptr, e); }),
      Try([&](auto e) { return hob_matrix_quantize(nullptr, r, 0, &number, 1, 1, nullptr, e); }),
      Try([&](auto e) { return hob_matrix_quantize(&matrix, r, 0, nullptr, 1, 1, nullptr, e); }),
      Try([&](auto e) { return hob_matrix_get_info(nullptr, one.get(), e); }),
      Try([&](auto e) { return hob_matrix_multiply(nullptr, one.get(), &number, 1, e); }),
      Try([&](auto e) { return hob_matrix_multiply(&number, one.get(), nullptr, 1, e); }),
      Try([&](auto e) { return hob_graph_create(nullptr, r, e); }),
      Try([&](auto e) { return hob_graph_add_input(nullptr, g, "x", 1, 1, e); }),
      Try([&](auto e) { return hob_graph_add_input(&token, g, nullptr, 1, 1, e); }),
      Try([&](auto e) { return hob_graph_add_weight(nullptr, g, nullptr, e); }),
      Try([&](auto e) { return hob_graph_add_weight(&token, g, nullptr, e); }),
      Try([&](auto e) { return hob_graph_add_node(nullptr, g, nullptr, e); }),
      Try([&](auto e) { return hob_graph_add_node(&token, g, nullptr, e); }),
      Try([&](auto e) { return hob_program_create(nullptr, g, nullptr, e); }),
  };
  for (const Outcome& outcome : outcomes) CheckInvalid(outcome, "NULL");
}

TEST_CASE("text that is not UTF-8 is refused with the place") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  const std::string bad = "ab\xFFzz";
  hob_model* other = nullptr;
  int32_t* tokens = nullptr;
  size_t count = 0;
  CheckInvalid(Try([&](auto e) {
                 return hob_model_open(&other, runtime.get(), bad.data(), bad.size(), nullptr, e);
               }),
               "UTF-8");
  CheckInvalid(Try([&](auto e) {
                 return hob_model_tokenize(&tokens, &count, model.get(), bad.data(), bad.size(), 0,
                                           e);
               }),
               "2");
  CheckInvalid(Try([&](auto e) { return AddText(session.get(), bad, e); }), "byte 2");
  CheckInvalid(Try([&](auto e) { return AddMessage(session.get(), "user", bad, e); }), "byte 2");
  CheckInvalid(Try([&](auto e) { return AddMessage(session.get(), bad, "x", e); }), "role");
  CheckInvalid(Try([&](auto e) { return AddMessage(session.get(), "", "x", e); }), "role");
  CheckInvalid(Try([&](auto e) { return AddText(session.get(), "half \xE2\x82", e); }), "byte 5");
  const hob_string stop = {bad.data(), bad.size()};
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.stops = &stop;
  options.stop_count = 1;
  REQUIRE(AddText(session.get(), "ok") == HOB_OK);
  CheckInvalid(
      Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &options, e); }),
      "UTF-8");
  size_t messages = 1;
  REQUIRE_OK(hob_session_message_count(&messages, session.get(), &error));
  CHECK(messages == 0);
}

TEST_CASE("option values out of range are refused by name") {
  const RuntimePtr runtime = MakeRuntime();
  const std::string path = ChatFixture();
  const auto create = [](auto set) {
    return Try([&](auto e) {
      hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
      set(options);
      hob_runtime* out = nullptr;
      return hob_runtime_create(&out, &options, e);
    });
  };
  CheckInvalid(create([](auto& o) { o.threads = 1u << 20; }), "threads");
  CheckInvalid(create([](auto& o) { o.log_level = 9; }), "log_level");
  CheckInvalid(create([](auto& o) { o.max_requests = 100'000; }), "max_requests");
  CheckInvalid(create([](auto& o) { o.reserved = 1; }), "reserved");
  CheckInvalid(create([](auto& o) { o.release = [](void*, void*, size_t, size_t) {}; }),
               "allocate");

  const auto open = [&](auto set) {
    return Try([&](auto e) {
      hob_model_options options = HOB_MODEL_OPTIONS_INIT;
      set(options);
      hob_model* out = nullptr;
      return hob_model_open(&out, runtime.get(), path.data(), path.size(), &options, e);
    });
  };
  CheckInvalid(open([](auto& o) { o.max_batch_rows = 100'000; }), "max_batch_rows");
  CheckInvalid(open([](auto& o) { o.activations = 3; }), "activations");
  CheckInvalid(open([](auto& o) { o.kv_type = -1; }), "kv_type");
  CheckInvalid(open([](auto& o) { o.kv_type = 3; }), "kv_type");
  CheckInvalid(open([](auto& o) { o.vocabulary_only = 2; }), "vocabulary_only");
  CheckInvalid(open([](auto& o) { o.reserved[6] = 1; }), "reserved");
  CheckInvalid(open([](auto& o) { o.reserved2 = 1; }), "reserved2");
  CheckInvalid(open([](auto& o) { o.reserved3[6] = 1; }), "reserved");
  CheckInvalid(open([](auto& o) { o.shared_cache_tokens = -2; }), "shared_cache_tokens");
  CheckInvalid(open([](auto& o) { o.rope_scaling = 6; }), "rope_scaling");
  CheckInvalid(open([](auto& o) { o.rope_scaling = -1; }), "rope_scaling");
  CheckInvalid(open([](auto& o) { o.rope_factor = 2; }), "factor");
  CheckInvalid(open([](auto& o) { o.rope_scaling = HOB_ROPE_YARN; }), "factor");

  const ModelPtr model = OpenModel(runtime.get(), path);
  const auto session_with = [&](int32_t context, auto set) {
    return Try([&](auto e) {
      hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
      set(sampler);
      hob_session_options options = HOB_SESSION_OPTIONS_INIT;
      options.context_tokens = context;
      options.sampler = &sampler;
      hob_session* out = nullptr;
      return hob_session_create(&out, model.get(), &options, e);
    });
  };
  CheckInvalid(session_with(-1, [](auto&) {}), "context_tokens");
  CheckInvalid(session_with(257, [](auto&) {}), "256");
  CheckInvalid(session_with(0, [](auto& o) { o.temperature = -1; }), "temperature");
  CheckInvalid(session_with(0, [](auto& o) { o.top_p = std::numeric_limits<float>::quiet_NaN(); }),
               "top_p");
  CheckInvalid(session_with(0, [](auto& o) { o.reserved = 1; }), "reserved");

  const auto session_of = [&](auto set) {
    return Try([&](auto e) {
      hob_session_options options = HOB_SESSION_OPTIONS_INIT;
      set(options);
      hob_session* out = nullptr;
      return hob_session_create(&out, model.get(), &options, e);
    });
  };
  CheckInvalid(session_of([](auto& o) { o.roll = 2; }), "roll");
  CheckInvalid(session_of([](auto& o) { o.speculate = 2; }), "speculate");
  CheckInvalid(session_of([](auto& o) { o.reserved[1] = 1; }), "reserved");
  CheckInvalid(session_of([](auto& o) { o.keep_tokens = 4; }), "keep_tokens");
  CheckInvalid(session_of([](auto& o) { o.kv_type = -2; }), "hob_session_options.kv_type");
  CheckInvalid(session_of([](auto& o) { o.kv_type = 3; }), "hob_session_options.kv_type");
  CheckInvalid(session_of([](auto& o) { o.roll = 1, o.keep_tokens = -1; }), "keep_tokens");
  CheckInvalid(session_of([](auto& o) { o.roll = 1, o.keep_tokens = 129; }), "256");
  CheckInvalid(session_of([](auto& o) { o.roll = 1, o.context_tokens = 15; }), "15");

  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "x") == HOB_OK);
  const hob_string empty = {"", 0};
  const auto generate = [&](auto set) {
    return Try([&](auto e) {
      hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
      set(options);
      return hob_session_generate(nullptr, session.get(), &options, e);
    });
  };
  CheckInvalid(generate([](auto& o) { o.max_tokens = -1; }), "max_tokens");
  CheckInvalid(generate([](auto& o) { o.stop_count = 1; }), "stops");
  CheckInvalid(generate([&](auto& o) { o.stops = &empty, o.stop_count = 1; }), "stop text");
  CheckInvalid(generate([&](auto& o) { o.stops = &empty, o.stop_count = 1000; }), "stop_count");
  CheckInvalid(generate([](auto& o) { o.ignore_eos = 3; }), "ignore_eos");

  const int32_t vocabulary = 288;
  for (const int32_t token : {-1, vocabulary, std::numeric_limits<int32_t>::max()}) {
    CheckInvalid(Try([&](auto e) { return hob_session_add_tokens(session.get(), &token, 1, e); }),
                 std::to_string(token));
  }
  char* chars = nullptr;
  size_t size = 0;
  CheckInvalid(Try([&](auto e) {
                 return hob_model_token_bytes(&chars, &size, model.get(), vocabulary, 0, e);
               }),
               "288");
  CheckInvalid(Try([&](auto e) {
                 return hob_model_detokenize(&chars, &size, model.get(), &vocabulary, 1, 0, e);
               }),
               "288");
  CheckInvalid(Try([&](auto e) {
                 return hob_model_detokenize(&chars, &size, model.get(), nullptr, 0,
                                             HOB_TEXT_ADD_SPECIAL, e);
               }),
               "flags");
  CheckInvalid(Try([&](auto e) {
                 return hob_session_add_text(session.get(), "x", 1, HOB_TEXT_SHOW_SPECIAL, e);
               }),
               "flags");
  hob_string text;
  CheckInvalid(Try([&](auto e) { return hob_model_get_text(&text, model.get(), 99, e); }), "99");
  CheckInvalid(Try([&](auto e) { return hob_session_keep_messages(session.get(), 1, e); }), "1");
  int32_t token = 0;
  CHECK(Try([&](auto e) {
          return hob_model_find_token(&token, model.get(), "no such", 7, e);
        }).status == HOB_NOT_FOUND);
}

TEST_CASE("a prompt longer than the context is refused with both numbers") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  options.context_tokens = 20;
  const SessionPtr session = MakeSession(model.get(), &options);
  const std::vector<int32_t> tokens(21, 5);
  SECTION("raw") {
    const Outcome outcome = Try([&](auto e) {
      return hob_session_add_tokens(session.get(), tokens.data(), tokens.size(), e);
    });
    CHECK(outcome.status == HOB_OUT_OF_RANGE);
    CHECK(outcome.message.find("21") != std::string::npos);
    CHECK(outcome.message.find("20") != std::string::npos);
    CHECK(!outcome.hint.empty());
    const int32_t* held = nullptr;
    size_t count = 1;
    REQUIRE_OK(hob_session_get_tokens(&held, &count, session.get(), &error));
    CHECK(count == 0);
  }
  SECTION("chat") {
    REQUIRE(AddMessage(session.get(), "user", std::string(200, 'x')) == HOB_OK);
    const Outcome outcome =
        Try([&](auto e) { return hob_session_generate(nullptr, session.get(), nullptr, e); });
    CHECK(outcome.status == HOB_OUT_OF_RANGE);
    CHECK(outcome.message.find("20") != std::string::npos);
    size_t count = 0;
    REQUIRE_OK(hob_session_message_count(&count, session.get(), &error));
    CHECK(count == 1);
    REQUIRE_OK(hob_session_keep_messages(session.get(), 0, &error));
    REQUIRE(AddMessage(session.get(), "user", "x") == HOB_OK);
  }
  SECTION("evaluate") {
    const auto logits = [](void*, size_t, size_t, const float*) -> int32_t { return 0; };
    CHECK(Try([&](auto e) {
            return hob_session_evaluate(session.get(), tokens.data(), tokens.size(), logits,
                                        nullptr, e);
          }).status == HOB_OUT_OF_RANGE);
  }
}

TEST_CASE("messages and raw text do not mix, and an empty session has nothing to answer") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  const auto generate = [&](auto e) {
    return hob_session_generate(nullptr, session.get(), nullptr, e);
  };
  CHECK(Try(generate).status == HOB_FAILED_PRECONDITION);
  REQUIRE(AddText(session.get(), "x") == HOB_OK);
  CHECK(Try([&](auto e) { return AddMessage(session.get(), "user", "x", e); }).status ==
        HOB_FAILED_PRECONDITION);
  REQUIRE_OK(hob_session_reset(session.get(), &error));
  REQUIRE(AddMessage(session.get(), "user", "x") == HOB_OK);
  CHECK(Try([&](auto e) { return AddText(session.get(), "x", e); }).status ==
        HOB_FAILED_PRECONDITION);

  // The same model with the key of its template misspelt.
  const TemporaryFolder folder;
  std::vector<uint8_t> bytes = ReadBytes(ChatFixture());
  const std::string key = "tokenizer.chat_template";
  const auto at = std::search(bytes.begin(), bytes.end(), key.begin(), key.end());
  REQUIRE(at != bytes.end());
  *at = 'T';
  WriteBytes(folder / "plain.gguf", bytes);
  const ModelPtr plain = OpenModel(runtime.get(), folder / "plain.gguf");
  const SessionPtr raw = MakeSession(plain.get());
  const Outcome outcome = Try([&](auto e) { return AddMessage(raw.get(), "user", "x", e); });
  CHECK(outcome.status == HOB_FAILED_PRECONDITION);
  CHECK(outcome.message.find("template") != std::string::npos);
}

TEST_CASE("a vocabulary-only model tokenises, and makes no session") {
  const RuntimePtr runtime = MakeRuntime();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.vocabulary_only = 1;
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture(), &options);
  hob_session* session = nullptr;
  CHECK(Try([&](auto e) { return hob_session_create(&session, model.get(), nullptr, e); }).status ==
        HOB_FAILED_PRECONDITION);
  int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(hob_model_tokenize(&tokens, &count, model.get(), "ab", 2, 0, &error));
  CHECK(count > 0);
  hob_free(tokens);
}
