// SPDX-License-Identifier: Apache-2.0
#include "lib/format/gguf.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "tests/format/gguf_builder.h"

namespace hob {
namespace {

using format::ParseGguf;
using namespace test;  // NOLINT: the builder's names, in every line below

TEST_CASE("a small file reads as it was built") {
  const std::vector<uint8_t> bytes = SmallGguf().Build();
  const auto model = ParseGguf(bytes);
  INFO(model.status());
  REQUIRE(model.ok());
  CHECK(model->container == "GGUF v3");
  CHECK(model->architecture == "llama");

  const Metadata& metadata = model->metadata;
  CHECK(*metadata.Int("llama.block_count", 1, 1000) == 2);
  CHECK(*metadata.Real("llama.rope.freq_base") == 10000.0);
  CHECK(*metadata.Int("x.u8", 0, 255) == 200);
  CHECK(*metadata.Int("x.i8", -10, 10) == -3);
  CHECK(*metadata.Int("x.u16", 0, 65535) == 60000);
  CHECK(*metadata.Int("x.i16", -32768, 0) == -30000);
  CHECK(*metadata.Int("x.i32", -10, 0) == -5);
  CHECK(std::get<uint64_t>(*metadata.Find("x.u64")) == ~uint64_t{0});
  CHECK(std::get<int64_t>(*metadata.Find("x.i64")) == -6);
  CHECK(std::get<double>(*metadata.Find("x.f64")) == 0.25);
  CHECK(std::get<bool>(*metadata.Find("x.bool")));
  CHECK(std::get<std::vector<int64_t>>(*metadata.Find("x.integers")) ==
        std::vector<int64_t>{1, -2, 3});
  CHECK(std::get<std::vector<double>>(*metadata.Find("x.reals")) == std::vector<double>{0.5, 1.5});
  CHECK(std::get<std::vector<bool>>(*metadata.Find("x.flags")) ==
        std::vector<bool>{true, false, true});
  CHECK(std::get<std::vector<std::string>>(*metadata.Find("x.texts")) ==
        std::vector<std::string>{"one", "", "three"});

  const Vocabulary& vocabulary = model->vocabulary;
  CHECK(vocabulary.model == "gpt2");
  CHECK(vocabulary.pre == "smollm");
  CHECK(vocabulary.tokens == std::vector<std::string>{"<|end|>", "a", "b", "ab"});
  CHECK(vocabulary.scores == std::vector<float>{0, -1, -2, -3});
  CHECK(vocabulary.types[0] == TokenType::kControl);
  CHECK(vocabulary.merges == std::vector<std::string>{"a b"});
  CHECK(vocabulary.bos == 0);
  CHECK(vocabulary.eot == -1);
  CHECK(!vocabulary.add_bos);
  CHECK(vocabulary.chat_template == "{{ messages[0].content }}");
  CHECK(metadata.Find("tokenizer.ggml.tokens") == nullptr);
  CHECK(metadata.Find("tokenizer.chat_template") == nullptr);

  REQUIRE(model->tensors.size() == 3);
  const Tensor* q8 = model->FindTensor("token_embd.weight");
  REQUIRE(q8 != nullptr);
  CHECK(q8->type == DType::kQ8_0);
  CHECK(q8->shape == std::vector<int64_t>{4, 32});
  CHECK(q8->rows() == 4);
  CHECK(q8->columns() == 32);
  CHECK(q8->data.size() == 4 * 34);
  CHECK(q8->data[5] == 5);
  const Tensor* q4 = model->FindTensor("blk.0.attn_q.weight");
  CHECK(q4->shape == std::vector<int64_t>{1, 2, 32});
  CHECK(q4->rows() == 2);
  CHECK(q4->data[0] == 7);
  CHECK(model->FindTensor("output_norm.weight")->rows() == 1);
  CHECK(model->FindTensor("nope") == nullptr);
}

TEST_CASE("version 2 reads as version 3") {
  GgufBuilder builder = SmallGguf();
  builder.version = 2;
  const std::vector<uint8_t> bytes = builder.Build();
  const auto model = ParseGguf(bytes);
  REQUIRE(model.ok());
  CHECK(model->container == "GGUF v2");
}

TEST_CASE("a file with neither tokenizer nor tensors") {
  const std::vector<uint8_t> bytes = GgufBuilder().Build();
  const auto model = ParseGguf(bytes);
  REQUIRE(model.ok());
  CHECK(model->tensors.empty());
  CHECK(model->vocabulary.tokens.empty());
  CHECK(model->vocabulary.bos == -1);
}

TEST_CASE("the file's alignment holds for its tensors") {
  GgufBuilder builder;
  builder.alignment = 256;
  builder.Key("general.architecture", "x")
      .Key<uint32_t>("general.alignment", kU32, 256)
      .Tensor("a", 0, {1}, 4, 1)
      .Tensor("b", 0, {1}, 4, 2);
  const std::vector<uint8_t> bytes = builder.Build();
  const auto model = ParseGguf(bytes);
  INFO(model.status());
  REQUIRE(model.ok());
  CHECK(model->FindTensor("b")->data[0] == 2);
}

TEST_CASE("metadata answers with the key's name") {
  const std::vector<uint8_t> bytes = SmallGguf().Build();
  const auto model = ParseGguf(bytes);
  REQUIRE(model.ok());
  const Metadata& metadata = model->metadata;
  CHECK(*metadata.Int("nope", 0, 1, 7) == 7);
  CHECK(*metadata.Real("nope", 0.5) == 0.5);
  CHECK(*metadata.Text("nope", "x") == "x");
  CHECK(metadata.Int("nope", 0, 1).status().code() == StatusCode::kInvalidArgument);
  CHECK(metadata.Real("nope").status().message().find("'nope'") != std::string::npos);
  CHECK(metadata.Text("x.u8").status().code() == StatusCode::kInvalidArgument);
  CHECK(metadata.Int("x.f64", 0, 1).status().code() == StatusCode::kInvalidArgument);
  CHECK(metadata.Int("x.bool", 0, 1).status().code() == StatusCode::kInvalidArgument);
  CHECK(metadata.Int("x.u8", 0, 199).status().message().find("200; 0 to 199") != std::string::npos);
  CHECK(metadata.Int("x.u64", 0, 1).status().code() == StatusCode::kInvalidArgument);
  CHECK(*metadata.Real("x.u8") == 200.0);
}

TEST_CASE("a vocabulary's missing settings are those of its kind") {
  const auto vocabulary = [](std::string_view model, std::string_view pre) {
    GgufBuilder builder;
    builder.Key("tokenizer.ggml.model", model)
        .Key("tokenizer.ggml.pre", pre)
        .Key("tokenizer.chat_template.tools", "T")
        .Key("tokenizer.chat_template.default", "D")
        .Key<uint32_t>("tokenizer.ggml.cls_token_id", kU32, 3)
        .Key<uint32_t>("tokenizer.ggml.seperator_token_id", kU32, 2)
        .Array("tokenizer.ggml.tokens", {"a", "b", "c", "d"});
    const std::vector<uint8_t> bytes = builder.Build();
    auto parsed = ParseGguf(bytes);
    REQUIRE(parsed.ok());
    return parsed->vocabulary;
  };
  const Vocabulary llama = vocabulary("llama", "");
  CHECK(llama.bos == 1);
  CHECK(llama.eos == 2);
  CHECK(llama.unknown == 0);
  CHECK(llama.add_bos);
  CHECK(llama.add_space_prefix);
  CHECK(!llama.add_eos);
  CHECK(llama.chat_template == "D");
  const Vocabulary bert = vocabulary("bert", "");
  CHECK(bert.bos == 3);
  CHECK(bert.separator == 2);
  CHECK(bert.add_bos);
  CHECK(bert.add_eos);
  const Vocabulary gpt2 = vocabulary("gpt2", "qwen2");
  CHECK(gpt2.bos == -1);
  CHECK(!gpt2.add_bos);
  CHECK(vocabulary("gpt2", "llama-bpe").add_bos);
}

TEST_CASE("every prefix of a file is refused") {
  const std::vector<uint8_t> bytes = SmallGguf().Build();
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<uint8_t> prefix(bytes.begin(),
                                      bytes.begin() + static_cast<ptrdiff_t>(length));
    const Status status = ParseGguf(prefix).status();
    if (status.code() != StatusCode::kDataLoss) {
      CAPTURE(length, status);
      FAIL();
    }
  }
}

TEST_CASE("flipped bytes give an error or a model, never a crash") {
  const std::vector<uint8_t> bytes = SmallGguf().Build();
  std::mt19937 random(42);
  size_t refused = 0;
  for (int round = 0; round < 5000; ++round) {
    std::vector<uint8_t> broken = bytes;
    const int flips = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < flips; ++i) {
      broken[random() % broken.size()] = static_cast<uint8_t>(random());
    }
    const auto model = ParseGguf(broken);
    if (!model.ok()) {
      ++refused;
      continue;
    }
    for (const Tensor& tensor : model->tensors) {  // all claimed bytes can be read
      unsigned sum = 0;
      for (const uint8_t byte : tensor.data) sum += byte;
      CHECK(sum < 0xffffffffu);
    }
  }
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace hob
