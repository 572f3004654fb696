// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <hob/hob_experimental.hpp>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tools/serve/generation_request.h"

namespace tool::serve {

// The last things of a kind that were asked for, by their JSON text: reading one takes
// milliseconds, and it keeps the masks that its answers have needed. One thread at a time.
template <typename T>
class Latest {
 public:
  // Makes it with make() if it is not there.
  template <typename F>
  std::shared_ptr<T> Get(const std::string& key, F&& make) {
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (at->first != key) continue;
      kept_.splice(kept_.begin(), kept_, at);
      return at->second;
    }
    kept_.emplace_front(key, std::make_shared<T>(make()));
    if (kept_.size() > kMost) kept_.pop_back();
    return kept_.front().second;
  }

 private:
  static constexpr size_t kMost = 16;
  std::list<std::pair<std::string, std::shared_ptr<T>>> kept_;  // the latest first
};

// The grammars and tools that requests ask for. One thread at a time.
class Grammars {
 public:
  explicit Grammars(const hob::Model& model) : model_(model) {}

  // Null where any text will do. Throws ApiError 400 that names response_format.
  std::shared_ptr<hob::Grammar> Get(const ResponseFormat& format);
  // Null where there are none. Throws ApiError 400 that names tools.
  std::shared_ptr<hob::Tools> Get(const ToolRequest& request);

 private:
  const hob::Model& model_;
  std::optional<hob::Tokenizer> tokenizer_;
  Latest<hob::Grammar> grammars_;
  Latest<hob::Tools> tools_;
};

}  // namespace tool::serve
