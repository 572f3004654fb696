// SPDX-License-Identifier: Apache-2.0
#include <hob/tools.h>

#include <span>
#include <string>
#include <utility>

#include "abi/generate_options.h"
#include "abi/handles.h"
#include "abi/text.h"
#include "abi/unit_handles.h"
#include "lib/session/tool_loop.h"
#include "lib/text/unicode.h"

struct hob_tools {
  std::shared_ptr<const hob::Tools> object;
};

namespace hob::abi {
namespace {

StatusOr<ToolUse> ReadToolUse(const hob_tools* tools, const hob_tool_use* given_use) {
  HOB_ASSIGN_OR_RETURN(const hob_tool_use given,
                       ReadStruct(given_use, hob_tool_use(HOB_TOOL_USE_INIT), "hob_tool_use"));
  HOB_RETURN_IF_ERROR(CheckBool(given.single, "hob_tool_use.single"));
  HOB_RETURN_IF_ERROR(CheckBool(given.unconstrained, "hob_tool_use.unconstrained"));
  HOB_RETURN_IF_ERROR(CheckReserved(given.reserved, "hob_tool_use"));
  HOB_RETURN_IF_ERROR(CheckRange(given.only.data, given.only.size, "hob_tool_use.only"));
  if (given.choice < HOB_TOOL_AUTO || given.choice > HOB_TOOL_REQUIRED) {
    return Error(StatusCode::kInvalidArgument,
                 Concat("hob_tool_use.choice is ", given.choice, ", no hob_tool_choice"));
  }
  if (given.unconstrained != 0 &&
      (given.choice != HOB_TOOL_AUTO || given.only.size != 0 || given.single != 0)) {
    return Error(StatusCode::kInvalidArgument,
                 "hob_tool_use.unconstrained is set, so nothing sees to choice, only and single",
                 "Leave those as they are.");
  }
  ToolUse use;
  use.choice = static_cast<text::ToolChoice>(given.choice);
  use.only = View(given.only.data, given.only.size);
  use.parallel = given.single == 0;
  use.constrain = given.unconstrained == 0;
  if (tools != nullptr) {
    HOB_RETURN_IF_ERROR(CheckLive(tools, "tools"));
    use.tools = tools->object;
  }
  return use;
}

hob_tool_call ToCall(const text::ToolCall& call) {
  hob_tool_call out = HOB_TOOL_CALL_INIT;
  out.id = {call.id.data(), call.id.size()};
  out.name = {call.name.data(), call.name.size()};
  out.arguments = {call.arguments.data(), call.arguments.size()};
  return out;
}

Status NoSuch(std::string_view what, size_t index, size_t count) {
  return Error(StatusCode::kOutOfRange,
               Concat("there is no ", what, " ", index, "; there are ", count));
}

StatusOr<ToolLoop> ReadToolLoop(const hob_tool_loop* given_loop) {
  HOB_ASSIGN_OR_RETURN(const hob_tool_loop given,
                       ReadStruct(given_loop, hob_tool_loop(HOB_TOOL_LOOP_INIT), "hob_tool_loop"));
  HOB_RETURN_IF_ERROR(CheckRange(given.functions, given.function_count, "hob_tool_loop.functions"));
  ToolLoop loop;
  if (given.max_tool_rounds != 0) loop.max_rounds = given.max_tool_rounds;
  const std::span functions(given.functions, given.function_count);
  for (size_t i = 0; i < functions.size(); ++i) {
    const hob_tool_function& function = functions[i];
    HOB_RETURN_IF_ERROR(CheckRange(function.name.data, function.name.size,
                                   Concat("hob_tool_loop.functions[", i, "].name")));
    if (function.call == nullptr) {
      return NullArgument(Concat("hob_tool_loop.functions[", i, "].call"));
    }
    loop.names.push_back(View(function.name.data, function.name.size));
  }
  loop.call = [functions](size_t index, const text::ToolCall& call, std::string* result) {
    const hob_tool_call given_call = ToCall(call);
    hob_string text = {nullptr, 0};
    if (functions[index].call(functions[index].user, &given_call, &text) != 0) return false;
    if (text.data != nullptr) *result = View(text.data, text.size);
    return true;
  };
  HOB_ASSIGN_OR_RETURN(loop.generate, ReadGenerateOptions(given.generate));
  return loop;
}

}  // namespace
}  // namespace hob::abi

extern "C" {

hob_status hob_tools_create(hob_tools** out, const hob_model* model, const char* json,
                            size_t json_size, const hob_tools_options* options, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_RETURN_IF_ERROR(CheckHandle(model, "model"));
    HOB_RETURN_IF_ERROR(CheckRange(json, json_size, "json"));
    HOB_ASSIGN_OR_RETURN(
        const hob_tools_options given,
        ReadStruct(options, hob_tools_options(HOB_TOOLS_OPTIONS_INIT), "hob_tools_options"));
    if (given.reserved != 0) {
      return hob::Error(hob::StatusCode::kInvalidArgument,
                        "hob_tools_options.reserved is not zero");
    }
    HOB_RETURN_IF_ERROR(CheckRange(given.style.data, given.style.size, "hob_tools_options.style"));
    HOB_ASSIGN_OR_RETURN(auto object, hob::Tools::Create(*model->object, View(json, json_size),
                                                         View(given.style.data, given.style.size)));
    *out = Adopt(new hob_tools{std::move(object)});
    return absl::OkStatus();
  });
}

void hob_tools_destroy(hob_tools* tools) { hob::abi::Delete(tools); }

hob_status hob_session_set_tools(hob_session* session, const hob_tools* tools,
                                 const hob_tool_use* use, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse in_use, SessionUse::Begin(session));
    HOB_ASSIGN_OR_RETURN(hob::ToolUse read, ReadToolUse(tools, use));
    return in_use->SetTools(std::move(read));
  });
}

hob_status hob_session_tool_call_count(size_t* out, const hob_session* session, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    *out = use->calls().size();
    return absl::OkStatus();
  });
}

hob_status hob_session_get_tool_call(hob_tool_call* out, const hob_session* session, size_t index,
                                     hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_tool_call"));
    if (index >= use->calls().size()) return NoSuch("call", index, use->calls().size());
    WriteStruct(out, ToCall(use->calls()[index]));
    return absl::OkStatus();
  });
}

hob_status hob_session_add_message_fields(hob_session* session, const char* role, size_t role_size,
                                          const char* text, size_t text_size, const char* fields,
                                          size_t fields_size, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    HOB_RETURN_IF_ERROR(CheckRange(role, role_size, "role"));
    HOB_RETURN_IF_ERROR(CheckRange(text, text_size, "text"));
    HOB_RETURN_IF_ERROR(CheckRange(fields, fields_size, "fields"));
    return use->AddMessage(View(role, role_size), View(text, text_size), View(fields, fields_size));
  });
}

hob_status hob_session_get_message_fields(hob_string* out, const hob_session* session, size_t index,
                                          hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (out == nullptr) return NullArgument("out");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (index >= use->messages().size()) {
      return NoSuch("message", index, use->messages().size());
    }
    const std::string& fields = use->messages()[index].fields;
    *out = {fields.data(), fields.size()};
    return absl::OkStatus();
  });
}

hob_status hob_session_run_tools(hob_generate_result* out, hob_session* session,
                                 const hob_tool_loop* loop, hob_error** error) {
  using namespace hob::abi;
  return Call(error, [&]() -> hob::Status {
    if (loop == nullptr) return NullArgument("loop");
    HOB_ASSIGN_OR_RETURN(const SessionUse use, SessionUse::Begin(session));
    if (out != nullptr) HOB_RETURN_IF_ERROR(CheckOutStruct(out, "hob_generate_result"));
    HOB_ASSIGN_OR_RETURN(const hob::ToolLoop read, ReadToolLoop(loop));
    HOB_ASSIGN_OR_RETURN(const hob::GenerateResult result, hob::RunTools(use.session(), read));
    if (out != nullptr) WriteResult(out, result);
    return absl::OkStatus();
  });
}

}  // extern "C"
