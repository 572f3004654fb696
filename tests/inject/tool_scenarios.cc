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
  constexpr std::string_view kFields = R"({"name": "someone"})";
  if (!probe.Call("hob_session_add_message_fields", [&](hob_error** e) {
        return hob_session_add_message_fields(session, "user", 4, "hi", 2, kFields.data(),
                                              kFields.size(), e);
      })) {
    return;
  }
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

}  // namespace

void AddToolScenarios(std::vector<Scenario>& out) {
  out.push_back({"tools", [](const Files& files) -> Run {
                   auto world = std::make_shared<World>(files, LongFixture(files));
                   return [world](Probe& probe) { Loop(probe, *world); };
                 }});
}

}  // namespace hob::inject
