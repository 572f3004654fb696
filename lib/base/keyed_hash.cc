// SPDX-License-Identifier: Apache-2.0
#include "lib/base/keyed_hash.h"

#include <atomic>
#include <chrono>
#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hob {

uint64_t NewHashSeed() {
  static std::atomic<uint64_t> calls{0};
  // Where the system has no random numbers, the clock and the place of the stack must do.
  const uint64_t clock =
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  uint64_t parts[4] = {clock, reinterpret_cast<uintptr_t>(&clock), 0, calls.fetch_add(1)};
  try {
    std::random_device device;
    parts[2] = uint64_t{device()} << 32 | device();
  } catch (...) {
    parts[2] = reinterpret_cast<uintptr_t>(&calls);
  }
  return XXH3_64bits(parts, sizeof(parts));
}

uint64_t KeyedHash(std::string_view key, uint64_t seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

uint64_t KeyedHash(uint64_t key, uint64_t seed) {
  return XXH3_64bits_withSeed(&key, sizeof(key), seed);
}

}  // namespace hob
