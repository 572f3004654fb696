// SPDX-License-Identifier: Apache-2.0
// Tools that a model may call, as chat APIs define them:
// https://platform.openai.com/docs/guides/function-calling.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/status.h"

namespace hob::text {

struct Tool {
  std::string name;
  std::string parameters;  // JSON Schema of an object
};

// A call that a model made.
struct ToolCall {
  std::string id;  // nine letters and digits, its own within the conversation
  std::string name;
  std::string arguments;  // a JSON object
};

class ToolSet {
 public:
  static constexpr size_t kMostTools = 128;
  static constexpr size_t kMostCalls = 16;  // of one answer

  // Reads [{"type": "function", "function": {"name", "description", "parameters"}}]. Members that
  // are not known are for the template. INVALID_ARGUMENT says what is wrong and where. Schemas are
  // looked at when a grammar is made of them.
  static StatusOr<ToolSet> Read(std::string_view json);

  const std::vector<Tool>& tools() const { return tools_; }
  const Tool* Find(std::string_view name) const;
  // The definitions, for a template.
  const std::string& json() const { return json_; }

 private:
  std::vector<Tool> tools_;
  std::string json_;
};

}  // namespace hob::text
