// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_messages.h"

#include <utility>

#include "lib/text/tools/json_text.h"

namespace hob::text {
namespace {

using jinja::Heap;
using jinja::Type;
using jinja::Value;

Status Wrong(std::string_view message, std::string_view hint = {}) {
  return Error(StatusCode::kInvalidArgument, Concat("a message's fields: ", message), hint);
}

// `object` with `member` as `value`.
Value With(Heap& heap, const Value& object, std::string_view member, const Value& value) {
  auto out = heap.NewDict();
  for (const auto& [key, old] : object.dict().entries) {
    heap.Put(out.get(), key, key.is_string() && key.str() == member ? value : old);
  }
  return heap.Dict(std::move(out));
}

StatusOr<Value> ReadCall(JsonText& document, const Value& call, size_t index) {
  const Value* function = FindMember(call, "function");
  const Value* name = function == nullptr ? nullptr : FindMember(*function, "name");
  const Value* arguments = function == nullptr ? nullptr : FindMember(*function, "arguments");
  if (name == nullptr || !name->is_string() || arguments == nullptr) {
    return Wrong(
        Concat("tool_calls[", index, "] has no function with a name and arguments"),
        R"(A call is {"id": …, "type": "function", "function": {"name": …, "arguments": …}}.)");
  }
  if (const Value* id = FindMember(call, "id"); id != nullptr && !id->is_string()) {
    return Wrong(Concat("tool_calls[", index, "].id is not a string"));
  }
  Value read = *arguments;
  if (read.is_string()) {
    auto inner = document.ReadMore(read.str());
    if (!inner.ok()) {
      return Annotate(inner.status(), Concat("tool_calls[", index, "].function.arguments"));
    }
    read = *std::move(inner);
  }
  if (!read.is(Type::kDict)) {
    return Wrong(Concat("tool_calls[", index, "].function.arguments is not a JSON object"));
  }
  Heap& heap = document.heap();
  return With(heap, call, "function", With(heap, *function, "arguments", read));
}

std::string Quoted(std::string_view text) {
  std::string json = "\"\"";
  return ChangeStrings(json, [&](std::string_view) { return std::string(text); });
}

// Calls as an assistant of this style writes them.
std::string WriteCalls(const Value& calls, const ToolStyle& style) {
  std::string out;
  for (size_t i = 0; i < calls.items().size(); ++i) {
    const Value* function = FindMember(calls.items()[i], "function");
    const Value* name = function == nullptr ? nullptr : FindMember(*function, "name");
    const Value* arguments = function == nullptr ? nullptr : FindMember(*function, "arguments");
    if (name == nullptr || arguments == nullptr) continue;
    const auto json = WriteJsonText(*arguments);
    if (!json.ok()) continue;
    if (style.list) {
      out.append(i == 0 ? Concat(style.open, "[") : ", ");
    } else {
      out.append(i == 0 ? "" : style.between).append(style.open);
    }
    out.append(
        Concat("{\"name\": ", Quoted(name->str()), ", \"", style.arguments, "\": ", *json, "}"));
    if (!style.list) out.append(style.close);
  }
  if (style.list && !out.empty()) out.append("]").append(style.close);
  return out;
}

std::string Instructions(std::string_view tools_json, const ToolStyle& style) {
  const std::string call = Concat("{\"name\": \"...\", \"", style.arguments, "\": {...}}");
  const std::string form = style.list ? Concat("[", call, "]") : call;
  return Concat("You can call these functions:\n<tools>\n", tools_json,
                "\n</tools>\nTo call one, answer with its name and arguments in this form:\n",
                style.open, form, style.close, "\nCall several in the same answer if you need to. ",
                "What they return comes in <tool_response> tags. If no function is of use, ",
                "answer in words.");
}

}  // namespace

StatusOr<std::string> ReadMessageFields(std::string_view json) {
  HOB_ASSIGN_OR_RETURN(const auto document, JsonText::Read(json, "a message's fields"));
  Value root = document->root();
  if (!root.is(Type::kDict)) return Wrong("they are not a JSON object");
  for (const std::string_view name : {"role", "content"}) {
    if (FindMember(root, name) != nullptr) {
      return Wrong(Concat("they have \"", name, "\", which is given apart"));
    }
  }
  for (const std::string_view name : {"tool_call_id", "name"}) {
    const Value* value = FindMember(root, name);
    if (value != nullptr && !value->is_string()) {
      return Wrong(Concat("\"", name, "\" is not a string"));
    }
  }
  if (const Value* calls = FindMember(root, "tool_calls"); calls != nullptr) {
    if (!calls->is(Type::kList) || calls->items().empty()) {
      return Wrong("tool_calls is not an array of calls");
    }
    std::vector<Value> read;
    for (size_t i = 0; i < calls->items().size(); ++i) {
      HOB_ASSIGN_OR_RETURN(Value call, ReadCall(*document, calls->items()[i], i));
      read.push_back(std::move(call));
    }
    root = With(document->heap(), root, "tool_calls", document->heap().List(std::move(read)));
  }
  HOB_ASSIGN_OR_RETURN(std::string out, WriteJsonText(root));
  // It will be read again: numbers may be too large to be written, and nesting has an end.
  HOB_RETURN_IF_ERROR(JsonText::Read(out, "a message's fields").status());
  return out;
}

StatusOr<std::string> FieldsOfCalls(const std::vector<ToolCall>& calls) {
  std::string out = "{\"tool_calls\": [";
  for (size_t i = 0; i < calls.size(); ++i) {
    out.append(Concat(i == 0 ? "" : ", ", R"({"id": )", Quoted(calls[i].id),
                      R"(, "type": "function", "function": {"name": )", Quoted(calls[i].name),
                      R"(, "arguments": )", calls[i].arguments, "}}"));
  }
  return ReadMessageFields(out.append("]}"));
}

size_t CountCalls(std::string_view fields) {
  if (fields.empty()) return 0;
  const auto read = JsonText::Read(fields, "a message's fields");
  if (!read.ok()) return 0;
  const Value* calls = FindMember((*read)->root(), "tool_calls");
  return calls == nullptr || !calls->is(Type::kList) ? 0 : calls->items().size();
}

std::vector<ChatMessage> SpellOutTools(const std::vector<ChatMessage>& messages,
                                       std::string_view tools_json, const ToolStyle& style) {
  std::vector<ChatMessage> out;
  out.reserve(messages.size() + 1);
  std::string instructions = tools_json.empty() ? "" : Instructions(tools_json, style);
  if (!instructions.empty() && (messages.empty() || messages[0].role != "system")) {
    out.push_back({"system", std::exchange(instructions, {}), {}});
  }
  bool results = false;  // the last message is made of them
  for (const ChatMessage& message : messages) {
    ChatMessage spelled{message.role, message.content, {}};
    if (message.role == "tool") {
      std::string result = Concat("<tool_response>\n", message.content, "\n</tool_response>");
      if (results) {
        out.back().content.append("\n").append(result);
        continue;
      }
      spelled = {"user", std::move(result), {}};
    }
    results = message.role == "tool";
    if (!instructions.empty()) {
      spelled.content.append("\n\n").append(std::exchange(instructions, {}));
    }
    if (!message.fields.empty()) {
      const auto read = JsonText::Read(message.fields, "a message's fields");
      const Value* calls = read.ok() ? FindMember((*read)->root(), "tool_calls") : nullptr;
      if (calls != nullptr && calls->is(Type::kList)) {
        if (!spelled.content.empty()) spelled.content.append("\n");
        spelled.content.append(WriteCalls(*calls, style));
      }
    }
    out.push_back(std::move(spelled));
  }
  return out;
}

}  // namespace hob::text
