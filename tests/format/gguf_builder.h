// SPDX-License-Identifier: Apache-2.0
// Composes GGUF files byte by byte, valid ones and broken ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hob::test {

class Bytes {
 public:
  template <typename T>
  Bytes& Put(T value) {
    const auto* begin = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), begin, begin + sizeof(T));
    return *this;
  }
  Bytes& Text(std::string_view text) {  // GGUF's string: a 64-bit length, then the bytes
    Put<uint64_t>(text.size());
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  Bytes& Append(const Bytes& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
  }
  Bytes& Append(size_t count, uint8_t value) {
    bytes_.insert(bytes_.end(), count, value);
    return *this;
  }
  void PadTo(size_t alignment) {
    while (bytes_.size() % alignment != 0) bytes_.push_back(0);
  }
  const std::vector<uint8_t>& get() const { return bytes_; }
  size_t size() const { return bytes_.size(); }

 private:
  std::vector<uint8_t> bytes_;
};

enum GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kText = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// Public fields override what Build() would write itself.
class GgufBuilder {
 public:
  std::string magic = "GGUF";
  uint32_t version = 3;
  int64_t tensor_count = -1;  // −1: as many as there are
  int64_t key_count = -1;
  size_t alignment = 32;  // of the data; does not write the key

  GgufBuilder& RawKey(std::string_view key, const Bytes& type_and_value) {
    keys_.Text(key).Append(type_and_value);
    ++keys_made_;
    return *this;
  }
  template <typename T>
  GgufBuilder& Key(std::string_view key, uint32_t type, T value) {
    return RawKey(key, Bytes().Put<uint32_t>(type).Put(value));
  }
  GgufBuilder& Key(std::string_view key, std::string_view text) {
    return RawKey(key, Bytes().Put<uint32_t>(kText).Text(text));
  }
  template <typename T>
  GgufBuilder& Array(std::string_view key, uint32_t type, const std::vector<T>& values) {
    Bytes bytes;
    bytes.Put<uint32_t>(kArray).Put<uint32_t>(type).template Put<uint64_t>(values.size());
    for (const T& value : values) bytes.Put(value);
    return RawKey(key, bytes);
  }
  GgufBuilder& Array(std::string_view key, const std::vector<std::string>& values) {
    Bytes bytes;
    bytes.Put<uint32_t>(kArray).Put<uint32_t>(kText).Put<uint64_t>(values.size());
    for (const std::string& value : values) bytes.Text(value);
    return RawKey(key, bytes);
  }

  // An info alone; `dimensions` in GGUF's order, innermost first.
  GgufBuilder& Info(std::string_view name, uint32_t type, const std::vector<uint64_t>& dimensions,
                    uint64_t offset) {
    infos_.Text(name).Put<uint32_t>(static_cast<uint32_t>(dimensions.size()));
    for (const uint64_t dimension : dimensions) infos_.Put(dimension);
    infos_.Put(type).Put(offset);
    ++infos_made_;
    return *this;
  }
  // An info and its data: `size` bytes that count up from `first`.
  GgufBuilder& Tensor(std::string_view name, uint32_t type, const std::vector<uint64_t>& dimensions,
                      size_t size, uint8_t first = 0) {
    data_.PadTo(alignment);
    Info(name, type, dimensions, data_.size());
    for (size_t i = 0; i < size; ++i) data_.Put(static_cast<uint8_t>(first + i));
    return *this;
  }

  std::vector<uint8_t> Build() const {
    Bytes file;
    for (const char c : magic) file.Put(c);
    file.Put(version);
    file.Put<uint64_t>(static_cast<uint64_t>(tensor_count < 0 ? infos_made_ : tensor_count));
    file.Put<uint64_t>(static_cast<uint64_t>(key_count < 0 ? keys_made_ : key_count));
    file.Append(keys_).Append(infos_);
    if (infos_made_ > 0) file.PadTo(alignment);
    file.Append(data_);
    return file.get();
  }

 private:
  Bytes keys_, infos_, data_;
  int64_t keys_made_ = 0, infos_made_ = 0;
};

// A small file with a key of every type, a vocabulary of four tokens and three tensors.
inline GgufBuilder SmallGguf() {
  GgufBuilder builder;
  builder.Key("general.architecture", "llama")
      .Key<uint32_t>("llama.block_count", kU32, 2)
      .Key<float>("llama.rope.freq_base", kF32, 10000.0f)
      .Key<uint8_t>("x.u8", kU8, 200)
      .Key<int8_t>("x.i8", kI8, -3)
      .Key<uint16_t>("x.u16", kU16, 60000)
      .Key<int16_t>("x.i16", kI16, -30000)
      .Key<int32_t>("x.i32", kI32, -5)
      .Key<uint64_t>("x.u64", kU64, ~uint64_t{0})
      .Key<int64_t>("x.i64", kI64, -6)
      .Key<double>("x.f64", kF64, 0.25)
      .Key<uint8_t>("x.bool", kBool, 1)
      .Array<int32_t>("x.integers", kI32, {1, -2, 3})
      .Array<float>("x.reals", kF32, {0.5f, 1.5f})
      .Array<uint8_t>("x.flags", kBool, {1, 0, 1})
      .Array("x.texts", {"one", "", "three"})
      .Key("tokenizer.ggml.model", "gpt2")
      .Key("tokenizer.ggml.pre", "smollm")
      .Array("tokenizer.ggml.tokens", {"<|end|>", "a", "b", "ab"})
      .Array<float>("tokenizer.ggml.scores", kF32, {0.0f, -1.0f, -2.0f, -3.0f})
      .Array<int32_t>("tokenizer.ggml.token_type", kI32, {3, 1, 1, 1})
      .Array("tokenizer.ggml.merges", {"a b"})
      .Key<uint32_t>("tokenizer.ggml.bos_token_id", kU32, 0)
      .Key<uint32_t>("tokenizer.ggml.eos_token_id", kU32, 0)
      .Key<uint8_t>("tokenizer.ggml.add_bos_token", kBool, 0)
      .Key("tokenizer.chat_template", "{{ messages[0].content }}")
      .Tensor("token_embd.weight", 8, {32, 4}, 4 * 34)          // Q8_0
      .Tensor("blk.0.attn_q.weight", 3, {32, 2, 1}, 2 * 20, 7)  // Q4_1
      .Tensor("output_norm.weight", 0, {5}, 20, 9);             // F32
  return builder;
}

}  // namespace hob::test
