// SPDX-License-Identifier: Apache-2.0
// Merging of neighbouring symbols, best pair first: what byte-pair encoding and SentencePiece
// share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hob::text {

// A symbol is known by the byte where it begins; `next` is where it ends.
struct Symbol {
  int32_t prev = -1;
  int32_t next = 0;
  int32_t id = -1;
  bool alive = false;
};

struct PairMerge {
  bool found = false;
  uint32_t rank = 0;  // lower is better
  int32_t id = -1;    // the symbol that results
};

// Scratch space for merging; reused from piece to piece. One thread at a time.
class PairMerger {
 public:
  std::vector<Symbol> symbols;  // one a byte, set where a symbol begins

  // Merges until no pair is left; of two pairs with the same rank, the left one first.
  // `find(left, right, end)` says what the symbols [left, right) and [right, end) become.
  // Time O(n log n), apart from the calls of `find`, of which there are O(n).
  template <typename Find>
  void Run(Find&& find) {
    const auto size = static_cast<int32_t>(symbols.size());
    queue_.clear();
    for (int32_t left = 0; left < size; left = symbols[left].next) Push(left, find);
    std::make_heap(queue_.begin(), queue_.end());
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end());
      const Candidate best = queue_.back();
      queue_.pop_back();
      const auto left = static_cast<int32_t>(best.key & 0xFFFFFFFFu);
      Symbol& into = symbols[left];
      Symbol& from = symbols[best.right];
      // A symbol that is still there starts where it did; only the right one's end can have moved.
      if (!into.alive || !from.alive || from.next != best.end) continue;
      into.id = best.id;
      into.next = from.next;
      from.alive = false;
      if (into.next < size) symbols[into.next].prev = left;
      if (into.prev >= 0 && Push(into.prev, find)) std::push_heap(queue_.begin(), queue_.end());
      if (Push(left, find)) std::push_heap(queue_.begin(), queue_.end());
    }
  }

 private:
  struct Candidate {
    uint64_t key;  // rank, then position
    int32_t right, end, id;
    bool operator<(const Candidate& other) const { return key > other.key; }  // the least on top
  };

  template <typename Find>
  bool Push(int32_t left, Find& find) {
    const int32_t right = symbols[left].next;
    if (right >= static_cast<int32_t>(symbols.size())) return false;
    const int32_t end = symbols[right].next;
    const PairMerge merge = find(left, right, end);
    if (!merge.found) return false;
    queue_.push_back({static_cast<uint64_t>(merge.rank) << 32 | static_cast<uint32_t>(left), right,
                      end, merge.id});
    return true;
  }

  std::vector<Candidate> queue_;
};

}  // namespace hob::text
