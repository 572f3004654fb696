// SPDX-License-Identifier: Apache-2.0
// Where tests find what is not in this repository. Each returns an empty path where it is absent;
// the test then says SKIP("reason").
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace hob::testing {

inline std::filesystem::path ExistingPath(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) ? path : std::filesystem::path();
}

// The source tree.
inline std::filesystem::path SourceDir() { return HOB_SOURCE_DIR; }

// Data that this project shares with others: $HOB_SHARED_DIR, else ../shared beside the source
// tree.
inline std::filesystem::path SharedDir() {
  if (const char* dir = std::getenv("HOB_SHARED_DIR"); dir != nullptr && *dir != '\0') {
    return ExistingPath(dir);
  }
  return ExistingPath(SourceDir() / ".." / "shared");
}

// A file or folder below SharedDir().
inline std::filesystem::path SharedPath(const std::string& relative) {
  const std::filesystem::path dir = SharedDir();
  return dir.empty() ? dir : ExistingPath(dir / relative);
}

// The default model: $HOB_MODEL, else where ./dev puts it.
inline std::filesystem::path DefaultModelPath() {
  if (const char* model = std::getenv("HOB_MODEL"); model != nullptr && *model != '\0') {
    return ExistingPath(model);
  }
  std::filesystem::path cache;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg != '\0') {
    cache = xdg;
  } else if (const char* home = std::getenv("HOME"); home != nullptr) {
    cache = std::filesystem::path(home) / ".cache";
  }
  return ExistingPath(cache / "hob" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf");
}

}  // namespace hob::testing
