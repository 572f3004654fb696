// SPDX-License-Identifier: Apache-2.0
// What all tokenizers keep of a vocabulary: texts, types, special ids.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lib/base/keyed_hash.h"
#include "lib/base/status.h"
#include "lib/format/model_file.h"
#include "lib/text/flat_index.h"
#include "lib/text/special_tokens.h"

namespace hob::text {

// Whether a control token with this text ends an answer, whatever the file says.
bool IsEndText(std::string_view text);

class TokenTable {
 public:
  // Copies what it needs. INVALID_ARGUMENT for counts that do not agree, ids out of range and
  // tokens that are too long. Of tokens with the same text the first is found.
  static StatusOr<std::unique_ptr<const TokenTable>> Create(const Vocabulary& vocabulary);
  TokenTable(const TokenTable&) = delete;
  TokenTable& operator=(const TokenTable&) = delete;

  size_t size() const { return ends_.size(); }
  bool Contains(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < size(); }
  // Of an id that the table contains. Followed by a NUL byte.
  std::string_view text(int32_t id) const {
    const size_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(texts_).substr(begin, ends_[id] - 1 - begin);
  }
  TokenType type(int32_t id) const { return types_.empty() ? TokenType::kNormal : types_[id]; }

  int32_t Find(std::string_view text) const;   // the first token with this text, or −1
  size_t longest() const { return longest_; }  // bytes of the longest token
  bool IsEndOfGeneration(int32_t id) const { return end_of_generation_.contains(id); }
  const SpecialTokens& special() const { return special_; }

  int32_t bos = -1, eos = -1, unknown = -1, separator = -1;
  bool add_bos = false, add_eos = false;

 private:
  TokenTable() = default;
  void FindEndOfGeneration(const Vocabulary& vocabulary);

  std::string texts_;
  std::vector<size_t> ends_;
  std::vector<TokenType> types_;
  uint64_t seed_ = NewHashSeed();
  FlatIndex ids_;  // by text
  std::unordered_set<int32_t> end_of_generation_;
  SpecialTokens special_;
  size_t longest_ = 0;
};

}  // namespace hob::text
