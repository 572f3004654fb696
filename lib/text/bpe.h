// SPDX-License-Identifier: Apache-2.0
// Byte-level byte-pair encoding, as GPT-2 introduced it ("gpt2" vocabularies).
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/keyed_hash.h"
#include "lib/text/base_tokenizer.h"
#include "lib/text/flat_index.h"
#include "lib/text/merge.h"
#include "lib/text/pretokenizer.h"

namespace hob::text {

class BpeTokenizer : public BaseTokenizer {
 public:
  static StatusOr<std::unique_ptr<Tokenizer>> Create(const Vocabulary& vocabulary);

 protected:
  Status EncodeText(std::string_view text, bool at_start, std::vector<int32_t>* ids) const override;
  std::string NormalPiece(std::string_view token) const override;

 private:
  struct Merge {
    int32_t left, right, joined;
    bool Joins(int32_t l, int32_t r) const { return left == l && right == r; }
  };
  BpeTokenizer(std::unique_ptr<const TokenTable> table,
               std::unique_ptr<const Pretokenizer> pretokenizer);
  Status AddMerges(const Vocabulary& vocabulary);
  using Outside = std::unordered_map<std::string, int32_t, KeyedHasher>;
  int32_t Intern(std::string_view symbol, Outside* outside);
  void EncodePiece(std::string_view piece, PairMerger* merger, std::string* scratch,
                   std::vector<int32_t>* ids) const;

  std::unique_ptr<const Pretokenizer> pretokenizer_;
  // Symbols are token ids; those that merges name and the vocabulary lacks come after the tokens.
  std::array<int32_t, 256> bytes_{};
  std::vector<Merge> merges_;  // best first
  uint64_t seed_ = NewHashSeed();
  FlatIndex merge_index_;  // by left and right
};

}  // namespace hob::text
