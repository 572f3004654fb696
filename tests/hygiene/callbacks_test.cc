// SPDX-License-Identifier: Apache-2.0
// What a C++ app's callbacks throw ends in the library: as an error of the call, or as a hook that
// had no answer. It never passes to a thread of the library's own.
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "tests/abi/units.h"
#include "tests/hygiene/broken_template.h"

using namespace hob::test;

namespace {

// An allocator that throws from its nth call on.
struct Throwing {
  int calls_left = -1;  // negative: never
  int thrown = 0;

  static void* Allocate(void* user, size_t bytes, size_t alignment) {
    auto* self = static_cast<Throwing*>(user);
    if (self->calls_left == 0) {
      ++self->thrown;
      throw std::runtime_error("no memory today");
    }
    if (self->calls_left > 0) --self->calls_left;
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void Release(void*, void* memory, size_t, size_t) { std::free(memory); }
  // Frees, and throws all the same.
  static void ReleaseAndThrow(void* user, void* memory, size_t, size_t) {
    std::free(memory);
    ++static_cast<Throwing*>(user)->thrown;
    throw std::runtime_error("released");
  }
};

hob_runtime_options With(Throwing& throwing) {
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  options.allocate = Throwing::Allocate;
  options.release = Throwing::Release;
  options.allocator_user = &throwing;
  return options;
}

RuntimePtr Make(const hob_runtime_options& options) {
  hob_runtime* runtime = nullptr;
  REQUIRE_OK(hob_runtime_create(&runtime, &options, &error));
  return RuntimePtr(runtime);
}

}  // namespace

TEST_CASE("an allocator that throws is one without memory, wherever it is asked") {
  const std::string path = ChatFixture();
  int refused = 0;
  for (int calls = 0; calls < 40; ++calls) {
    Throwing throwing;
    const RuntimePtr runtime = Make(With(throwing));
    throwing.calls_left = calls;
    hob_model* made = nullptr;
    hob_status status =
        hob_model_open(&made, runtime.get(), path.data(), path.size(), nullptr, nullptr);
    const ModelPtr model(made);
    if (status == HOB_OK) {
      const SessionPtr session = MakeSession(model.get());
      REQUIRE(AddText(session.get(), "hello") == HOB_OK);
      hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
      options.max_tokens = 100;
      options.ignore_eos = 1;
      status = hob_session_generate(nullptr, session.get(), &options, nullptr);
      // With memory again, the same session answers.
      throwing.calls_left = -1;
      CHECK(hob_session_generate(nullptr, session.get(), &options, nullptr) == HOB_OK);
    }
    INFO("after " << calls << " calls");
    CHECK(status == (throwing.thrown > 0 ? HOB_RESOURCE_EXHAUSTED : HOB_OK));
    refused += throwing.thrown > 0 ? 1 : 0;
  }
  CHECK(refused > 0);
}

TEST_CASE("a release hook that throws costs nothing but its own exception") {
  Throwing throwing;
  hob_runtime_options options = With(throwing);
  options.release = Throwing::ReleaseAndThrow;
  RuntimePtr runtime = Make(options);
  ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);
  Generate(session.get(), 4);
  session.reset();
  model.reset();
  runtime.reset();
  CHECK(throwing.thrown > 0);
}

TEST_CASE("a log sink that throws costs its line alone") {
  int lines = 0;
  hob_runtime_options options = HOB_RUNTIME_OPTIONS_INIT;
  options.threads = 2;
  options.log_level = HOB_LOG_DEBUG;
  options.log_user = &lines;
  options.log = [](void* user, hob_log_level, const char*, size_t) {
    ++*static_cast<int*>(user);
    throw std::runtime_error("log");
  };
  const RuntimePtr runtime = Make(options);
  const TemporaryFolder folder;
  const ModelPtr model = OpenModel(runtime.get(), WriteModelWithBrokenTemplate(folder));
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);
  CHECK(Generate(session.get(), 4).generated_tokens == 4);
  CHECK(lines == 1);
}

TEST_CASE("what a token callback throws is the call's error, and names it") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  REQUIRE(AddText(session.get(), "hello") == HOB_OK);
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  options.on_token = [](void*, const hob_token*) -> int32_t {
    throw std::runtime_error("the screen is gone");
  };
  const Outcome outcome =
      Try([&](auto e) { return hob_session_generate(nullptr, session.get(), &options, e); });
  CHECK(outcome.status == HOB_INTERNAL);
  CHECK(outcome.message.find("the screen is gone") != std::string::npos);
  CHECK(Generate(session.get(), 4).generated_tokens == 4);
}

TEST_CASE("what a callback of logits throws is the call's error") {
  const RuntimePtr runtime = MakeRuntime();
  const ModelPtr model = OpenModel(runtime.get(), ChatFixture());
  const SessionPtr session = MakeSession(model.get());
  const std::vector<int32_t> tokens = Prompt(20);
  const auto on_logits = [](void*, size_t, size_t, const float*) -> int32_t {
    throw std::bad_alloc();
  };
  CHECK(Try([&](auto e) {
          return hob_session_evaluate(session.get(), tokens.data(), tokens.size(), on_logits,
                                      nullptr, e);
        }).status == HOB_RESOURCE_EXHAUSTED);
  AddTokens(session.get(), tokens);
  CHECK(Generate(session.get(), 4).generated_tokens == 4);
}

TEST_CASE("what a progress callback throws is the call's error") {
  const RuntimePtr runtime = MakeRuntime();
  const std::string path = ChatFixture();
  const auto progress = [](void*, uint64_t, uint64_t) -> int32_t { throw 7; };
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.progress = progress;
  hob_model* model = nullptr;
  const Outcome opened = Try([&](auto e) {
    return hob_model_open(&model, runtime.get(), path.data(), path.size(), &options, e);
  });
  CHECK(opened.status == HOB_INTERNAL);
  CHECK(opened.message == "an exception of unknown type");
  CHECK(model == nullptr);

  const TemporaryFolder folder;
  const std::string output = folder / "out.hob";
  hob_convert_options convert = HOB_CONVERT_OPTIONS_INIT;
  convert.progress = progress;
  const Outcome converted = Try([&](auto e) {
    return hob_convert(path.data(), path.size(), output.data(), output.size(), &convert, e);
  });
  CHECK((converted.status == HOB_INTERNAL || converted.status == HOB_UNIMPLEMENTED));
  CHECK(folder.files() == 0);  // not even a part of it
  CHECK(OpenModel(runtime.get(), path) != nullptr);
}
