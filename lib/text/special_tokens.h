// SPDX-License-Identifier: Apache-2.0
// Finds the tokens that are matched in the text as they stand, before it is tokenized.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/text/flat_index.h"

namespace hob::text {

// A byte trie of special tokens. Immutable once built; any thread may search it.
class SpecialTokens {
 public:
  // What vocabularies may have of them; searching takes time, and the trie memory, in proportion.
  static constexpr size_t kLongest = 512;        // bytes of one
  static constexpr size_t kAllBytes = 4u << 20;  // of all of them

  struct Match {
    size_t begin, end;  // bytes of the text
    int32_t id;
    bool always;
  };

  // `bytes`: at least those of all texts that will be added.
  explicit SpecialTokens(size_t bytes = 0);

  // `always`: found whatever the caller asks (user-defined tokens); else only with `parse_special`.
  // The first of two tokens with one text stays. One that is not UTF-8 is not added: it would only
  // be found inside a character, and cut that in two.
  void Add(std::string_view text, int32_t id, bool always);

  // The leftmost, then longest special token at or after `from`. Time is linear in the text passed
  // over times, at worst, the length of the longest special token.
  std::optional<Match> Next(std::string_view text, size_t from, bool parse_special) const;

 private:
  struct Node {
    int32_t id = -1;
    int32_t parent = 0;
    uint8_t byte = 0;  // that leads here from the parent
    bool always = false;
  };
  int32_t Child(int32_t node, uint8_t byte) const;
  uint64_t Hash(int32_t node, uint8_t byte) const;

  std::vector<Node> nodes_{Node{}};
  uint64_t seed_;
  FlatIndex children_;                // of the nodes behind the root, by parent and byte
  std::array<int32_t, 256> roots_{};  // the root's children; 0: none
};

}  // namespace hob::text
