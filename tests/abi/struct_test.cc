// SPDX-License-Identifier: Apache-2.0
// How structs grow: what the library makes of sizes that it does not expect.
#include <cstddef>
#include <cstring>
#include <vector>

#include "tests/abi/units.h"

using namespace hob::test;

namespace {

// `options` followed by `tail` bytes, with the struct_size of both.
template <typename T>
std::vector<uint64_t> Larger(T options, size_t tail, uint8_t last_byte) {
  options.struct_size = static_cast<uint32_t>(sizeof(T) + tail);
  std::vector<uint64_t> memory((sizeof(T) + tail + 7) / 8);
  auto* bytes = reinterpret_cast<uint8_t*>(memory.data());
  std::memcpy(bytes, &options, sizeof(T));
  if (tail > 0) bytes[sizeof(T) + tail - 1] = last_byte;
  return memory;
}

Outcome CreateRuntime(const void* options) {
  return Try([&](auto e) {
    hob_runtime* runtime = nullptr;
    const hob_status status =
        hob_runtime_create(&runtime, static_cast<const hob_runtime_options*>(options), e);
    hob_runtime_destroy(runtime);
    return status;
  });
}

}  // namespace

TEST_CASE("a larger option struct is accepted if its unknown tail is zero") {
  const hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  for (const size_t tail : {0, 1, 8, 64, 1000}) {
    CHECK(CreateRuntime(Larger(options, tail, 0).data()).status == HOB_OK);
  }
  for (const size_t tail : {1, 8, 64, 1000}) {
    const Outcome outcome = CreateRuntime(Larger(options, tail, 1).data());
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find("hob_runtime_options") != std::string::npos);
  }
}

TEST_CASE("a struct_size that no version had is refused") {
  for (const uint32_t size :
       {0u, 1u, 4u, 8u, uint32_t{sizeof(hob_runtime_options)} - 1, 5000u, 0xFFFFFFFFu}) {
    hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
    options.struct_size = size;
    const Outcome outcome = CreateRuntime(&options);
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find("struct_size") != std::string::npos);
    CHECK(outcome.hint.find("INIT") != std::string::npos);
  }
}

TEST_CASE("every struct is checked") {
  const RuntimePtr runtime = MakeRuntime();
  const std::string path = ChatFixture();
  const ModelPtr model = OpenModel(runtime.get(), path);
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "x") == HOB_OK);

  hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
  model_options.struct_size = 3;
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.struct_size = 3;
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.struct_size = 3;
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.struct_size = 3;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  result.struct_size = 3;
  hob_runtime_info runtime_info = HOB_RUNTIME_INFO_INIT;
  runtime_info.struct_size = 3;
  hob_model_info model_info = HOB_MODEL_INFO_INIT;
  model_info.struct_size = 3;
  hob_model_plan_info plan = HOB_MODEL_PLAN_INFO_INIT;
  plan.struct_size = 3;
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  stats.struct_size = 3;
  hob_poll poll = HOB_POLL_NOTHING;
  hob_token token = HOB_TOKEN_INIT;
  token.struct_size = 3;
  hob_convert_options convert = HOB_CONVERT_OPTIONS_INIT;
  convert.struct_size = 3;

  hob_tokenizer_info tokenizer_info = HOB_TOKENIZER_INFO_INIT;
  tokenizer_info.struct_size = 3;
  hob_token_info token_info = HOB_TOKEN_INFO_INIT;
  token_info.struct_size = 3;
  hob_chat_template_options template_options = HOB_CHAT_TEMPLATE_OPTIONS_INIT;
  template_options.struct_size = 3;
  hob_render_options render = HOB_RENDER_OPTIONS_INIT;
  render.struct_size = 3;
  hob_matrix_options matrix_options = HOB_MATRIX_OPTIONS_INIT;
  matrix_options.struct_size = 3;
  hob_matrix_info matrix_info = HOB_MATRIX_INFO_INIT;
  matrix_info.struct_size = 3;
  hob_weight weight = HOB_WEIGHT_INIT;
  weight.struct_size = 3;
  hob_node node = HOB_NODE_INIT;
  node.struct_size = 3;
  hob_program_options program_options = HOB_PROGRAM_OPTIONS_INIT;
  program_options.struct_size = 3;
  hob_program_info program_info = HOB_PROGRAM_INFO_INIT;
  program_info.struct_size = 3;
  hob_run_options run = HOB_RUN_OPTIONS_INIT;
  run.struct_size = 3;
  const MatrixPtr matrix = QuantizeMatrix(runtime.get(), HOB_TYPE_F32, {1.0f}, 1);
  hob_matrix* other_matrix = nullptr;
  hob_graph* graph_handle = nullptr;
  REQUIRE_OK(hob_graph_create(&graph_handle, runtime.get(), &error));
  const GraphPtr graph(graph_handle);
  hob_value value = -1;
  REQUIRE_OK(hob_graph_add_input(&value, graph.get(), "x", 1, 1, &error));
  REQUIRE_OK(hob_graph_add_output(graph.get(), value, &error));
  hob_program* program_handle = nullptr;
  REQUIRE_OK(hob_program_create(&program_handle, graph.get(), nullptr, &error));
  const ProgramPtr program(program_handle);
  const float number = 1;
  const TokenizerPtr tokenizer = OpenTokenizer(path);
  const TemplatePtr chat_template = MakeTemplate("x");
  hob_chat_template* other_template = nullptr;
  hob_sampler* other_sampler = nullptr;
  char* text = nullptr;
  size_t text_size = 0;

  hob_model* other_model = nullptr;
  hob_session* other = nullptr;
  for (const Outcome& outcome : {
           Try([&](auto e) {
             return hob_model_open(&other_model, runtime.get(), path.data(), path.size(),
                                   &model_options, e);
           }),
           Try([&](auto e) {
             return hob_session_create(&other, model.get(), &session_options, e);
           }),
           Try([&](auto e) { return hob_session_set_sampler(session.get(), &sampler, e); }),
           Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &generate, e); }),
           Try([&](auto e) { return hob_session_generate(&result, session.get(), nullptr, e); }),
           Try([&](auto e) { return hob_session_start(session.get(), &generate, e); }),
           Try([&](auto e) { return hob_session_poll(&poll, &token, session.get(), 0, e); }),
           Try([&](auto e) { return hob_session_get_result(&result, session.get(), e); }),
           Try([&](auto e) { return hob_runtime_get_info(&runtime_info, runtime.get(), e); }),
           Try([&](auto e) {
             return hob_model_plan(&plan, runtime.get(), path.data(), path.size(), nullptr, e);
           }),
           Try([&](auto e) { return hob_model_get_info(&model_info, model.get(), e); }),
           Try([&](auto e) { return hob_session_get_stats(&stats, session.get(), e); }),
           Try([&](auto e) { return hob_convert("a", 1, "b", 1, &convert, e); }),
           Try([&](auto e) { return hob_tokenizer_get_info(&tokenizer_info, tokenizer.get(), e); }),
           Try([&](auto e) { return hob_tokenizer_get_token(&token_info, tokenizer.get(), 0, e); }),
           Try([&](auto e) {
             return hob_chat_template_create(&other_template, "x", 1, &template_options, e);
           }),
           Try([&](auto e) {
             return hob_chat_template_render(&text, &text_size, chat_template.get(), nullptr, 0,
                                             &render, e);
           }),
           Try([&](auto e) { return hob_sampler_create(&other_sampler, &sampler, e); }),
           Try([&](auto e) {
             return hob_matrix_create(&other_matrix, runtime.get(), HOB_TYPE_F32, &number, 4, 1, 1,
                                      &matrix_options, e);
           }),
           Try([&](auto e) {
             return hob_matrix_quantize(&other_matrix, runtime.get(), HOB_TYPE_F32, &number, 1, 1,
                                        &matrix_options, e);
           }),
           Try([&](auto e) { return hob_matrix_get_info(&matrix_info, matrix.get(), e); }),
           Try([&](auto e) { return hob_graph_add_weight(&value, graph.get(), &weight, e); }),
           Try([&](auto e) { return hob_graph_add_node(&value, graph.get(), &node, e); }),
           Try([&](auto e) {
             return hob_program_create(&program_handle, graph.get(), &program_options, e);
           }),
           Try([&](auto e) { return hob_program_get_info(&program_info, program.get(), e); }),
           Try([&](auto e) {
             return hob_program_run(nullptr, 0, program.get(), nullptr, 0, 1, &run, e);
           }),
       }) {
    CHECK(outcome.status == HOB_INVALID_ARGUMENT);
    CHECK(outcome.message.find("struct_size") != std::string::npos);
  }
}

TEST_CASE("a struct of a size that it had before is read that far") {
  const RuntimePtr runtime = MakeRuntime(1);
  const std::string path = ChatFixture();
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.rope_scaling = 99;  // beyond its end
  options.max_batch_rows = 7;
  options.struct_size = offsetof(hob_model_options, rope_scaling);
  const ModelPtr model = OpenModel(runtime.get(), path, &options);
  hob_model_info info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
  CHECK(info.max_batch_rows == 7);
  hob_session_options session = HOB_SESSION_OPTIONS_INIT;
  session.kv_type = 99;
  session.context_tokens = 77;
  session.struct_size = offsetof(hob_session_options, kv_type);
  hob_session_stats stats = HOB_SESSION_STATS_INIT;
  const SessionPtr older = MakeSession(model.get(), &session);
  REQUIRE_OK(hob_session_get_stats(&stats, older.get(), &error));
  CHECK(stats.context_tokens == 77);
  options.struct_size += 4;
  hob_model* out = nullptr;
  CHECK(Try([&](auto e) {
          return hob_model_open(&out, runtime.get(), path.data(), path.size(), &options, e);
        }).status == HOB_INVALID_ARGUMENT);
}

TEST_CASE("a larger struct to be filled keeps its size and its tail") {
  const RuntimePtr runtime = MakeRuntime(1);
  const hob_runtime_info empty = HOB_RUNTIME_INFO_INIT;
  std::vector<uint64_t> memory = Larger(empty, 16, 0);
  auto* info = reinterpret_cast<hob_runtime_info*>(memory.data());
  REQUIRE_OK(hob_runtime_get_info(info, runtime.get(), &error));
  CHECK(info->struct_size == sizeof(hob_runtime_info) + 16);
  CHECK(info->threads == 1);
  CHECK(memory.back() == 0);
}

TEST_CASE("a client of another interface version is told so") {
  for (const uint32_t version :
       {uint32_t{HOB_ABI_VERSION} + 1, uint32_t{HOB_ABI_VERSION} + 0x10000, 0xFFFFFFFFu}) {
    hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
    options.abi_version = version;
    options.struct_size = 4000;  // a newer struct, whose tail is not even looked at
    const Outcome outcome = CreateRuntime(&options);
    CHECK(outcome.status == HOB_FAILED_PRECONDITION);
    CHECK(outcome.message.find(std::to_string(version >> 16)) != std::string::npos);
    CHECK(!outcome.hint.empty());
  }
  hob_runtime_options older = HOB_RUNTIME_OPTIONS_INIT;
  older.abi_version = HOB_ABI_VERSION_MAJOR << 16;
  CHECK(CreateRuntime(&older).status == HOB_OK);
  CHECK(hob_abi_version() == HOB_ABI_VERSION);
}

TEST_CASE("statuses have names and the library a version") {
  CHECK(Text(hob_status_name(HOB_OK)) == "OK");
  CHECK(Text(hob_status_name(HOB_UNAUTHENTICATED)) == "UNAUTHENTICATED");
  CHECK(Text(hob_status_name(-1)) == "UNKNOWN");
  CHECK(Text(hob_status_name(17)) == "UNKNOWN");
  CHECK(Text(hob_version()).find('.') != std::string::npos);
}
