// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_grammar.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/text/grammar/token_trie.h"
#include "tests/grammar/grammar_test.h"

namespace hob::text {
namespace {

ToolSet Two() {
  auto set = ToolSet::Read(R"([
    {"type": "function", "function": {"name": "add", "parameters": {"type": "object",
      "properties": {"a": {"type": "integer"}, "to": {"$ref": "#/$defs/n"}},
      "required": ["a"], "additionalProperties": false, "$defs": {"n": {"type": "integer"}}}}},
    {"type": "function", "function": {"name": "now"}}])");
  REQUIRE(set.ok());
  return *std::move(set);
}

std::shared_ptr<const CompiledGrammar> Make(const ToolStyle& style, const ToolRules& rules) {
  const auto grammar = MakeToolGrammar(Two(), style, rules);
  INFO(grammar.status().ToString());
  REQUIRE(grammar.ok());
  return Compile(*grammar, ByteTokenizer());
}

constexpr std::string_view kAdd = R"({"name": "add", "arguments": {"a": 1, "to": -2}})";
constexpr std::string_view kNow = R"({"name": "now", "arguments": {}})";

std::string Tagged(std::string_view json) {
  return Concat("<tool_call>\n", json, "\n</tool_call>");
}

TEST_CASE("calls in the style of Hermes: one a pair of tags", "[tools]") {
  const auto any = Make(kHermesStyle, {});
  CHECK(Takes(any, "Some text."));
  CHECK(Takes(any, ""));
  CHECK(Takes(any, Tagged(kAdd)));
  CHECK(Takes(any, Concat("I look.\n", Tagged(kAdd), "\n", Tagged(kNow))));
  CHECK(Takes(any, "a < b, <tool, <tool_cal> <<tool_call"));
  CHECK(Takes(any, Concat("<<to<tool_", Tagged(kNow))));
  CHECK_FALSE(Takes(any, "<tool_call>text", false));
  CHECK_FALSE(Takes(any, "<<tool_call>text", false));
  CHECK_FALSE(Takes(any, Concat(Tagged(kAdd), "\ntext"), false));
  CHECK_FALSE(Takes(any, Tagged(R"({"name": "sub", "arguments": {}})"), false));
  CHECK_FALSE(Takes(any, Tagged(R"({"name": "add", "arguments": {}})"), false));
  CHECK_FALSE(Takes(any, Tagged(R"({"name": "now", "arguments": {"a": 1}})"), false));
  CHECK_FALSE(Takes(any, Concat("<tool_call>\n", kAdd)));  // not closed

  const auto none = Make(kHermesStyle, {.choice = ToolChoice::kNone});
  CHECK(Takes(none, "a <tool_cal"));
  CHECK(Takes(none, "<<<"));
  CHECK_FALSE(Takes(none, "a <tool_call>", false));
  CHECK_FALSE(Takes(none, "<tool_<tool_call>", false));

  const auto must = Make(kHermesStyle, {.choice = ToolChoice::kRequired, .only = "now"});
  CHECK(Takes(must, Tagged(kNow)));
  CHECK_FALSE(Takes(must, "text", false));
  CHECK_FALSE(Takes(must, Tagged(kAdd), false));
  const auto one = Make(kHermesStyle, {.choice = ToolChoice::kRequired, .parallel = false});
  CHECK(Takes(one, Tagged(kNow)));
  CHECK_FALSE(Takes(one, Concat(Tagged(kNow), "\n", Tagged(kNow)), false));
}

TEST_CASE("calls in the styles of SmolLM2 and Mistral: a list", "[tools]") {
  const auto smol = Make(kSmolStyle, {});
  CHECK(Takes(smol, Concat("<tool_call>[", kAdd, "]</tool_call>")));
  CHECK(Takes(smol, Concat("Yes: <tool_call>\n[", kAdd, ", ", kNow, "]\n</tool_call>")));
  CHECK_FALSE(Takes(smol, Concat("<tool_call>", kAdd), false));
  CHECK_FALSE(Takes(smol, "<tool_call>[]", false));
  const auto mistral = Make(kMistralStyle, {});
  CHECK(Takes(mistral, Concat("[TOOL_CALLS] [", kAdd, "]")));
  CHECK(Takes(mistral, Concat("[TOOL_CALLS][", kAdd, ", ", kNow, "]")));
  CHECK(Takes(mistral, "[1] and [TOOL"));
  CHECK_FALSE(Takes(mistral, "[TOOL_CALLS]text", false));
}

TEST_CASE("calls in the style of Llama 3: the whole answer", "[tools]") {
  const auto any = Make(kLlamaStyle, {});
  CHECK(Takes(any, R"({"name": "add", "parameters": {"a": 1}})"));
  CHECK(Takes(any, R"({"name": "now", "parameters": {}}; {"name": "now", "parameters": {}})"));
  CHECK(Takes(any, "Text with {braces}."));
  CHECK_FALSE(Takes(any, R"({"title")", false));
  CHECK_FALSE(Takes(Make(kLlamaStyle, {.choice = ToolChoice::kNone}), "{", false));
}

TEST_CASE("a mark may be a control token, and only a grammar that means one has it", "[tools]") {
  Vocabulary vocabulary = testing::BpeVocabulary({{"a", "b"}});
  testing::AddToken(&vocabulary, "[TOOL_CALLS]", TokenType::kControl);
  const auto mark = static_cast<int32_t>(vocabulary.tokens.size()) - 1;
  auto made = Tokenizer::Create(vocabulary);
  REQUIRE(made.ok());
  const std::shared_ptr<const Tokenizer> tokenizer = *std::move(made);
  const auto grammar = MakeToolGrammar(Two(), kMistralStyle, {});
  REQUIRE(grammar.ok());
  const auto compiled = Compile(*grammar, tokenizer);
  Matcher matcher = Match(compiled);
  const auto allowed = Allowed(matcher);
  CHECK(std::find(allowed.begin(), allowed.end(), mark) != allowed.end());
  CHECK(std::find(allowed.begin(), allowed.end(), vocabulary.bos) == allowed.end());
  REQUIRE(matcher.Accept({&mark, 1}).value_or(0) == 1);
  for (const char byte : Concat("[", kNow, "]")) {
    const int32_t token = static_cast<uint8_t>(byte);
    REQUIRE(matcher.Accept({&token, 1}).value_or(0) == 1);
  }
  CHECK(matcher.can_end());

  // Spelled out, it is none: the byte that it begins with in a grammar is a token, too.
  Matcher spelled = Match(compiled);
  const int32_t byte = 0xFF;
  CHECK(spelled.CountAcceptable({&byte, 1}).value_or(1) == 0);
  const auto first = Allowed(spelled);
  CHECK(std::find(first.begin(), first.end(), byte) == first.end());

  auto text = ReadRegex(".*");
  REQUIRE(text.ok());
  Matcher plain = Match(Compile(*text, tokenizer));
  CHECK(plain.CountAcceptable({&mark, 1}).value_or(1) == 0);
}

TEST_CASE("what no grammar can be made of is told with the tool's name", "[tools]") {
  const auto set = ToolSet::Read(R"([{"type": "function", "function": {"name": "f",
      "parameters": {"type": "object", "properties": {"a": {"not": {}}}}}}])");
  REQUIRE(set.ok());
  const auto lacking = MakeToolGrammar(*set, kHermesStyle, {}).status();
  CHECK(lacking.code() == StatusCode::kUnimplemented);
  CHECK(std::string(lacking.message()).find("the parameters of the tool \"f\"") !=
        std::string::npos);
  CHECK(MakeToolGrammar(*set, kHermesStyle, {.only = "g"}).status().code() ==
        StatusCode::kNotFound);
}

}  // namespace
}  // namespace hob::text
