// SPDX-License-Identifier: Apache-2.0
#include "tests/grammar/reader_test.h"

namespace hob::text {
namespace {

TEST_CASE("regex: the whole text is matched") {
  CheckTexts(ReadRegex("a|bc*"), {"a", "b", "bcc"}, {"", "ac", "ab", "xa"});
  CheckTexts(ReadRegex("^(?:a|b)$|^c"), {"a", "b", "c"}, {"^a", "ab", "cc"});
  CheckTexts(ReadRegex(""), {""}, {"a"});
  CheckTexts(ReadRegex("a||b"), {"", "a", "b"}, {"ab"});
  CheckTexts(ReadRegex("(a(?<name>b)?)+"), {"a", "ab", "aab"}, {"", "b"});
}

TEST_CASE("regex: repetitions") {
  CheckTexts(ReadRegex("a{2}b{1,2}?c{1,}d??e*?f+?"), {"aabcf", "aabbccdeeff"}, {"abcf", "aabbbcf"});
  CheckTexts(ReadRegex("a{0}b{0,0}"), {""}, {"a", "b"});
}

TEST_CASE("regex: characters and classes") {
  CheckTexts(ReadRegex(R"(\d\w\s)"), {"0a ", "9_\t", "1Z\xC2\xA0", "1z\xE2\x80\xA8"},
             {"aa ", "0- ", "0aa",
              "\xD9\xA0"
              "a "});
  CheckTexts(ReadRegex(R"(\D\W\S)"), {"a-b", "ä\xC3\xA9x"}, {"0-b", "aab", "a- "});
  CheckTexts(ReadRegex(R"([\d\-x-z^][^\w\s])"), {"0-", "-\xC3\xA9", "^!", "y!"},
             {"a!", "0a", "0 "});
  CheckTexts(ReadRegex(R"([a-])"), {"a", "-"}, {"b"});
  CheckTexts(ReadRegex(R"([^^])"), {"a", "-"}, {"^"});
  CheckTexts(ReadRegex("."), {"a", "😀", "\t"}, {"\n", "\r", "\xE2\x80\xA9", ""});
  CheckTexts(ReadRegex(R"(\t\n\r\f\v\0\cA\x41\u00e9\u{1F600}\uD83D\uDE00)"),
             {std::string_view("\t\n\r\f\v\0\x01"
                               "A\xC3\xA9😀😀",
                               19)},
             {"A"});
  CheckTexts(ReadRegex(R"(\^\$\\\.\*\+\?\(\)\[\]\{\}\|\/\-]}[\b\]])"),
             {"^$\\.*+?()[]{}|/-]}\b", "^$\\.*+?()[]{}|/-]}]"}, {"^"});
}

TEST_CASE("regex: errors say where") {
  struct Case {
    std::string_view source;
    StatusCode code;
    std::string_view part;
  };
  constexpr StatusCode kBad = StatusCode::kInvalidArgument, kLacks = StatusCode::kUnimplemented;
  for (const Case& c : std::initializer_list<Case>{
           {"ä(b", kBad, "regular expression, line 1, column 2: '(' without ')'"},
           {"a)", kBad, "column 2: ')' without '('"},
           {"*a", kBad, "column 1: nothing stands before"},
           {"^*", kBad, "nothing stands before"},
           {"a**", kBad, "column 3: a repetition of a repetition"},
           {"a++", kBad, "a repetition of a repetition"},
           {"a{1}{2}", kBad, "a repetition of a repetition"},
           {"{1}", kBad, "a repetition of nothing"},
           {"a{,3}", kBad, "expected a number"},
           {"a{x}", kBad, "expected a number"},
           {"a{1,2", kBad, "expected '}'"},
           {"a{2,1}", kBad, "the wrong way round"},
           {"a{4000000000}", kBad, "more than 65536 repetitions"},
           {"(a{1,4000000000})", kBad, "column 3: more than 65536 repetitions"},
           {"[a", kBad, "column 1: '[' without ']'"},
           {"[]", kBad, "an empty class"},
           {"[^]", kBad, "an empty class"},
           {"[z-a]", kBad, "a range whose ends"},
           {"[\\d-z]", kBad, "a range whose ends"},
           {"\\", kBad, "an escape without end"},
           {"\\q", kBad, "an unknown escape"},
           {"\\x4", kBad, "a broken escape"},
           {"\\u{110000}", kBad, "a broken escape"},
           {"\\u{}", kBad, "a broken escape"},
           {"\\ud800", kBad, "half of a surrogate pair"},
           {"\\ud800\\u0041", kBad, "a broken escape"},
           {"\\c1", kBad, "\\c without a letter"},
           {"(?<>a)", kBad, "a group without name"},
           {"a^", kLacks, "column 2: ^ and $ are supported only at the ends"},
           {"(^a)", kLacks, "^ and $ are supported only at the ends"},
           {"a$b", kLacks, "^ and $ are supported only at the ends"},
           {"(?=a)", kLacks, "lookaround (?=)"},
           {"(?!a)", kLacks, "lookaround (?!)"},
           {"(?<=a)", kLacks, "lookaround (?<=)"},
           {"(?<!a)", kLacks, "lookaround (?<!)"},
           {"(?i)a", kLacks, "only (?:…) and (?<name>…)"},
           {"(?P<x>a)", kLacks, "only (?:…) and (?<name>…)"},
           {"(a)\\1", kLacks, "column 4: a back reference"},
           {"(?<a>b)\\k<a>", kLacks, "a back reference"},
           {"\\bword", kLacks, "a word boundary"},
           {"\\B", kLacks, "a word boundary"},
           {"\\p{L}", kLacks, "a Unicode property (\\p)"},
           {"[\\P{L}]", kLacks, "a Unicode property (\\P)"},
           {"\\01", kLacks, "an octal escape"},
       }) {
    INFO(c.source);
    CheckError(ReadRegex(c.source), c.code, c.part);
  }
}

TEST_CASE("regex: bounds") {
  CheckError(ReadRegex(Times(60'000, "(") + Times(60'000, ")")), StatusCode::kInvalidArgument,
             "128 groups within each other");
  CheckError(ReadRegex(Times(500'000, "a|")), StatusCode::kInvalidArgument, "more than");
  CheckError(ReadRegex(Times((1 << 20) + 1, "a")), StatusCode::kInvalidArgument, "bytes");
  // What makes matchers that go back run for ages.
  CheckTexts(ReadRegex("((a|a)+)+b?"), {"a", Times(300, "a") + "b"}, {Times(300, "a") + "c"});
  CheckTexts(ReadRegex("(a?){300}a{300}"), {Times(300, "a"), Times(600, "a")}, {Times(299, "a")});
  for (const char* source : {"((a{1000}){1000}){1000}", "(a|b)*a(a|b){60}"}) {
    const auto grammar = ReadRegex(source);
    REQUIRE(grammar.ok());
    CheckError(Automaton::Compile(*grammar), StatusCode::kInvalidArgument, "too large");
  }
}

}  // namespace
}  // namespace hob::text
