// SPDX-License-Identifier: Apache-2.0
#include "lib/session/stop_matcher.h"

#include <algorithm>

namespace hob {

std::string StopMatcher::Push(std::string_view text) {
  if (found_ >= 0) return {};
  pending_.append(text);

  size_t first = std::string::npos;
  size_t keep = 0;  // bytes at the end that may begin a stop text
  for (size_t i = 0; i < stops_.size(); ++i) {
    const std::string_view stop = stops_[i];
    if (const size_t at = pending_.find(stop); at < first) {
      first = at;
      found_ = static_cast<int>(i);
    }
    for (size_t n = std::min(stop.size() - 1, pending_.size()); n > keep; --n) {
      if (stop.starts_with(std::string_view(pending_).substr(pending_.size() - n))) keep = n;
    }
  }
  if (found_ >= 0) {
    pending_.resize(first);
    return Finish();
  }
  std::string out = pending_.substr(0, pending_.size() - keep);
  pending_.erase(0, out.size());
  return out;
}

std::string StopMatcher::Finish() {
  std::string out;
  out.swap(pending_);
  return out;
}

}  // namespace hob
