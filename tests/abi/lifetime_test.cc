// SPDX-License-Identifier: Apache-2.0
// Handles destroyed in any order, in a callback, and after fork.
#include <algorithm>
#include <array>

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "tests/abi/units.h"

using namespace hob::test;

namespace {

std::string Answer(hob_session* session) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 8;
  options.ignore_eos = 1;
  REQUIRE_OK(hob_session_generate(nullptr, session, &options, &error));
  return Reply(session);
}

}  // namespace

TEST_CASE("handles are destroyed in any order, and what is left works on") {
  std::array<int, 3> order = {0, 1, 2};
  std::string expected;
  do {
    RuntimePtr runtime = MakeRuntime();
    ModelPtr model = OpenModel(runtime.get(), ChatFixture());
    SessionPtr session = MakeSession(model.get());
    REQUIRE(AddText(session.get(), "hello") == HOB_OK);
    for (const int which : order) {
      if (which == 0) runtime.reset();
      if (which == 1) model.reset();
      if (which == 2) session.reset();
      if (session != nullptr) {
        const std::string answer = Answer(session.get());
        if (expected.empty()) expected = answer;
        CHECK(!answer.empty());
      } else if (model != nullptr) {
        const SessionPtr other = MakeSession(model.get());
        REQUIRE(AddText(other.get(), "hello") == HOB_OK);
        CHECK(Answer(other.get()) == expected);
      }
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a session destroyed in its own callback ends and goes") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  hob_session* session = MakeSession(model.get()).release();
  REQUIRE(AddText(session, "hello") == HOB_OK);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  options.user = session;
  options.on_token = [](void* user, const hob_token*) -> int32_t {
    hob_session_destroy(static_cast<hob_session*>(user));
    return 0;
  };
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session, &options, &error));
  CHECK(result.finish_reason == HOB_FINISH_CANCELLED);
  CHECK(result.generated_tokens == 1);
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  hob_model_info model_info = HOB_MODEL_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime.get(), &error));
  REQUIRE_OK(hob_model_get_info(&model_info, model.get(), &error));
  CHECK(info.bytes_in_use == model_info.weight_bytes + model_info.scratch_bytes);
}

TEST_CASE("calls on a session from within its callback are refused") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);
  struct State {
    hob_session* session;
    hob_status status = HOB_OK;
  } state{session.get()};
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = 2;
  options.ignore_eos = 1;
  options.user = &state;
  options.on_token = [](void* user, const hob_token*) -> int32_t {
    auto* s = static_cast<State*>(user);
    s->status = hob_session_reset(s->session, nullptr);
    return 0;
  };
  REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
  CHECK(state.status == HOB_FAILED_PRECONDITION);
  REQUIRE_OK(hob_session_reset(session.get(), &error));
}

TEST_CASE("an exception that a callback lets through comes back as an error") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);
  const std::string before = Reply(session.get());
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  options.on_token = [](void*, const hob_token*) -> int32_t { throw 1; };
  CHECK(Try([&](auto e) {
          return hob_session_generate(nullptr, session.get(), &options, e);
        }).status == HOB_INTERNAL);
  CHECK(Reply(session.get()) == before);
  CHECK(!Answer(session.get()).empty());
}

#if !defined(_WIN32)
void SkipUnlessForkWorks() {
#if defined(__SANITIZE_THREAD__)
  SKIP("ThreadSanitizer does not follow a fork of a process with threads");
#elif defined(__SANITIZE_ADDRESS__)
  SKIP("AddressSanitizer's allocator may be locked by another thread at the fork");
#endif
}

TEST_CASE("after fork, handles answer with an error in the child and work on in the parent") {
  SkipUnlessForkWorks();
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);

  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);  // A child that hangs fails the test.
    hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
    hob_model_info model_info = HOB_MODEL_INFO_INIT;
    hob_model* other = nullptr;
    hob_session* other_session = nullptr;
    const std::string path = ChatFixture();
    const bool refused =
        hob_runtime_get_info(&info, runtime.get(), nullptr) == HOB_FAILED_PRECONDITION &&
        hob_model_get_info(&model_info, model.get(), nullptr) == HOB_FAILED_PRECONDITION &&
        hob_model_open(&other, runtime.get(), path.data(), path.size(), nullptr, nullptr) ==
            HOB_FAILED_PRECONDITION &&
        hob_session_create(&other_session, model.get(), nullptr, nullptr) ==
            HOB_FAILED_PRECONDITION &&
        hob_session_generate(nullptr, session.get(), nullptr, nullptr) == HOB_FAILED_PRECONDITION;
    // Neither hangs nor crashes.
    hob_session_cancel(session.get());
    hob_session_destroy(session.get());
    hob_model_destroy(model.get());
    hob_runtime_destroy(runtime.get());
    // A runtime of the child's own works.
    hob_runtime* own = nullptr;
    const bool works = hob_runtime_create(&own, nullptr, nullptr) == HOB_OK;
    hob_runtime_destroy(own);
    _exit(refused && works ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(!Answer(session.get()).empty());
}

TEST_CASE("after fork, programs and matrices are refused and pieces of memory alone work") {
  SkipUnlessForkWorks();
  const RuntimePtr runtime = MakeRuntime();
  const MatrixPtr matrix = QuantizeMatrix(runtime.get(), HOB_TYPE_F32, Numbers(64), 8);
  hob_graph* made_graph = nullptr;
  REQUIRE_OK(hob_graph_create(&made_graph, runtime.get(), &error));
  const GraphPtr graph(made_graph);
  hob_value x = 0, sum = 0;
  REQUIRE_OK(hob_graph_add_input(&x, graph.get(), "x", 1, 8, &error));
  const hob_value inputs[] = {x, x};
  const size_t columns[] = {8};
  hob_node node = HOB_NODE_INIT;
  node.op = Piece("add");
  node.name = Piece("twice");
  node.inputs = inputs;
  node.input_count = 2;
  node.columns = columns;
  node.output_count = 1;
  REQUIRE_OK(hob_graph_add_node(&sum, graph.get(), &node, &error));
  REQUIRE_OK(hob_graph_add_output(graph.get(), sum, &error));
  hob_program* made_program = nullptr;
  REQUIRE_OK(hob_program_create(&made_program, graph.get(), nullptr, &error));
  const ProgramPtr program(made_program);
  const TokenizerPtr tokenizer = OpenTokenizer(ChatFixture());
  hob_detokenizer* made_detokenizer = nullptr;
  REQUIRE_OK(hob_detokenizer_create(&made_detokenizer, tokenizer.get(), HOB_TEXT_PLAIN, &error));
  const DetokenizerPtr detokenizer(made_detokenizer);
  const TemplatePtr chat_template = MakeTemplate("x");
  const SamplerPtr sampler = MakeSampler(HOB_SAMPLER_OPTIONS_INIT);

  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(60);
    std::vector<float> numbers(64, 1.0f);
    float* const out = numbers.data();
    const float* const in = numbers.data() + 8;
    hob_matrix_info matrix_info = HOB_MATRIX_INFO_INIT;
    hob_program_info program_info = HOB_PROGRAM_INFO_INIT;
    hob_graph* other_graph = nullptr;
    hob_program* other_program = nullptr;
    hob_value value = 0;
    const bool refused =
        hob_matrix_get_info(&matrix_info, matrix.get(), nullptr) == HOB_FAILED_PRECONDITION &&
        hob_matrix_multiply(out, matrix.get(), in, 1, nullptr) == HOB_FAILED_PRECONDITION &&
        hob_graph_create(&other_graph, runtime.get(), nullptr) == HOB_FAILED_PRECONDITION &&
        hob_graph_add_input(&value, graph.get(), "y", 1, 8, nullptr) == HOB_FAILED_PRECONDITION &&
        hob_program_create(&other_program, graph.get(), nullptr, nullptr) ==
            HOB_FAILED_PRECONDITION &&
        hob_program_get_info(&program_info, program.get(), nullptr) == HOB_FAILED_PRECONDITION &&
        hob_program_run(&out, 1, program.get(), &in, 1, 1, nullptr, nullptr) ==
            HOB_FAILED_PRECONDITION;
    char* text = nullptr;
    size_t size = 0;
    int32_t token = 0, *tokens = nullptr;
    hob_string piece = {nullptr, 0};
    const bool works = hob_tokenizer_encode(&tokens, &size, tokenizer.get(), "hello", 5,
                                            HOB_TEXT_PLAIN, nullptr) == HOB_OK &&
                       hob_detokenizer_push(&piece, detokenizer.get(), 1, nullptr) == HOB_OK &&
                       hob_chat_template_render(&text, &size, chat_template.get(), nullptr, 0,
                                                nullptr, nullptr) == HOB_OK &&
                       hob_sampler_sample(&token, sampler.get(), out, 8, nullptr) == HOB_OK;
    hob_matrix_destroy(matrix.get());
    hob_program_destroy(program.get());
    hob_graph_destroy(graph.get());
    hob_sampler_destroy(MakeSampler(HOB_SAMPLER_OPTIONS_INIT).release());
    _exit(refused && works ? 0 : (refused ? 2 : 1));
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  std::vector<float> out(8), in(8, 1.0f);
  REQUIRE_OK(hob_matrix_multiply(out.data(), matrix.get(), in.data(), 1, &error));
}
#endif
