// SPDX-License-Identifier: Apache-2.0
// XXH3-128 (Collet): finds what was altered by accident, at the speed of memory. It is no defence
// against somebody who forges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace hob {

struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128&) const = default;
};

// 32 digits, as `xxhsum -H2` prints them.
std::string ToHex(const Hash128& hash);

// Hashes bytes that come in parts.
class Hasher {
 public:
  Hasher();
  void Update(std::span<const uint8_t> bytes);
  Hash128 Finish() const;

 private:
  alignas(64) unsigned char state_[640];
};

}  // namespace hob
