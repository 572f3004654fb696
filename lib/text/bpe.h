// SPDX-License-Identifier: Apache-2.0
// Byte-level byte-pair encoding, as GPT-2 introduced it ("gpt2" vocabularies).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "lib/text/base_tokenizer.h"
#include "lib/text/merge.h"
#include "lib/text/pretokenizer.h"

namespace hob::text {

class BpeTokenizer : public BaseTokenizer {
 public:
  static StatusOr<std::unique_ptr<Tokenizer>> Create(const Vocabulary& vocabulary);

 protected:
  Status EncodeText(std::string_view text, bool after_special,
                    std::vector<int32_t>* ids) const override;
  std::string NormalPiece(std::string_view token) const override;

 private:
  struct Merge {
    uint32_t rank;
    int32_t id;
  };
  BpeTokenizer(std::unique_ptr<const TokenTable> table,
               std::unique_ptr<const Pretokenizer> pretokenizer);
  Status AddMerges(const Vocabulary& vocabulary);
  int32_t Intern(std::string_view symbol, std::unordered_map<std::string, int32_t>* outside);
  void EncodePiece(std::string_view piece, PairMerger* merger, std::string* scratch,
                   std::vector<int32_t>* ids) const;

  std::unique_ptr<const Pretokenizer> pretokenizer_;
  // Symbols are token ids; those that merges name and the vocabulary lacks come after the tokens.
  std::array<int32_t, 256> bytes_{};
  std::unordered_map<uint64_t, Merge> merges_;  // left << 32 | right
};

}  // namespace hob::text
