// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/damage.h"

#include <algorithm>

namespace hob::soak {

std::vector<uint8_t> Damaged(std::vector<uint8_t> bytes, Damage damage, std::mt19937& random) {
  switch (damage) {
    case Damage::kCut:
      bytes.resize(random() % bytes.size());
      break;
    case Damage::kAltered: {
      // Mostly near the beginning, where all that describes the rest is.
      const size_t reach = random() % 4 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 4096);
      for (uint32_t i = 0; i <= random() % 16; ++i) {
        bytes[random() % reach] ^= static_cast<uint8_t>(1 + random() % 255);
      }
      break;
    }
    case Damage::kForeign:
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      break;
  }
  return bytes;
}

}  // namespace hob::soak
