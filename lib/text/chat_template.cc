// SPDX-License-Identifier: Apache-2.0
#include "lib/text/chat_template.h"

#include <utility>

#include "lib/text/jinja/interpreter.h"
#include "lib/text/jinja/json.h"
#include "lib/text/jinja/parser.h"

namespace hob::text {
namespace {

using jinja::Heap;
using jinja::Interpreter;
using jinja::Type;
using jinja::Value;

Heap::Limits HeapLimits(const TemplateLimits& limits) {
  return {limits.output_bytes, limits.memory_bytes, limits.steps};
}

// Reads an object of variables; going past a limit is that error, not one of the JSON.
StatusOr<Value> ReadVariables(std::string_view json, std::string_view what,
                              Interpreter* interpreter) {
  StatusOr<Value> value = jinja::ReadJson(json, what, &interpreter->heap());
  if (!interpreter->Ok()) return interpreter->status();
  if (value.ok() && !value->is(Type::kDict)) {
    return Error(StatusCode::kInvalidArgument,
                 absl::StrCat(std::string(what), ": not a JSON object"),
                 "pass an object whose names are the template's variables");
  }
  return value;
}

StatusOr<std::string> Finish(Interpreter* interpreter) {
  std::string out;
  if (!interpreter->Render(&out)) return interpreter->status();
  return out;
}

}  // namespace

struct ChatTemplate::Impl {
  std::unique_ptr<jinja::Program> program;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::~ChatTemplate() = default;

StatusOr<std::unique_ptr<ChatTemplate>> ChatTemplate::Parse(std::string_view source) {
  auto impl = std::make_unique<Impl>();
  HOB_ASSIGN_OR_RETURN(impl->program, jinja::Parse(source));
  return std::unique_ptr<ChatTemplate>(new ChatTemplate(std::move(impl)));
}

StatusOr<std::string> ChatTemplate::Render(const std::vector<ChatMessage>& messages,
                                           const Variables& variables,
                                           const TemplateLimits& limits) const {
  Interpreter interpreter(*impl_->program, HeapLimits(limits), limits.depth);
  Heap& heap = interpreter.heap();
  std::vector<Value> list;
  list.reserve(messages.size());
  for (const ChatMessage& message : messages) {
    auto dict = heap.NewDict();
    heap.Put(dict.get(), heap.String("role"), heap.String(message.role));
    heap.Put(dict.get(), heap.String("content"), heap.String(message.content));
    if (!message.fields.empty()) {
      HOB_ASSIGN_OR_RETURN(const Value fields,
                           ReadVariables(message.fields, "a message's fields", &interpreter));
      for (const auto& [key, value] : fields.dict().entries) heap.Put(dict.get(), key, value);
    }
    list.push_back(heap.Dict(std::move(dict)));
    if (!interpreter.Ok()) return interpreter.status();
  }
  auto context = heap.NewDict();
  const auto set = [&](const char* name, Value value) {
    heap.Put(context.get(), heap.String(name), std::move(value));
  };
  set("messages", heap.List(std::move(list)));
  set("bos_token", heap.String(variables.bos_token));
  set("eos_token", heap.String(variables.eos_token));
  set("add_generation_prompt", Value::Bool(variables.add_generation_prompt));
  set("tools", Value::None());
  set("documents", Value::None());
  interpreter.SetContext(heap.Dict(std::move(context)));
  if (!variables.extra_json.empty()) {
    HOB_ASSIGN_OR_RETURN(
        Value extra,
        ReadVariables(variables.extra_json, "the template's extra variables", &interpreter));
    interpreter.SetContext(extra);
  }
  return Finish(&interpreter);
}

StatusOr<std::string> ChatTemplate::RenderJson(std::string_view context_json,
                                               const TemplateLimits& limits) const {
  Interpreter interpreter(*impl_->program, HeapLimits(limits), limits.depth);
  HOB_ASSIGN_OR_RETURN(Value context,
                       ReadVariables(context_json, "the template's context", &interpreter));
  interpreter.SetContext(context);
  return Finish(&interpreter);
}

}  // namespace hob::text
