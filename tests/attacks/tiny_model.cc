// SPDX-License-Identifier: Apache-2.0
#include "tests/attacks/tiny_model.h"

#include <algorithm>
#include <cstring>

#include "lib/text/unicode.h"

namespace hob::test {
namespace {

// GPT-2's characters for the 256 bytes.
std::vector<std::string> ByteTokens() {
  std::vector<std::string> tokens;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool itself =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    text::AppendUtf8(itself ? byte : next++, tokens.emplace_back());
  }
  return tokens;
}

constexpr std::string_view kTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

}  // namespace

Bytes Texts(const std::vector<std::string>& values) {
  Bytes bytes = ArrayHead(kText, values.size());
  for (const std::string& value : values) bytes.Text(value);
  return bytes;
}

TinyTensor FloatTensor(std::string name, std::vector<uint64_t> dimensions, float value) {
  TinyTensor tensor{.name = std::move(name), .dimensions = std::move(dimensions), .data = {}};
  uint64_t count = 1;
  for (const uint64_t dimension : tensor.dimensions) count *= dimension;
  uint32_t state = static_cast<uint32_t>(count) * 2654435761u + 1;
  std::vector<float> values(count, value);
  if (value == 0) {
    for (float& x : values) {
      state = state * 1664525u + 1013904223u;
      x = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
    }
  }
  tensor.data.resize(count * sizeof(float));
  std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

TinyModel::TinyModel() {
  Set("general.architecture", Text("llama"));
  Set("llama.block_count", U32(1));
  Set("llama.context_length", U32(64));
  Set("llama.embedding_length", U32(kWidth));
  Set("llama.feed_forward_length", U32(kWidth));
  Set("llama.attention.head_count", U32(2));
  Set("llama.attention.head_count_kv", U32(1));
  Set("llama.attention.layer_norm_rms_epsilon", F32(1e-5f));
  Set("llama.rope.freq_base", F32(10000.0f));
  Set("tokenizer.ggml.model", Text("gpt2"));
  Set("tokenizer.ggml.pre", Text("smollm"));
  std::vector<std::string> tokens = ByteTokens();
  tokens.insert(tokens.end(), {"ab", "<|im_start|>", "<|im_end|>"});
  Vocabulary(tokens);
  Set("tokenizer.ggml.merges", Texts({"a b"}));
  Set("tokenizer.ggml.eos_token_id", U32(258));
  Set("tokenizer.chat_template", Text(kTemplate));

  const auto norm = [&](const std::string& name) { Add(FloatTensor(name, {kWidth}, 1.0f)); };
  const auto matrix = [&](const std::string& name, uint64_t rows) {
    Add(FloatTensor(name, {kWidth, rows}));
  };
  matrix("token_embd.weight", tokens.size());
  norm("blk.0.attn_norm.weight");
  matrix("blk.0.attn_q.weight", kWidth);
  matrix("blk.0.attn_k.weight", kWidth / 2);
  matrix("blk.0.attn_v.weight", kWidth / 2);
  matrix("blk.0.attn_output.weight", kWidth);
  norm("blk.0.ffn_norm.weight");
  matrix("blk.0.ffn_gate.weight", kWidth);
  matrix("blk.0.ffn_up.weight", kWidth);
  matrix("blk.0.ffn_down.weight", kWidth);
  norm("output_norm.weight");
}

TinyModel& TinyModel::Set(std::string_view key, const Bytes& type_and_value) {
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (found != keys_.end()) {
    found->second = type_and_value;
  } else {
    keys_.emplace_back(key, type_and_value);
  }
  return *this;
}

TinyModel& TinyModel::Erase(std::string_view key) {
  std::erase_if(keys_, [&](const auto& entry) { return entry.first == key; });
  return *this;
}

TinyModel& TinyModel::Add(TinyTensor tensor) {
  tensors_.push_back(std::move(tensor));
  return *this;
}

TinyModel& TinyModel::Replace(TinyTensor tensor) {
  for (TinyTensor& other : tensors_) {
    if (other.name == tensor.name) {
      other = std::move(tensor);
      break;
    }
  }
  return *this;
}

TinyModel& TinyModel::EraseTensor(std::string_view name) {
  std::erase_if(tensors_, [&](const TinyTensor& tensor) { return tensor.name == name; });
  return *this;
}

TinyModel& TinyModel::Vocabulary(const std::vector<std::string>& tokens) {
  tokens_ = tokens;
  std::vector<int32_t> types;
  for (const std::string& token : tokens) types.push_back(token.starts_with("<|") ? 3 : 1);
  Set("tokenizer.ggml.tokens", Texts(tokens));
  return Set("tokenizer.ggml.token_type", Numbers(kI32, types));
}

std::vector<uint8_t> TinyModel::Build() const {
  GgufBuilder builder;
  for (const auto& [key, value] : keys_) builder.RawKey(key, value);
  Bytes data;
  for (const TinyTensor& tensor : tensors_) {
    data.PadTo(builder.alignment);
    builder.Info(tensor.name, tensor.type, tensor.dimensions, data.size());
    for (const uint8_t byte : tensor.data) data.Put(byte);
  }
  std::vector<uint8_t> file = builder.Build();
  file.insert(file.end(), data.get().begin(), data.get().end());
  return file;
}

std::vector<uint8_t> VocabularyFile(const std::vector<std::pair<std::string, Bytes>>& keys) {
  GgufBuilder builder;
  builder.Key("general.architecture", "llama");
  for (const auto& [key, value] : keys) builder.RawKey(key, value);
  return builder.Build();
}

std::vector<uint8_t> BpeVocabulary(std::string_view pre) {
  const TinyModel model;
  return VocabularyFile({{"tokenizer.ggml.model", Text("gpt2")},
                         {"tokenizer.ggml.pre", Text(pre)},
                         {"tokenizer.ggml.tokens", Texts(model.tokens())},
                         {"tokenizer.ggml.merges", Texts({"a b"})}});
}

std::vector<std::pair<std::string, Bytes>> SentencePieceKeys(
    const std::vector<std::pair<std::string, int32_t>>& more) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "\xE2\x96\x81"};
  std::vector<int32_t> types = {2, 3, 3, 1};
  for (char c = '!'; c <= '~'; ++c) {
    tokens.emplace_back(1, c);
    types.push_back(1);
  }
  for (const auto& [token, type] : more) {
    tokens.push_back(token);
    types.push_back(type);
  }
  const std::vector<float> scores(tokens.size(), -1.0f);
  return {{"tokenizer.ggml.model", Text("llama")},
          {"tokenizer.ggml.tokens", Texts(tokens)},
          {"tokenizer.ggml.token_type", Numbers(kI32, types)},
          {"tokenizer.ggml.scores", Numbers(kF32, scores)}};
}

}  // namespace hob::test
