// SPDX-License-Identifier: Apache-2.0
// Tools that a model may call. Outside the promise so far: hob_experimental.hpp.
#ifndef HOB_TOOLS_HPP_
#define HOB_TOOLS_HPP_

#include <hob/tools.h>

#include <functional>
#include <hob/error.hpp>
#include <hob/model.hpp>
#include <hob/session.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hob {
inline namespace v0 {

// Owns a hob_tools: see tools.h. Movable, not copyable. Any thread.
class Tools {
 public:
  static Result<Tools> Create(const Model& model, std::string_view json,
                              const hob_tools_options& options = HOB_TOOLS_OPTIONS_INIT) {
    hob_tools* handle = nullptr;
    return detail::CallFor<Tools>(
        [&](hob_error** error) {
          return hob_tools_create(&handle, model.get(), json.data(), json.size(), &options, error);
        },
        [&] { return Tools(handle); });
  }

  // Takes `handle` over.
  explicit Tools(hob_tools* handle) : handle_(handle) {}
  hob_tools* get() const { return handle_.get(); }
  hob_tools* release() { return handle_.release(); }

 private:
  struct Destroy {
    void operator()(hob_tools* handle) const { hob_tools_destroy(handle); }
  };
  std::unique_ptr<hob_tools, Destroy> handle_;
};

// Answers use `tools` from now on: see hob_session_set_tools.
inline Result<void> SetTools(Session& session, const Tools& tools,
                             const hob_tool_use& use = HOB_TOOL_USE_INIT) {
  return detail::Call([&](hob_error** error) {
    return hob_session_set_tools(session.get(), tools.get(), &use, error);
  });
}
// Answers use none.
inline Result<void> DropTools(Session& session) {
  return detail::Call([&](hob_error** error) {
    return hob_session_set_tools(session.get(), nullptr, nullptr, error);
  });
}

// A call that the model made.
struct ToolCall {
  std::string id, name;
  std::string arguments;  // a JSON object
};

// The calls of the last answer.
inline Result<std::vector<ToolCall>> ToolCalls(const Session& session) {
  std::vector<ToolCall> calls;
  return detail::CallFor<std::vector<ToolCall>>(
      [&](hob_error** error) {
        size_t count = 0;
        hob_status status = hob_session_tool_call_count(&count, session.get(), error);
        for (size_t i = 0; status == HOB_OK && i < count; ++i) {
          hob_tool_call call = HOB_TOOL_CALL_INIT;
          status = hob_session_get_tool_call(&call, session.get(), i, error);
          if (status != HOB_OK) break;
          calls.push_back({std::string(ToView(call.id)), std::string(ToView(call.name)),
                           std::string(ToView(call.arguments))});
        }
        return status;
      },
      [&] { return std::move(calls); });
}

// Appends a message with what else it has, a JSON object: see hob_session_add_message_fields.
inline Result<void> AddMessage(Session& session, std::string_view role, std::string_view text,
                               std::string_view fields) {
  return detail::Call([&](hob_error** error) {
    return hob_session_add_message_fields(session.get(), role.data(), role.size(), text.data(),
                                          text.size(), fields.data(), fields.size(), error);
  });
}

// What a message has beside role and text; lives until the next call that changes the session.
inline Result<std::string_view> MessageFields(const Session& session, size_t index) {
  hob_string fields = {nullptr, 0};
  return detail::CallFor<std::string_view>(
      [&](hob_error** error) {
        return hob_session_get_message_fields(&fields, session.get(), index, error);
      },
      [&] { return ToView(fields); });
}

// Carries calls of the tool `name` out: takes the arguments, a JSON object, and returns what came
// of it.
struct ToolFunction {
  std::string name;
  std::function<std::string(std::string_view arguments)> call;
};

// Answers, carries out what the answer calls, and answers again: see hob_session_run_tools. What a
// function throws ends the loop and comes out of this call.
inline Result<hob_generate_result> RunTools(
    Session& session, const std::vector<ToolFunction>& functions,
    const hob_generate_options& options = HOB_GENERATE_OPTIONS_INIT, int32_t max_tool_rounds = 0) {
  struct User {
    const ToolFunction* function;
    std::string result;
    std::function<void(const hob_tool_call&)> carry;
    detail::Callback<std::function<void(const hob_tool_call&)>> callback{nullptr};
  };
  std::vector<User> users(functions.size());
  std::vector<hob_tool_function> given;
  for (size_t i = 0; i < functions.size(); ++i) {
    User& user = users[i];
    user.function = &functions[i];
    user.carry = [&user](const hob_tool_call& call) {
      user.result = user.function->call(ToView(call.arguments));
    };
    user.callback.callable = &user.carry;
    given.push_back({FromView(functions[i].name),
                     [](void* to, const hob_tool_call* call, hob_string* out) -> int32_t {
                       User& owner = *static_cast<User*>(to);
                       if (owner.callback.Call(*call) != 0) return 1;
                       *out = FromView(owner.result);
                       return 0;
                     },
                     &user});
  }
  hob_tool_loop loop = HOB_TOOL_LOOP_INIT;
  loop.max_tool_rounds = max_tool_rounds;
  loop.functions = given.data();
  loop.function_count = given.size();
  loop.generate = &options;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  Result<hob_generate_result> done = detail::CallFor<hob_generate_result>(
      [&](hob_error** error) {
        return hob_session_run_tools(&result, session.get(), &loop, error);
      },
      [&] { return result; });
  for (const User& user : users) user.callback.Rethrow();
  return done;
}

}  // namespace v0
}  // namespace hob

#endif  // HOB_TOOLS_HPP_
