// SPDX-License-Identifier: Apache-2.0
#include "lib/base/hash.h"

#include <new>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hob {
namespace {

static_assert(sizeof(XXH3_state_t) <= 640 && alignof(XXH3_state_t) <= 64);

XXH3_state_t* State(unsigned char* memory) {
  return std::launder(reinterpret_cast<XXH3_state_t*>(memory));
}

}  // namespace

std::string ToHex(const Hash128& hash) {
  std::string text;
  for (const uint64_t half : {hash.high, hash.low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[half >> shift & 15];
  }
  return text;
}

Hasher::Hasher() { XXH3_128bits_reset(new (state_) XXH3_state_t); }

void Hasher::Update(std::span<const uint8_t> bytes) {
  if (!bytes.empty()) XXH3_128bits_update(State(state_), bytes.data(), bytes.size());
}

Hash128 Hasher::Finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(State(const_cast<unsigned char*>(state_)));
  return {.low = hash.low64, .high = hash.high64};
}

}  // namespace hob
