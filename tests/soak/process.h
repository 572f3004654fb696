// SPDX-License-Identifier: Apache-2.0
// What this process holds of the system, by /proc.
#pragma once

#include <cstddef>
#include <vector>

namespace hob::soak {

struct Holdings {
  size_t resident_bytes = 0;
  size_t descriptors = 0;
  size_t threads = 0;
  size_t mappings = 0;

  static Holdings Now();
};

// How much the later half of `samples` is above the earlier one, by medians, leaving the first
// fifth out: caches and heap fill there.
double Growth(const std::vector<size_t>& samples);

}  // namespace hob::soak
