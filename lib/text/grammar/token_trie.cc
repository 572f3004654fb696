// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/token_trie.h"

#include <algorithm>
#include <string>
#include <utility>

namespace hob::text {

namespace {

constexpr char kNoText = '\xFF';  // in no UTF-8

}  // namespace

std::string ControlTokenBytes(std::string_view stored_text) {
  std::string bytes(1, kNoText);
  return bytes.append(stored_text);
}

StatusOr<std::string> GrammarBytes(const Tokenizer& tokenizer, int32_t token) {
  const TokenType type = tokenizer.Type(token);
  if (type == TokenType::kUnknown || type == TokenType::kUnused) return std::string();
  if (type == TokenType::kControl) return ControlTokenBytes(tokenizer.StoredText(token));
  HOB_ASSIGN_OR_RETURN(std::string piece, tokenizer.Piece(token, /*special=*/false));
  // The byte itself is a token of most vocabularies; spelled out, a control token is none.
  if (piece.find(kNoText) != std::string::npos) piece.clear();
  return piece;
}

StatusOr<TokenTrie> TokenTrie::Build(const Tokenizer& tokenizer) {
  // Longer ones are not worth their nodes: an answer under a grammar goes without them.
  constexpr size_t kLongest = 1024;
  TokenTrie trie;
  trie.vocabulary_ = static_cast<int32_t>(tokenizer.size());
  std::vector<std::pair<std::string, int32_t>> tokens;
  tokens.reserve(tokenizer.size());
  for (int32_t id = 0; id < trie.vocabulary_; ++id) {
    if (tokenizer.IsEndOfGeneration(id)) {
      trie.ends_.push_back(id);
      continue;
    }
    HOB_ASSIGN_OR_RETURN(std::string piece, GrammarBytes(tokenizer, id));
    if (!piece.empty() && piece.size() <= kLongest) tokens.emplace_back(std::move(piece), id);
  }
  std::sort(tokens.begin(), tokens.end());

  trie.nodes_.push_back({0, 0, 0, 0});
  std::vector<int32_t> path{0};  // the nodes of the last token, by depth
  for (const auto& [bytes, id] : tokens) {
    size_t common = 0;
    while (common < bytes.size() && common + 1 < path.size() &&
           trie.node(path[common + 1]).byte == static_cast<uint8_t>(bytes[common])) {
      ++common;
    }
    const auto here = static_cast<int32_t>(trie.nodes_.size());
    for (size_t i = common + 1; i < path.size(); ++i) {
      trie.nodes_[static_cast<size_t>(path[i])].end = here;
    }
    path.resize(common + 1);
    for (size_t i = common; i < bytes.size(); ++i) {
      path.push_back(static_cast<int32_t>(trie.nodes_.size()));
      trie.nodes_.push_back({0, static_cast<int32_t>(trie.tokens_.size()),
                             static_cast<uint16_t>(i + 1), static_cast<uint8_t>(bytes[i])});
    }
    trie.tokens_.push_back(id);
    trie.deepest_ = std::max(trie.deepest_, static_cast<int32_t>(bytes.size()));
  }
  const auto end = static_cast<int32_t>(trie.nodes_.size());
  for (const int32_t node : path) trie.nodes_[static_cast<size_t>(node)].end = end;
  trie.nodes_.push_back({end, static_cast<int32_t>(trie.tokens_.size()), 0, 0});
  return trie;
}

int32_t TokenTrie::Child(uint8_t byte) const {
  for (int32_t at = 1; at < node(0).end; at = node(at).end) {
    if (node(at).byte == byte) return at;
  }
  return -1;
}

}  // namespace hob::text
