// SPDX-License-Identifier: Apache-2.0
// Handles that are wrong: with HOB_CHECKED, each is recognised before anything is read through it.
// Every call that takes a handle is made with a destroyed one, one of another kind and a pointer
// that is none.
#include <functional>

#include "tests/abi/units.h"
#include "tests/support/bert_folder.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

#if !defined(HOB_CHECKED)

TEST_CASE("wrong handles are recognised") { SKIP("this build is not checked (HOB_CHECKED)"); }

#else

namespace {

using Call = std::function<hob_status(void* handle, hob_error** error)>;

struct Named {
  const char* name;
  Call call;
};

// One of each kind, and how it is destroyed.
struct Kind {
  const char* name;
  std::function<void*()> make;
  std::function<void(void*)> destroy;
  std::vector<Named> calls;
};

class Things {
 public:
  RuntimePtr runtime = MakeRuntime(1);
  ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  ModelPtr encoder = [this] {
    const TemporaryFolder folder;
    BertFolder().Write(folder / "m");
    return OpenModel(runtime.get(), folder / "m");
  }();
};

#define HANDLE(kind) static_cast<hob_##kind*>(handle)
#define CALL(function, ...) \
  {#function, [=](void* handle, hob_error** error) { return function(__VA_ARGS__, error); }}

std::vector<Named> RuntimeCalls() {
  static hob_runtime_info info;
  static hob_model_plan_info plan;
  static hob_model* model;
  static hob_graph* graph;
  static hob_matrix* matrix;
  static float values[64];
  static hob_runtime_metrics metrics;
  static hob_handoff* handoff;
  info = HOB_RUNTIME_INFO_INIT;
  metrics = HOB_RUNTIME_METRICS_INIT;
  plan = HOB_MODEL_PLAN_INFO_INIT;
  return {CALL(hob_runtime_get_info, &info, HANDLE(runtime)),
          CALL(hob_runtime_get_metrics, &metrics, HANDLE(runtime)),
          CALL(hob_model_open, &model, HANDLE(runtime), "x", 1, nullptr),
          CALL(hob_model_plan, &plan, HANDLE(runtime), "x", 1, nullptr),
          CALL(hob_graph_create, &graph, HANDLE(runtime)),
          CALL(hob_handoff_create, &handoff, HANDLE(runtime), nullptr),
          CALL(hob_matrix_create, &matrix, HANDLE(runtime), HOB_TYPE_F32, values, sizeof(values), 8,
               8, nullptr),
          CALL(hob_matrix_quantize, &matrix, HANDLE(runtime), HOB_TYPE_F32, values, 8, 8, nullptr)};
}

constexpr std::string_view kTool = R"([{"type": "function", "function": {"name": "f"}}])";

std::vector<Named> ModelCalls() {
  static hob_model_info info;
  static hob_string text;
  static char* out;
  static size_t size;
  static int32_t* tokens;
  static int32_t token;
  static uint8_t flag;
  static hob_tokenizer* tokenizer;
  static hob_chat_template* chat_template;
  static hob_session* session;
  static hob_embedder* embedder;
  static hob_tools* tools;
  info = HOB_MODEL_INFO_INIT;
  return {CALL(hob_model_get_info, &info, HANDLE(model)),
          CALL(hob_model_get_text, &text, HANDLE(model), HOB_MODEL_NAME),
          CALL(hob_model_get_tokenizer, &tokenizer, HANDLE(model)),
          CALL(hob_model_get_chat_template, &chat_template, HANDLE(model)),
          CALL(hob_model_tokenize, &tokens, &size, HANDLE(model), "x", 1, HOB_TEXT_PLAIN),
          CALL(hob_model_detokenize, &out, &size, HANDLE(model), &token, 1, HOB_TEXT_PLAIN),
          CALL(hob_model_token_bytes, &out, &size, HANDLE(model), 1, HOB_TEXT_PLAIN),
          CALL(hob_model_find_token, &token, HANDLE(model), "x", 1),
          CALL(hob_model_is_end_token, &flag, HANDLE(model), 1),
          CALL(hob_model_describe, &out, &size, HANDLE(model)),
          CALL(hob_embedder_create, &embedder, HANDLE(model), nullptr),
          CALL(hob_tools_create, &tools, HANDLE(model), kTool.data(), kTool.size(), nullptr),
          CALL(hob_session_create, &session, HANDLE(model), nullptr)};
}

std::vector<Named> SessionCalls() {
  static hob_session* fork;
  static size_t count;
  static hob_string role, text;
  static hob_generate_result result;
  static hob_poll poll;
  static const int32_t* tokens;
  static hob_session_stats stats;
  static void* saved;
  static int32_t one = 1;
  static hob_tool_call tool_call;
  static const hob_tool_loop tool_loop = HOB_TOOL_LOOP_INIT;
  tool_call = HOB_TOOL_CALL_INIT;
  result = HOB_GENERATE_RESULT_INIT;
  stats = HOB_SESSION_STATS_INIT;
  const auto on_logits = [](void*, size_t, size_t, const float*) -> int32_t { return 0; };
  return {CALL(hob_session_fork, &fork, HANDLE(session)),
          CALL(hob_session_set_sampler, HANDLE(session), nullptr),
          CALL(hob_session_add_message, HANDLE(session), "user", 4, "x", 1),
          CALL(hob_session_message_count, &count, HANDLE(session)),
          CALL(hob_session_get_message, &role, &text, HANDLE(session), 0),
          CALL(hob_session_keep_messages, HANDLE(session), 0),
          CALL(hob_session_add_text, HANDLE(session), "x", 1, HOB_TEXT_PLAIN),
          CALL(hob_session_add_tokens, HANDLE(session), &one, 1),
          CALL(hob_session_generate, &result, HANDLE(session), nullptr),
          CALL(hob_session_start, HANDLE(session), nullptr),
          CALL(hob_session_poll, &poll, nullptr, HANDLE(session), 0),
          CALL(hob_session_get_result, &result, HANDLE(session)),
          CALL(hob_session_reset, HANDLE(session)),
          CALL(hob_session_get_reply, &text, HANDLE(session)),
          CALL(hob_session_get_tokens, &tokens, &count, HANDLE(session)),
          CALL(hob_session_get_stats, &stats, HANDLE(session)),
          CALL(hob_session_save, HANDLE(session), "/nowhere/x", 10),
          CALL(hob_session_save_buffer, &saved, &count, HANDLE(session)),
          CALL(hob_session_restore, HANDLE(session), "/nowhere/x", 10),
          CALL(hob_session_restore_buffer, HANDLE(session), "x", 1),
          CALL(hob_session_set_tools, HANDLE(session), nullptr, nullptr),
          CALL(hob_session_tool_call_count, &count, HANDLE(session)),
          CALL(hob_session_get_tool_call, &tool_call, HANDLE(session), 0),
          CALL(hob_session_add_message_fields, HANDLE(session), "user", 4, "x", 1, "{}", 2),
          CALL(hob_session_get_message_fields, &text, HANDLE(session), 0),
          CALL(hob_session_run_tools, &result, HANDLE(session), &tool_loop),
          CALL(hob_session_evaluate, HANDLE(session), &one, 1, on_logits, nullptr)};
}

std::vector<Named> TokenizerCalls() {
  static hob_tokenizer_info info;
  static hob_token_info token_info;
  static int32_t* tokens;
  static int32_t token = 1;
  static size_t size;
  static char* text;
  static hob_detokenizer* detokenizer;
  static hob_grammar* grammar;
  static const hob_string choice = {"yes", 3};
  info = HOB_TOKENIZER_INFO_INIT;
  token_info = HOB_TOKEN_INFO_INIT;
  return {CALL(hob_tokenizer_get_info, &info, HANDLE(tokenizer)),
          CALL(hob_tokenizer_encode, &tokens, &size, HANDLE(tokenizer), "x", 1, HOB_TEXT_PLAIN),
          CALL(hob_tokenizer_decode, &text, &size, HANDLE(tokenizer), &token, 1, HOB_TEXT_PLAIN),
          CALL(hob_tokenizer_token_bytes, &text, &size, HANDLE(tokenizer), 1, HOB_TEXT_PLAIN),
          CALL(hob_tokenizer_find, &token, HANDLE(tokenizer), "x", 1),
          CALL(hob_tokenizer_get_token, &token_info, HANDLE(tokenizer), 1),
          CALL(hob_grammar_create, &grammar, HANDLE(tokenizer), HOB_GRAMMAR_REGEX, "x", 1),
          CALL(hob_grammar_create_choices, &grammar, HANDLE(tokenizer), &choice, 1),
          CALL(hob_detokenizer_create, &detokenizer, HANDLE(tokenizer), HOB_TEXT_PLAIN)};
}

std::vector<Named> PieceCalls(const std::string& kind) {
  static hob_string text;
  static char* out;
  static size_t size;
  static int32_t token = 1;
  static float numbers[8] = {1};
  static uint64_t drawn;
  static hob_matcher* matcher;
  static uint8_t flag;
  if (kind == "tools") return {};  // only with a session beside them
  if (kind == "grammar") return {CALL(hob_matcher_create, &matcher, HANDLE(grammar))};
  if (kind == "matcher") {
    return {CALL(hob_matcher_mask_logits, HANDLE(matcher), numbers, 8),
            CALL(hob_matcher_accept, HANDLE(matcher), &token, 1),
            CALL(hob_matcher_get_end, &flag, nullptr, HANDLE(matcher)),
            CALL(hob_matcher_forced_text, &text, HANDLE(matcher), 1),
            CALL(hob_matcher_reset, HANDLE(matcher))};
  }
  if (kind == "embedder") {
    static hob_embedder_info info;
    info = HOB_EMBEDDER_INFO_INIT;
    return {CALL(hob_embedder_get_info, &info, HANDLE(embedder)),
            CALL(hob_embedder_embed, numbers, 8, nullptr, HANDLE(embedder), nullptr, 0),
            CALL(hob_embedder_count_tokens, &size, HANDLE(embedder), "x", 1)};
  }
  if (kind == "handoff") {
    static hob_handoff_metrics metrics;
    metrics = HOB_HANDOFF_METRICS_INIT;
    return {CALL(hob_handoff_set_consent, HANDLE(handoff), 1),
            CALL(hob_handoff_answer, nullptr, HANDLE(handoff), nullptr, HOB_HANDOFF_AUTO, nullptr),
            CALL(hob_handoff_get_metrics, &metrics, HANDLE(handoff))};
  }
  if (kind == "detokenizer") {
    return {CALL(hob_detokenizer_push, &text, HANDLE(detokenizer), 1),
            CALL(hob_detokenizer_finish, &text, HANDLE(detokenizer))};
  }
  if (kind == "chat template") {
    return {
        CALL(hob_chat_template_render, &out, &size, HANDLE(chat_template), nullptr, 0, nullptr)};
  }
  return {CALL(hob_sampler_accept, HANDLE(sampler), &token, 1),
          CALL(hob_sampler_sample, &token, HANDLE(sampler), numbers, 8),
          CALL(hob_sampler_get_probabilities, numbers, HANDLE(sampler), numbers, 8),
          CALL(hob_sampler_reset, HANDLE(sampler)),
          CALL(hob_sampler_get_drawn, &drawn, HANDLE(sampler)),
          CALL(hob_sampler_set_drawn, HANDLE(sampler), 1)};
}

std::vector<Named> GraphCalls(const std::string& kind) {
  static hob_value value;
  static hob_weight weight;
  static hob_node node;
  static hob_program* program;
  static hob_program_info info;
  static hob_matrix_info matrix_info;
  static float numbers[64];
  weight = HOB_WEIGHT_INIT;
  node = HOB_NODE_INIT;
  info = HOB_PROGRAM_INFO_INIT;
  matrix_info = HOB_MATRIX_INFO_INIT;
  if (kind == "graph") {
    return {CALL(hob_graph_add_input, &value, HANDLE(graph), "x", 1, 8),
            CALL(hob_graph_add_weight, &value, HANDLE(graph), &weight),
            CALL(hob_graph_add_node, &value, HANDLE(graph), &node),
            CALL(hob_graph_add_output, HANDLE(graph), 0),
            CALL(hob_program_create, &program, HANDLE(graph), nullptr)};
  }
  if (kind == "program") {
    return {CALL(hob_program_get_info, &info, HANDLE(program)),
            CALL(hob_program_run, nullptr, 0, HANDLE(program), nullptr, 0, 0, nullptr)};
  }
  return {CALL(hob_matrix_get_info, &matrix_info, HANDLE(matrix)),
          CALL(hob_matrix_multiply, numbers, HANDLE(matrix), numbers, 1)};
}

#undef CALL
#undef HANDLE

template <typename Handle, typename Make>
std::function<void*()> Maker(Make make) {
  return [make]() -> void* {
    Handle* handle = nullptr;
    REQUIRE_OK(make(&handle, &error));
    return handle;
  };
}

template <typename Handle>
std::function<void(void*)> Ender(void (*destroy)(Handle*)) {
  return [destroy](void* handle) { destroy(static_cast<Handle*>(handle)); };
}

hob_status MakeProgram(const Things& things, hob_program** out, hob_error** error) {
  hob_graph* made = nullptr;
  hob_graph_create(&made, things.runtime.get(), nullptr);
  const GraphPtr graph(made);
  hob_value x = 0;
  hob_graph_add_input(&x, made, "x", 1, 8, nullptr);
  hob_node node = HOB_NODE_INIT;
  node.op = Piece("add");
  node.name = Piece("twice");
  const hob_value inputs[] = {x, x};
  const size_t columns[] = {8};
  node.inputs = inputs;
  node.input_count = 2;
  node.columns = columns;
  node.output_count = 1;
  hob_value sum = 0;
  const hob_status status = hob_graph_add_node(&sum, made, &node, error);
  if (status != HOB_OK) return status;
  hob_graph_add_output(made, sum, nullptr);
  return hob_program_create(out, made, nullptr, error);
}

hob_status MakeMatcher(const Things& things, hob_matcher** out, hob_error** error) {
  hob_grammar* made = nullptr;
  const hob_status status =
      hob_grammar_create(&made, things.tokenizer.get(), HOB_GRAMMAR_REGEX, "x", 1, error);
  if (status != HOB_OK) return status;
  const std::unique_ptr<hob_grammar, Destroyer<hob_grammar_destroy> > grammar(made);
  return hob_matcher_create(out, made, error);
}

std::vector<Kind> Kinds(const Things& things) {
  static const float kWeights[64] = {1};
  hob_runtime* const runtime = things.runtime.get();
  hob_model* const model = things.model.get();
  hob_model* const encoder = things.encoder.get();
  const hob_tokenizer* const tokenizer = things.tokenizer.get();
  return {
      {"runtime",
       Maker<hob_runtime>([](auto out, auto e) { return hob_runtime_create(out, nullptr, e); }),
       Ender(hob_runtime_destroy), RuntimeCalls()},
      {"model", Maker<hob_model>([=](auto out, auto e) {
         const std::string path = ChatFixture();
         return hob_model_open(out, runtime, path.data(), path.size(), nullptr, e);
       }),
       Ender(hob_model_destroy), ModelCalls()},
      {"session", Maker<hob_session>([=](auto out, auto e) {
         return hob_session_create(out, model, nullptr, e);
       }),
       Ender(hob_session_destroy), SessionCalls()},
      {"tokenizer", Maker<hob_tokenizer>([=](auto out, auto e) {
         return hob_model_get_tokenizer(out, model, e);
       }),
       Ender(hob_tokenizer_destroy), TokenizerCalls()},
      {"detokenizer", Maker<hob_detokenizer>([=](auto out, auto e) {
         return hob_detokenizer_create(out, tokenizer, HOB_TEXT_PLAIN, e);
       }),
       Ender(hob_detokenizer_destroy), PieceCalls("detokenizer")},
      {"chat template", Maker<hob_chat_template>([](auto out, auto e) {
         return hob_chat_template_create(out, "x", 1, nullptr, e);
       }),
       Ender(hob_chat_template_destroy), PieceCalls("chat template")},
      {"sampler",
       Maker<hob_sampler>([](auto out, auto e) { return hob_sampler_create(out, nullptr, e); }),
       Ender(hob_sampler_destroy), PieceCalls("sampler")},
      {"grammar", Maker<hob_grammar>([=](auto out, auto e) {
         return hob_grammar_create(out, tokenizer, HOB_GRAMMAR_REGEX, "x", 1, e);
       }),
       Ender(hob_grammar_destroy), PieceCalls("grammar")},
      {"matcher",
       Maker<hob_matcher>([&things](auto out, auto e) { return MakeMatcher(things, out, e); }),
       Ender(hob_matcher_destroy), PieceCalls("matcher")},
      {"tools", Maker<hob_tools>([=](auto out, auto e) {
         return hob_tools_create(out, model, kTool.data(), kTool.size(), nullptr, e);
       }),
       Ender(hob_tools_destroy), PieceCalls("tools")},
      {"embedder", Maker<hob_embedder>([=](auto out, auto e) {
         return hob_embedder_create(out, encoder, nullptr, e);
       }),
       Ender(hob_embedder_destroy), PieceCalls("embedder")},
      {"handoff", Maker<hob_handoff>([=](auto out, auto e) {
         hob_handoff_options options = HOB_HANDOFF_OPTIONS_INIT;
         options.url = {"https://example.org/v1", 22};
         options.model = {"big", 3};
         return hob_handoff_create(out, runtime, &options, e);
       }),
       Ender(hob_handoff_destroy), PieceCalls("handoff")},
      {"graph",
       Maker<hob_graph>([=](auto out, auto e) { return hob_graph_create(out, runtime, e); }),
       Ender(hob_graph_destroy), GraphCalls("graph")},
      {"program",
       Maker<hob_program>([&things](auto out, auto e) { return MakeProgram(things, out, e); }),
       Ender(hob_program_destroy), GraphCalls("program")},
      {"matrix", Maker<hob_matrix>([=](auto out, auto e) {
         return hob_matrix_create(out, runtime, HOB_TYPE_F32, kWeights, sizeof(kWeights), 8, 8,
                                  nullptr, e);
       }),
       Ender(hob_matrix_destroy), GraphCalls("matrix")},
  };
}

void CheckRefused(const Kind& kind, void* handle, const std::string& message) {
  for (const Named& call : kind.calls) {
    const Outcome outcome = Try([&](hob_error** error) { return call.call(handle, error); });
    INFO(call.name << ": " << outcome.message);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find(message) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("a destroyed handle is recognised, whatever is called with it") {
  const Things things;
  for (const Kind& kind : Kinds(things)) {
    INFO(kind.name);
    void* const handle = kind.make();
    kind.destroy(handle);
    CheckRefused(kind, handle, "the " + std::string(kind.name) + " handle was destroyed");
    kind.destroy(handle);  // twice: nothing happens
    // A later handle has another address, so the old one stays recognised.
    void* const later = kind.make();
    CHECK(later != handle);
    CheckRefused(kind, handle, "the " + std::string(kind.name) + " handle was destroyed");
    kind.destroy(later);
  }
}

TEST_CASE("a handle of another kind is recognised and stays as it is") {
  const Things things;
  const std::vector<Kind> kinds = Kinds(things);
  for (const Kind& kind : kinds) {
    for (const Kind& other : kinds) {
      if (&kind == &other) continue;
      void* const handle = other.make();
      CheckRefused(kind, handle,
                   "no " + std::string(kind.name) + " handle but a " + other.name + " handle");
      kind.destroy(handle);  // does nothing
      other.destroy(handle);
      CheckRefused(kind, handle, "that was destroyed");
    }
  }
}

TEST_CASE("a pointer that is no handle is recognised unread") {
  const Things things;
  for (const Kind& kind : Kinds(things)) {
    // Not even mapped: who reads it ends the process.
    void* const foreign = reinterpret_cast<void*>(uintptr_t{0x1000});
    CheckRefused(kind, foreign, "no " + std::string(kind.name) + " handle, nor any other");
    kind.destroy(foreign);
  }
}

TEST_CASE("cancelling what is no live session does nothing") {
  const Things things;
  hob_session* const session = MakeSession(things.model.get()).release();
  hob_session_destroy(session);
  hob_session_cancel(session);
  hob_session_cancel(reinterpret_cast<hob_session*>(things.model.get()));
  hob_session_cancel(reinterpret_cast<hob_session*>(uintptr_t{0x1000}));
}

TEST_CASE("a destroyed model as a draft is named by its option") {
  const Things things;
  hob_session_options options = HOB_SESSION_OPTIONS_INIT;
  hob_model* const draft = OpenModel(things.runtime.get(), ChatFixture()).release();
  hob_model_destroy(draft);
  options.draft = draft;
  hob_session* session = nullptr;
  const Outcome outcome =
      Try([&](auto e) { return hob_session_create(&session, things.model.get(), &options, e); });
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  CHECK(outcome.message == "hob_session_options.draft: the model handle was destroyed");
}

#endif
