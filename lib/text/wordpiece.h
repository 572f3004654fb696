// SPDX-License-Identifier: Apache-2.0
// BERT's WordPiece ("bert" vocabularies), with GGUF's spelling: a token that starts a word begins
// with U+2581, one that continues it has no "##".
#pragma once

#include "lib/text/base_tokenizer.h"

namespace hob::text {

class WordPieceTokenizer : public BaseTokenizer {
 public:
  static StatusOr<std::unique_ptr<Tokenizer>> Create(const Vocabulary& vocabulary);
  bool strips_leading_space() const override { return true; }

 protected:
  Status EncodeText(std::string_view text, bool at_start, std::vector<int32_t>* ids) const override;
  std::string NormalPiece(std::string_view token) const override;
  int32_t prefix() const override { return classify_; }
  int32_t suffix() const override { return separator_; }

 private:
  explicit WordPieceTokenizer(std::unique_ptr<const TokenTable> table);
  void EncodeWord(std::string_view word, std::vector<int32_t>* ids) const;

  bool uncased_ = true;  // lower case without accents
  int32_t classify_ = -1, separator_ = -1, unknown_ = -1;
};

}  // namespace hob::text
