// SPDX-License-Identifier: Apache-2.0
// An answer that calls a tool, and one in words behind it.
#include <hob/tools.h>

#include <algorithm>
#include <cstring>

#include "tests/inject/scenario.h"

namespace hob::inject {
namespace {

constexpr std::string_view kTool = R"([{"type": "function", "function": {"name": "f"}}])";

// The fixture with more room: its vocabulary has few words, so that tools take many tokens.
std::string LongFixture(const Files& files) {
  constexpr std::string_view kKey = "llama.context_length";
  std::string bytes = ReadFile(files.Fixture("smollm-q4_1.gguf"));
  const size_t key = bytes.find(kKey);
  const uint32_t tokens = 2048;
  // Behind the key is the type of its value.
  if (key != std::string::npos) std::memcpy(&bytes[key + kKey.size() + 4], &tokens, 4);
  WriteFile(files / "long.gguf", bytes);
  return files / "long.gguf";
}

int32_t Carry(void*, const hob_tool_call*, hob_string* out) {
  *out = {"3", 1};
  return 0;
}

void Loop(Probe& probe, World& world) {
  hob_tools_options options = HOB_TOOLS_OPTIONS_INIT;
  options.style = {"llama3", 6};
  ToolsHandle tools(probe);
  if (!probe.Call("hob_tools_create", [&](hob_error** e) {
        return hob_tools_create(tools.out(), world.model, kTool.data(), kTool.size(), &options, e);
      })) {
    return;
  }
  SessionHandle session(probe);
  if (!probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), world.model, nullptr, e);
      })) {
    return;
  }
  if (!AddMessage(probe, session, "hi")) return;
  hob_tool_use use = HOB_TOOL_USE_INIT;
  use.choice = HOB_TOOL_REQUIRED;
  use.single = 1;
  if (!probe.Call("hob_session_set_tools",
                  [&](hob_error** e) { return hob_session_set_tools(session, tools, &use, e); })) {
    return;
  }
  const hob_tool_function function = {{"f", 1}, Carry, nullptr};
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 150;
  hob_tool_loop loop = HOB_TOOL_LOOP_INIT;
  loop.max_tool_rounds = 1;
  loop.functions = &function;
  loop.function_count = 1;
  loop.generate = &generate;
  hob_tool_call call = HOB_TOOL_CALL_INIT;
  if (!probe.Call(
          "hob_session_generate",
          [&](hob_error** e) { return hob_session_generate(nullptr, session, &generate, e); }) ||
      !probe.Call("hob_session_get_tool_call",
                  [&](hob_error** e) { return hob_session_get_tool_call(&call, session, 0, e); })) {
    return;
  }
  probe.Same("arguments", {call.arguments.data, call.arguments.size});
  probe.Call("hob_session_keep_messages",
             [&](hob_error** e) { return hob_session_keep_messages(session, 1, e); });
  const bool ran = probe.Call("hob_session_run_tools", [&](hob_error** e) {
    return hob_session_run_tools(nullptr, session, &loop, e);
  });
  size_t count = 0;
  if (!probe.Call("hob_session_message_count",
                  [&](hob_error** e) { return hob_session_message_count(&count, session, e); })) {
    return;
  }
  probe.Check(count == (ran ? 4 : 1), "the conversation has all of it, or nothing");
}

// A conversation from elsewhere.
void Fields(Probe& probe, World& world) {
  SessionHandle session(probe);
  if (!probe.Call("hob_session_create", [&](hob_error** e) {
        return hob_session_create(session.out(), world.model, nullptr, e);
      })) {
    return;
  }
  constexpr std::string_view kFields =
      R"({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{\"b\": 1}"}}]})";
  if (!probe.Call("hob_session_add_message_fields", [&](hob_error** e) {
        return hob_session_add_message_fields(session, "assistant", 9, "", 0, kFields.data(),
                                              kFields.size(), e);
      })) {
    return;
  }
  hob_string fields = {nullptr, 0};
  if (!probe.Call("hob_session_get_message_fields", [&](hob_error** e) {
        return hob_session_get_message_fields(&fields, session, 0, e);
      })) {
    return;
  }
  probe.Same("fields", {fields.data, fields.size});
  size_t count = 1;
  probe.Call("hob_session_tool_call_count",
             [&](hob_error** e) { return hob_session_tool_call_count(&count, session, e); });
  probe.Check(count == 0, "there was no answer");
}

}  // namespace

void AddToolScenarios(std::vector<Scenario>& out) {
  out.push_back({"tools", [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, LongFixture(files));
                   return [world](Probe& probe) { Loop(probe, *world); };
                 }});
  out.push_back({"messages with fields", [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, "smollm-q4_1.gguf");
                   return [world](Probe& probe) { Fields(probe, *world); };
                 }});
}

}  // namespace hob::inject
