// SPDX-License-Identifier: Apache-2.0
// Hugging Face folders for tests: made piece by piece, or of a model file with float weights.
#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/format/model_file.h"
#include "tests/support/temporary_folder.h"

namespace hob::test {

struct HfTensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
};

// Length, header, bytes. The header is as given.
inline std::vector<uint8_t> SafetensorsOf(const std::string& header,
                                          const std::vector<uint8_t>& data) {
  std::vector<uint8_t> file(8);
  const uint64_t length = header.size();
  std::memcpy(file.data(), &length, sizeof(length));
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

// `alignment` of the first tensor's bytes, by spaces after the header; `shift` bytes off it.
inline std::vector<uint8_t> SafetensorsOf(const std::vector<HfTensor>& tensors,
                                          size_t alignment = 8, size_t shift = 0) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::vector<uint8_t> data;
  for (const HfTensor& tensor : tensors) {
    const size_t begin = data.size();
    data.insert(data.end(), tensor.bytes.begin(), tensor.bytes.end());
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  while ((8 + text.size()) % alignment != shift) text += ' ';
  return SafetensorsOf(text, data);
}

inline void WriteText(const std::string& path, const std::string& text) {
  WriteBytes(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

inline nlohmann::json AddedToken(int id, const std::string& text, bool special) {
  return {{"id", id},        {"content", text}, {"special", special}, {"single_word", false},
          {"lstrip", false}, {"rstrip", false}, {"normalized", false}};
}

inline nlohmann::json Split(const std::string& regex) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", regex}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

// The steps before a byte-level vocabulary, by the name that GGUF has for them.
inline nlohmann::json PretokenizerOf(const std::string& pre) {
  const nlohmann::json bytes = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  nlohmann::json gpt2 = bytes;
  gpt2["use_regex"] = true;
  const std::string head = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  const std::string tail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  nlohmann::json steps;
  if (pre == "gpt-2") return gpt2;
  if (pre == "smollm") steps = {{{"type", "Digits"}, {"individual_digits", true}}, gpt2};
  if (pre == "qwen2") steps = {Split(head + tail), bytes};
  if (pre == "llama-bpe") steps = {Split(head + "{1,3}" + tail), bytes};
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

// What converters make of SentencePiece's scores: all pairs that give a token, the best first.
inline nlohmann::json MergesOf(const Vocabulary& v) {
  struct Merge {
    float score;
    size_t left;
    std::string a, b;
  };
  std::vector<Merge> merges;
  const auto normal = [&](const std::string& text) {
    const auto found = std::find(v.tokens.begin(), v.tokens.end(), text);
    return found != v.tokens.end() &&
           v.types[static_cast<size_t>(found - v.tokens.begin())] == TokenType::kNormal;
  };
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const std::string& token = v.tokens[id];
    if (v.types[id] != TokenType::kNormal) continue;
    for (size_t cut = 1; cut < token.size(); ++cut) {
      if (normal(token.substr(0, cut)) && normal(token.substr(cut))) {
        merges.push_back({v.scores[id], cut, token.substr(0, cut), token.substr(cut)});
      }
    }
  }
  std::stable_sort(merges.begin(), merges.end(),
                   [](const Merge& a, const Merge& b) { return a.score > b.score; });
  nlohmann::json list = nlohmann::json::array();
  for (const Merge& merge : merges) list.push_back({merge.a, merge.b});
  return list;
}

inline nlohmann::json TokenizerOf(const Vocabulary& v) {
  nlohmann::json vocab = nlohmann::json::object(), added = nlohmann::json::array();
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const TokenType type = v.types[id];
    const bool special = type == TokenType::kControl || type == TokenType::kUnknown;
    if (special || type == TokenType::kUserDefined) {
      added.push_back(AddedToken(static_cast<int>(id), v.tokens[id], special));
    }
    if (v.model == "llama" || !special) vocab[v.tokens[id]] = id;
  }
  nlohmann::json merges = v.merges;
  nlohmann::json post = nullptr, normalizer = nullptr, pre = nullptr, decoder;
  if (v.add_bos) {
    const std::string bos = v.tokens[static_cast<size_t>(v.bos)];
    post = {{"type", "TemplateProcessing"},
            {"single",
             {{{"SpecialToken", {{"id", bos}, {"type_id", 0}}}},
              {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
            {"special_tokens", {{bos, {{"id", bos}, {"ids", {v.bos}}, {"tokens", {bos}}}}}}};
  }
  const std::string mark = "\xE2\x96\x81";
  if (v.model == "llama") {
    merges = MergesOf(v);
    nlohmann::json steps = nlohmann::json::array();
    if (v.add_space_prefix) steps.push_back({{"type", "Prepend"}, {"prepend", mark}});
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}});
    normalizer = {{"type", "Sequence"}, {"normalizers", steps}};
    decoder = {{"type", "Sequence"},
               {"decoders",
                {{{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}},
                 {{"type", "ByteFallback"}},
                 {{"type", "Fuse"}}}}};
  } else {
    if (v.pre == "qwen2") normalizer = {{"type", "NFC"}};
    pre = PretokenizerOf(v.pre);
    decoder = {{"type", "ByteLevel"}};
  }
  nlohmann::json model = {{"type", "BPE"},
                          {"dropout", nullptr},
                          {"unk_token", nullptr},
                          {"byte_fallback", v.model == "llama"},
                          {"ignore_merges", v.pre == "llama-bpe"},
                          {"vocab", vocab},
                          {"merges", merges}};
  if (v.model == "llama") model["unk_token"] = v.tokens[static_cast<size_t>(v.unknown)];
  return {{"version", "1.0"},       {"truncation", nullptr},    {"padding", nullptr},
          {"added_tokens", added},  {"normalizer", normalizer}, {"pre_tokenizer", pre},
          {"post_processor", post}, {"decoder", decoder},       {"model", model}};
}

inline nlohmann::json TokenizerConfigOf(const Vocabulary& v) {
  nlohmann::json config = {{"chat_template", v.chat_template}};
  if (v.bos >= 0) config["bos_token"] = v.tokens[static_cast<size_t>(v.bos)];
  if (v.eos >= 0) config["eos_token"] = {{"content", v.tokens[static_cast<size_t>(v.eos)]}};
  if (v.padding >= 0) config["pad_token"] = v.tokens[static_cast<size_t>(v.padding)];
  return config;
}

// From GGUF's hyperparameters. Throws where one is missing.
inline nlohmann::json ConfigOf(const ModelFile& file) {
  const std::string prefix = file.architecture + ".";
  const auto has = [&](const char* key) { return file.metadata.Find(prefix + key) != nullptr; };
  const auto integer = [&](const char* key) {
    return file.metadata.Int(prefix + key, 0, 1 << 30).value();
  };
  const auto real = [&](const char* key) { return file.metadata.Real(prefix + key).value(); };
  nlohmann::json config = {{"model_type", file.architecture},
                           {"num_hidden_layers", integer("block_count")},
                           {"max_position_embeddings", integer("context_length")},
                           {"hidden_size", integer("embedding_length")},
                           {"intermediate_size", integer("feed_forward_length")},
                           {"num_attention_heads", integer("attention.head_count")},
                           {"num_key_value_heads", integer("attention.head_count_kv")},
                           {"rms_norm_eps", real("attention.layer_norm_rms_epsilon")},
                           {"rope_theta", real("rope.freq_base")},
                           {"vocab_size", file.FindTensor("token_embd.weight")->shape[0]},
                           {"hidden_act", "silu"},
                           {"bos_token_id", file.vocabulary.bos},
                           {"eos_token_id", file.vocabulary.eos},
                           {"tie_word_embeddings", file.FindTensor("output.weight") == nullptr}};
  const int64_t width = integer("embedding_length"), heads = integer("attention.head_count");
  config["head_dim"] =
      has("attention.key_length") ? integer("attention.key_length") : width / heads;
  if (file.architecture == "gemma3") {
    config["model_type"] = "gemma3_text";
    config["hidden_activation"] = "gelu_pytorch_tanh";
    config.erase("hidden_act");
    config["query_pre_attn_scalar"] = config["head_dim"];
    config["sliding_window"] = integer("attention.sliding_window");
    if (has("attention.sliding_window_pattern")) {
      config["sliding_window_pattern"] = integer("attention.sliding_window_pattern");
    }
    if (has("rope.freq_base_swa")) config["rope_local_base_freq"] = real("rope.freq_base_swa");
  }
  if (has("rope.scaling.type")) {
    config["rope_scaling"] = {
        {"rope_type", file.metadata.Text(prefix + "rope.scaling.type").value()},
        {"factor", real("rope.scaling.factor")}};
  }
  return config;
}

inline std::string HfNameOf(const std::string& gguf, bool gemma) {
  static const std::vector<std::pair<std::string, std::string>> kParts = {
      {"attn_q", "self_attn.q_proj"},
      {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"},
      {"attn_output", "self_attn.o_proj"},
      {"attn_q_norm", "self_attn.q_norm"},
      {"attn_k_norm", "self_attn.k_norm"},
      {"attn_norm", "input_layernorm"},
      {"ffn_gate", "mlp.gate_proj"},
      {"ffn_up", "mlp.up_proj"},
      {"ffn_down", "mlp.down_proj"},
      {"post_attention_norm", "post_attention_layernorm"},
      {"post_ffw_norm", "post_feedforward_layernorm"}};
  const size_t dot = gguf.rfind('.');
  const std::string suffix = gguf.substr(dot), stem = gguf.substr(0, dot);
  if (stem == "token_embd") return "model.embed_tokens" + suffix;
  if (stem == "output_norm") return "model.norm" + suffix;
  if (stem == "output") return "lm_head" + suffix;
  const size_t second = stem.find('.', 4);
  const std::string layer = stem.substr(4, second - 4), part = stem.substr(second + 1);
  std::string name = gemma ? "pre_feedforward_layernorm" : "post_attention_layernorm";  // ffn_norm
  for (const auto& [ours, theirs] : kParts) {
    if (ours == part) name = theirs;
  }
  return "model.layers." + layer + "." + name + suffix;
}

// Rows of neighbours back to halves, as llama-arch GGUF files have them permuted.
inline std::vector<uint8_t> Unpermute(const Tensor& tensor, int64_t heads) {
  const size_t rows = static_cast<size_t>(tensor.shape[0]);
  const size_t bytes = tensor.data.size() / rows, per_head = rows / static_cast<size_t>(heads);
  std::vector<uint8_t> out(tensor.data.size());
  for (size_t row = 0; row < rows; ++row) {
    const size_t head = row / per_head, at = row % per_head;
    const size_t to = head * per_head + (at % 2) * (per_head / 2) + at / 2;
    std::copy_n(tensor.data.data() + row * bytes, bytes, out.data() + to * bytes);
  }
  return out;
}

inline std::vector<HfTensor> TensorsOf(const ModelFile& file) {
  const bool gemma = file.architecture == "gemma3";
  std::vector<HfTensor> tensors;
  for (const Tensor& tensor : file.tensors) {
    HfTensor hf{HfNameOf(tensor.name, gemma),
                tensor.type == DType::kF32   ? "F32"
                : tensor.type == DType::kF16 ? "F16"
                                             : "BF16",
                tensor.shape,
                {tensor.data.begin(), tensor.data.end()}};
    if (file.architecture == "llama" && tensor.shape.size() == 2) {
      for (const char* part : {"head_count", "head_count_kv"}) {
        const std::string name = std::strlen(part) > 10 ? "attn_k.weight" : "attn_q.weight";
        if (!tensor.name.ends_with(name)) continue;
        const auto heads = file.metadata.Int(std::string("llama.attention.") + part, 1, 4096);
        hf.bytes = Unpermute(tensor, heads.value());
      }
    }
    if (gemma && hf.name.ends_with("norm.weight")) {
      for (size_t i = 0; i < hf.bytes.size(); i += sizeof(float)) {
        float value;
        std::memcpy(&value, hf.bytes.data() + i, sizeof(value));
        value -= 1;
        std::memcpy(hf.bytes.data() + i, &value, sizeof(value));
      }
    }
    tensors.push_back(std::move(hf));
  }
  return tensors;
}

// config.json, tokenizer.json and tokenizer_config.json alone.
inline void WriteHfTexts(const ModelFile& file, const std::string& folder) {
  std::filesystem::create_directories(folder);
  WriteText(folder + "/config.json", ConfigOf(file).dump());
  WriteText(folder + "/tokenizer.json", TokenizerOf(file.vocabulary).dump());
  WriteText(folder + "/tokenizer_config.json", TokenizerConfigOf(file.vocabulary).dump());
}

// In `shards` files; one: model.safetensors.
inline void WriteHfFolder(const ModelFile& file, const std::string& folder, size_t shards = 1,
                          size_t shift = 0) {
  WriteHfTexts(file, folder);
  const std::vector<HfTensor> tensors = TensorsOf(file);
  if (shards == 1) {
    WriteBytes(folder + "/model.safetensors", SafetensorsOf(tensors, 8, shift));
    return;
  }
  nlohmann::json map;
  for (size_t shard = 0; shard < shards; ++shard) {
    const std::string name = "model-" + std::to_string(shard) + ".safetensors";
    std::vector<HfTensor> part;
    for (size_t i = shard; i < tensors.size(); i += shards) {
      part.push_back(tensors[i]);
      map[tensors[i].name] = name;
    }
    WriteBytes(folder + "/" + name, SafetensorsOf(part));
  }
  WriteText(folder + "/model.safetensors.index.json",
            nlohmann::json{{"metadata", {{"total_size", 0}}}, {"weight_map", map}}.dump());
}

}  // namespace hob::test
