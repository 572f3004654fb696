// SPDX-License-Identifier: Apache-2.0
#include "tools/serve/generation_request.h"

#include <algorithm>
#include <limits>

#include "tools/serve/api_error.h"
#include "tools/serve/fields.h"

namespace tool::serve {
namespace {

constexpr int32_t kMostStops = 16;
constexpr size_t kMostStopBytes = 1024;
constexpr int32_t kCompletionTokens = 16;  // as the protocol has it

// "a", or ["a", "b"].
void ReadStops(Fields& fields, GenerationRequest& request) {
  const Json* stop = fields.Get("stop");
  if (stop == nullptr) return;
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  if (list.size() > kMostStops) {
    fields.Fail("stop", "has more than " + std::to_string(kMostStops) + " texts");
  }
  for (const Json& text : list) {
    if (!text.is_string()) fields.Fail("stop", "is not a string or a list of them", "invalid_type");
    const auto& value = text.get_ref<const std::string&>();
    if (value.empty() || value.size() > kMostStopBytes) {
      fields.Fail("stop", "has a text of no bytes, or more than " + std::to_string(kMostStopBytes));
    }
    request.stops.push_back(value);
  }
}

void ReadSampler(Fields& fields, const RequestDefaults& defaults, GenerationRequest& request) {
  hob_sampler_options& sampler = request.sampler;
  sampler = defaults.sampler;
  const auto set = [&](const char* name, float& value, double low, double high) {
    if (const auto given = fields.Number(name, low, high)) value = static_cast<float>(*given);
  };
  set("temperature", sampler.temperature, 0, 2);
  set("top_p", sampler.top_p, 1e-6, 1);
  // Beyond the protocol, as other servers have them.
  set("min_p", sampler.min_p, 0, 0.999);
  set("repetition_penalty", sampler.repetition_penalty, 0.01, 100);
  if (const auto k = fields.Integer("top_k", 0, std::numeric_limits<int32_t>::max())) {
    sampler.top_k = static_cast<int32_t>(*k);
  }
  if (const auto seed = fields.Integer("seed", std::numeric_limits<int64_t>::min(),
                                       std::numeric_limits<int64_t>::max())) {
    sampler.seed = static_cast<uint64_t>(*seed);
    request.seeded = true;
  }
}

void ReadMaxTokens(Fields& fields, const RequestDefaults& defaults, int32_t usual,
                   GenerationRequest& request) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  auto tokens = fields.Integer("max_tokens", 1, kMost);
  if (request.chat) {
    const auto newer = fields.Integer("max_completion_tokens", 1, kMost);
    if (newer && tokens && *newer != *tokens) {
      fields.Fail("max_completion_tokens", "is not max_tokens: give one of them");
    }
    if (newer) tokens = newer;
  }
  request.max_tokens = static_cast<int32_t>(tokens.value_or(usual));
  if (defaults.most_tokens == 0) return;
  if (tokens && *tokens > defaults.most_tokens) {
    fields.Fail("max_tokens", "is above this server's " + std::to_string(defaults.most_tokens));
  }
  if (request.max_tokens == 0 || request.max_tokens > defaults.most_tokens) {
    request.max_tokens = defaults.most_tokens;
  }
}

// What both kinds of request have, and what neither has here.
void ReadCommon(Fields& fields, const RequestDefaults& defaults, int32_t usual_tokens,
                GenerationRequest& request) {
  const std::string* model = fields.Text("model");
  if (model == nullptr) fields.Fail("model", "is missing", "missing_required_parameter");
  request.model = *model;
  ReadSampler(fields, defaults, request);
  ReadMaxTokens(fields, defaults, usual_tokens, request);
  ReadStops(fields, request);
  request.n = static_cast<int32_t>(fields.Integer("n", 1, defaults.most_choices).value_or(1));
  request.stream = fields.Bool("stream").value_or(false);
  request.ignore_eos = fields.Bool("ignore_eos").value_or(false);
  if (const Json* options = fields.Get("stream_options")) {
    if (!request.stream) fields.Fail("stream_options", "is for streams: set stream");
    if (!options->is_object()) fields.Fail("stream_options", "is not an object", "invalid_type");
    Fields inner(*options, "stream_options.");
    request.include_usage = inner.Bool("include_usage").value_or(false);
    inner.OnlyNeutral("include_obfuscation", {false});
    inner.Finish();
  }
  fields.OnlyNeutral("presence_penalty", {0}, "is not supported: see repetition_penalty");
  fields.OnlyNeutral("frequency_penalty", {0}, "is not supported: see repetition_penalty");
  fields.OnlyNeutral("logit_bias", {Json::object()});
  fields.OnlyNeutral("service_tier", {"auto", "default"});
  // For the operator's books; they change no answer.
  for (const char* name :
       {"user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"}) {
    fields.Accept(name);
  }
}

// A string, or a list of parts that are all text; `optional`: or nothing.
std::string ReadContent(Fields& fields, bool optional) {
  const Json* content = fields.Get("content");
  if (content == nullptr && optional) return {};
  if (content == nullptr) fields.Fail("content", "is missing", "missing_required_parameter");
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) {
    fields.Fail("content", "is not a string or a list of parts", "invalid_type");
  }
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    const Json& part = (*content)[i];
    const std::string path = fields.Path("content") + "[" + std::to_string(i) + "].";
    if (!part.is_object()) fields.Fail("content", "has a part that is no object", "invalid_type");
    Fields inner(part, path);
    const std::string* type = inner.Text("type");
    if (type == nullptr || *type != "text") {
      inner.Fail("type", "is not \"text\", the only kind that is supported", "unsupported");
    }
    const std::string* value = inner.Text("text");
    if (value == nullptr) inner.Fail("text", "is missing", "missing_required_parameter");
    inner.Finish();
    text += *value;
  }
  return text;
}

// What a message has of calls, for the library: the calls of an assistant, or what came of one.
std::string ReadToolFields(Fields& fields, std::string_view role) {
  Json out = Json::object();
  if (role != "tool") {
    fields.OnlyNeutral("name", {});
    fields.OnlyNeutral("tool_call_id", {});
  }
  if (role != "assistant") fields.OnlyNeutral("tool_calls", {Json::array()});
  if (role == "tool") {
    const std::string* id = fields.Text("tool_call_id");
    if (id == nullptr) fields.Fail("tool_call_id", "is missing", "missing_required_parameter");
    out["tool_call_id"] = *id;
    if (const std::string* name = fields.Text("name")) out["name"] = *name;
  } else if (role == "assistant") {
    const Json* calls = fields.Get("tool_calls");
    if (calls != nullptr && !calls->is_array()) {
      fields.Fail("tool_calls", "is not a list of calls", "invalid_type");
    }
    if (calls != nullptr && !calls->empty()) out["tool_calls"] = *calls;
  }
  return out.empty() ? std::string() : Dump(out);
}

Message ReadMessage(const Json& value, const std::string& path) {
  if (!value.is_object()) {
    throw ApiError(400, "invalid_type", path + " is not an object", path);
  }
  Fields fields(value, path + ".");
  Message message;
  const std::string* role = fields.Text("role");
  if (role == nullptr) fields.Fail("role", "is missing", "missing_required_parameter");
  if (*role == "function") fields.Fail("role", "is an old one: use tool", "unsupported");
  if (*role != "system" && *role != "developer" && *role != "user" && *role != "assistant" &&
      *role != "tool") {
    fields.Fail("role", "is none of system, developer, user, assistant, tool");
  }
  message.role = *role == "developer" ? "system" : *role;
  // What an answer of ours has besides, when it comes back as a part of the conversation.
  for (const char* name : {"refusal", "audio", "function_call"}) fields.OnlyNeutral(name, {});
  fields.OnlyNeutral("annotations", {Json::array()});
  message.fields = ReadToolFields(fields, message.role);
  message.text = ReadContent(fields, !message.fields.empty() && message.role == "assistant");
  fields.Finish();
  return message;
}

void ReadFormat(Fields& fields, GenerationRequest& request) {
  const Json* format = fields.Get("response_format");
  if (format == nullptr) return;
  if (!format->is_object()) fields.Fail("response_format", "is not an object", "invalid_type");
  Fields inner(*format, "response_format.");
  const std::string* type = inner.Text("type");
  if (type == nullptr) inner.Fail("type", "is missing", "missing_required_parameter");
  if (*type == "json_object") {
    request.format.kind = ResponseFormat::Kind::kJsonObject;
  } else if (*type == "json_schema") {
    request.format.kind = ResponseFormat::Kind::kJsonSchema;
    const Json* wrapper = inner.Get("json_schema");
    if (wrapper == nullptr || !wrapper->is_object()) {
      inner.Fail("json_schema", "is not an object", "invalid_type");
    }
    Fields schema(*wrapper, "response_format.json_schema.");
    schema.Text("name");
    schema.Text("description");
    schema.Bool("strict");  // the grammar is always strict
    const Json* source = schema.Get("schema");
    if (source == nullptr || (!source->is_object() && !source->is_boolean())) {
      schema.Fail("schema", "is not an object", "invalid_type");
    }
    schema.Finish();
    request.format.schema = Dump(*source);
  } else if (*type != "text") {
    inner.Fail("type", "is none of text, json_object, json_schema");
  }
  inner.Finish();
}

void ReadToolChoice(Fields& fields, GenerationRequest& request) {
  const Json* choice = fields.Get("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_object()) {
    Fields inner(*choice, "tool_choice.");
    const std::string* type = inner.Text("type");
    const Json* function = inner.Get("function");
    if (type == nullptr || *type != "function" || function == nullptr || !function->is_object()) {
      fields.Fail("tool_choice", "names no function", "invalid_type");
    }
    Fields named(*function, "tool_choice.function.");
    const std::string* name = named.Text("name");
    if (name == nullptr) named.Fail("name", "is missing", "missing_required_parameter");
    if (name->empty()) named.Fail("name", "is empty");
    request.tools.choice = HOB_TOOL_REQUIRED;
    request.tools.only = *name;
    named.Finish();
    inner.Finish();
  } else if (*choice == "none") {
    request.tools.choice = HOB_TOOL_NONE;
  } else if (*choice == "required") {
    request.tools.choice = HOB_TOOL_REQUIRED;
  } else if (*choice != "auto") {
    fields.Fail("tool_choice", "is none of none, auto, required, and no function");
  }
}

void ReadTools(Fields& fields, GenerationRequest& request) {
  const Json* tools = fields.Get("tools");
  if (tools != nullptr && !tools->is_array()) {
    fields.Fail("tools", "is not a list of tools", "invalid_type");
  }
  if (tools != nullptr && !tools->empty()) request.tools.tools = Dump(*tools);
  ReadToolChoice(fields, request);
  if (request.tools.tools.empty() && request.tools.choice == HOB_TOOL_REQUIRED) {
    fields.Fail("tool_choice", "asks for a call, but there are no tools");
  }
  if (!request.tools.only.empty()) {
    const auto is_it = [&](const Json& tool) {
      const auto name = Json::json_pointer("/function/name");
      return tool.is_object() && tool.contains(name) && tool[name] == request.tools.only;
    };
    if (std::none_of(tools->begin(), tools->end(), is_it)) {
      fields.Fail("tool_choice", "names a function that is not among the tools");
    }
  }
  if (!request.tools.tools.empty() && request.format.kind != ResponseFormat::Kind::kText) {
    fields.Fail("response_format", "is not supported beside tools", "unsupported");
  }
  request.tools.parallel = fields.Bool("parallel_tool_calls").value_or(true);
}

std::vector<int32_t> ReadTokenIds(const Json& list, const Fields& fields) {
  std::vector<int32_t> ids;
  ids.reserve(list.size());
  for (const Json& id : list) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX) {
      fields.Fail("prompt", "is not a text, tokens, or a list of these", "invalid_type");
    }
    ids.push_back(static_cast<int32_t>(id.get<uint64_t>()));
  }
  return ids;
}

void ReadPrompts(Fields& fields, GenerationRequest& request) {
  const Json* prompt = fields.Get("prompt");
  if (prompt == nullptr) fields.Fail("prompt", "is missing", "missing_required_parameter");
  const auto read = [&](const Json& one) -> Prompt {
    if (one.is_string()) return one.get<std::string>();
    if (one.is_array() && !one.empty()) return ReadTokenIds(one, fields);
    fields.Fail("prompt", "is not a text, tokens, or a list of these", "invalid_type");
  };
  const bool many = prompt->is_array() && !prompt->empty() && !prompt->front().is_number();
  if (!many) {
    request.prompts.push_back(read(*prompt));
    return;
  }
  for (const Json& one : *prompt) {
    request.prompts.push_back(read(one));
    // Counted as they come: a list may be long.
    if (request.prompts.size() > 256) fields.Fail("prompt", "has more than 256 texts");
  }
}

void CheckChoices(const Fields& fields, const RequestDefaults& defaults,
                  const GenerationRequest& request) {
  if (request.choices() > static_cast<size_t>(defaults.most_choices)) {
    fields.Fail("n", "times the prompts is " + std::to_string(request.choices()) +
                         ", above this server's " + std::to_string(defaults.most_choices));
  }
}

}  // namespace

GenerationRequest ParseChatRequest(std::string_view body, const RequestDefaults& defaults) {
  const Json object = ParseObject(body);
  Fields fields(object, "");
  GenerationRequest request;
  ReadCommon(fields, defaults, defaults.max_tokens, request);
  const Json* messages = fields.Get("messages");
  if (messages == nullptr) fields.Fail("messages", "is missing", "missing_required_parameter");
  if (!messages->is_array() || messages->empty()) {
    fields.Fail("messages", "is not a list of messages", "invalid_type");
  }
  if (messages->size() > defaults.most_messages) {
    fields.Fail("messages",
                "has more than " + std::to_string(defaults.most_messages) + " messages");
  }
  for (size_t i = 0; i < messages->size(); ++i) {
    request.messages.push_back(ReadMessage((*messages)[i], "messages[" + std::to_string(i) + "]"));
  }
  ReadFormat(fields, request);
  request.logprobs = fields.Bool("logprobs").value_or(false);
  if (const auto top = fields.Integer("top_logprobs", 0, 20)) {
    if (*top > 0 && !request.logprobs) fields.Fail("top_logprobs", "is for logprobs: set them");
    request.top_logprobs = static_cast<int32_t>(*top);
  }
  ReadTools(fields, request);
  fields.OnlyNeutral("functions", {Json::array()});
  fields.OnlyNeutral("function_call", {"none", "auto"});
  fields.OnlyNeutral("modalities", {Json::array({"text"})});
  fields.OnlyNeutral("store", {false});
  for (const char* name :
       {"audio", "prediction", "reasoning_effort", "verbosity", "web_search_options"}) {
    fields.OnlyNeutral(name, {});
  }
  fields.Finish();
  CheckChoices(fields, defaults, request);
  return request;
}

GenerationRequest ParseCompletionRequest(std::string_view body, const RequestDefaults& defaults) {
  const Json object = ParseObject(body);
  Fields fields(object, "");
  GenerationRequest request;
  request.chat = false;
  ReadCommon(fields, defaults, kCompletionTokens, request);
  ReadPrompts(fields, request);
  fields.OnlyNeutral("best_of", {request.n});
  fields.OnlyNeutral("echo", {false});
  fields.OnlyNeutral("suffix", {""});
  if (const auto top = fields.Integer("logprobs", 0, 5)) {
    request.logprobs = true;
    request.top_logprobs = static_cast<int32_t>(*top);
  }
  fields.Finish();
  CheckChoices(fields, defaults, request);
  return request;
}

}  // namespace tool::serve
