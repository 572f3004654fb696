// SPDX-License-Identifier: Apache-2.0
#include "lib/base/checked.h"

#include <catch2/catch_test_macros.hpp>
#include <vector>

namespace hob {
namespace {

// Around the edges of 0, of half the bits and of all of them.
template <typename T>
std::vector<T> Edges() {
  constexpr T kMost = std::numeric_limits<T>::max(), kHalf = T{1} << (sizeof(T) * 4);
  std::vector<T> edges;
  for (const T base : {T{0}, T{3}, kHalf, T(kMost / 2), T(kMost - 3)}) {
    for (T more = 0; more < 4; ++more) edges.push_back(base + more);
  }
  edges.push_back(kHalf - 1);
  return edges;
}

template <typename T>
void CheckAgainstBuiltins() {
  for (const T a : Edges<T>()) {
    for (const T b : Edges<T>()) {
      T exact = 0;
      INFO(a << " " << b);
      const bool adds = !__builtin_add_overflow(a, b, &exact);
      CHECK(CheckedAdd(a, b) == (adds ? std::optional<T>(exact) : std::nullopt));
      const bool multiplies = !__builtin_mul_overflow(a, b, &exact);
      CHECK(CheckedMul(a, b) == (multiplies ? std::optional<T>(exact) : std::nullopt));
    }
  }
}

TEST_CASE("sums and products are exact or none") {
  CheckAgainstBuiltins<uint64_t>();
  CheckAgainstBuiltins<uint32_t>();
}

TEST_CASE("rounding up is exact or none") {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  CHECK(CheckedAlignUp<uint64_t>(0, 64) == 0);
  CHECK(CheckedAlignUp<uint64_t>(1, 64) == 64);
  CHECK(CheckedAlignUp<uint64_t>(64, 64) == 64);
  CHECK(CheckedAlignUp<uint64_t>(kMost - 63, 64) == kMost - 63);
  CHECK(CheckedAlignUp<uint64_t>(kMost - 62, 64) == std::nullopt);
  CHECK(CheckedAlignUp<uint64_t>(kMost, 1) == kMost);
  CHECK(CheckedMulAdd<uint64_t>(kMost / 2, 2, 1) == kMost);
  CHECK(CheckedMulAdd<uint64_t>(kMost / 2, 2, 2) == std::nullopt);
}

TEST_CASE("a range that wraps lies nowhere") {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  CHECK(Fits(0, 0, 0));
  CHECK(Fits(4, 4, 8));
  CHECK(!Fits(4, 5, 8));
  CHECK(!Fits(9, 0, 8));
  CHECK(!Fits(kMost, 2, 8));
  CHECK(!Fits(2, kMost, 8));
}

}  // namespace
}  // namespace hob
