// SPDX-License-Identifier: Apache-2.0
// Grammars, regular expressions and schemas come from users and networks. None may take the stack,
// the memory or the time of the process.
#include <hob/grammar.h>

#include "tests/attacks/attack.h"

using namespace hob::test;

namespace {

const hob_tokenizer* Vocabulary() {
  static const TokenizerPtr tokenizer = [] {
    const TemporaryFolder folder;
    WriteBytes(folder / "vocabulary.gguf", BpeVocabulary("gpt-2"));
    return OpenTokenizer(folder / "vocabulary.gguf");
  }();
  return tokenizer.get();
}

struct GrammarDestroyer {
  void operator()(hob_grammar* grammar) const { hob_grammar_destroy(grammar); }
};
struct MatcherDestroyer {
  void operator()(hob_matcher* matcher) const { hob_matcher_destroy(matcher); }
};
using GrammarHandle = std::unique_ptr<hob_grammar, GrammarDestroyer>;
using MatcherHandle = std::unique_ptr<hob_matcher, MatcherDestroyer>;

Outcome MakeOutcome(hob_grammar_kind kind, std::string_view source, GrammarHandle* out = nullptr) {
  return Try([&](auto e) {
    hob_grammar* made = nullptr;
    const hob_status status =
        hob_grammar_create(&made, Vocabulary(), kind, source.data(), source.size(), e);
    GrammarHandle owner(made);
    if (out != nullptr) *out = std::move(owner);
    return status;
  });
}

void CheckGrammar(hob_grammar_kind kind, std::string_view source, hob_status status, Parts parts) {
  CAPTURE(source.substr(0, 120));
  const Outcome outcome = MakeOutcome(kind, source);
  CheckOutcome(outcome, status, parts);
  CHECK(outcome.message.size() < 1000);
}
void CheckGbnf(std::string_view source, hob_status status, Parts parts) {
  CheckGrammar(HOB_GRAMMAR_GBNF, source, status, parts);
}
void CheckRegex(std::string_view source, hob_status status, Parts parts) {
  CheckGrammar(HOB_GRAMMAR_REGEX, source, status, parts);
}
void CheckSchema(std::string_view source, hob_status status, Parts parts) {
  CheckGrammar(HOB_GRAMMAR_JSON_SCHEMA, source, status, parts);
}

// Takes a text byte by byte; the first status that is no success.
hob_status Feed(hob_matcher* matcher, std::string_view text) {
  for (const char byte : text) {
    const std::vector<int32_t> tokens = Encode(Vocabulary(), std::string_view(&byte, 1));
    const Outcome outcome =
        Try([&](auto e) { return hob_matcher_accept(matcher, tokens.data(), tokens.size(), e); });
    if (outcome.status != HOB_OK) return outcome.status;
  }
  return HOB_OK;
}

}  // namespace

// llama.cpp: a rule that begins with itself was followed without end, and took the stack.
TEST_CASE("class: left recursion") {
  for (const char* source : {
           "root ::= root \"a\" | \"b\"",
           "root ::= a\na ::= b \"x\" | \"y\"\nb ::= a \"z\"",
           "root ::= e root \"a\" | \"b\"\ne ::= \"\"",
           "root ::= (\"\" | \"x\"?) root | \"b\"",
           "root ::= \"x\"* root | \"b\"",
       }) {
    CheckGbnf(source, HOB_INVALID_ARGUMENT, {"begins with itself (left recursion)"});
  }
  CheckSchema(R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})", HOB_INVALID_ARGUMENT,
              {"begins with itself"});
}

// Parsers that call themselves for each parenthesis: 60,000 of them took the stack.
TEST_CASE("class: 60,000 parentheses") {
  for (const size_t depth : {size_t{129}, size_t{60'000}, size_t{500'000}}) {
    const std::string nested = Times(depth, "(") + "a" + Times(depth, ")");
    CheckGbnf("root ::= " + Times(depth, "(") + "\"a\"" + Times(depth, ")"), HOB_INVALID_ARGUMENT,
              {"GBNF, line 1", "128 parentheses within each other"});
    CheckRegex(nested, HOB_INVALID_ARGUMENT, {"line 1", "128 groups within each other"});
    if (depth < 500'000) {
      CheckSchema("{\"pattern\": \"" + nested + "\"}", HOB_INVALID_ARGUMENT,
                  {"#/pattern", "128 groups within each other"});
    }
  }
}

// Rules of nothing, and repetitions of nothing: parsers and matchers that wait for a character went
// round for ever.
// hob: takes them for the empty text; refuses with `HOB_INVALID_ARGUMENT` what matches nothing.
TEST_CASE("class: empty rules") {
  for (const char* source : {"root ::=", "root ::= ()", "root ::= | |", "root ::= e e\ne ::= \"\"",
                             "root ::= (\"\"*)* (\"\"+)+ (()?){0,9}"}) {
    CAPTURE(source);
    GrammarHandle grammar;
    REQUIRE(MakeOutcome(HOB_GRAMMAR_GBNF, source, &grammar).status == HOB_OK);
    hob_matcher* made = nullptr;
    REQUIRE_OK(hob_matcher_create(&made, grammar.get(), &error));
    const MatcherHandle matcher(made);
    uint8_t may = 0, must = 0;
    REQUIRE_OK(hob_matcher_get_end(&may, &must, matcher.get(), &error));
    CHECK(may == 1);
    CHECK(must == 1);
    CHECK(Feed(matcher.get(), "a") == HOB_INVALID_ARGUMENT);
  }
  CheckGbnf("root ::= \"a\" root", HOB_INVALID_ARGUMENT, {"no text matches"});
  CheckGbnf("root ::= a\na ::= \"x\" b\nb ::= \"y\" a", HOB_INVALID_ARGUMENT, {"no text matches"});
  CheckGbnf("", HOB_INVALID_ARGUMENT, {"no rule \"root\""});
}

// Readers that call themselves for each bracket: 100,000 of them took the stack.
TEST_CASE("class: depth of JSON") {
  CheckSchema(Times(100'000, "["), HOB_INVALID_ARGUMENT, {"nested too deeply"});
  CheckSchema("{\"const\": " + Times(100'000, "[") + Times(100'000, "]") + "}",
              HOB_INVALID_ARGUMENT, {"nested too deeply"});
  CheckSchema(Times(100'000, "{\"items\":"), HOB_INVALID_ARGUMENT, {"nested too deeply"});
}

// A model that opens brackets for ever, where the schema allows any value.
TEST_CASE("class: depth of an answer") {
  GrammarHandle grammar;
  REQUIRE(MakeOutcome(HOB_GRAMMAR_JSON_SCHEMA, "true", &grammar).status == HOB_OK);
  hob_matcher* made = nullptr;
  REQUIRE_OK(hob_matcher_create(&made, grammar.get(), &error));
  const MatcherHandle matcher(made);
  const hob_status status = Feed(matcher.get(), Times(100'000, "["));
  CHECK(status == HOB_RESOURCE_EXHAUSTED);
}

// References that lead round to themselves were followed without end.
TEST_CASE("class: references in a circle") {
  for (
      const char* source : {
          R"({"$ref": "#"})",
          R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})",
          R"({"allOf": [{"allOf": [{"$ref": "#"}]}]})",
      }) {
    CheckSchema(source, HOB_INVALID_ARGUMENT, {"part of itself"});
  }
  std::string chain = R"({"$ref": "#/$defs/a0", "$defs": {)";
  for (int i = 0; i < 20'000; ++i) {
    chain += "\"a" + std::to_string(i) + R"(": {"items": {"$ref": "#/$defs/a)" +
             std::to_string(i + 1) + "\"}},";
  }
  CheckSchema(chain + "\"a20000\": {\"$ref\": \"#/$defs/none\"}}}", HOB_INVALID_ARGUMENT,
              {"nothing at \"#/$defs/none\""});
}

// llama.cpp: repetitions were written out one by one, before anyone looked at how many.
TEST_CASE("class: repetitions by the thousand million") {
  const double peak = PeakMiB([&] {
    CheckGbnf("root ::= \"a\"{1,4000000000}", HOB_INVALID_ARGUMENT, {"65536 repetitions"});
    CheckGbnf("root ::= ((\"a\"{60000}){60000}){60000}", HOB_INVALID_ARGUMENT, {"too large"});
    CheckRegex("a{1,4000000000}", HOB_INVALID_ARGUMENT, {"65536 repetitions"});
    CheckRegex("((a{1000}){1000}){1000}", HOB_INVALID_ARGUMENT, {"too large"});
    CheckSchema(R"({"type": "array", "minItems": 4000000000})", HOB_UNIMPLEMENTED, {"minItems"});
    CheckSchema(R"x({"pattern": "^(.{4000}){4000}$"})x", HOB_INVALID_ARGUMENT, {"too large"});
  });
  CHECK(peak < 700);
}

// Alternatives by the power of their number: automata and merged schemas grew until nothing was
// left.
TEST_CASE("class: what grows by powers") {
  std::string product = R"({"allOf": [{})", doubled = "root ::= a0\n";
  for (int i = 0; i < 40; ++i) {
    product += R"(,{"anyOf": [{"minimum": )" + std::to_string(i) + R"(}, {"maximum": 99}]})";
    const std::string next = "a" + std::to_string(i + 1);
    doubled += "a" + std::to_string(i) + " ::= " + next + " " + next + "\n";
  }
  const double peak = PeakMiB([&] {
    CheckRegex("(a|b)*a(a|b){60}", HOB_INVALID_ARGUMENT, {"too large"});
    CheckSchema(R"x({"pattern": "^(a|b)*a(a|b){60}$"})x", HOB_INVALID_ARGUMENT, {"too large"});
    CheckSchema(product + "]}", HOB_INVALID_ARGUMENT, {"more than 1048576 parts"});
  });
  CHECK(peak < 700);
  // Rules that use the next one twice are 2^40 long, and no larger for that.
  CHECK(MakeOutcome(HOB_GRAMMAR_GBNF, doubled + "a40 ::= \"x\"").status == HOB_OK);
}

// Expressions on which matchers that go back take years: each letter doubles their work.
// hob: takes them, and a text of 2,000 letters in its stride.
TEST_CASE("class: expressions that go back without end") {
  for (const char* source : {"(a+)+b", "((a|a)*)*b", "(a|aa)+b", "(a?){40}a{40}(a*)*b"}) {
    CAPTURE(source);
    GrammarHandle grammar;
    REQUIRE(MakeOutcome(HOB_GRAMMAR_REGEX, source, &grammar).status == HOB_OK);
    hob_matcher* made = nullptr;
    REQUIRE_OK(hob_matcher_create(&made, grammar.get(), &error));
    const MatcherHandle matcher(made);
    CHECK(Feed(matcher.get(), Times(2000, "a")) == HOB_OK);
    CHECK(Feed(matcher.get(), "c") == HOB_INVALID_ARGUMENT);
    CHECK(Feed(matcher.get(), "b") == HOB_OK);
  }
}

// Keywords that are passed over: what the schema forbids comes out all the same.
TEST_CASE("class: keywords that are ignored") {
  for (const char* keyword : {"not", "if", "contains", "unevaluatedProperties", "dependentSchemas",
                              "propertyName", "maximun"}) {
    CheckSchema("{\"properties\": {\"a\": {\"" + std::string(keyword) + "\": {}}}}",
                HOB_UNIMPLEMENTED, {"#/properties/a/", keyword});
  }
}
