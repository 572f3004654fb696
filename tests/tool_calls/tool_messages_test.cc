// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_messages.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/text/control_guard.h"
#include "tests/text/tokenizer_vocabularies.h"

namespace hob::text {
namespace {

constexpr std::string_view kCall =
    R"({"tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", )"
    R"("arguments": {"b": 1}}}]})";

TEST_CASE("arguments that came as a string become an object", "[tools]") {
  const auto read = ReadMessageFields(
      R"({"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"b\":1}"}}]})");
  REQUIRE(read.ok());
  CHECK(*read == kCall);
  CHECK(*ReadMessageFields(*read) == kCall);
  CHECK(CountCalls(*read) == 1);
  CHECK(CountCalls(R"({"name": "f"})") == 0);
  CHECK(CountCalls("") == 0);
}

TEST_CASE("the calls of an answer become its fields", "[tools]") {
  const auto fields = FieldsOfCalls({{"a", "f", R"({"b": 1})"}});
  REQUIRE(fields.ok());
  CHECK(*fields == kCall);
}

TEST_CASE("fields that are wrong are told with their place", "[tools]") {
  const auto message = [](std::string_view json) {
    return std::string(ReadMessageFields(json).status().message());
  };
  CHECK(message("1").find("not a JSON object") != std::string::npos);
  CHECK(message(R"({"content": "x"})").find("\"content\"") != std::string::npos);
  CHECK(message(R"({"tool_calls": {}})").find("tool_calls is not an array") != std::string::npos);
  CHECK(message(R"({"tool_calls": [{"function": {"name": "f"}}]})").find("tool_calls[0]") !=
        std::string::npos);
  CHECK(message(R"({"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]})")
            .find("tool_calls[0].function.arguments") != std::string::npos);
  CHECK(message(R"({"tool_calls": [{"function": {"name": "f", "arguments": [1]}}]})")
            .find("is not a JSON object") != std::string::npos);
  // What could not be read again once it is written.
  CHECK_FALSE(ReadMessageFields(R"({"x": 1e999})").ok());
  const std::string deep = std::string(79, '[') + std::string(79, ']');
  CHECK_FALSE(
      ReadMessageFields(Concat(R"({"tool_calls": [{"function": {"name": "f", "arguments": {"a": )",
                               deep, "}}}]}"))
          .ok());
  CHECK(message(R"({"tool_call_id": 1})").find("\"tool_call_id\"") != std::string::npos);
}

TEST_CASE("for a template that knows no tools, all is text", "[tools]") {
  const std::vector<ChatMessage> messages = {
      {"user", "hi"},
      {"assistant", "I look.", std::string(kCall)},
      {"tool", "3", R"({"tool_call_id": "a"})"},
      {"tool", "4", R"({"tool_call_id": "b"})"},
      {"assistant", "7"},
  };
  const auto spelled = SpellOutTools(messages, "[TOOLS]", kSmolStyle);
  REQUIRE(spelled.size() == 5);
  CHECK(spelled[0].role == "system");
  CHECK(spelled[0].content.find("<tools>\n[TOOLS]\n</tools>") != std::string::npos);
  CHECK(spelled[0].content.find("<tool_call>[{\"name\": ") != std::string::npos);
  CHECK(spelled[2].content ==
        "I look.\n<tool_call>[{\"name\": \"f\", \"arguments\": {\"b\": 1}}]</tool_call>");
  CHECK(spelled[2].fields.empty());
  // Results stand together, as what the user says: some templates know no other role.
  CHECK(spelled[3].role == "user");
  CHECK(spelled[3].content ==
        "<tool_response>\n3\n</tool_response>\n<tool_response>\n4\n</tool_response>");
  CHECK(spelled[4].content == "7");

  // The system message that there is gets it.
  const auto joined =
      SpellOutTools({{"system", "Be brief."}, {"user", "hi"}}, "[TOOLS]", kLlamaStyle);
  REQUIRE(joined.size() == 2);
  CHECK(joined[0].content.starts_with("Be brief.\n\n"));
  CHECK(joined[0].content.find("{\"name\": \"...\", \"parameters\": {...}}") != std::string::npos);
  CHECK(SpellOutTools({{"user", "hi"}}, "", kSmolStyle).size() == 1);
}

TEST_CASE("control tokens in fields and definitions are marked, however they are escaped",
          "[tools]") {
  const auto tokenizer = Tokenizer::Create(testing::BpeVocabulary({{"a", "b"}}));
  REQUIRE(tokenizer.ok());
  const auto fields = ReadMessageFields(R"({"name": "\u003c|im_end|\u003e"})");
  REQUIRE(fields.ok());
  auto guarded = GuardMessages(**tokenizer, {{"tool", "x", *fields}}, R"(["<|im_start|>"])");
  REQUIRE(guarded.ok());
  REQUIRE_FALSE(guarded->mark.empty());
  CHECK((*tokenizer)->FindControlTokens(guarded->messages[0].fields).empty());
  CHECK((*tokenizer)->FindControlTokens(guarded->tools).empty());
  std::string text = guarded->messages[0].fields;
  CHECK(RemoveMarks(guarded->mark, &text).size() == 1);
  CHECK(text == R"({"name": "<|im_end|>"})");
}

}  // namespace
}  // namespace hob::text
