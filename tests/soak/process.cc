// SPDX-License-Identifier: Apache-2.0
#include "tests/soak/process.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace hob::soak {
namespace {

size_t Entries(const char* folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                           std::filesystem::directory_iterator()));
}

double Median(std::vector<size_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

}  // namespace

Holdings Holdings::Now() {
  Holdings now;
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  now.resident_bytes = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  now.descriptors = Entries("/proc/self/fd");
  now.threads = Entries("/proc/self/task");
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) ++now.mappings;
  return now;
}

double Growth(const std::vector<size_t>& samples) {
  const auto at = [&](size_t tenths) {
    return samples.begin() + static_cast<std::ptrdiff_t>(samples.size() * tenths / 10);
  };
  if (samples.size() < 10) return 0;
  return Median({at(6), samples.end()}) / Median({at(2), at(6)}) - 1;
}

}  // namespace hob::soak
