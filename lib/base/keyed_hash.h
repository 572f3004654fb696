// SPDX-License-Identifier: Apache-2.0
// Hashes for tables whose keys come from a file: with a seed that its author cannot know, keys that
// all fall into one slot cannot be made beforehand.
#pragma once

#include <cstdint>
#include <string_view>

namespace hob {

// Another number for each call and process. What it is must not be seen in any result.
uint64_t NewHashSeed();

// XXH3-64 (Collet) of the key under `seed`.
uint64_t KeyedHash(std::string_view key, uint64_t seed);
uint64_t KeyedHash(uint64_t key, uint64_t seed);

// For the tables of the standard library.
struct KeyedHasher {
  uint64_t seed = NewHashSeed();
  size_t operator()(std::string_view key) const {
    return static_cast<size_t>(KeyedHash(key, seed));
  }
};

}  // namespace hob
