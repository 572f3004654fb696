// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_set.h"

#include <algorithm>

#include "lib/text/tools/json_text.h"

namespace hob::text {
namespace {

using jinja::Type;
using jinja::Value;

constexpr size_t kLongestName = 64;
// What a tool without parameters takes.
constexpr std::string_view kNoParameters =
    R"({"type": "object", "properties": {}, "additionalProperties": false})";

Status Wrong(size_t index, std::string_view message, std::string_view hint = {}) {
  return Error(StatusCode::kInvalidArgument, Concat("tools[", index, "]", message), hint);
}

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

StatusOr<Tool> ReadTool(const Value& value, size_t index) {
  const Value* type = FindMember(value, "type");
  if (type == nullptr || !type->is_string() || type->str() != "function") {
    return Wrong(index, ".type is not \"function\"",
                 R"(A tool is {"type": "function", "function": {"name": …, "parameters": …}}.)");
  }
  const Value* function = FindMember(value, "function");
  if (function == nullptr || !function->is(Type::kDict)) {
    return Wrong(index, ".function is not an object");
  }
  Tool tool;
  const Value* name = FindMember(*function, "name");
  if (name == nullptr || !name->is_string()) return Wrong(index, ".function.name is not a string");
  tool.name = name->str();
  if (tool.name.empty() || tool.name.size() > kLongestName ||
      !std::all_of(tool.name.begin(), tool.name.end(), IsNameCharacter)) {
    return Wrong(index, Concat(".function.name \"", tool.name.substr(0, kLongestName),
                               "\" is not 1 to 64 of a-z, A-Z, 0-9, '_', '-' and '.'"));
  }
  const Value* description = FindMember(*function, "description");
  if (description != nullptr && !description->is_string() && !description->is_none()) {
    return Wrong(index, ".function.description is not a string");
  }
  const Value* parameters = FindMember(*function, "parameters");
  if (parameters == nullptr || parameters->is_none()) {
    tool.parameters = kNoParameters;
    return tool;
  }
  const Value* kind = FindMember(*parameters, "type");
  if (kind == nullptr || !kind->is_string() || kind->str() != "object") {
    return Wrong(index, R"(.function.parameters is not a schema with "type": "object")",
                 "Arguments are members of an object.");
  }
  HOB_ASSIGN_OR_RETURN(tool.parameters, WriteJsonText(*parameters));
  return tool;
}

}  // namespace

StatusOr<ToolSet> ToolSet::Read(std::string_view json) {
  HOB_ASSIGN_OR_RETURN(const auto document, JsonText::Read(json, "the tools"));
  const Value& root = document->root();
  if (!root.is(Type::kList) || root.items().empty() || root.items().size() > kMostTools) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("the tools are not a JSON array of 1 to ", kMostTools, " tools"));
  }
  ToolSet set;
  for (size_t i = 0; i < root.items().size(); ++i) {
    HOB_ASSIGN_OR_RETURN(Tool tool, ReadTool(root.items()[i], i));
    if (set.Find(tool.name) != nullptr) {
      return Wrong(i, Concat(".function.name \"", tool.name, "\" is that of an earlier tool"));
    }
    set.tools_.push_back(std::move(tool));
  }
  HOB_ASSIGN_OR_RETURN(set.json_, WriteJsonText(root));
  // As templates will have it: numbers may be too large to be written, and nesting has an end.
  HOB_RETURN_IF_ERROR(JsonText::Read(Concat("{\"tools\": ", set.json_, "}"), "the tools").status());
  return set;
}

const Tool* ToolSet::Find(std::string_view name) const {
  const auto found = std::find_if(tools_.begin(), tools_.end(),
                                  [&](const Tool& tool) { return tool.name == name; });
  return found == tools_.end() ? nullptr : &*found;
}

}  // namespace hob::text
