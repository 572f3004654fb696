// SPDX-License-Identifier: Apache-2.0
// Where large memory comes from: the app's allocator, counted, behind one interface.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/base/status.h"

namespace hob {

inline constexpr size_t kAlignment = 64;  // of every buffer: a cache line and an AVX-512 vector

// The app's functions, or null for the C library's. `allocate` returns null when memory is out;
// both may be called from any thread.
struct AllocatorHooks {
  void* (*allocate)(void* user, size_t bytes, size_t alignment) = nullptr;
  void (*release)(void* user, void* memory, size_t bytes, size_t alignment) = nullptr;
  void* user = nullptr;
};

// Thread-safe. Counts the bytes in use and their peak, and never gives more than `limit` (0: any).
class Allocator {
 public:
  explicit Allocator(AllocatorHooks hooks = {}, uint64_t limit = 0)
      : hooks_(hooks), limit_(limit) {}
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // kAlignment-aligned memory, or null. Zero bytes give null.
  void* Allocate(size_t bytes);
  void Release(void* memory, size_t bytes);

  size_t bytes_in_use() const { return in_use_.load(std::memory_order_relaxed); }
  size_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  uint64_t limit() const { return limit_; }

 private:
  friend class Reservation;
  bool Claim(size_t bytes);
  void NotePeak();
  void ReleaseByHook(void* memory, size_t bytes);

  AllocatorHooks hooks_;
  const uint64_t limit_;
  std::atomic<size_t> in_use_{0};
  std::atomic<size_t> peak_{0};
};

// A block of memory owned through an Allocator, which it keeps alive. Move-only.
class Buffer {
 public:
  Buffer() = default;
  // RESOURCE_EXHAUSTED names `purpose` and the size. Contents are zero.
  static StatusOr<Buffer> Create(std::shared_ptr<Allocator> allocator, size_t bytes,
                                 std::string_view purpose);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<uint8_t> span() const { return {data_, size_}; }
  template <typename T>
  T* as(size_t byte_offset = 0) const {
    return reinterpret_cast<T*>(data_ + byte_offset);
  }

 private:
  std::shared_ptr<Allocator> allocator_;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Bytes that a library of its own memory holds, counted as in use while this lives. Move-only.
class Reservation {
 public:
  Reservation() = default;
  // RESOURCE_EXHAUSTED, as Buffer::Create, where the limit does not allow them.
  static StatusOr<Reservation> Create(std::shared_ptr<Allocator> allocator, size_t bytes,
                                      std::string_view purpose);
  ~Reservation();
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;

  size_t size() const { return size_; }

 private:
  std::shared_ptr<Allocator> allocator_;
  size_t size_ = 0;
};

}  // namespace hob
