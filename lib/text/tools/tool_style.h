// SPDX-License-Identifier: Apache-2.0
// How families of models write the calls of tools.
#pragma once

#include <string_view>

namespace hob::text {

struct ToolStyle {
  std::string_view name;
  std::string_view open, close;  // around a call, or a list of them; may be empty
  std::string_view arguments;    // the name of the arguments beside "name"
  bool list;                     // calls stand in one JSON array
  std::string_view between;      // of calls that do not
};

// {"name": …, "arguments": …} within <tool_call> and </tool_call>, once a call: Hermes, Qwen 2.5
// and 3, SmolLM3.
extern const ToolStyle kHermesStyle;
// An array of them within one pair: SmolLM2.
extern const ToolStyle kSmolStyle;
// {"name": …, "parameters": …} as the whole answer, several with "; " between: Llama 3.1 and later.
extern const ToolStyle kLlamaStyle;
// [TOOL_CALLS] and an array: Mistral.
extern const ToolStyle kMistralStyle;

// By its name; null if there is none.
const ToolStyle* FindToolStyle(std::string_view name);
// What a chat template writes; kSmolStyle if it says nothing of calls.
const ToolStyle& StyleOfTemplate(std::string_view source);

}  // namespace hob::text
