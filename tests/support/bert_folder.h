// SPDX-License-Identifier: Apache-2.0
// A small BERT encoder with random weights, as a folder that sentence-transformers would save.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/hf_folder.h"

namespace hob::test {

struct BertFolder {
  int64_t layers = 2, width = 64, heads = 4, feed_forward = 96, context = 96;
  bool modules = true;     // modules.json and the pooling's folder
  bool normalize = true;   // its Normalize
  bool cls = false;        // pooling
  int64_t max_tokens = 0;  // of sentence_bert_config.json; 0: no such file
  std::string prefix;      // of the tensors' names: "bert." in files with a head

  nlohmann::json Config() const {
    return {{"model_type", "bert"},
            {"num_hidden_layers", layers},
            {"max_position_embeddings", context},
            {"hidden_size", width},
            {"intermediate_size", feed_forward},
            {"num_attention_heads", heads},
            {"vocab_size", Vocabulary().size()},
            {"type_vocab_size", 2},
            {"hidden_act", "gelu"},
            {"layer_norm_eps", 1e-12},
            {"position_embedding_type", "absolute"}};
  }

  // Letters, as words and inside them, and some signs.
  static nlohmann::json Vocabulary() {
    nlohmann::json vocab = {{"[UNK]", 0}, {"[CLS]", 1}, {"[SEP]", 2}};
    for (const char c : std::string("abcdefghijklmnopqrstuvwxyz.,!?[]")) {
      vocab[std::string(1, c)] = vocab.size();
      if (c >= 'a') vocab["##" + std::string(1, c)] = vocab.size();
    }
    return vocab;
  }
  static nlohmann::json Tokenizer(const nlohmann::json& vocabulary = Vocabulary()) {
    return {{"added_tokens",
             {AddedToken(0, "[UNK]", true), AddedToken(1, "[CLS]", true),
              AddedToken(2, "[SEP]", true)}},
            {"normalizer",
             {{"type", "BertNormalizer"},
              {"clean_text", true},
              {"handle_chinese_chars", true},
              {"strip_accents", nullptr},
              {"lowercase", true}}},
            {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
            {"post_processor",
             {{"type", "BertProcessing"}, {"cls", {"[CLS]", 1}}, {"sep", {"[SEP]", 2}}}},
            {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
            {"model",
             {{"type", "WordPiece"},
              {"unk_token", "[UNK]"},
              {"continuing_subword_prefix", "##"},
              {"max_input_chars_per_word", 100},
              {"vocab", vocabulary}}}};
  }

  std::vector<HfTensor> Tensors() const {
    std::mt19937 generator(7);
    std::vector<HfTensor> tensors;
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, float mean,
                         float spread) {
      size_t count = 1;
      for (const int64_t size : shape) count *= static_cast<size_t>(size);
      std::vector<float> values(count);
      for (float& value : values) {
        value = mean + (static_cast<float>(generator() >> 8) * 0x1p-23f - 1.0f) * spread;
      }
      HfTensor tensor{prefix + name, "F32", std::move(shape), {}};
      tensor.bytes.resize(count * sizeof(float));
      std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
      tensors.push_back(std::move(tensor));
    };
    const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
      add(name + ".weight", {out, in}, 0, 0.3f);
      add(name + ".bias", {out}, 0, 0.1f);
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {width}, 1, 0.2f);
      add(name + ".bias", {width}, 0, 0.1f);
    };
    const auto words = static_cast<int64_t>(Vocabulary().size());
    add("embeddings.word_embeddings.weight", {words, width}, 0, 1);
    add("embeddings.position_embeddings.weight", {context, width}, 0, 0.5f);
    add("embeddings.token_type_embeddings.weight", {2, width}, 0, 0.5f);
    norm("embeddings.LayerNorm");
    for (int64_t i = 0; i < layers; ++i) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      for (const char* name : {"query", "key", "value"}) {
        linear(layer + "attention.self." + name, width, width);
      }
      linear(layer + "attention.output.dense", width, width);
      norm(layer + "attention.output.LayerNorm");
      linear(layer + "intermediate.dense", feed_forward, width);
      linear(layer + "output.dense", width, feed_forward);
      norm(layer + "output.LayerNorm");
    }
    linear("pooler.dense", width, width);  // which nobody reads
    return tensors;
  }

  void Write(const std::string& path) const {
    std::filesystem::create_directories(path);
    WriteText(path + "/config.json", Config().dump());
    WriteText(path + "/tokenizer.json", Tokenizer().dump());
    WriteText(path + "/tokenizer_config.json",
              nlohmann::json({{"cls_token", "[CLS]"}, {"sep_token", "[SEP]"}}).dump());
    WriteBytes(path + "/model.safetensors", SafetensorsOf(Tensors()));
    if (max_tokens > 0) {
      WriteText(path + "/sentence_bert_config.json",
                nlohmann::json({{"max_seq_length", max_tokens}}).dump());
    }
    if (!modules) return;
    const std::string types = "sentence_transformers.models.";
    nlohmann::json list = {{{"idx", 0}, {"path", ""}, {"type", types + "Transformer"}},
                           {{"idx", 1}, {"path", "1_Pooling"}, {"type", types + "Pooling"}}};
    if (normalize) {
      list.push_back({{"idx", 2}, {"path", "2_Normalize"}, {"type", types + "Normalize"}});
    }
    WriteText(path + "/modules.json", list.dump());
    std::filesystem::create_directories(path + "/1_Pooling");
    WriteText(path + "/1_Pooling/config.json", nlohmann::json({{"word_embedding_dimension", width},
                                                               {"pooling_mode_cls_token", cls},
                                                               {"pooling_mode_mean_tokens", !cls},
                                                               {"pooling_mode_max_tokens", false}})
                                                   .dump());
  }
};

}  // namespace hob::test
