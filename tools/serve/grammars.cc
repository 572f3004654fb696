// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/grammars.h"

#include <algorithm>

#include "tools/serve/api_error.h"

namespace tool::serve {
namespace {

// Schemas that are long cost long: the library bounds what it reads, this bounds what is kept.
constexpr size_t kMostBytes = size_t{64} << 10;

[[noreturn]] void Refuse(const hob::Error& error) {
  ApiError refused = FromHob(error);
  refused.param = "response_format";
  refused.message = "response_format: " + refused.message;
  throw refused;
}

}  // namespace

std::shared_ptr<hob::Grammar> Grammars::Get(const ResponseFormat& format) {
  if (format.kind == ResponseFormat::Kind::kText) return nullptr;
  const std::string schema =
      format.kind == ResponseFormat::Kind::kJsonSchema ? format.schema : R"({"type":"object"})";
  if (schema.size() > kMostBytes) {
    throw ApiError(400, "invalid_value",
                   "response_format has more than " + std::to_string(kMostBytes) + " bytes",
                   "response_format");
  }
  const auto known = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const auto& each) { return each.first == schema; });
  if (known != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, known);
    return known->second;
  }
  if (!tokenizer_) {
    auto tokenizer = model_.GetTokenizer();
    if (!tokenizer.ok()) Refuse(tokenizer.error());
    tokenizer_ = std::move(*tokenizer);
  }
  auto made = hob::Grammar::JsonSchema(*tokenizer_, schema);
  if (!made.ok()) Refuse(made.error());
  kept_.emplace_front(schema, std::make_shared<hob::Grammar>(std::move(*made)));
  if (kept_.size() > kMost) kept_.pop_back();
  return kept_.front().second;
}

}  // namespace tool::serve
