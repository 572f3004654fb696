// SPDX-License-Identifier: Apache-2.0
// Texts and ids of real models, from the data that lies beside the repository.
#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lib/format/model_file.h"
#include "lib/text/pretokenizer.h"
#include "lib/text/tokenizer.h"
#include "tests/support/shared_dir.h"

namespace hob::text {
namespace {

using testing::DefaultModelPath;
using testing::SharedPath;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct Pair {
  std::string text;
  std::vector<int32_t> ids;
};

std::vector<Pair> ReadPairs(const std::filesystem::path& stem) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  const std::string input = ReadAll(stem.string() + ".inp");
  std::istringstream output(ReadAll(stem.string() + ".out"));
  std::vector<Pair> pairs;
  std::string line;
  for (size_t begin = 0; begin <= input.size();) {
    const size_t end = std::min(input.find(kSeparator, begin), input.size());
    Pair pair{input.substr(begin, end - begin), {}};
    begin = end + kSeparator.size();
    if (!std::getline(output, line)) line.clear();  // after the last separator stands an empty text
    std::istringstream numbers(line);
    for (int32_t id; numbers >> id;) pair.ids.push_back(id);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

std::unique_ptr<Tokenizer> Open(const std::filesystem::path& path) {
  const auto model = OpenModelFile(path.string());
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  auto tokenizer = Tokenizer::Create((*model)->vocabulary);
  INFO(tokenizer.status().ToString());
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

TEST_CASE("GPT-2's and Llama's vocabularies give the ids of the shared pairs") {
  for (const char* name : {"gpt-2", "llama-spm"}) {
    const auto path = SharedPath("data/tokenizers/ggml-vocab-" + std::string(name) + ".gguf");
    if (path.empty()) SKIP("the shared folder is absent");
    const auto tokenizer = Open(path);
    const std::vector<Pair> pairs = ReadPairs(path);
    REQUIRE(pairs.size() == 47);
    for (const Pair& pair : pairs) {
      INFO(name << ": '" << pair.text << "'");
      const auto ids = tokenizer->Encode(pair.text, {});
      REQUIRE(ids.ok());
      CHECK(*ids == pair.ids);
      CHECK(*tokenizer->Decode(pair.ids, false) == pair.text);
    }
  }
}

// Llama 3's and Qwen 2's vocabularies are not at hand: a text has at least as many ids as pieces.
TEST_CASE("the pieces of the shared texts join and agree in number") {
  for (const auto& [name, file] :
       {std::pair("llama-bpe", "llama-bpe"), std::pair("qwen2", "qwen2")}) {
    const auto input = SharedPath("data/tokenizers/ggml-vocab-" + std::string(file) + ".gguf.inp");
    if (input.empty()) SKIP("the shared folder is absent");
    const auto pretokenizer = Pretokenizer::Create(name);
    REQUIRE(pretokenizer.ok());
    for (const Pair& pair : ReadPairs(input.string().substr(0, input.string().size() - 4))) {
      INFO(name << ": '" << pair.text << "'");
      std::vector<uint32_t> ends;
      REQUIRE((*pretokenizer)->Split(pair.text, &ends).ok());
      CHECK((ends.empty() ? 0 : ends.back()) == pair.text.size());
      CHECK(ends.size() <= pair.ids.size());
    }
  }
}

TEST_CASE("the default model's tokenizer gives the ids of the golden reference") {
  const auto model = DefaultModelPath();
  const auto golden = SharedPath("golden/golden.json"),
             text = SharedPath("data/text/wikitext-2-test.txt");
  if (model.empty()) SKIP("the default model is absent");
  if (golden.empty() || text.empty()) SKIP("the shared folder is absent");
  const auto tokenizer = Open(model);

  const auto prompts = nlohmann::json::parse(ReadAll(golden));
  for (const auto& [name, prompt] : prompts.items()) {
    if (!prompt.is_object() || !prompt.contains("prompt_ids")) continue;
    const auto ids = tokenizer->Encode(prompt["text"].get<std::string>(), {.parse_special = true});
    INFO(name);
    REQUIRE(ids.ok());
    CHECK(*ids == prompt["prompt_ids"].get<std::vector<int32_t>>());
  }

  const auto first =
      nlohmann::json::parse(ReadAll(SharedPath("golden/perplexity.json")))["first_ids"]
          .get<std::vector<int32_t>>();
  const std::string all = ReadAll(text);
  auto ids = tokenizer->Encode(all, {});
  REQUIRE(ids.ok());
  CHECK(*tokenizer->Decode(*ids, false) == all);
  ids->resize(first.size());
  CHECK(*ids == first);
}

}  // namespace
}  // namespace hob::text
