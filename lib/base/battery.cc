// SPDX-License-Identifier: Apache-2.0
#include "lib/base/battery.h"

#include <fcntl.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include "lib/base/system_file.h"

namespace hob {
namespace {

constexpr int kMostSupplies = 64;

// The first line of a small file; empty if there is none.
std::string ReadLine(const std::filesystem::path& path) {
  const FileDescriptor file(
      static_cast<int>(Uninterrupted([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); })));
  if (file.get() < 0) return {};
  char text[64];
  const auto size = Uninterrupted([&] { return read(file.get(), text, sizeof(text)); });
  if (size <= 0) return {};
  const std::string_view line(text, static_cast<size_t>(size));
  return std::string(line.substr(0, line.find('\n')));
}

// 0 to 100; −1: no such number.
int32_t ReadPercent(const std::filesystem::path& path) {
  const std::string text = ReadLine(path);
  if (text.empty() || text.size() > 3) return -1;
  int32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value <= 100 ? value : -1;
}

}  // namespace

std::optional<int32_t> BatteryPercent(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator supply(folder, error);
  int32_t sum = 0, count = 0;
  for (int i = 0; !error && i < kMostSupplies && supply != std::filesystem::directory_iterator();
       ++i, supply.increment(error)) {
    const std::filesystem::path& path = supply->path();
    if (ReadLine(path / "type") != "Battery" || ReadLine(path / "scope") == "Device") continue;
    const std::string state = ReadLine(path / "status");
    if (state == "Charging" || state == "Full") return std::nullopt;
    const int32_t percent = ReadPercent(path / "capacity");
    if (percent < 0) continue;
    sum += percent;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace hob
