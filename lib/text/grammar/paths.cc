// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/paths.h"

#include <algorithm>

namespace hob::text {
namespace {

uint64_t Key(int32_t to, int32_t below) {
  return uint64_t{static_cast<uint32_t>(to)} << 32 | static_cast<uint32_t>(below);
}

}  // namespace

int32_t PathStacks::Push(int32_t to, int32_t below) {
  const int32_t depth = node(below).depth + 1;
  if (depth > kMostDepth) return -1;
  const auto next = static_cast<int32_t>(nodes_.size());
  const uint64_t key = Key(to, below);
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  nodes_.push_back({to, below, depth});
  // Without memory for the key there is no node either.
  struct Undo {
    std::vector<Node>* nodes;
    ~Undo() {
      if (nodes != nullptr) nodes->pop_back();
    }
  } undo{&nodes_};
  known_.emplace(key, next);
  undo.nodes = nullptr;
  return next;
}

void PathStacks::Release(size_t mark) {
  while (nodes_.size() > mark) {
    known_.erase(Key(nodes_.back().to, nodes_.back().below));
    nodes_.pop_back();
  }
}

void PathWalker::Add(std::vector<Path>& paths, size_t from, Path path) {
  const auto begin = paths.begin() + static_cast<ptrdiff_t>(from);
  if (std::find(begin, paths.end(), path) != paths.end()) return;
  if (paths.size() - from >= kMostPaths) {
    overflowed_ = true;
    return;
  }
  paths.push_back(path);
}

bool PathWalker::Close(std::vector<Path>& paths, size_t from) {
  bool ends = false;
  for (size_t i = from; i < paths.size(); ++i) {
    const Path path = paths[i];
    if (automaton_->final(path.state)) {
      if (path.stack == 0) {
        ends = true;
      } else {
        const PathStacks::Node& node = stacks_.node(path.stack);
        Add(paths, from, {node.to, node.below});
      }
    }
    for (const Automaton::Call& call : automaton_->calls(path.state)) {
      // What is a rule's last call needs no place to come back to.
      const int32_t stack =
          automaton_->only_final(call.to) ? path.stack : stacks_.Push(call.to, path.stack);
      if (stack < 0) {
        too_deep_ = true;
      } else {
        Add(paths, from, {call.start, stack});
      }
    }
  }
  const auto begin = paths.begin() + static_cast<ptrdiff_t>(from);
  paths.erase(
      std::remove_if(begin, paths.end(),
                     [&](const Path& path) { return automaton_->edges(path.state).empty(); }),
      paths.end());
  return ends;
}

bool PathWalker::Step(std::vector<Path>& paths, size_t first, size_t last, uint8_t byte) {
  const size_t from = paths.size();
  for (size_t i = first; i < last; ++i) {
    const int32_t to = automaton_->Step(paths[i].state, byte);
    if (to >= 0) Add(paths, from, {to, paths[i].stack});
  }
  return from < paths.size() && Close(paths, from);
}

}  // namespace hob::text
