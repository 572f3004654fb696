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

// The grammars of the last formats that were asked for: reading a schema takes milliseconds, and a
// grammar keeps the masks that its answers have needed. One thread at a time.
class Grammars {
 public:
  explicit Grammars(const hob::Model& model) : model_(model) {}

  // Null where any text will do. Throws ApiError 400 that names response_format.
  std::shared_ptr<hob::Grammar> Get(const ResponseFormat& format);

 private:
  static constexpr size_t kMost = 16;

  const hob::Model& model_;
  std::optional<hob::Tokenizer> tokenizer_;
  std::list<std::pair<std::string, std::shared_ptr<hob::Grammar>>> kept_;  // the latest first
};

}  // namespace tool::serve
