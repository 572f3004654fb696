// SPDX-License-Identifier: Apache-2.0
// What a client asks for: the bodies of /v1/chat/completions and /v1/completions, read and checked.
// docs/reference/http.md lists the fields.
#pragma once

#include <cstdint>
#include <hob/hob_experimental.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tool::serve {

struct Message {
  std::string role, text;
  std::string fields;  // what else it has, a JSON object, or nothing
};

// What the answer may call.
struct ToolRequest {
  std::string tools;  // JSON text; empty: nothing
  hob_tool_choice choice = HOB_TOOL_AUTO;
  std::string only;  // the one tool to call; empty: any
  bool parallel = true;
};

// A text to continue, or tokens.
using Prompt = std::variant<std::string, std::vector<int32_t>>;

// The form that an answer is to have; a grammar makes it so.
struct ResponseFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema } kind = Kind::kText;
  std::string schema;  // JSON text, of kJsonSchema
};

struct GenerationRequest {
  bool chat = true;
  std::string model;
  std::vector<Message> messages;  // of a chat
  std::vector<Prompt> prompts;    // of a completion
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  bool seeded = false;     // the client chose sampler.seed
  int32_t max_tokens = 0;  // 0: until the context is full
  std::vector<std::string> stops;
  int32_t n = 1;  // answers to each prompt
  bool stream = false, include_usage = false;
  bool ignore_eos = false;
  bool logprobs = false;
  int32_t top_logprobs = 0;
  ResponseFormat format;
  ToolRequest tools;

  size_t choices() const { return static_cast<size_t>(n) * (chat ? 1 : prompts.size()); }
};

// What holds where the client says nothing, and what it may not pass.
struct RequestDefaults {
  hob_sampler_options sampler = HOB_SAMPLER_OPTIONS_INIT;
  int32_t max_tokens = 1024;  // of a chat's answer
  int32_t most_tokens = 0;    // that a client may ask for; 0: any
  int32_t most_choices = 8;   // n times prompts
  size_t most_messages = 4096;
};

// Throw ApiError 400.
GenerationRequest ParseChatRequest(std::string_view body, const RequestDefaults& defaults);
GenerationRequest ParseCompletionRequest(std::string_view body, const RequestDefaults& defaults);

}  // namespace tool::serve
