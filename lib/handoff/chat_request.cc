// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/chat_request.h"

#include "lib/session/json_writer.h"

namespace hob::handoff {

std::string WriteChatRequest(std::string_view model, const std::vector<text::ChatMessage>& messages,
                             int32_t max_tokens) {
  JsonWriter json;
  json.BeginObject().Key("model").String(model).Key("messages").BeginArray();
  for (const text::ChatMessage& message : messages) {
    json.BeginObject().Key("role").String(message.role);
    json.Key("content").String(message.content).EndObject();
  }
  json.EndArray().Key("stream").Bool(true);
  json.Key("stream_options").BeginObject().Key("include_usage").Bool(true).EndObject();
  if (max_tokens > 0) json.Key("max_tokens").Int(max_tokens);
  json.EndObject();
  return json.text();
}

}  // namespace hob::handoff
