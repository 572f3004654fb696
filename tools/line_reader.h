// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace tool {

// Reads lines from standard input: with editing and history at a terminal (libedit, if built in),
// plainly otherwise.
class LineReader {
 public:
  LineReader();
  // The next line, or nothing at the end of input. `interrupted` tells of a Ctrl-C at the prompt.
  std::optional<std::string> Read(const char* prompt, bool& interrupted);
  bool terminal() const { return terminal_; }

 private:
  bool terminal_;
};

}  // namespace tool
