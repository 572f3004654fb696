// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: an input that is read piece by piece, and a way to say what failed.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hob::fuzz {

// A finding: the fuzzer keeps the input that led here.
inline void Require(bool holds, std::source_location where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold, in %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

// Reads bytes from the front; where none are left, all is zero.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  uint8_t Byte() { return size_ == 0 ? 0 : (--size_, *data_++); }
  bool Bool() { return (Byte() & 1) != 0; }
  template <typename T>
  T Raw() {
    T value{};
    const size_t count = std::min(sizeof(T), size_);
    std::memcpy(&value, data_, count);
    data_ += count;
    size_ -= count;
    return value;
  }
  // low … high: one byte's worth of choices for few, two for many.
  int64_t Range(int64_t low, int64_t high) {
    const int64_t count = high - low + 1;
    return low + (count <= 256 ? Byte() : Raw<uint16_t>()) % count;
  }
  template <typename C>
  const auto& Pick(const C& choices) {
    return choices[static_cast<size_t>(Byte()) % std::size(choices)];
  }
  // As many bytes as the first one says, at most `most`.
  std::string_view Text(size_t most = 255) { return Take(std::min<size_t>(Byte(), most)); }
  std::string_view Take(size_t count) {
    count = std::min(count, size_);
    const std::string_view text(reinterpret_cast<const char*>(data_), count);
    data_ += count;
    size_ -= count;
    return text;
  }
  std::string_view Rest() { return Take(size_); }

  // Numbers that matter more often than others.
  int64_t Integer() {
    constexpr int64_t kEdges[] = {0,         1,          -1,      2,         16,        32,
                                  64,        255,        256,     INT32_MAX, INT32_MIN, INT64_MAX,
                                  INT64_MIN, UINT32_MAX, 1 << 20, 1LL << 40, 3,         -2};
    const uint8_t kind = Byte();
    if (kind < std::size(kEdges)) return kEdges[kind];
    if (kind < 64) return Raw<int64_t>();
    if (kind < 128) return Raw<int16_t>();
    return kind - 128;
  }
  double Real() {
    constexpr double kEdges[] = {0.0,     -0.0,    1.0,      -1.0,      0.5,   1e-45, 1e-38,
                                 1e-6,    1e6,     3e38,     -3e38,     1e300, 2.0,   100.0,
                                 65536.0, 10000.0, HUGE_VAL, -HUGE_VAL, NAN,   1e-300};
    const uint8_t kind = Byte();
    if (kind < std::size(kEdges)) return kEdges[kind];
    if (kind < 64) return Raw<double>();
    if (kind < 128) return static_cast<double>(Raw<float>());
    return (kind - 128) / 32.0;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// Random numbers that an input's seed decides.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {  // splitmix64
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  size_t Below(size_t count) { return static_cast<size_t>(Next() % count); }
  float Uniform() { return static_cast<float>(Next() >> 40) * 0x1p-23f - 1.0f; }  // [-1, 1)

 private:
  uint64_t state_;
};

// Equal bits, or both no number.
inline bool Same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}
inline bool Same(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Same(a[i], b[i])) return false;
  }
  return true;
}

inline std::filesystem::path SourceDir() {
  const char* folder = std::getenv("HOB_SOURCE_DIR");
  return folder != nullptr ? folder : HOB_SOURCE_DIR;
}

}  // namespace hob::fuzz
