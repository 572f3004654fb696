// SPDX-License-Identifier: Apache-2.0
// The C++ interface on the same model.
#include <catch2/catch_test_macros.hpp>
#include <hob/hob.hpp>
#include <stdexcept>

#if defined(__linux__)
#include <pthread.h>
#include <unistd.h>
#endif

#include "tests/support/shared_dir.h"

namespace {

std::string ModelPath() {
  return (hob::testing::SourceDir() / "tests" / "fixtures" / "smollm-q4_1.gguf").string();
}

}  // namespace

TEST_CASE("C++: a chat") {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, ModelPath()).value();
  CHECK(model.Text(HOB_MODEL_ARCHITECTURE) == "llama");
  CHECK(model.Info()->vocabulary_size == 288);
  CHECK(runtime.Info()->bytes_in_use > 0);

  hob::Session session = hob::Session::Create(model).value();
  session.AddMessage("user", "hello").value();
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.max_tokens = 5;
  options.ignore_eos = 1;
  std::string streamed;
  session.Generate([&](std::string_view text) { streamed += text; }, options).value();
  CHECK(session.Reply() == streamed);
  CHECK(*session.MessageCount() == 2);

  int calls = 0;
  const auto result = session.Generate([&](const hob_token&) { return ++calls < 3; }, options);
  CHECK(result->finish_reason == HOB_FINISH_CANCELLED);
  CHECK(calls == 3);
  CHECK(session.Stats()->generated_tokens == 3);
  CHECK(session.Tokens().size() > 3);

  const hob::SavedSession saved = session.Save().value();
  hob::Session other = hob::Session::Create(model).value();
  other.Restore(saved.data(), saved.size()).value();
  CHECK(other.Message(0)->text == "hello");
  CHECK(other.Message(99).code() == HOB_OUT_OF_RANGE);
  CHECK(other.Reply() == session.Reply());
  CHECK(other.Restore("/no/such/file").code() == HOB_NOT_FOUND);
  CHECK(other.Save("/no/such/folder/file").code() == HOB_NOT_FOUND);

  hob_session_options int8 = hob::Session::DefaultOptions();
  CHECK(int8.kv_type == HOB_KV_MODEL);
  int8.kv_type = HOB_KV_INT8;
  hob::Session small = hob::Session::Create(model, int8).value();
  small.AddMessage("user", "hello").value();
  small.Generate(options).value();
  CHECK(small.Stats()->cache_bytes < session.Stats()->cache_bytes);
  int8.kv_type = 7;
  CHECK(hob::Session::Create(model, int8).code() == HOB_INVALID_ARGUMENT);

  session.KeepMessages(0).value();
  session.Reset().value();
  CHECK(session.Generate().code() == HOB_FAILED_PRECONDITION);
}

TEST_CASE("C++: tokens") {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, ModelPath()).value();
  const std::vector<int32_t> tokens = model.Tokenize("some text").value();
  CHECK(model.Detokenize(tokens).value() == "some text");
  std::string bytes;
  for (const int32_t token : tokens) bytes += model.TokenBytes(token).value();
  CHECK(bytes == "some text");
  CHECK(model.IsEndToken(*model.FindToken("<|im_end|>")));
  CHECK(model.Tokenize("")->empty());
}

TEST_CASE("C++: errors are results, and exceptions where they are asked for") {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const auto missing = hob::Model::Open(runtime, "/no/such/file.gguf");
  REQUIRE(!missing.ok());
  CHECK(missing.code() == HOB_NOT_FOUND);
  CHECK(missing.error().name() == "NOT_FOUND");
  CHECK(missing.error().message().find("/no/such/file.gguf") != std::string_view::npos);
  CHECK(missing.error().ToString().find("NOT_FOUND: ") == 0);
  try {
    (void)hob::Model::Open(runtime, "/no/such/file.gguf").value();
    FAIL("nothing was thrown");
  } catch (const hob::Exception& exception) {
    CHECK(exception.error().code() == HOB_NOT_FOUND);
    CHECK(std::string(exception.what()).find("/no/such/file.gguf") != std::string::npos);
  }
}

TEST_CASE("C++: what a callable throws comes out of Generate") {
  const hob::Runtime runtime = hob::Runtime::Create().value();
  const hob::Model model = hob::Model::Open(runtime, ModelPath()).value();
  hob::Session session = hob::Session::Create(model).value();
  session.AddText("hello").value();
  hob_generate_options options = hob::Session::DefaultGenerateOptions();
  options.ignore_eos = 1;
  CHECK_THROWS_AS(
      (void)session.Generate([](std::string_view) { throw std::runtime_error("x"); }, options),
      std::runtime_error);
  CHECK(session.Stats()->generated_tokens == 1);
}

TEST_CASE("C++: what is made of a result may be nothing") {
  int seen = 0;
  CHECK(hob::Result<int>(3).transform([&](int value) { seen = value; }).ok());
  CHECK(seen == 3);
  const hob::Result<void> none =
      hob::Result<int>(hob::Error(HOB_NOT_FOUND)).transform([&](int) { seen = 9; });
  CHECK(none.code() == HOB_NOT_FOUND);
  CHECK(seen == 3);
}

#if defined(__GLIBCXX__) && defined(__linux__)
TEST_CASE("C++: a thread that is cancelled in a callable ends, and the process goes on") {
#if defined(__SANITIZE_ADDRESS__)
  SKIP(
      "libstdc++ hands a forced unwind out as a null reference, which UndefinedBehaviorSanitizer "
      "sees");
#endif
  pthread_t thread;
  REQUIRE(pthread_create(
              &thread, nullptr,
              [](void*) -> void* {
                auto wait = [](int) {
                  for (;;) pause();
                };
                hob::detail::Callback<decltype(wait)> callback{&wait};
                callback.Call(1);
                return nullptr;
              },
              nullptr) == 0);
  pthread_cancel(thread);
  void* result = nullptr;
  REQUIRE(pthread_join(thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
}
#endif

TEST_CASE("C++: handles move") {
  hob::Runtime runtime = hob::Runtime::Create().value();
  hob::Model model = hob::Model::Open(runtime, ModelPath()).value();
  hob::Session session = hob::Session::Create(model).value();
  hob::Session moved = std::move(session);
  CHECK(session.get() == nullptr);
  runtime = hob::Runtime(nullptr);
  model = hob::Model(nullptr);
  CHECK(moved.AddText("x").ok());
  CHECK(session.AddText("x").code() == HOB_INVALID_ARGUMENT);
}
