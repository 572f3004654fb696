// SPDX-License-Identifier: Apache-2.0
// Files that are no model, or a broken one: a clear error, and nothing left behind.
#include <algorithm>
#include <vector>

#include "tests/abi/client.h"
#include "tests/format/gguf_builder.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

namespace {

struct Case {
  std::string path;
  hob_status status;
  std::string part;  // of the message
};

Outcome Open(hob_runtime* runtime, const std::string& path) {
  return Try([&](auto e) {
    hob_model* model = nullptr;
    const hob_status status = hob_model_open(&model, runtime, path.data(), path.size(), nullptr, e);
    hob_model_destroy(model);
    return status;
  });
}

uint64_t BytesInUse(const hob_runtime* runtime) {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime, &error));
  return info.bytes_in_use;
}

}  // namespace

TEST_CASE("what is no model is refused with the reason") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> good = ReadBytes(ChatFixture());
  REQUIRE(good.size() > 1000);
  const auto write = [&](const std::string& name, const std::vector<uint8_t>& bytes) {
    WriteBytes(folder / name, bytes);
    return folder / name;
  };

  std::vector<uint8_t> magic = good;
  magic[0] = 'X';
  std::vector<uint8_t> version = good;
  version[4] = 99;
  std::vector<uint8_t> tensors = good;  // the count of tensors
  std::fill(tensors.begin() + 8, tensors.begin() + 16, uint8_t{0x7F});
  std::vector<uint8_t> keys = good;  // the count of keys
  std::fill(keys.begin() + 16, keys.begin() + 24, uint8_t{0x7F});
  GgufBuilder unsupported = SmallGguf();
  unsupported.Tensor("x", 10, {256, 1}, 84);  // Q2_K
  GgufBuilder unknown;
  unknown.Key("general.architecture", "perceptron")
      .Key("tokenizer.ggml.model", "gpt2")
      .Key("tokenizer.ggml.pre", "smollm")
      .Array("tokenizer.ggml.tokens", {"a", "b"})
      .Array("tokenizer.ggml.merges", {"a b"})
      .Tensor("token_embd.weight", 0, {4, 2}, 32);

  const RuntimePtr runtime = MakeRuntime();
  const std::vector<Case> cases = {
      {folder / "missing.gguf", HOB_NOT_FOUND, "missing.gguf"},
      {folder.path(), HOB_INVALID_ARGUMENT, "directory"},
      {"", HOB_INVALID_ARGUMENT, "empty"},
      {std::string("a\0b", 3), HOB_INVALID_ARGUMENT, "NUL"},
      {write("empty.gguf", {}), HOB_INVALID_ARGUMENT, "empty"},
      {write("text.gguf", std::vector<uint8_t>(5000, 'x')), HOB_INVALID_ARGUMENT, "text.gguf"},
      {write("magic.gguf", magic), HOB_INVALID_ARGUMENT, "magic"},
      {write("version.gguf", version), HOB_UNIMPLEMENTED, "99"},
      {write("tensors.gguf", tensors), HOB_INVALID_ARGUMENT, "tensors.gguf"},
      {write("keys.gguf", keys), HOB_INVALID_ARGUMENT, "keys.gguf"},
      {write("type.gguf", unsupported.Build()), HOB_UNIMPLEMENTED, "Q2_K"},
      {write("family.gguf", unknown.Build()), HOB_UNIMPLEMENTED, "perceptron"},
  };
  for (const Case& c : cases) {
    INFO(c.path);
    const Outcome outcome = Open(runtime.get(), c.path);
    INFO(outcome.message);
    CHECK(outcome.status == c.status);
    CHECK(outcome.message.find(c.part) != std::string::npos);
  }
  CHECK(BytesInUse(runtime.get()) == 0);
}

TEST_CASE("a file cut short anywhere is refused") {
  const TemporaryFolder folder;
  const std::vector<uint8_t> good = ReadBytes(ChatFixture());
  const RuntimePtr runtime = MakeRuntime(1);
  for (size_t size = 1; size < good.size(); size += 1 + size / 16) {
    WriteBytes(folder / "cut.gguf", {good.data(), size});
    const Outcome outcome = Open(runtime.get(), folder / "cut.gguf");
    INFO("at " << size << ": " << outcome.message);
    CHECK(outcome.status == HOB_DATA_LOSS);
  }
  CHECK(BytesInUse(runtime.get()) == 0);
}

TEST_CASE("converting what is no model leaves no file") {
  const TemporaryFolder folder;
  const std::string in = folder / "in.gguf";
  const std::string out = folder / "out.hob";
  WriteBytes(in, std::vector<uint8_t>(100, 'x'));
  const auto convert = [&](auto e) {
    return hob_convert(in.data(), in.size(), out.data(), out.size(), nullptr, e);
  };
  CHECK(Try(convert).status == HOB_INVALID_ARGUMENT);
  CHECK(folder.files() == 1);
}

TEST_CASE("a converted model opens and answers as its source; a cancelled conversion leaves none") {
  const TemporaryFolder folder;
  const std::string in = ChatFixture();
  const std::string out = folder / "out.hob";
  hob_convert_options cancelled = HOB_CONVERT_OPTIONS_INIT;
  cancelled.progress = [](void*, uint64_t, uint64_t) -> int32_t { return 1; };
  CHECK(Try([&](auto e) {
          return hob_convert(in.data(), in.size(), out.data(), out.size(), &cancelled, e);
        }).status == HOB_CANCELLED);
  CHECK(folder.files() == 0);

  REQUIRE_OK(hob_convert(in.data(), in.size(), out.data(), out.size(), nullptr, &error));
  const RuntimePtr runtime = MakeRuntime();
  std::vector<std::string> replies;
  for (const std::string& path : {in, out}) {
    const ModelPtr model = OpenModel(runtime.get(), path);
    const SessionPtr session = MakeSession(model.get());
    REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
    hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
    options.max_tokens = 20;
    REQUIRE_OK(hob_session_generate(nullptr, session.get(), &options, &error));
    replies.push_back(Reply(session.get()));
  }
  CHECK(replies[0] == replies[1]);
}

TEST_CASE("a model converted to int8 weights answers; an unknown kind of weights is refused") {
  const TemporaryFolder folder;
  const std::string in = ChatFixture();
  const std::string out = folder / "out.hob";
  hob_convert_options options = HOB_CONVERT_OPTIONS_INIT;
  const auto convert = [&](auto e) {
    return hob_convert(in.data(), in.size(), out.data(), out.size(), &options, e);
  };
  options.weights = 7;
  const Outcome outcome = Try(convert);
  CHECK(outcome.status == HOB_INVALID_ARGUMENT);
  CHECK(outcome.message.find("weights is 7") != std::string::npos);
  CHECK(folder.files() == 0);

  options.weights = HOB_CONVERT_INT8;
  REQUIRE(Try(convert).status == HOB_OK);
  const RuntimePtr runtime = MakeRuntime();
  for (const hob_activations activations :
       {HOB_ACTIVATIONS_INT16, HOB_ACTIVATIONS_INT8, HOB_ACTIVATIONS_F32}) {
    hob_model_options model_options = HOB_MODEL_OPTIONS_INIT;
    model_options.activations = activations;
    const ModelPtr model = OpenModel(runtime.get(), out, &model_options);
    const SessionPtr session = MakeSession(model.get());
    REQUIRE(AddText(session.get(), "hello") == HOB_OK);
    hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
    generate.max_tokens = 10;
    generate.ignore_eos = 1;
    hob_generate_result result = HOB_GENERATE_RESULT_INIT;
    REQUIRE_OK(hob_session_generate(&result, session.get(), &generate, &error));
    CHECK(result.generated_tokens == 10);
  }
}
