// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace hob::test {

// A copy of `bytes` at a 64-byte boundary, exactly as long, so that a sanitizer sees a read beyond.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const uint8_t> bytes) : size_(bytes.size()) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, std::max<size_t>(size_, 1)) != 0) std::abort();
    memory_.reset(static_cast<uint8_t*>(memory));
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }
  std::span<uint8_t> span() const { return {memory_.get(), size_}; }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };
  std::unique_ptr<uint8_t, Free> memory_;
  size_t size_;
};

}  // namespace hob::test
