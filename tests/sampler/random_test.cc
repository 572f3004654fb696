// SPDX-License-Identifier: Apache-2.0
#include "lib/sampler/random.h"

#include <array>
#include <catch2/catch_test_macros.hpp>

using hob::Philox4x32;
using Block = std::array<uint32_t, 4>;

// The known-answer vectors for philox4x32-10 of Random123 1.14 (kat_vectors).
TEST_CASE("Philox4x32-10 gives the published values") {
  CHECK(Philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t ones = 0xffffffff;
  CHECK(Philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform numbers lie between 0 and 1, differ by seed and have the right mean") {
  double sum = 0;
  int equal = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const double u = hob::UniformAt(7, static_cast<uint64_t>(i));
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    equal += u == hob::UniformAt(8, static_cast<uint64_t>(i)) ? 1 : 0;
    sum += u;
  }
  CHECK(equal == 0);
  CHECK(sum / kCount > 0.495);
  CHECK(sum / kCount < 0.505);
}
