// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hob::text {

// A hash index over items that somebody else keeps: it maps a key's hash to the item's number.
// Insert-only, in one block of memory, linear probing; a vocabulary of 50,000 tokens is indexed in
// about a millisecond, which nodes of their own took ten times as long for.
class FlatIndex {
 public:
  // Holds up to `most` items; no more must be inserted.
  explicit FlatIndex(size_t most = 0) : slots_(std::bit_ceil(2 * most + 1)) {}

  // The item with this hash for which equal(item) holds, or −1.
  template <typename Equal>
  int32_t Find(uint64_t hash, Equal&& equal) const {
    const uint64_t mixed = Mix(hash);
    for (size_t at = mixed & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.item < 0 || (slot.tag == static_cast<uint32_t>(mixed >> 32) && equal(slot.item))) {
        return slot.item;
      }
    }
  }

  // Adds `item`, unless an equal one is there; whether it was added.
  template <typename Equal>
  bool Insert(uint64_t hash, int32_t item, Equal&& equal) {
    const uint64_t mixed = Mix(hash);
    for (size_t at = mixed & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.item < 0) {
        slot = {static_cast<uint32_t>(mixed >> 32), item};
        return true;
      }
      if (slot.tag == static_cast<uint32_t>(mixed >> 32) && equal(slot.item)) return false;
    }
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t item = -1;
  };
  // The finaliser of MurmurHash3: low bits choose the slot, high ones are the tag.
  static uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
  }
  std::vector<Slot> slots_;
};

}  // namespace hob::text
