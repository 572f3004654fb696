// SPDX-License-Identifier: Apache-2.0
#include "lib/session/kv_cache.h"

#include <catch2/catch_test_macros.hpp>

namespace {

// 64 tokens of a layer, a head and one channel: keys and values.
constexpr hob::KvLayout kLayout = {hob::DType::kF16, 1, 1, 1};
constexpr size_t kPageBytes = 256;

// Fails when fewer than `bytes` are left.
struct Budget {
  size_t bytes;
  static void* Allocate(void* user, size_t bytes, size_t alignment) {
    auto* budget = static_cast<Budget*>(user);
    if (bytes > budget->bytes) return nullptr;
    budget->bytes -= bytes;
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void Release(void* user, void* memory, size_t bytes, size_t) {
    static_cast<Budget*>(user)->bytes += bytes;
    std::free(memory);
  }
};

}  // namespace

TEST_CASE("pages come with tokens and go with them") {
  auto allocator = std::make_shared<hob::Allocator>();
  {
    hob::KvCache cache(allocator, kLayout);
    REQUIRE(cache.PrepareAppend(1).ok());
    cache.CommitAppend(1);
    CHECK(cache.bytes() == kPageBytes);
    REQUIRE(cache.PrepareAppend(hob::kKvPageTokens).ok());
    CHECK(cache.tokens() == 1);
    CHECK(cache.bytes() == 2 * kPageBytes);
    cache.CommitAppend(hob::kKvPageTokens);
    cache.Truncate(hob::kKvPageTokens);
    CHECK(cache.bytes() == kPageBytes);
    CHECK(allocator->bytes_in_use() == kPageBytes);
  }
  CHECK(allocator->bytes_in_use() == 0);
}

TEST_CASE("a fork shares pages until one is written to") {
  auto allocator = std::make_shared<hob::Allocator>();
  hob::KvCache cache(allocator, kLayout);
  const int32_t tokens = hob::kKvPageTokens + 10;
  REQUIRE(cache.PrepareAppend(tokens).ok());
  cache.CommitAppend(tokens);
  cache.pages()[1][3] = 7;

  hob::KvCache fork = cache.Fork();
  CHECK(fork.tokens() == tokens);
  CHECK(allocator->bytes_in_use() == 2 * kPageBytes);
  REQUIRE(fork.PrepareAppend(1).ok());
  CHECK(allocator->bytes_in_use() == 3 * kPageBytes);
  CHECK(fork.pages()[0] == cache.pages()[0]);
  REQUIRE(fork.pages()[1] != cache.pages()[1]);
  CHECK(fork.pages()[1][3] == 7);
  fork.pages()[1][3] = 8;
  CHECK(cache.pages()[1][3] == 7);
}

TEST_CASE("when memory is out, the cache stays as it was") {
  Budget budget{2 * kPageBytes};
  auto allocator = std::make_shared<hob::Allocator>(
      hob::AllocatorHooks{&Budget::Allocate, &Budget::Release, &budget});
  hob::KvCache cache(allocator, kLayout);
  REQUIRE(cache.PrepareAppend(5).ok());
  cache.CommitAppend(5);
  const hob::Status status = cache.PrepareAppend(3 * hob::kKvPageTokens);
  CHECK(status.code() == hob::StatusCode::kResourceExhausted);
  CHECK(cache.tokens() == 5);
  CHECK(cache.bytes() == kPageBytes);
  CHECK(cache.PrepareAppend(hob::kKvPageTokens).ok());
}

TEST_CASE("an empty cache of another type has that one's pages") {
  auto allocator = std::make_shared<hob::Allocator>();
  const hob::KvCache cache(allocator, kLayout);
  CHECK(cache.type() == hob::DType::kF16);
  CHECK(cache.page_bytes() == kPageBytes);
  hob::KvCache other = cache.Empty(hob::DType::kF32);
  CHECK(other.type() == hob::DType::kF32);
  REQUIRE(other.PrepareAppend(1).ok());
  CHECK(other.bytes() == 2 * kPageBytes);
  CHECK(other.Fork().type() == hob::DType::kF32);
  CHECK(allocator->bytes_in_use() == 2 * kPageBytes);
}
