// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_set.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/text/tools/json_text.h"
#include "lib/text/tools/tool_style.h"

namespace hob::text {
namespace {

TEST_CASE("definitions of tools are read", "[tools]") {
  const auto set = ToolSet::Read(R"([
    {"type": "function", "function": {"name": "math.add", "description": "Adds.",
      "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
    {"type":"function","function":{"name":"now"}}])");
  REQUIRE(set.ok());
  REQUIRE(set->tools().size() == 2);
  CHECK(set->tools()[0].name == "math.add");
  CHECK(set->tools()[0].parameters ==
        R"({"type": "object", "properties": {"a": {"type": "integer"}}})");
  CHECK(set->Find("now")->parameters ==
        R"({"type": "object", "properties": {}, "additionalProperties": false})");
  CHECK(set->Find("then") == nullptr);
  // As Python would write it, for templates.
  CHECK(set->json().starts_with(R"([{"type": "function", "function": {"name": "math.add", )"));
}

TEST_CASE("what is no definition is told with its place", "[tools]") {
  const auto message = [](std::string_view json) {
    return std::string(ToolSet::Read(json).status().message());
  };
  CHECK(message("{}").find("not a JSON array of 1 to 128 tools") != std::string::npos);
  CHECK(message("[]").find("not a JSON array of 1 to 128 tools") != std::string::npos);
  CHECK(message("[1").find("the tools") != std::string::npos);
  CHECK(message("[{}]").find("tools[0].type is not \"function\"") != std::string::npos);
  CHECK(message(R"([{"type":"function"}])").find("tools[0].function is not an object") !=
        std::string::npos);
  const auto function = [&](std::string_view members) {
    return message(Concat(R"([{"type":"function","function":{)", members, "}}]"));
  };
  CHECK(function("").find("function.name is not a string") != std::string::npos);
  CHECK(function(R"("name":"a b")").find("\"a b\" is not 1 to 64 of") != std::string::npos);
  CHECK_FALSE(function(R"("name":"a","x":1e999)").empty());
  CHECK(function(R"("name":"a","description":1)").find("description is not a string") !=
        std::string::npos);
  CHECK(function(R"("name":"a","parameters":{"type":"string"})").find("\"type\": \"object\"") !=
        std::string::npos);
  CHECK(message(R"([{"type":"function","function":{"name":"a"}},
                    {"type":"function","function":{"name":"a"}}])")
            .find("tools[1].function.name \"a\" is that of an earlier tool") != std::string::npos);
}

TEST_CASE("strings of JSON are changed where they stand, escapes undone", "[tools]") {
  const auto read = JsonText::Read(R"({"a\n": ["\u003cx\u003e", 1.5, "\"\\", "\u0001é"]})", "it");
  REQUIRE(read.ok());
  const auto json = WriteJsonText((*read)->root());
  REQUIRE(json.ok());
  std::vector<std::string> seen;
  const std::string same = ChangeStrings(*json, [&](std::string_view text) {
    seen.emplace_back(text);
    return std::string(text);
  });
  CHECK(seen == std::vector<std::string>{"a\n", "<x>", "\"\\", "\x01é"});
  const auto again = JsonText::Read(same, "it");
  REQUIRE(again.ok());
  CHECK(*WriteJsonText((*again)->root()) == *json);
  CHECK(ChangeStrings(*json, [](std::string_view text) {
          return std::string(text) + "!";
        }).find("\"<x>!\"") != std::string::npos);
}

TEST_CASE("a template tells how its model writes calls", "[tools]") {
  CHECK(&StyleOfTemplate("{{ '<tool_call>' }}") == &kHermesStyle);
  CHECK(&StyleOfTemplate("{{ '[TOOL_CALLS]' }}") == &kMistralStyle);
  CHECK(&StyleOfTemplate("{{ '<|python_tag|>' }}") == &kLlamaStyle);
  CHECK(&StyleOfTemplate("{{ message.content }}") == &kSmolStyle);
  CHECK(FindToolStyle("llama3") == &kLlamaStyle);
  CHECK(FindToolStyle("other") == nullptr);
}

}  // namespace
}  // namespace hob::text
