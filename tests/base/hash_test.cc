// SPDX-License-Identifier: Apache-2.0
#include "lib/base/hash.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <vector>

using namespace hob;

TEST_CASE("the hash is XXH3-128, however the bytes are cut") {
  CHECK(ToHex(Hasher().Finish()) == "99aa06d3014798d86001c324468d497f");
  std::vector<uint8_t> bytes(5000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31 + i / 256);
  Hasher whole;
  whole.Update(bytes);
  for (const size_t part : {1u, 63u, 64u, 1024u, 4999u}) {
    Hasher parts;
    for (size_t at = 0; at < bytes.size(); at += part) {
      parts.Update(std::span(bytes).subspan(at, std::min(part, bytes.size() - at)));
      static_cast<void>(parts.Finish());  // may be asked on the way
    }
    CHECK(parts.Finish() == whole.Finish());
  }
  bytes[4321] ^= 1;
  Hasher other;
  other.Update(bytes);
  CHECK(other.Finish() != whole.Finish());
}
