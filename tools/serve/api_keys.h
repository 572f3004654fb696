// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tool::serve {

// The keys that clients may have, of a file: one a line; empty lines and those that begin with "#"
// are none.
class ApiKeys {
 public:
  // None: everybody may ask.
  ApiKeys() = default;
  // Throws Failure: the file cannot be read, has no key, a short one, or may be read by everybody
  // on this machine.
  static ApiKeys Read(const std::string& path);

  bool empty() const { return keys_.empty(); }
  // Whether the value of an Authorization header holds one of the keys ("Bearer KEY"). Its time
  // tells nothing of how much of a key was right, nor of which it was.
  bool Allow(std::string_view authorization) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace tool::serve
