// SPDX-License-Identifier: Apache-2.0
// SentencePiece's byte-pair encoding ("llama" vocabularies: Llama 2, Mistral, Gemma): pairs are
// merged by the score of what results, or where a vocabulary has merges and no scores, in their
// order.
#pragma once

#include <array>
#include <vector>

#include "lib/text/base_tokenizer.h"
#include "lib/text/flat_index.h"
#include "lib/text/merge.h"

namespace hob::text {

class SentencePieceTokenizer : public BaseTokenizer {
 public:
  static StatusOr<std::unique_ptr<Tokenizer>> Create(const Vocabulary& vocabulary);
  bool strips_leading_space() const override { return add_space_prefix_; }

 protected:
  Status EncodeText(std::string_view text, bool at_start, std::vector<int32_t>* ids) const override;
  std::string NormalPiece(std::string_view token) const override;

 private:
  SentencePieceTokenizer(std::unique_ptr<const TokenTable> table, const Vocabulary& vocabulary);
  // Which texts begin with a space of their own.
  enum class Prefix : uint8_t { kNone, kAll, kAllWithout, kStartWithout };  // …: of a space
  struct Merge {
    int32_t left, right, joined;
    bool Joins(int32_t l, int32_t r) const { return left == l && right == r; }
  };
  Status AddMerges(const Vocabulary& vocabulary);
  bool Prefixes(std::string_view text, bool at_start) const;
  int32_t FindPiece(std::string_view text) const;  // a token that text may become, or −1
  PairMerge FindMerge(int32_t left, int32_t right) const;

  std::vector<uint32_t> ranks_;  // of each token, from its score: lower is better
  std::array<int32_t, 256> bytes_{};
  std::vector<Merge> merges_;  // best first
  FlatIndex merge_index_;      // by left and right
  Prefix prefix_;
  bool add_space_prefix_, remove_extra_whitespaces_;
};

}  // namespace hob::text
