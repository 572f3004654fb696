// SPDX-License-Identifier: Apache-2.0
// Models of a few kilobytes in every family, as lists of keys and tensors that can be changed
// before they become a GGUF file.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/block_formats.h"
#include "lib/base/f16.h"
#include "lib/base/quantize_blocks.h"
#include "tests/format/gguf_builder.h"
#include "tests/fuzz/fuzz.h"

namespace hob::fuzz {

struct TinyKey {
  std::string name;
  test::Bytes value;  // type and value
};

struct TinyTensor {
  std::string name;
  uint32_t type = 0;                 // GGUF's number
  std::vector<uint64_t> dimensions;  // innermost first
  std::vector<uint8_t> data;
  int64_t shift = 0;  // of the offset
};

struct TinyModel {
  std::vector<TinyKey> keys;
  std::vector<TinyTensor> tensors;
  uint32_t version = 3;

  TinyKey* Find(std::string_view name) {
    for (TinyKey& key : keys) {
      if (key.name == name) return &key;
    }
    return nullptr;
  }

  template <typename T>
  void Key(std::string name, uint32_t type, T value) {
    test::Bytes bytes;
    bytes.Put<uint32_t>(type).Put(value);
    keys.push_back({std::move(name), std::move(bytes)});
  }
  void Key(std::string name, std::string_view text) {
    test::Bytes bytes;
    bytes.Put<uint32_t>(test::kText).Text(text);
    keys.push_back({std::move(name), std::move(bytes)});
  }
  void Texts(std::string name, const std::vector<std::string>& values) {
    test::Bytes bytes;
    bytes.Put<uint32_t>(test::kArray).Put<uint32_t>(test::kText).Put<uint64_t>(values.size());
    for (const std::string& value : values) bytes.Text(value);
    keys.push_back({std::move(name), std::move(bytes)});
  }
  template <typename T>
  void Array(std::string name, uint32_t type, const std::vector<T>& values) {
    test::Bytes bytes;
    bytes.Put<uint32_t>(test::kArray).Put<uint32_t>(type).Put<uint64_t>(values.size());
    for (const T& value : values) bytes.Put(value);
    keys.push_back({std::move(name), std::move(bytes)});
  }
  // Random weights, or ones for a vector.
  void Tensor(std::string name, DType type, uint64_t columns, uint64_t rows = 0) {
    TinyTensor tensor{std::move(name), static_cast<uint32_t>(type), {columns}, {}};
    if (rows > 0) tensor.dimensions.push_back(rows);
    std::vector<float> values(columns * std::max<uint64_t>(rows, 1), 1.0f);
    Random random(tensors.size() + 1);
    if (rows > 0) {
      for (float& value : values) value = random.Uniform() * 0.3f;
    }
    const DTypeInfo& info = *FindDType(type);
    tensor.data.resize(values.size() / info.block_elements * info.block_bytes);
    Require(QuantizeRows(type, values, static_cast<int64_t>(std::max<uint64_t>(rows, 1)),
                         static_cast<int64_t>(columns), tensor.data)
                .ok());
    tensors.push_back(std::move(tensor));
  }

  std::vector<uint8_t> Build() const {
    test::GgufBuilder builder;
    builder.version = version;
    for (const TinyKey& key : keys) builder.RawKey(key.name, key.value);
    size_t offset = 0;
    for (const TinyTensor& tensor : tensors) {
      builder.Info(tensor.name, tensor.type, tensor.dimensions,
                   offset + static_cast<uint64_t>(tensor.shift));
      offset += (tensor.data.size() + 31) / 32 * 32;
    }
    std::vector<uint8_t> file = builder.Build();
    for (const TinyTensor& tensor : tensors) {
      file.insert(file.end(), tensor.data.begin(), tensor.data.end());
      file.resize(file.size() + (32 - tensor.data.size() % 32) % 32);
    }
    return file;
  }
};

inline void AddSentencePieces(TinyModel& model) {
  model.Key("tokenizer.ggml.model", "llama");
  model.Texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>",
                                        "\xE2\x96\x81"
                                        "a",
                                        "a", "b", "ab", "\xE2\x96\x81", "<0x41>", "<tool>"});
  model.Array<float>("tokenizer.ggml.scores", test::kF32, {0, 0, 0, -1, -2, -3, -1.5f, -4, 0, 0});
  model.Array<int32_t>("tokenizer.ggml.token_type", test::kI32, {2, 3, 3, 1, 1, 1, 1, 1, 6, 4});
  model.Key<uint32_t>("tokenizer.ggml.bos_token_id", test::kU32, 1);
  model.Key<uint32_t>("tokenizer.ggml.eos_token_id", test::kU32, 2);
  model.Key<uint32_t>("tokenizer.ggml.unknown_token_id", test::kU32, 0);
  model.Key<uint8_t>("tokenizer.ggml.add_bos_token", test::kBool, 1);
}

inline void AddBytePairs(TinyModel& model) {
  model.Key("tokenizer.ggml.model", "gpt2");
  model.Key("tokenizer.ggml.pre", "smollm");
  model.Texts("tokenizer.ggml.tokens", {"<|im_start|>", "<|im_end|>", "a", "b", "ab", "\xC4\xA0",
                                        "\xC4\xA0"
                                        "a",
                                        "c", "!", "\xC4\x8A"});
  model.Array<int32_t>("tokenizer.ggml.token_type", test::kI32, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
  model.Texts("tokenizer.ggml.merges", {"a b", "\xC4\xA0 a"});
  model.Key<uint32_t>("tokenizer.ggml.bos_token_id", test::kU32, 0);
  model.Key<uint32_t>("tokenizer.ggml.eos_token_id", test::kU32, 1);
}

inline constexpr uint8_t kTinyModels = 6;

// 0 llama, 1 llama of a long context with byte pairs, 2 qwen2, 3 qwen3, 4 mistral with a window,
// 5 gemma3.
inline TinyModel MakeTiny(uint8_t which) {
  constexpr uint64_t kWidth = 32, kHidden = 64, kHeadDim = 16, kVocabulary = 10;
  constexpr const char* kNames[] = {"llama", "llama", "qwen2", "qwen3", "llama", "gemma3"};
  which %= kTinyModels;
  const std::string name = kNames[which];
  const bool gemma = which == 5;
  TinyModel m;
  m.Key("general.architecture", name);
  m.Key("general.name", "tiny");
  m.Key<uint32_t>(name + ".context_length", test::kU32, 256);
  m.Key<uint32_t>(name + ".embedding_length", test::kU32, kWidth);
  m.Key<uint32_t>(name + ".block_count", test::kU32, 1);
  m.Key<uint32_t>(name + ".feed_forward_length", test::kU32, kHidden);
  m.Key<uint32_t>(name + ".attention.head_count", test::kU32, 2);
  m.Key<uint32_t>(name + ".attention.head_count_kv", test::kU32, 1);
  m.Key<uint32_t>(name + ".attention.key_length", test::kU32, kHeadDim);
  m.Key<uint32_t>(name + ".attention.value_length", test::kU32, kHeadDim);
  m.Key<uint32_t>(name + ".rope.dimension_count", test::kU32, kHeadDim);
  m.Key<float>(name + ".rope.freq_base", test::kF32, 10000.0f);
  m.Key<float>(name + ".attention.layer_norm_rms_epsilon", test::kF32, 1e-5f);
  if (which == 4 || gemma) {
    m.Key<uint32_t>(name + ".attention.sliding_window", test::kU32, 12);
  }
  if (which >= 1 && which <= 3) {
    m.Key(name + ".rope.scaling.type", which == 1 ? "yarn" : "linear");
    m.Key<float>(name + ".rope.scaling.factor", test::kF32, 4.0f);
    m.Key<uint32_t>(name + ".rope.scaling.original_context_length", test::kU32, 64);
  }
  if (which == 0 || which == 4 || gemma) {
    AddSentencePieces(m);
  } else {
    AddBytePairs(m);
  }
  m.Key("tokenizer.chat_template",
        "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}</s>{% endfor %}<s>");

  const DType type = which == 0 ? DType::kQ8_0 : which == 2 ? DType::kQ4_0 : DType::kF16;
  m.Tensor("token_embd.weight", type, kWidth, kVocabulary);
  m.Tensor("blk.0.attn_norm.weight", DType::kF32, kWidth);
  m.Tensor("blk.0.attn_q.weight", type, kWidth, 2 * kHeadDim);
  m.Tensor("blk.0.attn_k.weight", type, kWidth, kHeadDim);
  m.Tensor("blk.0.attn_v.weight", type, kWidth, kHeadDim);
  m.Tensor("blk.0.attn_output.weight", DType::kQ5_0, 2 * kHeadDim, kWidth);
  if (which == 2) {
    m.Tensor("blk.0.attn_q.bias", DType::kF32, 2 * kHeadDim);
    m.Tensor("blk.0.attn_k.bias", DType::kF32, kHeadDim);
    m.Tensor("blk.0.attn_v.bias", DType::kF32, kHeadDim);
  }
  if (which == 3 || gemma) {
    m.Tensor("blk.0.attn_q_norm.weight", DType::kF32, kHeadDim);
    m.Tensor("blk.0.attn_k_norm.weight", DType::kF32, kHeadDim);
  }
  if (gemma) {
    m.Tensor("blk.0.post_attention_norm.weight", DType::kF32, kWidth);
    m.Tensor("blk.0.post_ffw_norm.weight", DType::kF32, kWidth);
  }
  m.Tensor("blk.0.ffn_norm.weight", DType::kF32, kWidth);
  m.Tensor("blk.0.ffn_gate.weight", type, kWidth, kHidden);
  m.Tensor("blk.0.ffn_up.weight", type, kWidth, kHidden);
  m.Tensor("blk.0.ffn_down.weight", type, kHidden, kWidth);
  m.Tensor("output_norm.weight", DType::kF32, kWidth);
  if (which != 0 && !gemma) m.Tensor("output.weight", DType::kF32, kWidth, kVocabulary);
  return m;
}

}  // namespace hob::fuzz
