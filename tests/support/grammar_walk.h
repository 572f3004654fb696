// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "lib/text/grammar/paths.h"

namespace hob::text {

struct Walked {
  bool ends;        // the whole text is in the grammar
  bool overflowed;  // it has too many ways to be read, so that `ends` says little
};

inline Walked WalkText(const Automaton& automaton, std::string_view text) {
  PathWalker walker(automaton);
  std::vector<Path> paths = {{automaton.start(), 0}};
  bool ends = walker.Close(paths, 0);
  for (const char byte : text) {
    const size_t count = paths.size();
    ends = walker.Step(paths, 0, count, static_cast<uint8_t>(byte));
    paths.erase(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return {ends, walker.overflowed()};
}

}  // namespace hob::text
