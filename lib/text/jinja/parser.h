// SPDX-License-Identifier: Apache-2.0
// Parses a template; follows the grammar of jinja2's own parser.
#pragma once

#include <memory>
#include <string_view>

#include "lib/base/status.h"
#include "lib/text/jinja/ast.h"

namespace hob::text::jinja {

// INVALID_ARGUMENT with line and column for a syntax error; UNIMPLEMENTED names what the subset
// lacks. The nesting of blocks and expressions is bounded.
StatusOr<std::unique_ptr<Program>> Parse(std::string_view source);

}  // namespace hob::text::jinja
