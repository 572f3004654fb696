// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hob {

// Looks for stop texts in a stream of text and holds back what may be the beginning of one.
class StopMatcher {
 public:
  // `stops` are not empty.
  explicit StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // Appends `text`; returns what is certain to come before any stop text. Once a stop text is
  // complete, that is all before it, and nothing comes out after that. Of several that `text`
  // completes, it is the one that begins first, and of those the earlier in the list.
  std::string Push(std::string_view text);
  // The end of the stream: what was held back.
  std::string Finish();

  int found() const { return found_; }  // index in `stops`, −1: none yet

 private:
  std::vector<std::string> stops_;
  std::string pending_;
  int found_ = -1;
};

}  // namespace hob
