// SPDX-License-Identifier: Apache-2.0
// The grammar of an answer that may call tools.
#pragma once

#include <string_view>

#include "lib/base/status.h"
#include "lib/text/grammar/grammar.h"
#include "lib/text/tools/tool_set.h"
#include "lib/text/tools/tool_style.h"

namespace hob::text {

enum class ToolChoice : int32_t {
  kAuto = 0,      // text, calls, or calls behind a text
  kNone = 1,      // text alone
  kRequired = 2,  // calls alone
};

struct ToolRules {
  ToolChoice choice = ToolChoice::kAuto;
  std::string_view only = {};  // the one tool that may be called; empty: any
  bool parallel = true;        // several calls in one answer
};

// Calls in `style`, with names of `tools` and arguments that are valid under their schemas.
// NOT_FOUND if `only` is none of them; else errors of ReadJsonSchema, with the tool's name.
StatusOr<Grammar> MakeToolGrammar(const ToolSet& tools, const ToolStyle& style,
                                  const ToolRules& rules);

}  // namespace hob::text
