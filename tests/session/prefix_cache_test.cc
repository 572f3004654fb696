// SPDX-License-Identifier: Apache-2.0
#include "lib/session/prefix_cache.h"

#if defined(__linux__)
#include <pthread.h>
#endif

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <vector>

using hob::KvPage;
using hob::PrefixCache;

namespace {

constexpr hob::DType kF16 = hob::DType::kF16, kInt8 = hob::DType::kQC8;

// Pages of tokens: page i is 64 times names[i].
std::vector<int32_t> Text(const std::vector<int32_t>& names) {
  std::vector<int32_t> tokens;
  for (const int32_t name : names) tokens.insert(tokens.end(), hob::kKvPageTokens, name);
  return tokens;
}

std::vector<KvPage> Pages(size_t count) {
  std::vector<KvPage> pages;
  for (size_t i = 0; i < count; ++i) pages.push_back(std::make_shared<const hob::Buffer>());
  return pages;
}

}  // namespace

TEST_CASE("the longest known beginning is found, whole pages alone") {
  PrefixCache cache(10);
  const auto pages = Pages(3);
  cache.Insert(kF16, Text({1, 2, 3}), pages);
  CHECK(cache.Find(kF16, Text({1, 2, 3, 4}), 0) == pages);
  CHECK(cache.Find(kF16, Text({1, 2, 4}), 0) == std::vector<KvPage>{pages[0], pages[1]});
  CHECK(cache.Find(kF16, Text({1, 2, 4}), 1) == std::vector<KvPage>{pages[1]});
  CHECK(cache.Find(kF16, Text({1, 2, 4}), 2).empty());
  CHECK(cache.Find(kF16, Text({2}), 0).empty());
  std::vector<int32_t> part = Text({1, 2});
  part.pop_back();
  CHECK(cache.Find(kF16, part, 0) == std::vector<KvPage>{pages[0]});
}

TEST_CASE("a known page is kept, whoever brings it again") {
  PrefixCache cache(10);
  const auto first = Pages(2), second = Pages(3);
  cache.Insert(kF16, Text({1, 2}), first);
  cache.Insert(kF16, Text({1, 2, 3}), second);
  CHECK(cache.Find(kF16, Text({1, 2, 3}), 0) == std::vector<KvPage>{first[0], first[1], second[2]});
}

TEST_CASE("the leaf that was used longest ago goes first") {
  PrefixCache cache(3);
  cache.Insert(kF16, Text({1, 2}), Pages(2));
  cache.Insert(kF16, Text({5}), Pages(1));
  CHECK(cache.Find(kF16, Text({1, 2}), 0).size() == 2);
  cache.Insert(kF16, Text({6}), Pages(1));
  CHECK(cache.Find(kF16, Text({5}), 0).empty());
  CHECK(cache.Find(kF16, Text({1, 2}), 0).size() == 2);
  CHECK(cache.Find(kF16, Text({6}), 0).size() == 1);
  // A page goes before what leads to it.
  cache.Find(kF16, Text({6}), 0);
  CHECK(cache.Evict());
  CHECK(cache.Find(kF16, Text({1, 2}), 0).size() == 1);
  CHECK(cache.Evict());
  CHECK(cache.Evict());
  CHECK(!cache.Evict());
}

TEST_CASE("a cache of no pages keeps none, and a long text its beginning") {
  PrefixCache none(0);
  none.Insert(kF16, Text({1}), Pages(1));
  CHECK(none.Find(kF16, Text({1}), 0).empty());
  PrefixCache two(2);
  two.Insert(kF16, Text({1, 2, 3}), Pages(3));
  CHECK(two.Find(kF16, Text({1, 2, 3}), 0).size() == 2);
}

TEST_CASE("pages of one type are not found for another, and they share the room") {
  PrefixCache cache(3);
  const auto f16 = Pages(2), int8 = Pages(1);
  cache.Insert(kF16, Text({1, 2}), f16);
  CHECK(cache.Find(kInt8, Text({1, 2}), 0).empty());
  CHECK(cache.Find(hob::DType::kF32, Text({1, 2}), 0).empty());
  cache.Insert(kInt8, Text({1}), int8);
  CHECK(cache.Find(kInt8, Text({1, 2}), 0) == int8);
  CHECK(cache.Find(kF16, Text({1, 2}), 0) == f16);
  cache.Insert(kInt8, Text({1, 3}), Pages(2));  // the leaf of the other type goes
  CHECK(cache.Find(kF16, Text({1, 2}), 0) == std::vector<KvPage>{f16[0]});
  CHECK(cache.Find(kInt8, Text({1, 3}), 0).size() == 2);
}

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a long text's pages go without a stack frame for each") {
  constexpr size_t kPages = 20000;
  auto cache = std::make_unique<PrefixCache>(kPages);
  std::vector<int32_t> names(kPages);
  for (size_t i = 0; i < kPages; ++i) names[i] = static_cast<int32_t>(i);
  cache->Insert(kF16, Text(names), std::vector<KvPage>(kPages));
  // On a thread of a small stack: 20,000 frames do not fit it.
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 128 << 10) == 0);
  pthread_t thread;
  const auto destroy = [](void* given) -> void* {
    delete static_cast<PrefixCache*>(given);
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, destroy, cache.release()) == 0);
  CHECK(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}
#endif
