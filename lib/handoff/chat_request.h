// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/chat_template.h"

namespace hob::handoff {

// The body of a request to /chat/completions that streams its answer. max_tokens 0: not said.
std::string WriteChatRequest(std::string_view model, const std::vector<text::ChatMessage>& messages,
                             int32_t max_tokens);

}  // namespace hob::handoff
