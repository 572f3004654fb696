// SPDX-License-Identifier: Apache-2.0
// Chat templates: a sandboxed, bounded subset of Jinja (https://jinja.palletsprojects.com), enough
// for the templates that model files carry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace hob::text {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant", "tool"
  std::string content;
  std::string fields = {};  // what else it has, a JSON object ("tool_calls", …); empty: nothing
};

struct TemplateLimits {
  size_t output_bytes = 16u << 20;   // of the output, and of any one string
  size_t steps = 4'000'000;          // evaluated nodes and loop turns; copying 256 bytes is one too
  int depth = 256;                   // blocks, expressions and macro calls inside each other; the
                                     // stack takes about 1 KiB for each
  size_t memory_bytes = 256u << 20;  // of all values alive at a time
};

// A parsed template. Immutable; any thread may render it.
class ChatTemplate {
 public:
  // INVALID_ARGUMENT with line and column for a syntax error; UNIMPLEMENTED names a construct,
  // filter, test or method that the subset lacks.
  static StatusOr<std::unique_ptr<ChatTemplate>> Parse(std::string_view source);
  ~ChatTemplate();

  struct Variables {
    std::string bos_token, eos_token;
    bool add_generation_prompt = true;
    // Further variables as a JSON object ("tools", "enable_thinking", …); empty: none. They win
    // over those above, "messages" included.
    std::string extra_json;
  };
  // Renders `messages`. INVALID_ARGUMENT carries the text of a raise_exception() call, or the line
  // of another error; UNIMPLEMENTED names what the subset lacks; RESOURCE_EXHAUSTED when a limit is
  // reached. `tools` and `documents` are none unless given, as in transformers.
  StatusOr<std::string> Render(const std::vector<ChatMessage>& messages, const Variables& variables,
                               const TemplateLimits& limits = {}) const;

  // The general form: `context_json` is an object with every variable ("messages", …). The variable
  // "hob_now" ("2024-07-26", "2024-07-26T12:34:56", or Unix seconds) sets the time that
  // strftime_now() formats; without it, that is the clock's.
  StatusOr<std::string> RenderJson(std::string_view context_json,
                                   const TemplateLimits& limits = {}) const;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hob::text
