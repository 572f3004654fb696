// SPDX-License-Identifier: Apache-2.0
// Small made-up vocabularies for tests of the tokenizers.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/format/model_file.h"
#include "lib/text/unicode.h"

namespace hob::testing {

inline void AddToken(Vocabulary* vocabulary, const std::string& text,
                     TokenType type = TokenType::kNormal, float score = 0) {
  vocabulary->tokens.push_back(text);
  vocabulary->types.push_back(type);
  vocabulary->scores.push_back(score);
}

// Byte-level BPE: ids 0 … 255 are the bytes; then come the merges' results, then specials.
inline Vocabulary BpeVocabulary(const std::vector<std::pair<std::string, std::string>>& merges,
                                const std::string& pre = "gpt-2") {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = pre;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself =
        (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    std::string text;
    text::AppendUtf8(itself ? static_cast<char32_t>(byte) : next++, text);
    AddToken(&vocabulary, text);
  }
  for (const auto& [left, right] : merges) {
    AddToken(&vocabulary, left + right);
    vocabulary.merges.push_back(left + " " + right);
  }
  AddToken(&vocabulary, "<|im_start|>", TokenType::kControl);
  vocabulary.bos = static_cast<int32_t>(vocabulary.tokens.size()) - 1;
  AddToken(&vocabulary, "<|im_end|>", TokenType::kControl);
  vocabulary.eos = static_cast<int32_t>(vocabulary.tokens.size()) - 1;
  AddToken(&vocabulary, "<|im_end|>>", TokenType::kControl);
  AddToken(&vocabulary, "<tool>", TokenType::kUserDefined);
  return vocabulary;
}

// SentencePiece: <unk>, <s>, </s>, 256 byte tokens, then characters and words.
inline Vocabulary SpmVocabulary() {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  AddToken(&vocabulary, "<unk>", TokenType::kUnknown);
  AddToken(&vocabulary, "<s>", TokenType::kControl);
  AddToken(&vocabulary, "</s>", TokenType::kControl);
  constexpr char kHex[] = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    AddToken(&vocabulary, {'<', '0', 'x', kHex[byte >> 4], kHex[byte & 15], '>'}, TokenType::kByte);
  }
  const std::string mark(text::kSpaceMark);
  float score = -1;
  for (const std::string& text : {mark + "a", std::string("ab"), mark + "ab", mark + mark, mark,
                                  std::string("a"), std::string("b"), std::string("c")}) {
    AddToken(&vocabulary, text, TokenType::kNormal, score--);
  }
  AddToken(&vocabulary, "<end_of_turn>", TokenType::kControl);
  AddToken(&vocabulary, "<img>", TokenType::kUserDefined);
  vocabulary.unknown = 0;
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  vocabulary.add_bos = true;
  return vocabulary;
}

inline Vocabulary BertVocabulary(bool cased = false) {
  Vocabulary vocabulary;
  vocabulary.model = "bert";
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}) {
    AddToken(&vocabulary, special, TokenType::kControl);
  }
  vocabulary.unknown = 1;
  vocabulary.bos = 2;
  vocabulary.separator = 3;
  const std::string mark(text::kSpaceMark);
  for (const char* word : {"un", "affable", "!", "cafe", "\xE4\xB8\xAD", "\xE6\x96\x87"}) {
    AddToken(&vocabulary, mark + word);
  }
  for (const char* rest : {"aff", "able", "s"}) AddToken(&vocabulary, rest);
  if (cased) AddToken(&vocabulary, mark + "Cafe");
  return vocabulary;
}

}  // namespace hob::testing
