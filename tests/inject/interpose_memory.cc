// SPDX-License-Identifier: Apache-2.0
// malloc and its kin, mmap and its kin. operator new and the C library's own functions come here
// too.
#include <sys/mman.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/inject/interpose.h"

using hob::inject::AddBlocks;
using hob::inject::AddMappings;
using hob::inject::Fails;
using hob::inject::FailsAlone;
using hob::inject::Kind;

extern "C" {
// The allocator behind the names that are defined here, which needs no looking up.
void* __libc_malloc(size_t size);                      // NOLINT
void* __libc_calloc(size_t count, size_t size);        // NOLINT
void* __libc_realloc(void* block, size_t size);        // NOLINT
void* __libc_memalign(size_t alignment, size_t size);  // NOLINT
void __libc_free(void* block);                         // NOLINT
}

namespace {

void* Counted(void* block) {
  if (block == nullptr) return nullptr;
  AddBlocks(1);
  hob::inject::Recorded(block);
  return block;
}

bool NoMemory(const char* function, Kind kind = Kind::kAllocation) {
  if (!Fails(kind, function)) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

HOB_INTERPOSE(void*, malloc, size_t size) {
  return NoMemory("malloc") ? nullptr : Counted(__libc_malloc(size));
}

HOB_INTERPOSE(void*, calloc, size_t count, size_t size) {
  return NoMemory("calloc") ? nullptr : Counted(__libc_calloc(count, size));
}

HOB_INTERPOSE(void, free, void* block) {
  if (block == nullptr) return;
  AddBlocks(-1);
  hob::inject::Forget(block);
  const int before = errno;
  __libc_free(block);
  errno = before;
}

HOB_INTERPOSE(void*, realloc, void* block, size_t size) {
  if (block == nullptr) return inject_malloc(size);
  if (size == 0) {
    inject_free(block);
    return nullptr;
  }
  if (NoMemory("realloc")) return nullptr;
  void* const moved = __libc_realloc(block, size);
  if (moved != nullptr) {
    hob::inject::Forget(block);
    hob::inject::Recorded(moved);
  }
  return moved;
}

HOB_INTERPOSE(void*, reallocarray, void* block, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return inject_realloc(block, bytes);
}

HOB_INTERPOSE(void*, memalign, size_t alignment, size_t size) {
  return NoMemory("memalign") ? nullptr : Counted(__libc_memalign(alignment, size));
}

HOB_INTERPOSE(void*, aligned_alloc, size_t alignment, size_t size) {
  return NoMemory("aligned_alloc") ? nullptr : Counted(__libc_memalign(alignment, size));
}

HOB_INTERPOSE(int, posix_memalign, void** out, size_t alignment, size_t size) {
  if (Fails(Kind::kAllocation, "posix_memalign")) return ENOMEM;
  void* const block = Counted(__libc_memalign(alignment, size));
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}

namespace {

void* CountedMapping(void* address) {
  if (address != MAP_FAILED) AddMappings(1);
  return address;
}

}  // namespace

HOB_INTERPOSE(void*, mmap, void* address, size_t size, int protection, int flags, int fd,
              off_t offset) {
  if (NoMemory("mmap", Kind::kMapping)) return MAP_FAILED;
  return CountedMapping(Real_mmap()(address, size, protection, flags, fd, offset));
}

HOB_INTERPOSE(void*, mmap64, void* address, size_t size, int protection, int flags, int fd,
              off_t offset) {
  if (NoMemory("mmap64", Kind::kMapping)) return MAP_FAILED;
  return CountedMapping(Real_mmap64()(address, size, protection, flags, fd, offset));
}

// Fails only for arguments that are wrong, or where the kernel's table of mappings is full.
HOB_INTERPOSE(int, munmap, void* address, size_t size) {
  const int result = Real_munmap()(address, size);
  if (result == 0) AddMappings(-1);
  return result;
}

HOB_INTERPOSE(void*, mremap, void* address, size_t old_size, size_t size, int flags, void* to) {
  return NoMemory("mremap", Kind::kMapping) ? MAP_FAILED
                                            : Real_mremap()(address, old_size, size, flags, to);
}

HOB_INTERPOSE(int, mprotect, void* address, size_t size, int protection) {
  return NoMemory("mprotect", Kind::kMapping) ? -1 : Real_mprotect()(address, size, protection);
}

HOB_INTERPOSE(int, mlock, const void* address, size_t size) {
  return NoMemory("mlock", Kind::kMapping) ? -1 : Real_mlock()(address, size);
}

HOB_INTERPOSE(int, madvise, void* address, size_t size, int advice) {
  return NoMemory("madvise", Kind::kMapping) ? -1 : Real_madvise()(address, size, advice);
}

HOB_INTERPOSE(int, posix_madvise, void* address, size_t size, int advice) {
  if (Fails(Kind::kMapping, "posix_madvise")) return ENOMEM;
  return Real_posix_madvise()(address, size, advice);
}
