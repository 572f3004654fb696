// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_style.h"

namespace hob::text {

constinit const ToolStyle kHermesStyle = {"hermes",    "<tool_call>", "</tool_call>",
                                          "arguments", false,         "\n"};
constinit const ToolStyle kSmolStyle = {"smollm",    "<tool_call>", "</tool_call>",
                                        "arguments", true,          ""};
constinit const ToolStyle kLlamaStyle = {"llama3", "", "", "parameters", false, "; "};
constinit const ToolStyle kMistralStyle = {"mistral", "[TOOL_CALLS]", "", "arguments", true, ""};

const ToolStyle* FindToolStyle(std::string_view name) {
  for (const ToolStyle* style : {&kHermesStyle, &kSmolStyle, &kLlamaStyle, &kMistralStyle}) {
    if (style->name == name) return style;
  }
  return nullptr;
}

const ToolStyle& StyleOfTemplate(std::string_view source) {
  const auto has = [&](std::string_view text) { return source.find(text) != source.npos; };
  if (has("[TOOL_CALLS]")) return kMistralStyle;
  if (has("<tool_call>")) return kHermesStyle;
  if (has("<|python_tag|>") || has("\"parameters\": ")) return kLlamaStyle;
  return kSmolStyle;
}

}  // namespace hob::text
