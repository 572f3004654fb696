// SPDX-License-Identifier: Apache-2.0
// Feeds arbitrary vocabularies and texts to the tokenizers. The first byte chooses the model and
// the pre-tokenizer, the second the options; then come tokens, merges and the text, each ended by a
// zero.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/text/detokenizer.h"
#include "lib/text/tokenizer.h"
#include "lib/text/unicode.h"
#include "tests/text/tokenizer_vocabularies.h"

namespace {

constexpr const char* kPre[] = {
    "gpt-2",    "default",    "smollm",     "llama-bpe",    "qwen2",       "falcon",   "bloom",
    "tekken",   "gpt-4o",     "viking",     "deepseek-llm", "deepseek-v3", "kimi-k2",  "superbpe",
    "tiny_aya", "bailingmoe", "seed-coder", "jais-2",       "exaone-moe",  "chameleon"};

struct Input {
  const uint8_t* data;
  size_t size;
  uint8_t Byte() { return size == 0 ? 0 : (--size, *data++); }
  std::string Text() {
    std::string text;
    while (size > 0) {
      const uint8_t byte = Byte();
      if (byte == 0) break;
      text += static_cast<char>(byte);
    }
    return text;
  }
};

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input{data, size};
  const uint8_t choice = input.Byte(), flags = input.Byte();
  hob::Vocabulary vocabulary;
  switch (choice % 3) {
    case 0:
      vocabulary = hob::testing::BpeVocabulary({{"a", "b"}}, kPre[choice / 3 % std::size(kPre)]);
      break;
    case 1:
      vocabulary = hob::testing::SpmVocabulary();
      break;
    default:
      vocabulary = hob::testing::BertVocabulary();
  }
  vocabulary.add_bos = flags & 1;
  vocabulary.add_space_prefix = flags & 2;
  vocabulary.remove_extra_whitespaces = flags & 4;
  bool only_normal = true;
  for (int i = flags >> 5; i > 0; --i) {
    const uint8_t kind = input.Byte();
    const std::string text = input.Text();
    if (kind & 8) {
      vocabulary.merges.push_back(text);
    } else {
      const auto type = static_cast<hob::TokenType>(1 + kind % 6);
      only_normal = only_normal && type == hob::TokenType::kNormal;
      hob::testing::AddToken(&vocabulary, text, type, static_cast<float>(kind));
    }
  }
  const auto tokenizer = hob::text::Tokenizer::Create(vocabulary);
  if (!tokenizer.ok()) return 0;
  const std::string text(reinterpret_cast<const char*>(input.data), input.size);
  const auto ids = (*tokenizer)->Encode(text, {(flags & 8) != 0, (flags & 16) != 0});
  Require(ids.ok() == (hob::text::FindInvalidUtf8(text) == std::string_view::npos));
  if (!ids.ok()) return 0;
  for (const int32_t id : *ids) Require(id >= 0 && static_cast<size_t>(id) < (*tokenizer)->size());
  const auto decoded = (*tokenizer)->Decode(*ids, true);
  Require(decoded.ok() && hob::text::FindInvalidUtf8(*decoded) == std::string_view::npos);
  // Byte-level BPE loses nothing, unless the text is normalised first.
  if (choice % 3 == 0 && only_normal && !(flags & 9) && vocabulary.pre != "qwen2") {
    Require(*decoded == text);
  }
  return 0;
}
