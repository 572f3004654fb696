// SPDX-License-Identifier: Apache-2.0
#include "lib/session/prefix_cache.h"

#include <algorithm>
#include <utility>

namespace hob {
namespace {

constexpr size_t kTokens = kKvPageTokens;

}  // namespace

// Leaf by leaf: a chain of nodes that destroy each other would take a stack frame for each page of
// the longest text.
PrefixCache::~PrefixCache() {
  for (Node& root : roots_.items) {
    for (Node* node = &root; !root.children.empty();) {
      if (!node->children.empty()) {
        node = node->children.back().get();
      } else {
        node = node->parent;
        node->children.pop_back();
      }
    }
  }
}

PrefixCache::Node* PrefixCache::Child(Node& node, std::span<const int32_t> tokens, size_t page) {
  const auto wanted = tokens.subspan(page * kTokens, kTokens);
  for (const auto& child : node.children) {
    if (std::equal(wanted.begin(), wanted.end(), child->tokens.begin())) return child.get();
  }
  return nullptr;
}

std::vector<KvPage> PrefixCache::Find(DType type, std::span<const int32_t> tokens, size_t have) {
  std::vector<KvPage> pages;
  const std::lock_guard lock(mutex_);
  Node* node = &roots_[type];
  for (size_t i = 0; i < tokens.size() / kTokens; ++i) {
    node = Child(*node, tokens, i);
    if (node == nullptr) break;
    used_.splice(used_.begin(), used_, node->use);
    if (i >= have) pages.push_back(node->page);
  }
  return pages;
}

void PrefixCache::Insert(DType type, std::span<const int32_t> tokens,
                         std::span<const KvPage> pages) {
  if (max_pages_ == 0) return;
  const std::lock_guard lock(mutex_);
  Node* node = &roots_[type];
  // What a prefix longer than the cache would push out is its own beginning.
  const size_t count = std::min(pages.size(), max_pages_);
  for (size_t i = 0; i < count; ++i) {
    Node* child = Child(*node, tokens, i);
    if (child == nullptr) {
      auto made = std::make_unique<Node>();
      const auto own = tokens.subspan(i * kTokens, kTokens);
      made->tokens.assign(own.begin(), own.end());
      made->page = pages[i];
      made->parent = node;
      node->children.reserve(node->children.size() + 1);
      used_.push_front(made.get());
      made->use = used_.begin();
      child = made.get();
      node->children.push_back(std::move(made));
    }
    used_.splice(used_.begin(), used_, child->use);
    node = child;
  }
  while (used_.size() > max_pages_ && EvictLocked()) {
  }
}

bool PrefixCache::Evict() {
  const std::lock_guard lock(mutex_);
  return EvictLocked();
}

StatusOr<Buffer> PrefixCache::MakeBuffer(const std::shared_ptr<Allocator>& allocator, size_t bytes,
                                         std::string_view purpose) {
  StatusOr<Buffer> buffer = Buffer::Create(allocator, bytes, purpose);
  while (absl::IsResourceExhausted(buffer.status()) && Evict()) {
    buffer = Buffer::Create(allocator, bytes, purpose);
  }
  return buffer;
}

bool PrefixCache::EvictLocked() {
  for (auto it = used_.rbegin(); it != used_.rend(); ++it) {
    Node* const node = *it;
    if (!node->children.empty()) continue;
    auto& siblings = node->parent->children;
    used_.erase(node->use);
    std::erase_if(siblings, [&](const auto& each) { return each.get() == node; });
    return true;
  }
  return false;
}

}  // namespace hob
