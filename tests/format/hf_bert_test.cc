// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <fstream>
#include <functional>

#include "lib/format/hugging_face.h"
#include "lib/graph/graph.h"
#include "tests/support/bert_folder.h"

namespace hob {
namespace {

using nlohmann::json;
using test::BertFolder;
using test::TemporaryFolder;

TEST_CASE("a sentence encoder's folder has GGUF's keys and names") {
  const TemporaryFolder folder;
  BertFolder made;
  made.cls = true;
  made.normalize = false;
  made.max_tokens = 32;
  made.Write(folder / "m");
  const auto model = OpenModelFile(folder / "m");
  INFO(model.status());
  REQUIRE(model.ok());
  const Metadata& meta = (*model)->metadata;
  CHECK((*model)->architecture == "bert");
  CHECK(*meta.Int("bert.block_count", 0, 99) == 2);
  CHECK(*meta.Int("bert.context_length", 0, 999) == 96);
  CHECK(*meta.Int("bert.pooling_type", 0, 9) == 2);
  CHECK(*meta.Int("bert.embedding.max_tokens", 0, 999) == 32);
  CHECK(std::get<bool>(*meta.Find("bert.embedding.normalize")) == false);
  CHECK((*model)->tensors.size() == made.Tensors().size() - 2);  // without the pooler
  for (const char* name :
       {"token_embd.weight", "position_embd.weight", "token_types.weight", "token_embd_norm.bias",
        "blk.1.attn_q.weight", "blk.1.attn_output.bias", "blk.0.attn_output_norm.weight",
        "blk.0.ffn_up.weight", "blk.1.ffn_down.bias", "blk.1.layer_output_norm.bias"}) {
    CAPTURE(name);
    CHECK((*model)->FindTensor(name) != nullptr);
  }
  const auto graph = BuildGraph(**model);
  INFO(graph.status());
  REQUIRE(graph.ok());
  CHECK(graph->shape.encoder());
  CHECK(graph->shape.embedding == 64);
  CHECK(graph->shape.kv_heads == 0);
  // As it is stored and read again.
  const auto again = GraphFromFile(*GraphToFile(*graph));
  REQUIRE(again.ok());
  CHECK(again->shape.embedding == 64);
  CHECK(CheckGraph(*again, **model).ok());
}

TEST_CASE("what stands beside an encoder's weights is checked") {
  struct Case {
    const char* name;
    const char* file;
    std::function<json(json)> change;
    StatusCode code;
    const char* says;
  };
  const auto set = [](const char* key, const json& value) {
    return [=](json j) {
      j[key] = value;
      return j;
    };
  };
  const auto module = [](size_t at, const char* key, const std::string& value) {
    return [=](json j) {
      j[at][key] = value;
      return j;
    };
  };
  const char* const config = "config.json";
  const char* const modules = "modules.json";
  const char* const pooling = "1_Pooling/config.json";
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument, kNot = StatusCode::kUnimplemented;
  const std::vector<Case> cases = {
      {"tanh", config, set("hidden_act", "gelu_new"), kNot, "hidden_act is 'gelu_new'"},
      {"positions", config, set("position_embedding_type", "relative_key"), kNot, "relative_key"},
      {"decoder", config, set("is_decoder", true), kNot, "is_decoder is set"},
      {"no layers", config, set("num_hidden_layers", 0), kInvalid, "num_hidden_layers"},
      {"text", config, set("vocab_size", "many"), kInvalid, "vocab_size"},
      {"epsilon", config, set("layer_norm_eps", "x"), kInvalid, "layer_norm_eps"},
      {"rows", config, set("vocab_size", 300), kInvalid, "rows, but vocab_size is 300"},
      {"more layers", config, set("num_hidden_layers", 3), kInvalid, "blk.2.attn_q.weight"},
      {"fewer layers", config, set("num_hidden_layers", 1), kNot, "'encoder.layer.1."},
      {"heads", config, set("num_attention_heads", 5), kInvalid, "5 attention heads"},
      {"positions", config, set("max_position_embeddings", 97), kInvalid, "context has positions"},
      {"dense", modules, module(2, "type", "sentence_transformers.models.Dense"), kNot,
       "module 2 of type 'sentence_transformers.models.Dense'"},
      {"elsewhere", modules, module(1, "path", "../1_Pooling"), kInvalid, "not a plain name"},
      {"deeper", modules, module(0, "path", "0_Transformer"), kNot, "module 0"},
      {"no list", modules, [](const json&) { return json::object(); }, kInvalid, "not a list"},
      {"gone", modules, module(1, "path", "2_Pooling"), StatusCode::kNotFound, "is no folder"},
      {"max", pooling, set("pooling_mode_max_tokens", true), kNot, "'max_tokens'"},
      {"none", pooling, set("pooling_mode_mean_tokens", false), kNot, "pooling by nothing"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name, c.file);
    const TemporaryFolder folder;
    BertFolder().Write(folder / "m");
    const std::string path = folder / (std::string("m/") + c.file);
    std::ifstream in(path);
    json value = json::parse(in);
    test::WriteText(path, c.change(std::move(value)).dump());
    const auto model = OpenModelFile(folder / "m");
    const Status status = model.ok() ? BuildGraph(**model).status() : model.status();
    INFO(status);
    CHECK(status.code() == c.code);
    CHECK(std::string(status.message()).find(c.says) != std::string::npos);
  }
}

TEST_CASE("operators of encoders and of decoders do not mix") {
  const TemporaryFolder folder;
  BertFolder().Write(folder / "m");
  const auto model = OpenModelFile(folder / "m");
  REQUIRE(model.ok());
  const auto good = BuildGraph(**model);
  REQUIRE(good.ok());
  Graph graph = *good;
  graph.shape.embedding = 0;  // claims to be a decoder
  graph.shape.kv_heads = 4;
  CHECK(CheckGraph(graph, **model).code() == StatusCode::kInvalidArgument);
  CHECK(std::string(CheckGraph(graph, **model).message()).find("of encoders") != std::string::npos);
  graph = *good;
  for (Node& node : graph.nodes) {
    if (node.op != "bidirectional_attention") continue;
    node.op = "attention";
    node.attributes.Set("kv_heads", int64_t{4});
  }
  CHECK(std::string(CheckGraph(graph, **model).message()).find("of decoders") != std::string::npos);
  graph = *good;
  graph.shape.embedding = 63;
  CHECK(std::string(CheckGraph(graph, **model).message()).find("[texts, embedding]") !=
        std::string::npos);
  // What a file may claim.
  for (const int32_t kv_heads : {0, 4}) {
    Graph other = *good;
    other.shape.kv_heads = kv_heads;
    other.shape.embedding = kv_heads == 0 ? -1 : 64;
    CHECK_FALSE(GraphFromFile(*GraphToFile(other)).ok());
  }
}

}  // namespace
}  // namespace hob
