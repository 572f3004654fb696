// SPDX-License-Identifier: Apache-2.0
// Where a text may be within the rules of a grammar.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "lib/text/grammar/automaton.h"
#include "lib/text/grammar/token_trie.h"

namespace hob::text {

// One way to read the text so far: a state, and the calls that wait for its rule to end.
struct Path {
  int32_t state;
  int32_t stack;  // of PathStacks; 0: none wait
  bool operator==(const Path&) const = default;
};

// The calls that wait, as a tree of stacks that share what is below (Lang 1974; Tomita 1985). The
// same stack always has the same number.
class PathStacks {
 public:
  static constexpr int32_t kMostDepth = 1024;

  struct Node {
    int32_t to;  // the state to go on at
    int32_t below;
    int32_t depth;
  };

  // −1: too deep.
  int32_t Push(int32_t to, int32_t below);
  const Node& node(int32_t stack) const { return nodes_[static_cast<size_t>(stack)]; }

  // Stacks from `mark` on are forgotten.
  size_t Mark() const { return nodes_.size(); }
  void Release(size_t mark);

 private:
  std::vector<Node> nodes_{Node{-1, -1, 0}};
  std::unordered_map<uint64_t, int32_t> known_;
};

// Follows all paths at once. Not thread-safe; the automaton outlives it.
class PathWalker {
 public:
  static constexpr size_t kMostPaths = 128;

  explicit PathWalker(const Automaton& automaton) : automaton_(&automaton) {}

  // Of paths[from …): adds what is reached without a byte, and keeps those that a byte can leave.
  // Returns whether the text may end here.
  bool Close(std::vector<Path>& paths, size_t from);
  // Appends the paths that `byte` leads to from paths[first, last), closed; whether the text may
  // end.
  bool Step(std::vector<Path>& paths, size_t first, size_t last, uint8_t byte);

  // Goes through the nodes below `node` for as long as some path lives, and calls
  // visit(node, ends): `ends` if the text may end there. `from` are the paths at `node`.
  template <typename Visit>
  void Walk(const TokenTrie& trie, int32_t node, std::span<const Path> from, Visit&& visit) {
    const int32_t base = trie.node(node).depth;
    levels_.assign(2, 0);
    pool_.assign(from.begin(), from.end());
    levels_[1] = pool_.size();
    for (int32_t at = node + 1, end = trie.node(node).end; at < end;) {
      const TokenTrie::Node& here = trie.node(at);
      const auto depth = static_cast<size_t>(here.depth - base);
      levels_.resize(depth + 1);
      pool_.resize(levels_[depth]);
      const bool ends = Step(pool_, levels_[depth - 1], levels_[depth], here.byte);
      const bool lives = pool_.size() > levels_[depth];
      levels_.push_back(pool_.size());
      if (lives || ends) visit(at, ends);
      at = lives ? at + 1 : here.end;
    }
  }

  PathStacks& stacks() { return stacks_; }
  // There were more than kMostPaths: some were left out.
  bool overflowed() const { return overflowed_; }
  // A path was left out for its depth.
  bool too_deep() const { return too_deep_; }

 private:
  void Add(std::vector<Path>& paths, size_t from, Path path);

  const Automaton* automaton_;
  PathStacks stacks_;
  std::vector<Path> pool_;      // of Walk: the paths of each level, one after the other
  std::vector<size_t> levels_;  // where they begin
  bool overflowed_ = false, too_deep_ = false;
};

}  // namespace hob::text
