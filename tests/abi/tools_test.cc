// SPDX-License-Identifier: Apache-2.0
// Tools through the C interface, on a small model of random weights: what it says means nothing,
// and all the more the grammar has to do.
#include <hob/tools.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "tests/abi/units.h"
#include "tests/support/temporary_folder.h"

namespace hob::test {
namespace {

using ToolsPtr = std::unique_ptr<hob_tools, Destroyer<hob_tools_destroy>>;

// Short, as the model's context is.
constexpr std::string_view kTools = R"([{"type": "function", "function": {"name": "f",
    "parameters": {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"],
                   "additionalProperties": false}}}])";

ToolsPtr MakeTools(const hob_model* model, std::string_view json = kTools) {
  hob_tools* tools = nullptr;
  REQUIRE_OK(hob_tools_create(&tools, model, json.data(), json.size(), nullptr, &error));
  return ToolsPtr(tools);
}

hob_tool_use Use(hob_tool_choice choice, bool single = false) {
  hob_tool_use use = HOB_TOOL_USE_INIT;
  use.choice = choice;
  use.single = single ? 1 : 0;
  return use;
}

// The fixture, with more room: its vocabulary has few words, so that tools take many tokens.
std::string LongFixture(const TemporaryFolder& folder) {
  constexpr std::string_view kKey = "llama.context_length";
  std::vector<uint8_t> bytes = ReadBytes(ChatFixture());
  const auto key = std::search(bytes.begin(), bytes.end(), kKey.begin(), kKey.end());
  REQUIRE(key != bytes.end());
  const uint32_t type = 4, tokens = 2048;  // of GGUF: uint32
  uint8_t* const value = &*key + kKey.size();
  REQUIRE(std::memcmp(value, &type, 4) == 0);
  std::memcpy(value + 4, &tokens, 4);
  WriteBytes(folder / "long.gguf", bytes);
  return folder / "long.gguf";
}

struct World {
  TemporaryFolder folder;
  RuntimePtr runtime = MakeRuntime();
  ModelPtr model = OpenModel(runtime.get(), LongFixture(folder));
  ToolsPtr tools = MakeTools(model.get());
  SessionPtr session = MakeSession(model.get());
};

hob_generate_result Generate(hob_session* session, int32_t max_tokens = 400) {
  hob_generate_options options = HOB_GENERATE_OPTIONS_INIT;
  options.max_tokens = max_tokens;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;
  REQUIRE_OK(hob_session_generate(&result, session, &options, &error));
  return result;
}

std::vector<hob_tool_call> Calls(const hob_session* session) {
  size_t count = 0;
  REQUIRE_OK(hob_session_tool_call_count(&count, session, &error));
  std::vector<hob_tool_call> calls(count, hob_tool_call(HOB_TOOL_CALL_INIT));
  for (size_t i = 0; i < count; ++i) {
    REQUIRE_OK(hob_session_get_tool_call(&calls[i], session, i, &error));
  }
  return calls;
}

std::string Fields(const hob_session* session, size_t index) {
  hob_string fields = {nullptr, 0};
  REQUIRE_OK(hob_session_get_message_fields(&fields, session, index, &error));
  return fields.data == nullptr ? "" : Text(fields);
}

size_t MessageCount(const hob_session* session) {
  size_t count = 0;
  REQUIRE_OK(hob_session_message_count(&count, session, &error));
  return count;
}

TEST_CASE("an answer that has to call calls, and the conversation has the call") {
  World world;
  hob_session* session = world.session.get();
  const hob_tool_use use = Use(HOB_TOOL_REQUIRED, true);
  REQUIRE_OK(hob_session_set_tools(session, world.tools.get(), &use, &error));
  REQUIRE(AddMessage(session, "user", "hi") == HOB_OK);
  CHECK(Generate(session).finish_reason == HOB_FINISH_TOOL_CALLS);
  const auto calls = Calls(session);
  REQUIRE(calls.size() == 1);
  CHECK(Text(calls[0].name) == "f");
  CHECK(Text(calls[0].id) == "call00000");
  const std::string arguments = Text(calls[0].arguments);
  CHECK((arguments == R"({"a": 1})" || arguments == R"({"a": 2})"));
  hob_string reply = {nullptr, 0};
  REQUIRE_OK(hob_session_get_reply(&reply, session, &error));
  CHECK(Text(reply) == "");
  CHECK(Fields(session, 1) == R"({"tool_calls": [{"id": "call00000", "type": "function", )"
                              R"("function": {"name": "f", "arguments": )" +
                                  arguments + "}}]}");

  // What came of it goes back; the next call has another number.
  const std::string_view fields = R"({"tool_call_id": "call00000", "name": "f"})";
  REQUIRE_OK(hob_session_add_message_fields(session, "tool", 4, "3", 1, fields.data(),
                                            fields.size(), &error));
  CHECK(Fields(session, 2) == fields);
  CHECK(Generate(session).finish_reason == HOB_FINISH_TOOL_CALLS);
  CHECK(Text(Calls(session).at(0).id) == "call00001");

  // Saved and restored, it goes on alike.
  void* image = nullptr;
  size_t size = 0;
  REQUIRE_OK(hob_session_save_buffer(&image, &size, session, &error));
  const SessionPtr other = MakeSession(world.model.get());
  REQUIRE_OK(hob_session_restore_buffer(other.get(), image, size, &error));
  hob_free(image);
  for (size_t i = 0; i < MessageCount(session); ++i) {
    CHECK(Fields(other.get(), i) == Fields(session, i));
  }
}

TEST_CASE("an answer in words makes no call, and one without tools neither") {
  World world;
  hob_session* session = world.session.get();
  const hob_tool_use use = Use(HOB_TOOL_NONE);
  REQUIRE_OK(hob_session_set_tools(session, world.tools.get(), &use, &error));
  REQUIRE(AddMessage(session, "user", "hi") == HOB_OK);
  CHECK(Generate(session, 8).finish_reason != HOB_FINISH_TOOL_CALLS);
  CHECK(Calls(session).empty());
  REQUIRE_OK(hob_session_set_tools(session, nullptr, nullptr, &error));
  REQUIRE(AddMessage(session, "user", "hi") == HOB_OK);
  CHECK(Generate(session, 8).finish_reason != HOB_FINISH_TOOL_CALLS);
}

// Counts calls, and answers each with a number.
struct Counter {
  int32_t calls = 0;
  int32_t end_at = 0;  // the call that ends the loop; 0: none
  std::string result;
};

int32_t Count(void* user, const hob_tool_call* call, hob_string* out) {
  Counter& counter = *static_cast<Counter*>(user);
  ++counter.calls;
  if (Text(call->name) != "f" || call->id.size != 9) return 1;
  if (counter.calls == counter.end_at) return 1;
  counter.result = "no. " + std::to_string(counter.calls);
  *out = {counter.result.data(), counter.result.size()};
  return 0;
}

TEST_CASE("the loop carries calls out until an answer is in words") {
  World world;
  hob_session* session = world.session.get();
  const hob_tool_use use = Use(HOB_TOOL_REQUIRED, true);
  REQUIRE_OK(hob_session_set_tools(session, world.tools.get(), &use, &error));
  REQUIRE(AddMessage(session, "user", "hi") == HOB_OK);
  Counter counter;
  const hob_tool_function function = {{"f", 1}, Count, &counter};
  hob_generate_options generate = HOB_GENERATE_OPTIONS_INIT;
  generate.max_tokens = 400;
  hob_tool_loop loop = HOB_TOOL_LOOP_INIT;
  loop.max_tool_rounds = 1;
  loop.functions = &function;
  loop.function_count = 1;
  loop.generate = &generate;
  hob_generate_result result = HOB_GENERATE_RESULT_INIT;

  SECTION("one round, and words") {
    REQUIRE_OK(hob_session_run_tools(&result, session, &loop, &error));
    CHECK(counter.calls == 1);
    CHECK(result.finish_reason != HOB_FINISH_TOOL_CALLS);
    REQUIRE(MessageCount(session) == 4);
    hob_string role = {nullptr, 0}, text = {nullptr, 0};
    REQUIRE_OK(hob_session_get_message(&role, &text, session, 2, &error));
    CHECK(Text(role) == "tool");
    CHECK(Text(text) == "no. 1");
    CHECK(Fields(session, 2) == R"({"tool_call_id": "call00000", "name": "f"})");
  }
  SECTION("a function ends the loop, and the conversation is as before") {
    counter.end_at = 1;
    REQUIRE_OK(hob_session_run_tools(&result, session, &loop, &error));
    CHECK(result.finish_reason == HOB_FINISH_CANCELLED);
    CHECK(MessageCount(session) == 1);
  }
  SECTION("what is wrong is told before anything is done") {
    loop.function_count = 0;
    const auto lacking =
        Try([&](auto e) { return hob_session_run_tools(&result, session, &loop, e); });
    CHECK(lacking.status == HOB_INVALID_ARGUMENT);
    CHECK(lacking.message.find("\"f\" has no function") != std::string::npos);
    loop.function_count = 1;
    loop.max_tool_rounds = 1001;
    CHECK(Try([&](auto e) { return hob_session_run_tools(&result, session, &loop, e); }).status ==
          HOB_INVALID_ARGUMENT);
    loop.max_tool_rounds = 1;
    REQUIRE_OK(hob_session_set_tools(session, nullptr, nullptr, &error));
    CHECK(Try([&](auto e) { return hob_session_run_tools(&result, session, &loop, e); }).status ==
          HOB_FAILED_PRECONDITION);
    CHECK(MessageCount(session) == 1);
  }
}

TEST_CASE("tools that are wrong, or of another model, are refused") {
  World world;
  hob_session* session = world.session.get();
  hob_tools* made = nullptr;
  const auto create = [&](std::string_view json, const hob_tools_options* options = nullptr) {
    return Try([&](auto e) {
      return hob_tools_create(&made, world.model.get(), json.data(), json.size(), options, e);
    });
  };
  CHECK(create("[]").status == HOB_INVALID_ARGUMENT);
  CHECK(create(R"([{"type": "function", "function": {"name": "f", "parameters": {"type": "object",
                "properties": {"a": {"not": {}}}}}}])")
            .status == HOB_UNIMPLEMENTED);
  hob_tools_options options = HOB_TOOLS_OPTIONS_INIT;
  options.style = {"other", 5};
  const auto styled = create(kTools, &options);
  CHECK(styled.status == HOB_INVALID_ARGUMENT);
  CHECK(styled.hint.find("hermes") != std::string::npos);
  CHECK(made == nullptr);

  const ModelPtr other = OpenModel(world.runtime.get(), ChatFixture());
  const ToolsPtr others = MakeTools(other.get());
  CHECK(Try([&](auto e) {
          return hob_session_set_tools(session, others.get(), nullptr, e);
        }).status == HOB_INVALID_ARGUMENT);
  hob_tool_use use = Use(HOB_TOOL_REQUIRED);
  use.only = {"g", 1};
  CHECK(Try([&](auto e) {
          return hob_session_set_tools(session, world.tools.get(), &use, e);
        }).status == HOB_NOT_FOUND);
  use = Use(3);
  CHECK(Try([&](auto e) {
          return hob_session_set_tools(session, world.tools.get(), &use, e);
        }).status == HOB_INVALID_ARGUMENT);
  use = Use(HOB_TOOL_REQUIRED);
  use.unconstrained = 1;
  CHECK(Try([&](auto e) {
          return hob_session_set_tools(session, world.tools.get(), &use, e);
        }).status == HOB_INVALID_ARGUMENT);
  for (const std::string_view fields :
       {"[]", "{", R"({"role": "user"})", R"({"tool_calls": []})", R"({"tool_calls": [{}]})",
        R"({"tool_calls": [{"function": {"name": "f", "arguments": "x"}}]})",
        R"({"tool_call_id": 1})"}) {
    INFO(fields);
    CHECK(Try([&](auto e) {
            return hob_session_add_message_fields(session, "tool", 4, "", 0, fields.data(),
                                                  fields.size(), e);
          }).status == HOB_INVALID_ARGUMENT);
  }
  CHECK(MessageCount(session) == 0);
  hob_tool_call call = HOB_TOOL_CALL_INIT;
  CHECK(Try([&](auto e) { return hob_session_get_tool_call(&call, session, 0, e); }).status ==
        HOB_OUT_OF_RANGE);
  hob_string text = {nullptr, 0};
  CHECK(Try([&](auto e) { return hob_session_get_message_fields(&text, session, 0, e); }).status ==
        HOB_OUT_OF_RANGE);
}

}  // namespace
}  // namespace hob::test
