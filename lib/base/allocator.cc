// SPDX-License-Identifier: Apache-2.0
#include "lib/base/allocator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "lib/base/contain.h"

#if defined(__linux__)
#include <pthread.h>
#endif
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace hob {
namespace {

void* SystemAllocate(size_t bytes) {
  // aligned_alloc wants a multiple of the alignment.
  if (bytes > std::numeric_limits<size_t>::max() - kAlignment) return nullptr;
#if defined(_WIN32)
  return _aligned_malloc(bytes, kAlignment);
#else
  return std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
#endif
}

void SystemRelease(void* memory) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace

// Counts `bytes` as in use, if the limit allows it.
bool Allocator::Claim(size_t bytes) {
  size_t used = in_use_.load(std::memory_order_relaxed);
  do {
    if (limit_ != 0 && (bytes > limit_ || used > limit_ - bytes)) return false;
  } while (!in_use_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

// Destructors call this: what the hook throws ends here, and the memory was the app's to free.
void Allocator::ReleaseByHook(void* memory, size_t bytes) {
  if (hooks_.release == nullptr) return;
#if defined(__GLIBCXX__) && defined(__linux__)
  // Nor is the thread cancelled in it: that unwinds like an exception.
  int before = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
#endif
  try {
    hooks_.release(hooks_.user, memory, bytes, kAlignment);
  } catch (...) {
  }
#if defined(__GLIBCXX__) && defined(__linux__)
  pthread_setcancelstate(before, &before);
#endif
}

void* Allocator::Allocate(size_t bytes) {
  if (bytes == 0 || !Claim(bytes)) return nullptr;
  void* memory;
  if (hooks_.allocate != nullptr) {
    // One that throws has no memory.
    memory = CallHook([&] { return hooks_.allocate(hooks_.user, bytes, kAlignment); },
                      static_cast<void*>(nullptr));
    // Kernels rely on the alignment: an app that does not give it has no usable memory.
    if (reinterpret_cast<uintptr_t>(memory) % kAlignment != 0) {
      ReleaseByHook(memory, bytes);
      memory = nullptr;
    }
  } else {
    memory = SystemAllocate(bytes);
  }
  if (memory == nullptr) {
    in_use_.fetch_sub(bytes, std::memory_order_relaxed);
    return nullptr;
  }
  NotePeak();
  return memory;
}

void Allocator::NotePeak() {
  const size_t now = in_use_.load(std::memory_order_relaxed);
  size_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void Allocator::Release(void* memory, size_t bytes) {
  if (memory == nullptr) return;
  if (hooks_.allocate == nullptr) {
    SystemRelease(memory);
  } else {
    ReleaseByHook(memory, bytes);
  }
  in_use_.fetch_sub(bytes, std::memory_order_relaxed);
}

namespace {

Status PastLimit(const Allocator& allocator, size_t bytes, std::string_view purpose) {
  return Error(StatusCode::kResourceExhausted,
               Concat(purpose, " needs ", bytes, " bytes beside the ", allocator.bytes_in_use(),
                      " in use, but the runtime's memory_limit is ", allocator.limit()),
               "Use a smaller model, context or batch, or raise memory_limit.");
}

}  // namespace

StatusOr<Buffer> Buffer::Create(std::shared_ptr<Allocator> allocator, size_t bytes,
                                std::string_view purpose) {
  Buffer buffer;
  if (bytes == 0) return buffer;
  void* memory = allocator->Allocate(bytes);
  if (memory == nullptr && allocator->limit() != 0 &&
      bytes >
          allocator->limit() - std::min<uint64_t>(allocator->limit(), allocator->bytes_in_use())) {
    return PastLimit(*allocator, bytes, purpose);
  }
  if (memory == nullptr) {
    return Error(StatusCode::kResourceExhausted,
                 Concat("out of memory: ", purpose, " needs ", bytes, " bytes"),
                 "Use a smaller model, context or batch, or give the process more memory.");
  }
  std::memset(memory, 0, bytes);
  buffer.allocator_ = std::move(allocator);
  buffer.data_ = static_cast<uint8_t*>(memory);
  buffer.size_ = bytes;
  return buffer;
}

Buffer::~Buffer() {
  if (data_ != nullptr) allocator_->Release(data_, size_);
}

Buffer::Buffer(Buffer&& other) noexcept
    : allocator_(std::move(other.allocator_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  Buffer taken(std::move(other));
  std::swap(allocator_, taken.allocator_);
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

StatusOr<Reservation> Reservation::Create(std::shared_ptr<Allocator> allocator, size_t bytes,
                                          std::string_view purpose) {
  Reservation reservation;
  if (bytes == 0) return reservation;
  if (!allocator->Claim(bytes)) return PastLimit(*allocator, bytes, purpose);
  allocator->NotePeak();
  reservation.allocator_ = std::move(allocator);
  reservation.size_ = bytes;
  return reservation;
}

Reservation::~Reservation() {
  if (size_ != 0) allocator_->in_use_.fetch_sub(size_, std::memory_order_relaxed);
}

Reservation::Reservation(Reservation&& other) noexcept
    : allocator_(std::move(other.allocator_)), size_(std::exchange(other.size_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  Reservation taken(std::move(other));
  std::swap(allocator_, taken.allocator_);
  std::swap(size_, taken.size_);
  return *this;
}

}  // namespace hob
