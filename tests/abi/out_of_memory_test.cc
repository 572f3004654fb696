// SPDX-License-Identifier: Apache-2.0
// The C++ heap running out at any allocation, whatever the thread: an error and no crash;
// AddressSanitizer sees that nothing leaks.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "tests/abi/client.h"
#include "tests/abi/heap.h"

namespace hob::test {
std::atomic<int64_t> heap_allocations = 0;
}

namespace {

// Allocations until one fails, and all after it; negative: none does.
std::atomic<int64_t> allocations_left = -1;

void* AllocateOrNull(size_t size, size_t alignment) noexcept {
  hob::test::heap_allocations.fetch_add(1, std::memory_order_relaxed);
  for (int64_t left = allocations_left; left >= 0;) {
    if (left == 0) return nullptr;
    if (allocations_left.compare_exchange_weak(left, left - 1)) break;
  }
  return alignment <= alignof(std::max_align_t)
             ? std::malloc(size == 0 ? 1 : size)
             : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* AllocateOrThrow(size_t size, size_t alignment) {
  void* memory = AllocateOrNull(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All forms: a sanitizer's own would otherwise stand in for those left out.
void* operator new(size_t size) { return AllocateOrThrow(size, 1); }
void* operator new[](size_t size) { return AllocateOrThrow(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) {
  return AllocateOrThrow(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return AllocateOrThrow(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return AllocateOrNull(size, 1); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return AllocateOrNull(size, 1);
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return AllocateOrNull(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return AllocateOrNull(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace {

using namespace hob::test;

struct Steps {
  hob_runtime* runtime = nullptr;
  hob_model* model = nullptr;
  hob_session* session = nullptr;
  ~Steps() {
    hob_session_destroy(session);
    hob_model_destroy(model);
    hob_runtime_destroy(runtime);
  }
};

// Calls `f(&error)` with the first, second, … allocation failing, until it has enough; returns how
// many failures it took.
template <typename F>
int64_t Exhaust(const char* what, F&& f) {
  for (int64_t n = 0;; ++n) {
    hob_error* error = nullptr;
    allocations_left = n;
    const hob_status status = f(&error);
    allocations_left = -1;
    const ErrorPtr owner(error);
    if (status == HOB_OK) return n;
    INFO(what << ", allocation " << n);
    REQUIRE(status == HOB_RESOURCE_EXHAUSTED);
    REQUIRE(hob_error_message(error).size > 0);
  }
}

}  // namespace

TEST_CASE("the heap may run out at any allocation") {
  const std::string path = ChatFixture();
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  sampler.temperature = 1.0f;
  sampler.top_p = 0.9f;
  sampler.repetition_penalty = 1.1f;
  hob_session_options session_options = HOB_SESSION_OPTIONS_INIT;
  session_options.sampler = &sampler;
  const hob_string stop = {"zzz", 3};
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 3;
  generate.ignore_eos = 1;
  generate.stops = &stop;
  generate.stop_count = 1;

  Steps s;
  CHECK(Exhaust("create a runtime",
                [&](auto e) { return hob_runtime_create(&s.runtime, &options, e); }) > 0);
  CHECK(Exhaust("open a model", [&](auto e) {
          return hob_model_open(&s.model, s.runtime, path.data(), path.size(), nullptr, e);
        }) > 100);
  CHECK(Exhaust("create a session", [&](auto e) {
          return hob_session_create(&s.session, s.model, &session_options, e);
        }) > 0);
  CHECK(Exhaust("add a message", [&](auto e) {
          return AddMessage(s.session, "user", "a message that no short string holds", e);
        }) > 0);
  size_t messages = 0;
  REQUIRE_OK(hob_session_message_count(&messages, s.session, &error));
  CHECK(messages == 1);
  CHECK(Exhaust("generate", [&](auto e) {
          return hob_session_generate(nullptr, s.session, &generate, e);
        }) > 10);
  REQUIRE_OK(hob_session_message_count(&messages, s.session, &error));
  CHECK(messages == 2);

  // What failures left behind has no effect on the answer.
  const std::string reply = Reply(s.session);
  const SessionPtr other = MakeSession(s.model, &session_options);
  REQUIRE(AddMessage(other.get(), "user", "a message that no short string holds") == HOB_OK);
  REQUIRE_OK(hob_session_generate(nullptr, other.get(), &generate, &error));
  CHECK(Reply(other.get()) == reply);

  void* saved = nullptr;
  size_t saved_size = 0;
  CHECK(Exhaust("save a session", [&](auto e) {
          return hob_session_save_buffer(&saved, &saved_size, s.session, e);
        }) > 2);
  hob_session_reset(other.get(), nullptr);
  CHECK(Exhaust("restore a session", [&](auto e) -> hob_status {
          const hob_status status = hob_session_restore_buffer(other.get(), saved, saved_size, e);
          if (status != HOB_OK) {
            size_t count = 0;  // a failed restore leaves the session empty, as it was
            if (hob_session_message_count(&count, other.get(), nullptr) == HOB_OK && count != 0) {
              return HOB_INTERNAL;
            }
          }
          return status;
        }) > 5);
  hob_free(saved);
  CHECK(Reply(other.get()) == reply);

  hob_tokenizer* tokenizer = nullptr;
  hob_detokenizer* detokenizer = nullptr;
  hob_chat_template* chat_template = nullptr;
  hob_sampler* unit = nullptr;
  int32_t* tokens = nullptr;
  size_t count = 0;
  hob_string piece;
  const hob_chat_message message = {{"user", 4}, {"a message that no short string holds", 36}};
  const std::string source = "{% for m in messages %}{{ m.content | trim }}{% endfor %}";
  const int32_t accepted[] = {1, 2, 3};
  std::vector<float> logits(500, 0.5f);
  CHECK(Exhaust("open a tokenizer", [&](auto e) {
          return hob_tokenizer_open(&tokenizer, path.data(), path.size(), e);
        }) > 10);
  CHECK(Exhaust("encode", [&](auto e) {
          return hob_tokenizer_encode(&tokens, &count, tokenizer, message.content.data, 36, 0, e);
        }) > 0);
  hob_free(tokens);
  CHECK(Exhaust("create a detokenizer", [&](auto e) {
          return hob_detokenizer_create(&detokenizer, tokenizer, HOB_TEXT_PLAIN, e);
        }) > 0);
  Exhaust("push", [&](auto e) { return hob_detokenizer_push(&piece, detokenizer, 5, e); });
  char* text = nullptr;
  size_t size = 0;
  CHECK(Exhaust("create a template", [&](auto e) {
          return hob_chat_template_create(&chat_template, source.data(), source.size(), nullptr, e);
        }) > 5);
  CHECK(Exhaust("render", [&](auto e) {
          return hob_chat_template_render(&text, &size, chat_template, &message, 1, nullptr, e);
        }) > 5);
  CHECK(std::string(text, size) == message.content.data);
  hob_free(text);
  CHECK(Exhaust("create a sampler",
                [&](auto e) { return hob_sampler_create(&unit, &sampler, e); }) > 0);
  CHECK(Exhaust("accept", [&](auto e) { return hob_sampler_accept(unit, accepted, 3, e); }) > 0);
  int32_t token = -1;
  CHECK(Exhaust("sample", [&](auto e) {
          return hob_sampler_sample(&token, unit, logits.data(), logits.size(), e);
        }) > 0);
  CHECK(token >= 0);
  hob_sampler_destroy(unit);
  hob_chat_template_destroy(chat_template);
  hob_detokenizer_destroy(detokenizer);
  hob_tokenizer_destroy(tokenizer);

  hob_matrix* matrix = nullptr;
  hob_graph* graph = nullptr;
  hob_program* program = nullptr;
  hob_value value = -1;
  std::vector<float> product(500);
  CHECK(Exhaust("quantise a matrix", [&](auto e) {
          return hob_matrix_quantize(&matrix, s.runtime, HOB_TYPE_INT8, logits.data(), 5, 96,
                                     nullptr, e);
        }) > 10);
  CHECK(Exhaust("multiply", [&](auto e) {
          return hob_matrix_multiply(product.data(), matrix, logits.data(), 3, e);
        }) == 0);
  CHECK(Exhaust("create a graph", [&](auto e) { return hob_graph_create(&graph, s.runtime, e); }) >
        0);
  CHECK(Exhaust("add an input", [&](auto e) {
          return hob_graph_add_input(&value, graph, "a name that no short string holds", 34, 32, e);
        }) > 0);
  hob_weight weight = HOB_WEIGHT_INIT;
  weight.name = message.content;
  weight.data = logits.data();
  weight.size = 32 * sizeof(float);
  weight.columns = 32;
  CHECK(Exhaust("add a weight",
                [&](auto e) { return hob_graph_add_weight(&value, graph, &weight, e); }) > 0);
  const hob_value inputs[] = {0, 1};
  const hob_attribute epsilon = {{"epsilon", 7}, HOB_ATTRIBUTE_REAL, 0, 0, 1e-5};
  const size_t columns = 32;
  hob_node node = HOB_NODE_INIT;
  node.op = {"rms_norm", 8};
  node.name = message.content;
  node.inputs = inputs;
  node.input_count = 2;
  node.attributes = &epsilon;
  node.attribute_count = 1;
  node.columns = &columns;
  node.output_count = 1;
  CHECK(Exhaust("add a node", [&](auto e) { return hob_graph_add_node(&value, graph, &node, e); }) >
        0);
  CHECK(value == 2);  // what failed left nothing
  Exhaust("add an output", [&](auto e) { return hob_graph_add_output(graph, value, e); });
  CHECK(Exhaust("create a program",
                [&](auto e) { return hob_program_create(&program, graph, nullptr, e); }) > 10);
  const float* in = logits.data();
  float* to = product.data();
  CHECK(Exhaust("run", [&](auto e) {
          return hob_program_run(&to, 1, program, &in, 1, 9, nullptr, e);
        }) == 0);
  hob_program_destroy(program);
  hob_graph_destroy(graph);
  hob_matrix_destroy(matrix);

  CHECK(Exhaust("describe", [&](auto e) { return hob_model_describe(&text, &size, s.model, e); }) >
        10);
  hob_free(text);
}
