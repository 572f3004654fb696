// SPDX-License-Identifier: Apache-2.0
// Arithmetic on sizes that a file, an option or a caller has said: what does not fit is no number.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace hob {

template <typename T>
concept SizeType = std::unsigned_integral<T> && sizeof(T) >= sizeof(uint32_t);

template <SizeType T>
constexpr std::optional<T> CheckedAdd(T a, T b) {
  if (b > std::numeric_limits<T>::max() - a) return std::nullopt;
  return a + b;
}

template <SizeType T>
constexpr std::optional<T> CheckedMul(T a, T b) {
  if (a != 0 && b > std::numeric_limits<T>::max() / a) return std::nullopt;
  return a * b;
}

// The least multiple of `unit` (above 0) that is not below `a`.
template <SizeType T>
constexpr std::optional<T> CheckedAlignUp(T a, T unit) {
  const T over = a % unit;
  return over == 0 ? a : CheckedAdd<T>(a, unit - over);
}

// All or nothing: CheckedMul(a, b), plus c.
template <SizeType T>
constexpr std::optional<T> CheckedMulAdd(T a, T b, T c) {
  const std::optional<T> product = CheckedMul(a, b);
  return product ? CheckedAdd(*product, c) : std::nullopt;
}

// Whether [offset, offset + size) lies in [0, whole): nothing is added, so nothing can wrap.
constexpr bool Fits(uint64_t offset, uint64_t size, uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

// For sums of what is to be allocated: no allocator has this much, and says so.
inline constexpr size_t kNoSuchSize = std::numeric_limits<size_t>::max();

}  // namespace hob
