// SPDX-License-Identifier: Apache-2.0
// Runs files through a fuzz target without a fuzzer: replay TARGET FILE|FOLDER…
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

// Made by CMake of the targets there are: HOB_FUZZ_TARGETS(X) is X(name) for each.
#include "fuzz_targets.inc"

#define HOB_DECLARE(name) extern "C" int hob_fuzz_##name(const uint8_t* data, size_t size);
HOB_FUZZ_TARGETS(HOB_DECLARE)

namespace {

struct Target {
  std::string_view name;
  int (*run)(const uint8_t* data, size_t size);
};
#define HOB_ENTRY(name) {#name, &hob_fuzz_##name},
constexpr Target kTargets[] = {HOB_FUZZ_TARGETS(HOB_ENTRY)};

void RunFile(const Target& target, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  // Exactly as large as the file: a read beyond is seen.
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
  std::printf("%s\n", path.string().c_str());
  std::fflush(stdout);
  target.run(bytes.data(), bytes.size());
}

int Run(const Target& target, int count, char** paths) {
  size_t files = 0;
  for (int i = 0; i < count; ++i) {
    if (std::filesystem::is_directory(paths[i])) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(paths[i])) {
        if (!entry.is_regular_file()) continue;
        RunFile(target, entry.path());
        ++files;
      }
    } else if (std::filesystem::exists(paths[i])) {
      RunFile(target, paths[i]);
      ++files;
    }
  }
  std::printf("%zu inputs\n", files);
  return files == 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  for (const Target& target : kTargets) {
    if (argc >= 3 && target.name == argv[1]) return Run(target, argc - 2, argv + 2);
  }
  std::fprintf(stderr, "usage: replay TARGET FILE|FOLDER…; the targets are:");
  for (const Target& target : kTargets) {
    std::fprintf(stderr, " %s", std::string(target.name).c_str());
  }
  std::fprintf(stderr, "\n");
  return 2;
}
