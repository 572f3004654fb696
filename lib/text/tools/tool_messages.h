// SPDX-License-Identifier: Apache-2.0
// Messages that call tools, or tell what came of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"
#include "lib/text/chat_template.h"
#include "lib/text/tools/tool_set.h"
#include "lib/text/tools/tool_style.h"

namespace hob::text {

// What a message has beside role and content, as ChatMessage::fields keeps it: an object, with the
// arguments of its "tool_calls" as objects, as templates want them; chat protocols have them as
// strings. INVALID_ARGUMENT says what is wrong.
StatusOr<std::string> ReadMessageFields(std::string_view json);
// The fields of a message that made these calls.
StatusOr<std::string> FieldsOfCalls(const std::vector<ToolCall>& calls);
// How many calls the fields have.
size_t CountCalls(std::string_view fields);

// For a template that knows nothing of tools: the definitions become part of the system message,
// calls and results part of the text. `tools_json` may be empty.
std::vector<ChatMessage> SpellOutTools(const std::vector<ChatMessage>& messages,
                                       std::string_view tools_json, const ToolStyle& style);

}  // namespace hob::text
