// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/api_keys.h"

#include <sys/stat.h>

#include <cctype>
#include <sstream>

#include "tools/common.h"

namespace tool::serve {
namespace {

constexpr size_t kLeastBytes = 16;
constexpr size_t kMostBytes = 256;

// Looks at as many bytes as the given text has, whatever they are.
bool Same(std::string_view key, std::string_view given) {
  unsigned char differ = key.size() == given.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const volatile char* mine = key.data() + i % key.size();
    differ |= static_cast<unsigned char>(*mine) ^ static_cast<unsigned char>(given[i]);
  }
  return differ == 0;
}

}  // namespace

ApiKeys ApiKeys::Read(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & S_IROTH) != 0) {
    throw Failure(path + " may be read by everybody on this machine", "Run: chmod 600 " + path);
  }
  ApiKeys keys;
  std::istringstream lines(ReadText(path));
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    if (line.size() < kLeastBytes || line.size() > kMostBytes) {
      throw Failure("a key in " + path + " has " + std::to_string(line.size()) + " bytes, not " +
                        std::to_string(kLeastBytes) + " to " + std::to_string(kMostBytes),
                    "Make one: openssl rand -hex 32");
    }
    keys.keys_.push_back(std::move(line));
  }
  if (keys.empty()) throw Failure(path + " has no key", "Make one: openssl rand -hex 32");
  return keys;
}

bool ApiKeys::Allow(std::string_view authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  if (keys_.empty()) return true;
  if (authorization.size() <= kScheme.size()) return false;
  for (size_t i = 0; i < kScheme.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(authorization[i])) != kScheme[i]) return false;
  }
  authorization.remove_prefix(kScheme.size());
  bool allowed = false;
  for (const std::string& key : keys_) allowed |= Same(key, authorization);
  return allowed;
}

}  // namespace tool::serve
