// SPDX-License-Identifier: Apache-2.0
#include "lib/base/allocator.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <limits>
#include <utility>

namespace hob {
namespace {

TEST_CASE("the allocator aligns and counts") {
  Allocator allocator;
  void* a = allocator.Allocate(100);
  void* b = allocator.Allocate(1);
  CHECK(reinterpret_cast<uintptr_t>(a) % kAlignment == 0);
  CHECK(reinterpret_cast<uintptr_t>(b) % kAlignment == 0);
  CHECK(allocator.bytes_in_use() == 101);
  allocator.Release(a, 100);
  CHECK(allocator.bytes_in_use() == 1);
  CHECK(allocator.peak_bytes() == 101);
  allocator.Release(b, 1);
  CHECK(allocator.bytes_in_use() == 0);
}

TEST_CASE("nothing, or too much, gives null") {
  Allocator allocator;
  CHECK(allocator.Allocate(0) == nullptr);
  CHECK(allocator.Allocate(std::numeric_limits<size_t>::max()) == nullptr);
  CHECK(allocator.Allocate(std::numeric_limits<size_t>::max() / 2) == nullptr);
  CHECK(allocator.bytes_in_use() == 0);
  allocator.Release(nullptr, 5);
  CHECK(allocator.bytes_in_use() == 0);
}

TEST_CASE("a buffer is zero, moves, and returns its memory") {
  const auto allocator = std::make_shared<Allocator>();
  {
    StatusOr<Buffer> made = Buffer::Create(allocator, 1000, "a test");
    REQUIRE(made.ok());
    CHECK(std::all_of(made->data(), made->data() + 1000, [](uint8_t b) { return b == 0; }));
    Buffer moved = *std::move(made);
    CHECK(moved.size() == 1000);
    Buffer other = *Buffer::Create(allocator, 10, "a test");
    other = std::move(moved);
    CHECK(other.size() == 1000);
    CHECK(moved.data() == nullptr);
    CHECK(allocator->bytes_in_use() == 1000);
    Buffer& same = other;
    other = std::move(same);
    CHECK(other.size() == 1000);
  }
  CHECK(allocator->bytes_in_use() == 0);
  CHECK(allocator->peak_bytes() == 1010);
}

TEST_CASE("an empty buffer needs no memory") {
  const StatusOr<Buffer> buffer = Buffer::Create(std::make_shared<Allocator>(), 0, "nothing");
  REQUIRE(buffer.ok());
  CHECK(buffer->data() == nullptr);
}

TEST_CASE("a failed allocation names purpose and size") {
  AllocatorHooks hooks;
  hooks.allocate = [](void*, size_t, size_t) -> void* { return nullptr; };
  const auto buffer = Buffer::Create(std::make_shared<Allocator>(hooks), 12345, "the KV cache");
  REQUIRE(buffer.status().code() == StatusCode::kResourceExhausted);
  CHECK(buffer.status().message().find("the KV cache") != std::string::npos);
  CHECK(buffer.status().message().find("12345") != std::string::npos);
  CHECK(!HintOf(buffer.status()).empty());
}

TEST_CASE("the app's functions are used, with sizes and alignment") {
  struct Seen {
    size_t allocated = 0;
    size_t released = 0;
  } seen;
  AllocatorHooks hooks;
  hooks.user = &seen;
  hooks.allocate = [](void* user, size_t bytes, size_t alignment) {
    static_cast<Seen*>(user)->allocated += bytes;
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  };
  hooks.release = [](void* user, void* memory, size_t bytes, size_t) {
    static_cast<Seen*>(user)->released += bytes;
    std::free(memory);
  };
  {
    const auto buffer = Buffer::Create(std::make_shared<Allocator>(hooks), 77, "a test");
    REQUIRE(buffer.ok());
    CHECK(seen.allocated == 77);
    CHECK(seen.released == 0);
  }
  CHECK(seen.released == 77);
}

TEST_CASE("memory that the app does not align is refused and returned") {
  alignas(64) static uint8_t memory[256];
  static int released;
  released = 0;
  AllocatorHooks hooks;
  hooks.allocate = [](void*, size_t, size_t) -> void* { return memory + 8; };
  hooks.release = [](void*, void*, size_t, size_t) { ++released; };
  Allocator allocator(hooks);
  CHECK(allocator.Allocate(16) == nullptr);
  CHECK(released == 1);
  CHECK(allocator.bytes_in_use() == 0);
}

}  // namespace
}  // namespace hob
