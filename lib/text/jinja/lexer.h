// SPDX-License-Identifier: Apache-2.0
// Splits a template into tokens, with whitespace control as Jinja does it under
// trim_blocks = lstrip_blocks = true, keep_trailing_newline = false.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace hob::text::jinja {

enum class TokenType : uint8_t {
  kText,
  kPrintBegin,
  kPrintEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenType type = TokenType::kEnd;
  int32_t line = 1, column = 1;  // from 1; columns count bytes
  std::string text;              // string tokens: unescaped
  int64_t integer = 0;
  double number = 0;
};

StatusOr<std::vector<Token>> Tokenize(std::string_view source);

// An error at a place in the template.
Status SyntaxError(StatusCode code, int line, int column, std::string_view message);

}  // namespace hob::text::jinja
