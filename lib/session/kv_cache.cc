// SPDX-License-Identifier: Apache-2.0
#include "lib/session/kv_cache.h"

#include <cstring>
#include <utility>

namespace hob {
namespace {

// A page that is counted as long as it lives, whoever holds it last.
struct CountedPage {
  CountedPage(Buffer bytes, Metrics* counts) : buffer(std::move(bytes)), metrics(counts) {
    if (metrics != nullptr) Metrics::Add(metrics->kv_pages);
  }
  ~CountedPage() {
    if (metrics != nullptr) Metrics::Subtract(metrics->kv_pages);
  }
  CountedPage(const CountedPage&) = delete;
  CountedPage& operator=(const CountedPage&) = delete;

  Buffer buffer;
  Metrics* metrics;
};

}  // namespace

KvPage KvCache::Counted(Buffer buffer) const {
  const auto page = std::make_shared<const CountedPage>(std::move(buffer), metrics_);
  return {page, &page->buffer};
}

StatusOr<Buffer> KvCache::NewPage() const {
  constexpr std::string_view kPurpose = "a cache page";
  return spare_ == nullptr ? Buffer::Create(allocator_, page_bytes(), kPurpose)
                           : spare_->MakeBuffer(allocator_, page_bytes(), kPurpose);
}

Status KvCache::PrepareAppend(int32_t count) {
  const size_t wanted = PagesFor(tokens_ + count);
  pages_.reserve(wanted);
  data_.reserve(wanted);
  const auto first = static_cast<size_t>(tokens_ / kKvPageTokens);
  if (first < pages_.size() && pages_[first].use_count() > 1) {
    HOB_ASSIGN_OR_RETURN(Buffer copy, NewPage());
    uint8_t* const data = copy.data();
    std::memcpy(data, data_[first], page_bytes());
    pages_[first] = Counted(std::move(copy));
    data_[first] = data;
  }
  while (pages_.size() < wanted) {
    StatusOr<Buffer> page = NewPage();
    if (!page.ok()) {
      Truncate(tokens_);
      return std::move(page).status();
    }
    uint8_t* const data = page->data();
    pages_.push_back(Counted(*std::move(page)));
    data_.push_back(data);
  }
  return absl::OkStatus();
}

void KvCache::Adopt(std::span<const KvPage> pages) {
  const size_t first = full_pages(), count = first + pages.size();
  pages_.reserve(count);
  data_.reserve(count);
  Truncate(static_cast<int32_t>(first) * kKvPageTokens);
  for (const KvPage& page : pages) {
    pages_.push_back(page);
    data_.push_back(page->data());
  }
  tokens_ = static_cast<int32_t>(count) * kKvPageTokens;
}

void KvCache::Truncate(int32_t tokens) {
  tokens_ = tokens;
  pages_.resize(PagesFor(tokens));
  data_.resize(pages_.size());
}

}  // namespace hob
