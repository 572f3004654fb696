// SPDX-License-Identifier: Apache-2.0
#include "lib/format/model_file.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "tests/format/gguf_builder.h"
#include "tests/support/shared_dir.h"
#include "tests/support/temporary_folder.h"

namespace hob {
namespace {

using test::TemporaryFolder;
using test::WriteBytes;

std::vector<uint8_t> FromText(std::string_view text) { return {text.begin(), text.end()}; }

TEST_CASE("what is no model is refused by path, reason and what to do") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "plain");
  std::filesystem::create_directory(folder / "hf");
  WriteBytes(folder / "hf/config.json", FromText("{}"));
  WriteBytes(folder / "empty.gguf", {});
  WriteBytes(folder / "text.txt", FromText("hello, I am no model"));
  WriteBytes(folder / "short", FromText("GG"));
  WriteBytes(folder / "short.hob", FromText("\x89HOB\r"));
  WriteBytes(folder / "magic.gguf", FromText("GGUF"));
  WriteBytes(folder / "lfs.gguf", FromText("version https://git-lfs.github.com/spec/v1\n"));
  WriteBytes(folder / "model.safetensors",
             FromText(std::string("\x10\0\0\0\0\0\0\0{\"a\":{}}", 16)));
  WriteBytes(folder / "model.pt", FromText("PK\x03\x04 and so on"));
  WriteBytes(folder / "old.bin", FromText("tjgg and so on"));
  struct Case {
    const char* name;
    StatusCode code;
    const char* message;
  };
  const Case cases[] = {
      {"missing.gguf", StatusCode::kNotFound, "missing.gguf"},
      {"plain", StatusCode::kInvalidArgument, "directory"},
      {"hf", StatusCode::kNotFound, "'model_type'"},
      {"empty.gguf", StatusCode::kInvalidArgument, "empty"},
      {"text.txt", StatusCode::kInvalidArgument, "magic"},
      {"short", StatusCode::kDataLoss, "ends early"},
      {"short.hob", StatusCode::kDataLoss, "ends early"},
      {"magic.gguf", StatusCode::kDataLoss, "version"},
      {"lfs.gguf", StatusCode::kInvalidArgument, "Git LFS"},
      {"model.safetensors", StatusCode::kUnimplemented, "safetensors"},
      {"model.pt", StatusCode::kInvalidArgument, "ZIP"},
      {"old.bin", StatusCode::kUnimplemented, "older than GGUF"},
  };
  for (const Case& c : cases) {
    const Status status = OpenModelFile(folder / c.name).status();
    CAPTURE(c.name, status);
    CHECK(status.code() == c.code);
    CHECK(status.message().find(c.message) != std::string::npos);
    CHECK(status.message().find(folder / c.name) != std::string::npos);
    CHECK(!HintOf(status).empty());
  }
}

TEST_CASE("a model keeps its mapping") {
  const TemporaryFolder folder;
  const std::string path = folder / "small.gguf";
  WriteBytes(path, test::SmallGguf().Build());
  const auto model = OpenModelFile(path);
  REQUIRE(model.ok());
  std::filesystem::remove(path);
  REQUIRE((*model)->file != nullptr);
  const auto file = (*model)->file->bytes();
  for (const Tensor& tensor : (*model)->tensors) {
    CHECK(tensor.data.data() >= file.data());
    CHECK(tensor.data.data() + tensor.data.size() <= file.data() + file.size());
  }
  CHECK((*model)->FindTensor("output_norm.weight")->data[0] == 9);
}

TEST_CASE("the default model opens, and converts without a change") {
  const auto path = testing::DefaultModelPath();
  if (path.empty()) SKIP("the default model is not here");
  const auto model = OpenModelFile(path.string());
  INFO(model.status());
  REQUIRE(model.ok());
  CHECK((*model)->architecture == "llama");
  CHECK((*model)->tensors.size() == 272);
  CHECK((*model)->vocabulary.tokens.size() == 49152);
  CHECK((*model)->vocabulary.pre == "smollm");
  CHECK(!(*model)->vocabulary.chat_template.empty());
  CHECK(*(*model)->metadata.Int("llama.block_count", 1, 1000) == 30);
  CHECK((*model)->FindTensor("token_embd.weight")->shape == std::vector<int64_t>{49152, 576});

  const TemporaryFolder folder;
  REQUIRE(WriteHobFile(**model, nullptr, {}, folder / "model.hob", nullptr).ok());
  const auto hob = OpenModelFile(folder / "model.hob");
  INFO(hob.status());
  REQUIRE(hob.ok());
  CHECK((*hob)->metadata.values == (*model)->metadata.values);
  CHECK((*hob)->vocabulary.tokens == (*model)->vocabulary.tokens);
  CHECK((*hob)->vocabulary.merges == (*model)->vocabulary.merges);
  REQUIRE((*hob)->tensors.size() == 272);
  for (const Tensor& tensor : (*model)->tensors) {
    const Tensor* same = (*hob)->FindTensor(tensor.name);
    REQUIRE(same != nullptr);
    CHECK(same->type == tensor.type);
    CHECK(same->shape == tensor.shape);
    CHECK(std::ranges::equal(same->data, tensor.data));
  }
}

TEST_CASE("vocabulary-only files open") {
  const auto folder = testing::SharedPath("data/tokenizers");
  if (folder.empty()) SKIP("the shared data is not here");
  int opened = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const auto model = OpenModelFile(entry.path().string());
    INFO(entry.path() << " " << model.status());
    REQUIRE(model.ok());
    CHECK((*model)->tensors.empty());
    CHECK((*model)->vocabulary.tokens.size() > 10000);
    ++opened;
  }
  CHECK(opened > 0);
}

TEST_CASE("the models of the fixtures open") {
  int opened = 0;
  const auto folder = testing::SourceDir() / "tests/fixtures";
  if (!std::filesystem::exists(folder)) SKIP("there are no fixtures");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") continue;
    const auto model = OpenModelFile(entry.path().string());
    INFO(entry.path() << " " << model.status());
    REQUIRE(model.ok());
    CHECK(!(*model)->tensors.empty());
    ++opened;
  }
  CHECK(opened > 0);
}

}  // namespace
}  // namespace hob
