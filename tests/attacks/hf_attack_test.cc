// SPDX-License-Identifier: Apache-2.0
// Hugging Face folders that are made to be misread, one test a class.
#include <catch2/catch_test_macros.hpp>
#include <functional>

#include "lib/graph/graph.h"
#include "tests/support/hf_folder.h"
#include "tests/support/shared_dir.h"

namespace hob {
namespace {

using nlohmann::json;
using test::TemporaryFolder;
using test::WriteText;

const ModelFile& Model() {
  static const auto model =
      OpenModelFile((testing::SourceDir() / "tests/fixtures/qwen2-bf16.gguf").string()).value();
  return *model;
}

void Check(const Status& status, StatusCode code, const std::string& message) {
  CAPTURE(status);
  CHECK(status.code() == code);
  CHECK(status.message().find(message) != std::string::npos);
}

// The folder with what `change` did to it.
void Refused(const std::function<void(const std::string&)>& change, StatusCode code,
             const std::string& message, size_t shards = 1) {
  const TemporaryFolder folder;
  test::WriteHfFolder(Model(), folder / "m", shards);
  change(folder / "m");
  Check(OpenModelFile(folder / "m").status(), code, message);
}

void RefusedTokenizer(const std::function<void(json&)>& change, const std::string& message) {
  Refused(
      [&](const std::string& folder) {
        json tokenizer = test::TokenizerOf(Model().vocabulary);
        change(tokenizer);
        WriteText(folder + "/tokenizer.json", tokenizer.dump());
      },
      StatusCode::kInvalidArgument, message);
}

TEST_CASE("hf: an index whose shard names leave the folder") {
  for (const char* name :
       {"../model-0.safetensors", "/etc/passwd", "a/b.safetensors", "..\\model-0.safetensors", "..",
        ".", "", ".hidden.safetensors", "C:model-0.safetensors", "model-0.bin"}) {
    CAPTURE(name);
    Refused(
        [&](const std::string& folder) {
          WriteText(folder + "/model.safetensors.index.json",
                    json{{"weight_map", {{"model.norm.weight", name}}}}.dump());
        },
        StatusCode::kInvalidArgument, "not a plain name", 2);
  }
  Refused(
      [&](const std::string& folder) {
        WriteText(folder + "/model.safetensors.index.json",
                  R"({"weight_map": {"x": "a\u0000.safetensors"}})");
      },
      StatusCode::kInvalidArgument, "not a plain name", 2);
}

TEST_CASE("hf: a file that is a link out of the folder") {
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    CAPTURE(name);
    Refused(
        [&](const std::string& folder) {
          std::filesystem::rename(folder + "/" + name, folder + "/../" + name);
          std::filesystem::create_symlink(std::string("../") + name, folder + "/" + name);
        },
        StatusCode::kInvalidArgument, "leads out of the folder");
  }
}

TEST_CASE("hf: a link to itself") {
  Refused(
      [](const std::string& folder) {
        std::filesystem::remove(folder + "/tokenizer.json");
        std::filesystem::create_symlink("tokenizer.json", folder + "/tokenizer.json");
      },
      StatusCode::kNotFound, "link");
}

TEST_CASE("hf: JSON nested a million deep") {
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
    CAPTURE(name);
    Refused(
        [&](const std::string& folder) {
          WriteText(folder + "/" + name, "{\"a\":" + std::string(1000000, '['));
        },
        StatusCode::kInvalidArgument, "deeper");
  }
}

TEST_CASE("hf: a key twice, of which readers take different ones") {
  Refused(
      [](const std::string& folder) {
        WriteText(folder + "/config.json", R"({"vocab_size": 1, "vocab_size": 2})");
      },
      StatusCode::kInvalidArgument, "'vocab_size' twice");
}

TEST_CASE("hf: a token twice, by one name or by one id") {
  Refused(
      [](const std::string& folder) {
        std::string text = test::TokenizerOf(Model().vocabulary).dump();
        text.insert(text.find("\"vocab\":{") + 9, "\"!\":999,");
        WriteText(folder + "/tokenizer.json", text);
      },
      StatusCode::kInvalidArgument, "'!' twice");
  RefusedTokenizer([](json& t) { t["model"]["vocab"]["!"] = t["model"]["vocab"]["#"]; },
                   "of two tokens");
}

TEST_CASE("hf: vocabulary ids with holes, or so large that a table of them fills the memory") {
  RefusedTokenizer([](json& t) { t["model"]["vocab"]["new"] = 1000; }, "no token has id 285");
  RefusedTokenizer([](json& t) { t["model"]["vocab"]["new"] = 2147483647; }, "no token has id 285");
  RefusedTokenizer([](json& t) { t["model"]["vocab"]["new"] = int64_t{1} << 31; }, "'new'");
  RefusedTokenizer([](json& t) { t["model"]["vocab"]["new"] = -1; }, "'new'");
  RefusedTokenizer([](json& t) { t["added_tokens"][0]["id"] = int64_t{1} << 40; }, "no id from 0");
}

TEST_CASE("hf: merges that name what is no token") {
  RefusedTokenizer([](json& t) { t["model"]["merges"].push_back("zz q"); },
                   "'zz', which is no token");
  RefusedTokenizer([](json& t) { t["model"]["merges"].push_back("! #"); },
                   "'!#', which is no token");
  RefusedTokenizer([](json& t) { t["model"]["merges"].push_back(7); }, "not two tokens");
  RefusedTokenizer([](json& t) { t["model"]["merges"].push_back({"a", "b", "c"}); },
                   "not two tokens");
}

TEST_CASE("hf: special tokens that are none") {
  Refused(
      [](const std::string& folder) {
        WriteText(folder + "/tokenizer_config.json", R"({"bos_token": "<nowhere>"})");
      },
      StatusCode::kInvalidArgument, "'<nowhere>'");
  Refused(
      [](const std::string& folder) {
        WriteText(folder + "/generation_config.json", R"({"eos_token_id": [4294967296]})");
      },
      StatusCode::kInvalidArgument, "eos_token_id");
}

TEST_CASE("hf: sizes in the configuration that do not fit the weights") {
  const std::pair<const char*, int64_t> sizes[] = {{"hidden_size", 128},
                                                   {"num_attention_heads", 3},
                                                   {"num_key_value_heads", 4096},
                                                   {"intermediate_size", 1},
                                                   {"num_hidden_layers", 4096},
                                                   {"head_dim", 4096},
                                                   {"max_position_embeddings", 2147483647}};
  for (const auto& [key, value] : sizes) {
    CAPTURE(key, value);
    const TemporaryFolder folder;
    test::WriteHfFolder(Model(), folder / "m");
    json config = test::ConfigOf(Model());
    config[key] = value;
    WriteText(folder / "m/config.json", config.dump());
    const auto model = OpenModelFile(folder / "m");
    const Status status = model.ok() ? BuildGraph(**model).status() : model.status();
    CAPTURE(status);
    CHECK_FALSE(status.ok());
  }
}

TEST_CASE("hf: a shard of zeros, and a folder where a file should be") {
  Refused(
      [](const std::string& folder) {
        test::WriteBytes(folder + "/model.safetensors", std::vector<uint8_t>(4096));
      },
      StatusCode::kInvalidArgument, "'{'");
  Refused(
      [](const std::string& folder) {
        std::filesystem::remove(folder + "/model.safetensors");
        std::filesystem::create_directory(folder + "/model.safetensors");
      },
      StatusCode::kInvalidArgument, "model.safetensors");
}

}  // namespace
}  // namespace hob
