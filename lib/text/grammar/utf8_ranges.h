// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "lib/text/grammar/grammar.h"

namespace hob::text {

// The UTF-8 of some code points: `length` bytes, each from `first[i]` to `last[i]`.
struct Utf8Range {
  int length = 0;
  std::array<uint8_t, 4> first{}, last{};
};

// Calls emit(Utf8Range) for parts of `range`, which together are all of it (Thompson's construction
// as in RE2 and rust's utf8-ranges). `range` has no surrogates.
template <typename Emit>
void SplitUtf8(CodePoints range, Emit&& emit) {
  // At most two parts a bit of six wait.
  std::array<CodePoints, 16> waiting;
  size_t count = 0;
  waiting[count++] = range;
  const auto split = [&](CodePoints low, CodePoints high) {
    waiting[count++] = high;
    waiting[count++] = low;
  };
  while (count > 0) {
    const auto [first, last] = waiting[--count];
    bool done = false;
    for (const char32_t longest : {U'\x7F', U'\x7FF', U'\xFFFF'}) {
      if (first <= longest && longest < last) {
        split({first, longest}, {longest + 1, last});
        done = true;
        break;
      }
    }
    const int length = last < 0x80 ? 1 : last < 0x800 ? 2 : last < 0x10000 ? 3 : 4;
    for (int i = 1; i < length && !done; ++i) {
      const char32_t low = (char32_t{1} << (6 * i)) - 1;
      if ((first & ~low) == (last & ~low)) continue;
      if ((first & low) != 0) {
        split({first, first | low}, {(first | low) + 1, last});
        done = true;
      } else if ((last & low) != low) {
        split({first, (last & ~low) - 1}, {last & ~low, last});
        done = true;
      }
    }
    if (done) continue;
    Utf8Range out;
    out.length = length;
    const auto encode = [length](char32_t value, std::array<uint8_t, 4>& bytes) {
      for (int i = length - 1; i > 0; --i, value >>= 6) {
        bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(0x80 | (value & 0x3F));
      }
      constexpr uint8_t kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
      bytes[0] = static_cast<uint8_t>(kLead[length] | value);
    };
    encode(first, out.first);
    encode(last, out.last);
    emit(out);
  }
}

}  // namespace hob::text
