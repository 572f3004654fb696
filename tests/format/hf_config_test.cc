// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "lib/format/hugging_face.h"

namespace hob::format {
namespace {

using nlohmann::json;

json Llama() {
  return {{"model_type", "llama"}, {"num_hidden_layers", 2},  {"max_position_embeddings", 256},
          {"hidden_size", 64},     {"intermediate_size", 96}, {"num_attention_heads", 4},
          {"vocab_size", 300},     {"rms_norm_eps", 1e-5}};
}

json Qwen() {
  json config = Llama();
  config["model_type"] = "qwen2";
  config["num_key_value_heads"] = 2;
  return config;
}

json Gemma() {
  json config = Llama();
  config["model_type"] = "gemma3_text";
  config["num_key_value_heads"] = 2;
  config["head_dim"] = 32;
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = 12;
  config["query_pre_attn_scalar"] = 64;
  return config;
}

StatusOr<HfConfig> Read(const json& config, ModelFile* model) {
  const auto parsed = Json::Parse(config.dump());
  if (!parsed.ok()) return parsed.status();
  return ReadHfConfig(parsed->root(), model);
}

TEST_CASE("a Llama's hyperparameters have GGUF's keys") {
  ModelFile model;
  json config = Llama();
  config["rope_parameters"] = {{"rope_type", "llama3"},   {"rope_theta", 500000.0},
                               {"factor", 8.0},           {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0}, {"original_max_position_embeddings", 64}};
  const auto read = Read(config, &model);
  INFO(read.status());
  REQUIRE(read.ok());
  CHECK(model.architecture == "llama");
  CHECK(read->layers == 2);
  CHECK(read->vocabulary == 300);
  CHECK_FALSE(read->tied);
  const Metadata& meta = model.metadata;
  CHECK(*meta.Int("llama.block_count", 0, 99) == 2);
  CHECK(*meta.Int("llama.context_length", 0, 999) == 256);
  CHECK(*meta.Int("llama.embedding_length", 0, 999) == 64);
  CHECK(*meta.Int("llama.feed_forward_length", 0, 999) == 96);
  CHECK(*meta.Int("llama.attention.head_count", 0, 99) == 4);
  CHECK(meta.Find("llama.attention.head_count_kv") == nullptr);
  CHECK(*meta.Real("llama.attention.layer_norm_rms_epsilon") == static_cast<double>(1e-5f));
  CHECK(*meta.Real("llama.rope.freq_base") == 500000);
  CHECK(*meta.Text("llama.rope.pairs") == "halves");
  CHECK(*meta.Text("llama.rope.scaling.type") == "llama3");
  CHECK(*meta.Real("llama.rope.scaling.factor") == 8);
  CHECK(*meta.Int("llama.rope.scaling.original_context_length", 0, 999) == 64);
  CHECK(*meta.Real("llama.rope.scaling.low_freq_factor") == 1);
}

TEST_CASE("rope of before transformers 5, and YaRN's attention") {
  ModelFile model;
  json config = Qwen();
  config["rope_theta"] = 1e6;
  config["rope_scaling"] = {
      {"type", "yarn"}, {"factor", 4.0}, {"mscale", 1.0}, {"mscale_all_dim", 0.5}};
  const auto read = Read(config, &model);
  INFO(read.status());
  REQUIRE(read.ok());
  CHECK(*model.metadata.Real("qwen2.rope.freq_base") == 1e6);
  CHECK(*model.metadata.Text("qwen2.rope.scaling.type") == "yarn");
  CHECK(std::abs(*model.metadata.Real("qwen2.rope.scaling.yarn_attn_factor") -
                 (0.1 * std::log(4.0) + 1) / (0.05 * std::log(4.0) + 1)) < 1e-12);
  CHECK(model.metadata.Find("qwen2.rope.pairs") == nullptr);
}

TEST_CASE("Gemma 3's layers, windows and bases") {
  ModelFile model;
  json config = Gemma();
  config["layer_types"] = {"sliding_attention", "full_attention"};
  config["rope_parameters"] = {
      {"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 1e6}}},
      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 5000.0}}}};
  const auto read = Read(config, &model);
  INFO(read.status());
  REQUIRE(read.ok());
  CHECK(read->tied);
  CHECK(read->adds_one);
  const Metadata& meta = model.metadata;
  CHECK(std::get<std::vector<bool>>(*meta.Find("gemma3.attention.sliding_window_pattern")) ==
        std::vector<bool>{true, false});
  CHECK(*meta.Int("gemma3.attention.sliding_window", 0, 99) == 12);
  CHECK(*meta.Real("gemma3.attention.scale") == 1 / std::sqrt(64.0));
  CHECK(*meta.Real("gemma3.rope.freq_base_swa") == 5000);
  CHECK(*meta.Real("gemma3.rope.scaling.factor") == 8);
}

TEST_CASE("windows that are switched off, or that all layers have") {
  const auto window = [](const json& config) -> int64_t {
    ModelFile model;
    const auto read = Read(config, &model);
    INFO(read.status());
    REQUIRE(read.ok());
    return *model.metadata.Int(model.architecture + ".attention.sliding_window", 0, 1 << 20, 0);
  };
  json qwen = Qwen();
  qwen["sliding_window"] = 32;
  CHECK(window(qwen) == 0);
  qwen["use_sliding_window"] = true;
  CHECK(window(qwen) == 32);
  qwen["max_window_layers"] = 2;
  CHECK(window(qwen) == 0);
  json mistral = Qwen();
  mistral["model_type"] = "mistral";
  mistral["sliding_window"] = nullptr;
  CHECK(window(mistral) == 0);
  mistral["sliding_window"] = 16;
  CHECK(window(mistral) == 16);
}

TEST_CASE("names of tensors") {
  HfConfig config{.model_type = "qwen3", .layers = 12, .head_norms = true};
  CHECK(GgufTensorName(config, "model.embed_tokens.weight") == "token_embd.weight");
  CHECK(GgufTensorName(config, "lm_head.weight") == "output.weight");
  CHECK(GgufTensorName(config, "model.layers.11.self_attn.q_proj.bias") == "blk.11.attn_q.bias");
  CHECK(GgufTensorName(config, "model.layers.0.self_attn.k_norm.weight") ==
        "blk.0.attn_k_norm.weight");
  CHECK(GgufTensorName(config, "model.layers.0.post_attention_layernorm.weight") ==
        "blk.0.ffn_norm.weight");
  for (const char* name :
       {"model.layers.12.mlp.up_proj.weight", "model.layers.01.mlp.up_proj.weight",
        "model.layers.-1.mlp.up_proj.weight", "model.layers..mlp.up_proj.weight",
        "model.layers.0.mlp.up_proj", "model.layers.0.mlp.up_proj.scale", "model.layers.0.",
        "model.layers.99999999999999999999.mlp.up_proj.weight", "score.weight", "",
        "model.layers.0.input_layernorm.bias", "model.layers.0.pre_feedforward_layernorm.weight"}) {
    CAPTURE(name);
    CHECK_FALSE(GgufTensorName(config, name).has_value());
  }
  config.norms_around = true;
  CHECK(GgufTensorName(config, "model.layers.0.post_attention_layernorm.weight") ==
        "blk.0.post_attention_norm.weight");
}

TEST_CASE("a configuration that hob does not run is refused by key") {
  struct Case {
    const char* what;
    json config;
    StatusCode code;
    const char* message;
  };
  const auto with = [](json config, const char* key, const json& value) {
    config[key] = value;
    return config;
  };
  const auto without = [](json config, const char* key) {
    config.erase(key);
    return config;
  };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  constexpr StatusCode kNotRun = StatusCode::kUnimplemented;
  constexpr StatusCode kMissing = StatusCode::kNotFound;
  const Case cases[] = {
      {"a list", json::array(), kInvalid, "a list"},
      {"no type", without(Llama(), "model_type"), kMissing, "'model_type'"},
      {"a type that is a number", with(Llama(), "model_type", 3), kInvalid, "'model_type'"},
      {"another type", with(Llama(), "model_type", "mamba"), kNotRun, "'mamba'"},
      {"Gemma with images", with(Llama(), "model_type", "gemma3"), kNotRun, "'gemma3'"},
      {"no layers", without(Llama(), "num_hidden_layers"), kMissing, "'num_hidden_layers'"},
      {"layers as text", with(Llama(), "num_hidden_layers", "2"), kInvalid, "'num_hidden_layers'"},
      {"layers below 0", with(Llama(), "num_hidden_layers", -2), kInvalid, "'num_hidden_layers'"},
      {"0 layers", with(Llama(), "num_hidden_layers", 0), kInvalid, "is 0"},
      {"2^40 layers", with(Llama(), "num_hidden_layers", int64_t{1} << 40), kInvalid,
       "1099511627776"},
      {"2^64 layers", with(Llama(), "num_hidden_layers", 18446744073709551615u), kInvalid,
       "'num_hidden_layers'"},
      {"no epsilon", without(Llama(), "rms_norm_eps"), kMissing, "'rms_norm_eps'"},
      {"no KV heads", without(Qwen(), "num_key_value_heads"), kMissing, "'num_key_value_heads'"},
      {"quantised", with(Llama(), "quantization_config", {{"quant_method", "awq"}}), kNotRun,
       "'awq'"},
      {"another activation", with(Llama(), "hidden_act", "relu"), kNotRun, "'relu'"},
      {"a part of the head", with(Llama(), "partial_rotary_factor", 0.5), kNotRun, "partial"},
      {"longrope", with(Llama(), "rope_scaling", {{"type", "longrope"}}), kNotRun, "'longrope'"},
      {"dynamic", with(Llama(), "rope_scaling", {{"rope_type", "dynamic"}}), kNotRun, "'dynamic'"},
      {"rope of another kind", with(Llama(), "rope_parameters", {{"mrope_section", {1, 2}}}),
       kNotRun, "'mrope_section'"},
      {"rope that is a list", with(Llama(), "rope_scaling", json::array({1})), kInvalid,
       "'rope_scaling'"},
      {"a capped Gemma", with(Gemma(), "final_logit_softcapping", 30.0), kNotRun, "softcapping"},
      {"both ways", with(Gemma(), "use_bidirectional_attention", true), kNotRun, "bidirectional"},
      {"no window", without(Gemma(), "sliding_window"), kMissing, "'sliding_window'"},
      {"a layer of another kind", with(Gemma(), "layer_types", {"full_attention", "linear"}),
       kNotRun, "'linear'"},
      {"three of two layers",
       with(Gemma(), "layer_types", {"full_attention", "full_attention", "full_attention"}),
       kInvalid, "3 elements for 2"},
      {"no scale", without(Gemma(), "query_pre_attn_scalar"), kMissing, "query_pre"},
      {"a scale of 0", with(Gemma(), "query_pre_attn_scalar", 0), kInvalid, "above 0"},
      {"half of Qwen's layers",
       with(with(with(Qwen(), "use_sliding_window", true), "max_window_layers", 1),
            "sliding_window", 8),
       kNotRun, "1 of 2 layers"},
      {"ties that are a number", with(Llama(), "tie_word_embeddings", 1), kInvalid, "'tie_word"},
  };
  for (const Case& c : cases) {
    ModelFile model;
    const Status status = Read(c.config, &model).status();
    CAPTURE(c.what, status);
    CHECK(status.code() == c.code);
    CHECK(status.message().find(c.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace hob::format
