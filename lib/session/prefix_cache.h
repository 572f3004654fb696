// SPDX-License-Identifier: Apache-2.0
// What the sessions of a model have computed, for others whose tokens begin alike.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/ops/step.h"

namespace hob {

using KvPage = std::shared_ptr<const Buffer>;

// A radix tree of full KV pages (as RadixAttention, Zheng et al. 2024): an edge is the tokens of a
// page. What a page holds follows from its type and the tokens up to its end alone, bit for bit, so
// it does not matter whose it was. Each type has a tree of its own; beyond their size together they
// forget the leaf that was used longest ago. Thread-safe.
class PrefixCache {
 public:
  // 0 pages: keeps nothing.
  explicit PrefixCache(size_t max_pages) : max_pages_(max_pages) {}
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // The pages of that type of as many tokens of `tokens` as are known, from the first page on that
  // `have` pages leave out; whole pages only.
  std::vector<KvPage> Find(DType type, std::span<const int32_t> tokens, size_t have);
  // Keeps `pages`, which are of that type and hold `tokens` (whole pages). May throw
  // std::bad_alloc, then without effect on what is known.
  void Insert(DType type, std::span<const int32_t> tokens, std::span<const KvPage> pages);
  // Forgets a page to make room for another; false if there is none.
  bool Evict();
  // Buffer::Create, for which pages are forgotten as long as memory is short.
  StatusOr<Buffer> MakeBuffer(const std::shared_ptr<Allocator>& allocator, size_t bytes,
                              std::string_view purpose);

 private:
  struct Node {
    std::vector<int32_t> tokens;  // of the page
    KvPage page;
    Node* parent = nullptr;
    std::vector<std::unique_ptr<Node>> children;
    std::list<Node*>::iterator use;  // in used_
  };

  Node* Child(Node& node, std::span<const int32_t> tokens, size_t page);
  bool EvictLocked();

  const size_t max_pages_;
  std::mutex mutex_;
  PerKvType<Node> roots_;
  std::list<Node*> used_;  // latest first
};

}  // namespace hob
