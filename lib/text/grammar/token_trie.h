// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/tokenizer.h"

namespace hob::text {

// What stands for a control token in a grammar: bytes that are no text, so that only a grammar that
// means the token has it.
std::string ControlTokenBytes(std::string_view stored_text);
// The bytes of a token in a grammar; none if it can be in no text.
StatusOr<std::string> GrammarBytes(const Tokenizer& tokenizer, int32_t token);

// The bytes of a vocabulary's tokens as a trie, for looking at all of them at once. Those that
// stand for nothing known are not in it. Immutable.
class TokenTrie {
 public:
  static StatusOr<TokenTrie> Build(const Tokenizer& tokenizer);

  // Nodes in the order of a walk, depth first: the children of a node follow it, up to its `end`.
  // Node 0 is the root; its byte says nothing.
  struct Node {
    int32_t end;
    int32_t tokens;  // where its tokens begin; they end where the next node's begin
    uint16_t depth;  // bytes
    uint8_t byte;    // that leads here
  };
  std::span<const Node> nodes() const { return std::span(nodes_).first(nodes_.size() - 1); }
  const Node& node(int32_t index) const { return nodes_[static_cast<size_t>(index)]; }
  bool has_children(int32_t index) const { return node(index).end > index + 1; }
  // Of tokens with the same bytes, all.
  std::span<const int32_t> tokens(int32_t index) const {
    const auto begin = static_cast<size_t>(node(index).tokens);
    return std::span(tokens_).subspan(begin, static_cast<size_t>(node(index + 1).tokens) - begin);
  }
  // The child of the root for `byte`, or −1.
  int32_t Child(uint8_t byte) const;

  // Tokens that end an answer.
  std::span<const int32_t> ends() const { return ends_; }
  int32_t vocabulary() const { return vocabulary_; }
  int32_t deepest() const { return deepest_; }

 private:
  std::vector<Node> nodes_;  // and one past the last
  std::vector<int32_t> tokens_, ends_;
  int32_t vocabulary_ = 0, deepest_ = 0;
};

}  // namespace hob::text
