// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "lib/base/f16.h"
#include "tests/support/fixture_file.h"
#include "tests/support/hf_folder.h"

namespace hob {
namespace {

using test::ReadBytes;
using test::TemporaryFolder;
using test::WriteBytes;
using test::WriteHfFolder;
using test::WriteText;

TEST_CASE("a folder gives the model of its GGUF file, in one file or several") {
  const auto gguf = testing::OpenFixture("qwen2-bf16");
  const TemporaryFolder folder;
  WriteHfFolder(*gguf, folder / "whole");
  WriteHfFolder(*gguf, folder / "parts", 3);
  WriteHfFolder(*gguf, folder / "odd", 1, 3);  // tensors at odd addresses
  for (const char* name :
       {"whole", "parts", "odd", "whole/model.safetensors", "parts/model-1.safetensors"}) {
    const auto model = OpenModelFile(folder / name);
    CAPTURE(name, model.status());
    REQUIRE(model.ok());
    CHECK((*model)->container == "Hugging Face");
    CHECK((*model)->architecture == "qwen2");
    CHECK((*model)->vocabulary.tokens == gguf->vocabulary.tokens);
    CHECK((*model)->vocabulary.chat_template == gguf->vocabulary.chat_template);
    REQUIRE((*model)->tensors.size() == gguf->tensors.size());
    uint64_t small = 0;
    for (const Tensor& tensor : gguf->tensors) {
      const Tensor* same = (*model)->FindTensor(tensor.name);
      CAPTURE(tensor.name);
      REQUIRE(same != nullptr);
      CHECK(same->type == tensor.type);
      CHECK(same->shape == tensor.shape);
      CHECK(std::ranges::equal(same->data, tensor.data));
      CHECK(reinterpret_cast<uintptr_t>(same->data.data()) % 8 == 0);
      (*model)->DontNeed(same->data);  // also where it is a copy
      CHECK(std::ranges::equal(same->data, tensor.data));
      if (tensor.shape.size() == 1) small += tensor.data.size();
    }
    // Matrices stay where they lie, if they can be used there.
    const bool odd = std::string(name) == "odd";
    CHECK(((*model)->owned_bytes == small) == !odd);
    CHECK((*model)->file_bytes() > (*model)->file->bytes().size());
    CHECK((*model)->copied_bytes() == 0);
  }
  const auto copied = OpenModelFile(folder / "parts", std::make_shared<Allocator>());
  REQUIRE(copied.ok());
  CHECK((*copied)->copied_bytes() == (*copied)->file_bytes());
}

TEST_CASE("norms become f32, and Gemma's get their 1") {
  const TemporaryFolder folder;
  const auto gguf = testing::OpenFixture("gemma3-f16");
  test::WriteHfTexts(*gguf, folder / "g");
  std::vector<test::HfTensor> tensors = test::TensorsOf(*gguf);
  for (test::HfTensor& tensor : tensors) {
    if (tensor.name != "model.norm.weight") continue;
    tensor.dtype = "BF16";
    tensor.bytes.assign(tensor.bytes.size() / 2, 0);
    tensor.bytes[1] = 0x3f;  // 0.5 in bfloat16
  }
  WriteBytes(folder / "g/model.safetensors", test::SafetensorsOf(tensors));
  const auto model = OpenModelFile(folder / "g");
  INFO(model.status());
  REQUIRE(model.ok());
  const Tensor* norm = (*model)->FindTensor("output_norm.weight");
  REQUIRE(norm->type == DType::kF32);
  float values[2];
  std::memcpy(values, norm->data.data(), sizeof(values));
  CHECK(values[0] == 1.5f);
  CHECK(values[1] == 1.0f);
}

TEST_CASE("the chat template: a file, a setting, or one of several") {
  const auto gguf = testing::OpenFixture("qwen2-bf16");
  const TemporaryFolder folder;
  WriteHfFolder(*gguf, folder / "m");
  nlohmann::json settings = test::TokenizerConfigOf(gguf->vocabulary);
  settings["chat_template"] = {{{"name", "tools"}, {"template", "T"}},
                               {{"name", "default"}, {"template", "D"}}};
  WriteText(folder / "m/tokenizer_config.json", settings.dump());
  CHECK((*OpenModelFile(folder / "m"))->vocabulary.chat_template == "D");
  WriteText(folder / "m/chat_template.jinja", "J");
  CHECK((*OpenModelFile(folder / "m"))->vocabulary.chat_template == "J");
  std::filesystem::remove(folder / "m/tokenizer_config.json");
  WriteText(folder / "m/special_tokens_map.json", R"({"eos_token": "<|endoftext|>"})");
  const auto model = OpenModelFile(folder / "m");
  REQUIRE(model.ok());
  CHECK((*model)->vocabulary.tokens[static_cast<size_t>((*model)->vocabulary.eos)] ==
        "<|endoftext|>");
}

TEST_CASE("links of the hub's cache are followed, and no others") {
  namespace fs = std::filesystem;
  const auto gguf = testing::OpenFixture("qwen2-bf16");
  const TemporaryFolder folder;
  WriteHfFolder(*gguf, folder / "hub/blobs");
  fs::create_directories(folder / "hub/snapshots/abc");
  fs::create_directories(folder / "hub/elsewhere");
  for (const auto& entry : fs::directory_iterator(folder / "hub/blobs")) {
    const fs::path name = entry.path().filename();
    fs::create_symlink(fs::path("../../blobs") / name,
                       fs::path(folder / "hub/snapshots/abc") / name);
    fs::create_symlink(fs::path("../blobs") / name, fs::path(folder / "hub/elsewhere") / name);
  }
  CHECK(OpenModelFile(folder / "hub/snapshots/abc").ok());
  const Status status = OpenModelFile(folder / "hub/elsewhere").status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("leads out of the folder") != std::string::npos);
}

TEST_CASE("a folder that lacks something, or whose parts do not fit, is refused") {
  struct Case {
    const char* what;
    std::function<void(const std::string&)> change;
    StatusCode code;
    const char* message;
  };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  constexpr StatusCode kNotRun = StatusCode::kUnimplemented;
  constexpr StatusCode kMissing = StatusCode::kNotFound;
  const auto gguf = testing::OpenFixture("qwen2-bf16");
  const auto remove = [](const std::string& path) { std::filesystem::remove(path); };
  const auto weights = [&](const std::string& folder,
                           const std::function<void(std::vector<test::HfTensor>&)>& change) {
    std::vector<test::HfTensor> tensors = test::TensorsOf(*gguf);
    change(tensors);
    WriteBytes(folder + "/model.safetensors", test::SafetensorsOf(tensors));
  };
  const auto config = [&](const std::string& folder, const char* key, const nlohmann::json& value) {
    nlohmann::json json = test::ConfigOf(*gguf);
    json[key] = value;
    WriteText(folder + "/config.json", json.dump());
  };
  const Case cases[] = {
      {"no tokenizer", [&](const std::string& f) { remove(f + "/tokenizer.json"); }, kMissing,
       "no tokenizer.json"},
      {"SentencePiece's file",
       [&](const std::string& f) {
         std::filesystem::rename(f + "/tokenizer.json", f + "/tokenizer.model");
       },
       kNotRun, "tokenizer.model"},
      {"no weights", [&](const std::string& f) { remove(f + "/model.safetensors"); }, kMissing,
       "no model.safetensors"},
      {"PyTorch's weights",
       [&](const std::string& f) {
         std::filesystem::rename(f + "/model.safetensors", f + "/pytorch_model.bin");
       },
       kNotRun, "PyTorch"},
      {"cut weights",
       [&](const std::string& f) {
         auto bytes = ReadBytes(f + "/model.safetensors");
         bytes.resize(bytes.size() - 1);
         WriteBytes(f + "/model.safetensors", bytes);
       },
       StatusCode::kDataLoss, "ends at byte"},
      {"cut config", [&](const std::string& f) { WriteText(f + "/config.json", "{\"a\""); },
       kInvalid, "config.json: is not JSON"},
      {"empty config", [&](const std::string& f) { WriteText(f + "/config.json", ""); }, kInvalid,
       "empty"},
      {"a quantised tensor",
       [&](const std::string& f) {
         weights(f, [](auto& tensors) {
           tensors[0].dtype = "I8";
           tensors[0].shape.back() *= 2;
         });
       },
       kNotRun, "'I8'"},
      {"a tensor of another model",
       [&](const std::string& f) {
         weights(f, [](auto& tensors) {
           tensors.push_back({"score.weight", "F32", {1}, {0, 0, 0, 0}});
         });
       },
       kNotRun, "'score.weight'"},
      {"no embedding",
       [&](const std::string& f) {
         weights(f, [](auto& tensors) {
           std::erase_if(tensors,
                         [](const auto& t) { return t.name == "model.embed_tokens.weight"; });
         });
       },
       kInvalid, "embed_tokens"},
      {"another vocabulary's size", [&](const std::string& f) { config(f, "vocab_size", 280); },
       kInvalid, "vocab_size is 280"},
      {"no output matrix", [&](const std::string& f) { config(f, "tie_word_embeddings", false); },
       kInvalid, "lm_head.weight"},
      {"fewer layers", [&](const std::string& f) { config(f, "num_hidden_layers", 1); }, kNotRun,
       "with 1 layers"},
  };
  for (const Case& c : cases) {
    const TemporaryFolder folder;
    WriteHfFolder(*gguf, folder / "m");
    c.change(folder / "m");
    const Status status = OpenModelFile(folder / "m").status();
    CAPTURE(c.what, status);
    CHECK(status.code() == c.code);
    CHECK(status.message().find(c.message) != std::string::npos);
    CHECK(status.message().find(folder / "m") != std::string::npos);
  }
}

TEST_CASE("an index and its shards must agree") {
  const auto gguf = testing::OpenFixture("qwen2-bf16");
  struct Case {
    const char* what;
    std::function<void(nlohmann::json&)> change;
    StatusCode code;
    const char* message;
  };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  const Case cases[] = {
      {"no map", [](auto& index) { index.erase("weight_map"); }, kInvalid, "no weight_map"},
      {"a tensor too many", [](auto& index) { index["weight_map"]["x"] = "model-0.safetensors"; },
       kInvalid, "lacks tensor 'x'"},
      {"a tensor too few", [](auto& index) { index["weight_map"].erase("model.norm.weight"); },
       kInvalid, "'model.norm.weight' is not there by"},
      {"a shard that is not there",
       [](auto& index) { index["weight_map"]["x"] = "model-9.safetensors"; }, StatusCode::kNotFound,
       "model-9.safetensors"},
  };
  for (const Case& c : cases) {
    const TemporaryFolder folder;
    WriteHfFolder(*gguf, folder / "m", 2);
    const auto bytes = ReadBytes(folder / "m/model.safetensors.index.json");
    auto index = nlohmann::json::parse(bytes.begin(), bytes.end());
    c.change(index);
    WriteText(folder / "m/model.safetensors.index.json", index.dump());
    const Status status = OpenModelFile(folder / "m").status();
    CAPTURE(c.what, status);
    CHECK(status.code() == c.code);
    CHECK(status.message().find(c.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace hob
