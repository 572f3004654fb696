// SPDX-License-Identifier: Apache-2.0
#include "tests/grammar/reader_test.h"

namespace hob::text {
namespace {

TEST_CASE("GBNF: rules, sequences, choices") {
  CheckTexts(ReadGbnf("root ::= \"a\" b | c # what it is\n"
                      "b ::= \"b\" |\n"
                      "  \"B\"\n"
                      "c::=(\"x\"\n\n \"y\" # within parentheses\n)\n"),
             {"ab", "aB", "xy"}, {"a", "x", "b", "", "abx"});
  // The root may come last, and lines may end as on Windows.
  CheckTexts(ReadGbnf("word-1_b ::= [a-z]+\r\nroot ::= word-1_b (\",\" word-1_b)*"), {"a", "ab,c"},
             {"", ",a", "a,"});
  CheckTexts(ReadGbnf("# only\nroot ::= # a comment\n \"a\""), {"a"}, {""});
}

TEST_CASE("GBNF: repetitions") {
  CheckTexts(ReadGbnf("root ::= \"ab\"? \"c\"* \"d\"+"), {"d", "abd", "cccdd", "abcd"},
             {"", "ab", "ad", "ababd"});
  CheckTexts(ReadGbnf("root ::= \"a\"{2} \"b\"{1,2} \"c\"{1,} \"d\"{0,1}"),
             {"aabc", "aabbccc", "aabcd"}, {"abc", "aabbbc", "aab", "aabcdd"});
  CheckTexts(ReadGbnf("root ::= (\"a\" | \"b\"){ 2 , 3 }"), {"ab", "bbb"}, {"a", "aaaa"});
  CheckTexts(ReadGbnf("root ::= \"a\" \"\"* (\"\" | \"b\" |)"), {"a", "ab"}, {"", "abb"});
}

TEST_CASE("GBNF: characters") {
  CheckTexts(ReadGbnf(R"(root ::= "\"\\\n\t\r\x41\u00e9\U0001F600ß")"),
             {"\"\\\n\t\rA\xC3\xA9\xF0\x9F\x98\x80ß"}, {"\"\\\n\t\rA"});
  CheckTexts(ReadGbnf(R"(root ::= [a-c\]\-x-] [^a-z\n] .)"), {"a1x", "]\"\n", "-Ä😀", "xAß"},
             {"d1x", "aax", "a\nx", "a1"});
  CheckTexts(ReadGbnf("root ::= [^]"), {"x", "\n", "😀"}, {"", "xx"});
  CheckTexts(ReadGbnf("root ::= [ä-ü^]"), {"ö", "^"}, {"z", "\xC3"});
}

TEST_CASE("GBNF: recursion") {
  CheckTexts(ReadGbnf("root ::= \"(\" root? \")\" root?"), {"()", "(())()", "((()))"},
             {"", "(", "(()"});
}

TEST_CASE("GBNF: errors say where") {
  struct Case {
    std::string source;
    std::string_view part;
  };
  const std::vector<Case> cases = {
      {"", "there is no rule \"root\""},
      {"a ::= \"x\"", "there is no rule \"root\""},
      {"root ::= \"ä\"\nroot ::= \"b\"", "line 2, column 1: there are two rules \"root\""},
      {"root ::= \"ä\" b", "line 1, column 14: there is no rule \"b\""},
      {"root : \"a\"", "line 1, column 6: expected '::='"},
      {"root ::= \"a\" )", "line 1, column 14: ')' without '('"},
      {"root ::= \"a\n\"\n  ( \"b\"", "line 3, column 3: expected the name of a rule"},
      {"root ::= ( \"b\"", "line 1, column 10: '(' without ')'"},
      {"root ::= \"b", "line 1, column 10: a literal without end"},
      {"root ::= [a", "line 1, column 10: '[' without ']'"},
      {"root ::= []", "line 1, column 10: an empty class"},
      {"root ::= [z-a]", "line 1, column 11: the range's ends"},
      {"root ::= \"\\q\"", "line 1, column 11: an unknown or broken escape"},
      {"root ::= \"\\x4\"", "an unknown or broken escape"},
      {"root ::= \"\\ud800\"", "no character has this number"},
      {"root ::= \"\\U00110000\"", "no character has this number"},
      {"root ::= * \"a\"", "line 1, column 10: nothing stands before"},
      {"root ::= \"a\"{}", "expected a number"},
      {"root ::= \"a\"{1,2", "expected '}'"},
      {"root ::= \"a\"{3,2}", "the wrong way round"},
      {"root ::= \"a\"{4000000000}", "line 1, column 13: more than 65536 repetitions"},
      {"root ::= \"a\"{1,99999999999999999999999}", "more than 65536 repetitions"},
      {"root ::= \"a\" %", "line 1, column 14: unexpected text"},
      {"root ::= \"a\\", "an escape without end"},
      {"root ::= \xFF", "UTF-8"},
      {Times(1 << 20, "#") + "\n", "bytes"},
  };
  for (const Case& c : cases) {
    INFO(c.source.substr(0, 100));
    CheckError(ReadGbnf(c.source), StatusCode::kInvalidArgument, c.part);
  }
  CheckError(ReadGbnf("root ::= <think>"), StatusCode::kUnimplemented, "line 1, column 10: tokens");
  CheckError(ReadGbnf("root ::= !<[7]>"), StatusCode::kUnimplemented, "tokens");
}

TEST_CASE("GBNF: bounds") {
  for (const size_t depth : {size_t{60'000}, size_t{400'000}}) {
    CheckError(ReadGbnf("root ::= " + Times(depth, "(") + "\"a\"" + Times(depth, ")")),
               StatusCode::kInvalidArgument, "128 parentheses within each other");
  }
  CheckTexts(ReadGbnf("root ::= " + Times(128, "(") + "\"a\"" + Times(128, ")")), {"a"}, {""});
  // Many parts are as many as they are; more than there may be are an error.
  CheckError(ReadGbnf("root ::= " + Times(300'000, "a|") + "\"\"\na ::= \"x\""),
             StatusCode::kInvalidArgument, "more than");
  const auto deep = ReadGbnf("root ::= " + Times(30'000, "\"a\"? "));
  REQUIRE(deep.ok());
  // Repetitions of repetitions are told when they are compiled.
  const auto huge = ReadGbnf("root ::= ((\"a\"{60000}){60000}){60000}");
  REQUIRE(huge.ok());
  CheckError(Automaton::Compile(*huge), StatusCode::kInvalidArgument, "too large");
}

}  // namespace
}  // namespace hob::text
