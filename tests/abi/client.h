// SPDX-License-Identifier: Apache-2.0
// The C interface with handles that destroy themselves, for tests.
#pragma once

#include <hob/hob_experimental.h>

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/shared_dir.h"

namespace hob::test {

template <auto kDestroy>
struct Destroyer {
  template <typename T>
  void operator()(T* handle) const {
    kDestroy(handle);
  }
};
using RuntimePtr = std::unique_ptr<hob_runtime, Destroyer<hob_runtime_destroy>>;
using ModelPtr = std::unique_ptr<hob_model, Destroyer<hob_model_destroy>>;
using SessionPtr = std::unique_ptr<hob_session, Destroyer<hob_session_destroy>>;
using ErrorPtr = std::unique_ptr<hob_error, Destroyer<hob_error_destroy>>;

inline std::string Text(hob_string text) { return std::string(text.data, text.size); }

// What a call left of an error: its status, message and hint.
struct Outcome {
  hob_status status = HOB_OK;
  std::string message, hint;
};

// Calls `f(&error)` and checks that the error object fits the status.
template <typename F>
Outcome Try(F&& f) {
  hob_error* error = reinterpret_cast<hob_error*>(1);  // is not looked at
  Outcome outcome;
  outcome.status = f(&error);
  const ErrorPtr owner(error);
  CHECK((error == nullptr) == (outcome.status == HOB_OK));
  CHECK(hob_error_code(error) == outcome.status);
  outcome.message = Text(hob_error_message(error));
  outcome.hint = Text(hob_error_hint(error));
  if (outcome.status != HOB_OK) {
    CHECK(!outcome.message.empty());
    // The same call without an error object.
    CHECK(f(nullptr) == outcome.status);
  }
  return outcome;
}

#define REQUIRE_OK(call)                             \
  do {                                               \
    hob_error* error = nullptr;                      \
    const hob_status status_of_call = (call);        \
    const hob::test::ErrorPtr owner_of_error(error); \
    INFO(hob::test::Text(hob_error_message(error))); \
    REQUIRE(status_of_call == HOB_OK);               \
  } while (false)

inline std::string Fixture(const std::string& name) {
  return (testing::SourceDir() / "tests" / "fixtures" / name).string();
}
// With a chat template and a context of 256 tokens.
inline std::string ChatFixture() { return Fixture("smollm-q4_1.gguf"); }

inline RuntimePtr MakeRuntime(uint32_t threads = 2) {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = threads;
  hob_runtime* runtime = nullptr;
  REQUIRE_OK(hob_runtime_create(&runtime, &options, &error));
  return RuntimePtr(runtime);
}

inline ModelPtr OpenModel(hob_runtime* runtime, const std::string& path,
                          const hob_model_options* options = nullptr) {
  hob_model* model = nullptr;
  REQUIRE_OK(hob_model_open(&model, runtime, path.data(), path.size(), options, &error));
  return ModelPtr(model);
}

inline SessionPtr MakeSession(hob_model* model, const hob_session_options* options = nullptr) {
  hob_session* session = nullptr;
  REQUIRE_OK(hob_session_create(&session, model, options, &error));
  return SessionPtr(session);
}

inline hob_status AddMessage(hob_session* session, std::string_view role, std::string_view text,
                             hob_error** error = nullptr) {
  return hob_session_add_message(session, role.data(), role.size(), text.data(), text.size(),
                                 error);
}

inline hob_status AddText(hob_session* session, std::string_view text,
                          hob_error** error = nullptr) {
  return hob_session_add_text(session, text.data(), text.size(), HOB_TEXT_PLAIN, error);
}

inline std::string Reply(const hob_session* session) {
  hob_string text = {nullptr, 0};
  REQUIRE_OK(hob_session_get_reply(&text, session, &error));
  return Text(text);
}

inline std::vector<int32_t> Tokens(const hob_session* session) {
  const int32_t* tokens = nullptr;
  size_t count = 0;
  REQUIRE_OK(hob_session_get_tokens(&tokens, &count, session, &error));
  return {tokens, tokens + count};
}

inline void AddTokens(hob_session* session, const std::vector<int32_t>& tokens) {
  REQUIRE_OK(hob_session_add_tokens(session, tokens.data(), tokens.size(), &error));
}

inline hob_generate_result Generate(hob_session* session, int32_t max_tokens,
                                    bool ignore_eos = true) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = max_tokens;
  options.ignore_eos = ignore_eos ? 1 : 0;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session, &options, &error));
  return result;
}

// Made-up tokens of ChatFixture's vocabulary.
inline std::vector<int32_t> Prompt(size_t count, size_t seed = 11) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i) tokens[i] = static_cast<int32_t>((i * 37 + seed) % 280);
  return tokens;
}

}  // namespace hob::test
