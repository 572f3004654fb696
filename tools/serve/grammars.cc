// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/grammars.h"

#include "tools/serve/api_error.h"

namespace tool::serve {
namespace {

// Schemas that are long cost long: the library bounds what it reads, this bounds what is kept.
constexpr size_t kMostBytes = size_t{64} << 10;

[[noreturn]] void Refuse(const hob::Error& error, const std::string& field) {
  ApiError refused = FromHob(error);
  refused.param = field;
  refused.message = field + ": " + refused.message;
  throw refused;
}

void CheckSize(const std::string& json, const std::string& field) {
  if (json.size() <= kMostBytes) return;
  throw ApiError(400, "invalid_value",
                 field + " has more than " + std::to_string(kMostBytes) + " bytes", field);
}

}  // namespace

std::shared_ptr<hob::Grammar> Grammars::Get(const ResponseFormat& format) {
  if (format.kind == ResponseFormat::Kind::kText) return nullptr;
  const std::string schema =
      format.kind == ResponseFormat::Kind::kJsonSchema ? format.schema : R"({"type":"object"})";
  const std::string field = "response_format";
  CheckSize(schema, field);
  return grammars_.Get(schema, [&] {
    if (!tokenizer_) {
      auto tokenizer = model_.GetTokenizer();
      if (!tokenizer.ok()) Refuse(tokenizer.error(), field);
      tokenizer_ = std::move(*tokenizer);
    }
    auto made = hob::Grammar::JsonSchema(*tokenizer_, schema);
    if (!made.ok()) Refuse(made.error(), field);
    return std::move(*made);
  });
}

std::shared_ptr<hob::Tools> Grammars::Get(const ToolRequest& request) {
  if (request.tools.empty()) return nullptr;
  CheckSize(request.tools, "tools");
  return tools_.Get(request.tools, [&] {
    auto made = hob::Tools::Create(model_, request.tools);
    if (!made.ok()) Refuse(made.error(), "tools");
    return std::move(*made);
  });
}

}  // namespace tool::serve
