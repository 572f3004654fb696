// SPDX-License-Identifier: Apache-2.0
#include "abi/checked.h"

#if defined(HOB_CHECKED)

#include <array>
#include <atomic>
#include <cstdint>

namespace hob::abi {
namespace {

// Entries are added and never taken away, so readers need no lock: a signal handler may cancel a
// session, and a child that was forked in the middle of a call finds no lock that nobody opens.
struct Entry {
  const void* handle;
  const std::string_view* kind;
  uint64_t generation;  // which handle of the process this is, from 1
  std::atomic<bool> destroyed{false};
  Entry* next = nullptr;
};

// No constructor and no destructor runs for these; what hangs on them is reachable for good.
constexpr size_t kBuckets = size_t{1} << 16;
constinit std::array<std::atomic<Entry*>, kBuckets> buckets{};
constinit std::atomic<uint64_t> generations{0};

std::atomic<Entry*>& BucketOf(const void* handle) {
  const auto address = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(handle));
  return buckets[(address * 0x9E3779B97F4A7C15u) >> 48];
}

Entry* Find(const void* handle) {
  Entry* entry = BucketOf(handle).load(std::memory_order_acquire);
  while (entry != nullptr && entry->handle != handle) entry = entry->next;
  return entry;
}

}  // namespace

void WriteDown(const void* handle, const std::string_view* kind) {
  auto* const entry =
      new Entry{handle, kind, generations.fetch_add(1, std::memory_order_relaxed) + 1};
  std::atomic<Entry*>& bucket = BucketOf(handle);
  entry->next = bucket.load(std::memory_order_relaxed);
  while (!bucket.compare_exchange_weak(entry->next, entry, std::memory_order_acq_rel)) {
  }
}

Status LookUp(const void* handle, const std::string_view* kind, std::string_view what) {
  const Entry* const entry = Find(handle);
  const std::string where = what == *kind ? std::string() : Concat(what, ": ");
  if (entry == nullptr) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(where, "the pointer is no ", *kind, " handle, nor any other of hob's"),
                 "Pass what the library's function that makes the handle has written.");
  }
  if (entry->kind != kind) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(where, "the pointer is no ", *kind, " handle but a ", *entry->kind,
                        " handle", entry->destroyed ? " that was destroyed" : ""));
  }
  if (entry->destroyed.load(std::memory_order_acquire)) {
    return Error(StatusCode::kInvalidArgument,
                 Concat(where, "the ", *kind, " handle was destroyed"),
                 Concat("It was handle ", entry->generation,
                        " of this process. Destroy a handle after its last use."));
  }
  return absl::OkStatus();
}

bool IsLive(const void* handle, const std::string_view* kind) noexcept {
  const Entry* const entry = Find(handle);
  return entry != nullptr && entry->kind == kind &&
         !entry->destroyed.load(std::memory_order_acquire);
}

bool CrossOut(const void* handle, const std::string_view* kind) noexcept {
  Entry* const entry = Find(handle);
  return entry != nullptr && entry->kind == kind &&
         !entry->destroyed.exchange(true, std::memory_order_acq_rel);
}

}  // namespace hob::abi

#endif
