// SPDX-License-Identifier: Apache-2.0
// A whole Llama of one layer as a GGUF file, to be spoiled in one place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/format/gguf_builder.h"

namespace hob::test {

// A key's type and value.
inline Bytes U32(uint32_t value) { return Bytes().Put<uint32_t>(kU32).Put(value); }
inline Bytes U64(uint64_t value) { return Bytes().Put<uint32_t>(kU64).Put(value); }
inline Bytes I32(int32_t value) { return Bytes().Put<uint32_t>(kI32).Put(value); }
inline Bytes F32(float value) { return Bytes().Put<uint32_t>(kF32).Put(value); }
inline Bytes Flag(bool value) { return Bytes().Put<uint32_t>(kBool).Put<uint8_t>(value ? 1 : 0); }
inline Bytes Text(std::string_view value) { return Bytes().Put<uint32_t>(kText).Text(value); }
inline Bytes ArrayHead(uint32_t type, uint64_t count) {
  return Bytes().Put<uint32_t>(kArray).Put(type).Put(count);
}
Bytes Texts(const std::vector<std::string>& values);
template <typename T>
Bytes Numbers(uint32_t type, const std::vector<T>& values) {
  Bytes bytes = ArrayHead(type, values.size());
  for (const T& value : values) bytes.Put(value);
  return bytes;
}

struct TinyTensor {
  std::string name;
  uint32_t type = 0;                 // F32
  std::vector<uint64_t> dimensions;  // innermost first
  std::vector<uint8_t> data;
};

// F32 values in [−0.5, 0.5), the same everywhere; `value` for all of them where it is not 0.
TinyTensor FloatTensor(std::string name, std::vector<uint64_t> dimensions, float value = 0);

class TinyModel {
 public:
  static constexpr uint64_t kWidth = 32;

  // Byte-level BPE of 256 bytes, "ab", <|im_start|> and <|im_end|>; a context of 64 tokens.
  TinyModel();

  // Replaces the key of that name, or adds one.
  TinyModel& Set(std::string_view key, const Bytes& type_and_value);
  TinyModel& Erase(std::string_view key);
  TinyModel& Add(TinyTensor tensor);
  // Replaces the tensor of that name.
  TinyModel& Replace(TinyTensor tensor);
  TinyModel& EraseTensor(std::string_view name);
  TinyModel& Vocabulary(const std::vector<std::string>& tokens);  // and its token types
  const std::vector<std::string>& tokens() const { return tokens_; }

  std::vector<uint8_t> Build() const;

 private:
  std::vector<std::pair<std::string, Bytes>> keys_;
  std::vector<TinyTensor> tensors_;
  std::vector<std::string> tokens_;
};

// The file of a vocabulary alone.
std::vector<uint8_t> VocabularyFile(const std::vector<std::pair<std::string, Bytes>>& keys);
// One of the tiny model's 256 bytes and more, split by the pre-tokenizer `pre`.
std::vector<uint8_t> BpeVocabulary(std::string_view pre);
// Of single ASCII characters, <unk>, <s>, </s> and `more`, with token types.
std::vector<std::pair<std::string, Bytes>> SentencePieceKeys(
    const std::vector<std::pair<std::string, int32_t>>& more);

}  // namespace hob::test
