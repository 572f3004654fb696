// SPDX-License-Identifier: Apache-2.0
#include "lib/text/special_tokens.h"

#include "lib/base/keyed_hash.h"
#include "lib/text/unicode.h"

namespace hob::text {

SpecialTokens::SpecialTokens(size_t bytes) : seed_(NewHashSeed()), children_(bytes) {}

uint64_t SpecialTokens::Hash(int32_t node, uint8_t byte) const {
  return KeyedHash(static_cast<uint64_t>(node) << 8 | byte, seed_);
}

int32_t SpecialTokens::Child(int32_t node, uint8_t byte) const {
  if (node == 0) return roots_[byte];
  const int32_t found = children_.Find(Hash(node, byte), [&](int32_t child) {
    return nodes_[child].parent == node && nodes_[child].byte == byte;
  });
  return found < 0 ? 0 : found;
}

void SpecialTokens::Add(std::string_view text, int32_t id, bool always) {
  if (text.empty() || FindInvalidUtf8(text) != std::string_view::npos) return;
  int32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    int32_t child = Child(node, byte);
    if (child == 0) {
      child = static_cast<int32_t>(nodes_.size());
      nodes_.push_back({.parent = node, .byte = byte});
      if (node == 0) {
        roots_[byte] = child;
      } else {
        children_.Insert(Hash(node, byte), child, [](int32_t) { return false; });
      }
    }
    node = child;
  }
  if (nodes_[node].id < 0) {
    nodes_[node].id = id;
    nodes_[node].always = always;
  }
}

std::optional<SpecialTokens::Match> SpecialTokens::Next(std::string_view text, size_t from,
                                                        bool parse_special) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    int32_t node = roots_[static_cast<uint8_t>(text[begin])];
    std::optional<Match> longest;
    for (size_t end = begin + 1; node != 0; ++end) {
      const Node& at = nodes_[node];
      if (at.id >= 0 && (at.always || parse_special)) longest = Match{begin, end, at.id, at.always};
      if (end == text.size()) break;
      node = Child(node, static_cast<uint8_t>(text[end]));
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

}  // namespace hob::text
