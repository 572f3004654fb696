// SPDX-License-Identifier: Apache-2.0
// copy_file: a model whose file changes or goes answers on.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/abi/client.h"
#include "tests/support/temporary_folder.h"

using namespace hob::test;

namespace {

hob_model_options CopyOptions() {
  hob_model_options options = HOB_MODEL_OPTIONS_INIT;
  options.copy_file = 1;
  return options;
}

std::string Answer(hob_model* model) {
  const SessionPtr session = MakeSession(model);
  REQUIRE(AddMessage(session.get(), "user", "hello") == HOB_OK);
  Generate(session.get(), 12);
  return Reply(session.get());
}

uint64_t InUse(hob_runtime* runtime) {
  hob_runtime_info info = HOB_RUNTIME_INFO_INIT;
  REQUIRE_OK(hob_runtime_get_info(&info, runtime, &error));
  return info.bytes_in_use;
}

}  // namespace

TEST_CASE("a copied model answers on when its file is altered, cut short and removed") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.gguf";
  std::filesystem::copy_file(ChatFixture(), path);
  const RuntimePtr runtime = MakeRuntime();
  const std::string expected = Answer(OpenModel(runtime.get(), path).get());
  const hob_model_options options = CopyOptions();
  const ModelPtr model = OpenModel(runtime.get(), path, &options);
  const auto size = std::filesystem::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << std::string(size / 2, '\xff');
  }
  CHECK(Answer(model.get()) == expected);
  std::filesystem::resize_file(path, 0);
  CHECK(Answer(model.get()) == expected);
  std::filesystem::remove(path);
  CHECK(Answer(model.get()) == expected);
  // What is bound to the model reads all of its bytes.
  const SessionPtr session = MakeSession(model.get());
  void* saved = nullptr;
  size_t saved_size = 0;
  REQUIRE_OK(hob_session_save_buffer(&saved, &saved_size, session.get(), &error));
  hob_free(saved);
}

TEST_CASE("a copied file counts as the runtime's memory, as planned, and against its limit") {
  const std::string path = ChatFixture();
  const hob_model_options options = CopyOptions();
  const RuntimePtr runtime = MakeRuntime();
  hob_model_plan_info mapped = HOB_MODEL_PLAN_INFO_INIT, copied = HOB_MODEL_PLAN_INFO_INIT;
  REQUIRE_OK(hob_model_plan(&mapped, runtime.get(), path.data(), path.size(), nullptr, &error));
  REQUIRE_OK(hob_model_plan(&copied, runtime.get(), path.data(), path.size(), &options, &error));
  const auto size = std::filesystem::file_size(path);
  CHECK(copied.weight_bytes == mapped.weight_bytes + size);
  CHECK(mapped.mapped_bytes > 0);
  CHECK(copied.mapped_bytes == 0);
  {
    const ModelPtr model = OpenModel(runtime.get(), path, &options);
    CHECK(InUse(runtime.get()) == copied.weight_bytes + copied.scratch_bytes);
    hob_model_info info = HOB_MODEL_INFO_INIT;
    REQUIRE_OK(hob_model_get_info(&info, model.get(), &error));
    CHECK(info.weight_bytes == copied.weight_bytes);
  }
  CHECK(InUse(runtime.get()) == 0);

  hob_runtime_options limits = HOB_RUNTIME_OPTIONS_INIT;
  limits.threads = 2;
  for (const uint64_t limit :
       {uint64_t{size - 1}, copied.weight_bytes + copied.scratch_bytes - 1}) {
    limits.memory_limit = limit;
    hob_runtime* small = nullptr;
    REQUIRE_OK(hob_runtime_create(&small, &limits, &error));
    const RuntimePtr owner(small);
    hob_model* model = nullptr;
    const Outcome refused = Try([&](hob_error** error) {
      return hob_model_open(&model, small, path.data(), path.size(), &options, error);
    });
    CHECK(refused.status == HOB_RESOURCE_EXHAUSTED);
    CHECK(refused.message.find(std::to_string(limit)) != std::string::npos);
    CHECK(InUse(small) == 0);
  }
}

TEST_CASE("a vocabulary alone may be copied, and copy_file is 0 or 1") {
  const std::string path = ChatFixture();
  hob_model_options options = CopyOptions();
  options.vocabulary_only = 1;
  const RuntimePtr runtime = MakeRuntime();
  {
    const ModelPtr model = OpenModel(runtime.get(), path, &options);
    CHECK(InUse(runtime.get()) == std::filesystem::file_size(path));
  }
  options.copy_file = 2;
  hob_model* model = nullptr;
  const Outcome refused = Try([&](hob_error** error) {
    return hob_model_open(&model, runtime.get(), path.data(), path.size(), &options, error);
  });
  CHECK(refused.status == HOB_INVALID_ARGUMENT);
  CHECK(refused.message.find("copy_file") != std::string::npos);
}
