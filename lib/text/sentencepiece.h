// SPDX-License-Identifier: Apache-2.0
// SentencePiece's byte-pair encoding with scores ("llama" vocabularies: Llama 2, Mistral, Gemma).
#pragma once

#include <array>
#include <vector>

#include "lib/text/base_tokenizer.h"

namespace hob::text {

class SentencePieceTokenizer : public BaseTokenizer {
 public:
  static StatusOr<std::unique_ptr<Tokenizer>> Create(const Vocabulary& vocabulary);
  bool strips_leading_space() const override { return add_space_prefix_; }

 protected:
  Status EncodeText(std::string_view text, bool after_special,
                    std::vector<int32_t>* ids) const override;
  std::string NormalPiece(std::string_view token) const override;

 private:
  SentencePieceTokenizer(std::unique_ptr<const TokenTable> table, const Vocabulary& vocabulary);
  int32_t FindPiece(std::string_view text) const;  // a token that text may become, or −1

  std::vector<uint32_t> ranks_;  // of each token, from its score: lower is better
  std::array<int32_t, 256> bytes_{};
  bool add_space_prefix_, remove_extra_whitespaces_;
};

}  // namespace hob::text
