// SPDX-License-Identifier: Apache-2.0
// A sequence's keys and values in pages. Pages are reference-counted: sequences that begin alike
// can share them, and one is copied when it is written to while shared.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/allocator.h"
#include "lib/base/metrics.h"
#include "lib/base/status.h"
#include "lib/ops/step.h"
#include "lib/session/prefix_cache.h"

namespace hob {

// Grows by whole pages of the cache, when one begins: within a page nothing is allocated.
template <typename T>
void ReserveByPages(std::vector<T>& items, size_t cached, size_t more) {
  constexpr auto kPage = static_cast<size_t>(kKvPageTokens);
  if (items.capacity() >= cached + more) return;
  items.reserve((cached + kPage - 1) / kPage * kPage + more);
}

// Not thread-safe; different caches may be used by different threads, even if they share pages.
class KvCache {
 public:
  // When memory is short, pages that `spare` (may be null, else outlives this) keeps make room.
  // Pages are counted in `metrics` (may be null, else outlives them).
  KvCache(std::shared_ptr<Allocator> allocator, const KvLayout& layout,
          PrefixCache* spare = nullptr, Metrics* metrics = nullptr)
      : allocator_(std::move(allocator)), layout_(layout), spare_(spare), metrics_(metrics) {}
  KvCache(KvCache&&) noexcept = default;
  KvCache& operator=(KvCache&&) noexcept = default;

  // That hold `tokens` tokens.
  static size_t PagesFor(int64_t tokens) {
    return (static_cast<size_t>(tokens) + kKvPageTokens - 1) / kKvPageTokens;
  }

  // Makes positions [tokens(), tokens() + count) writable. RESOURCE_EXHAUSTED leaves the cache as
  // it was.
  Status PrepareAppend(int32_t count);
  // The positions that PrepareAppend made writable have been written.
  void CommitAppend(int32_t count) { tokens_ += count; }
  // Keeps the first `tokens` and gives back the pages that hold none of them.
  void Truncate(int32_t tokens);
  // Another cache of the same tokens, on the same pages.
  KvCache Fork() const { return *this; }
  // Another cache of no tokens, and maybe of another type, whose pages come from where this one's
  // do.
  KvCache Empty(DType type) const {
    return KvCache(allocator_, layout_.As(type), spare_, metrics_);
  }
  // Goes on with `pages`, of the same type, where the full pages of this end; what comes after
  // those is dropped.
  void Adopt(std::span<const KvPage> pages);

  int32_t tokens() const { return tokens_; }
  // Page i holds positions from i·kKvPageTokens on. Until the next PrepareAppend or Truncate.
  uint8_t* const* pages() const { return data_.data(); }
  const KvLayout& layout() const { return layout_; }
  DType type() const { return layout_.type; }
  size_t page_count() const { return pages_.size(); }
  size_t page_bytes() const { return layout_.page_bytes(); }
  size_t bytes() const { return pages_.size() * page_bytes(); }
  // Pages of which every position is written.
  size_t full_pages() const { return static_cast<size_t>(tokens_ / kKvPageTokens); }
  std::span<const KvPage> shared_pages() const { return pages_; }

 private:
  KvCache(const KvCache&) = default;
  StatusOr<Buffer> NewPage() const;
  KvPage Counted(Buffer buffer) const;

  std::shared_ptr<Allocator> allocator_;
  KvLayout layout_;
  PrefixCache* spare_;
  Metrics* metrics_;
  int32_t tokens_ = 0;
  std::vector<KvPage> pages_;
  std::vector<uint8_t*> data_;  // of pages_
};

}  // namespace hob
