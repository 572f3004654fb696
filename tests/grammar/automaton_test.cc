// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/automaton.h"

#include <string>

#include "lib/text/grammar/utf8_ranges.h"
#include "lib/text/unicode.h"
#include "tests/grammar/grammar_test.h"

namespace hob::text {
namespace {

using Expr = Grammar::Expr;

// A grammar of one rule.
template <typename F>
Grammar Root(F&& make) {
  Grammar grammar;
  const Grammar::Rule root = grammar.AddRule("root");
  grammar.Define(root, make(grammar));
  return grammar;
}

void CheckRefused(const Grammar& grammar, std::string_view part) {
  const auto automaton = Automaton::Compile(grammar);
  REQUIRE(!automaton.ok());
  INFO(automaton.status().ToString());
  CHECK(automaton.status().code() == StatusCode::kInvalidArgument);
  CHECK(std::string(automaton.status().message()).find(part) != std::string::npos);
}

TEST_CASE("the parts of a range of code points are its UTF-8") {
  // Every code point of these ranges, and its neighbours, against the encoder.
  const CodePoints table[] = {
      {0, 0x7F},       {0x61, 0x61},     {0x20, 0xFF},      {0x7F, 0x80},       {0x7FF, 0x800},
      {0x300, 0x1234}, {0xE000, 0xFFFF}, {0xFFFF, 0x10000}, {0x1F600, 0x1F64F}, {0xFF, 0x10FFFF}};
  for (const CodePoints& range : table) {
    const auto compiled =
        Compile(Root([&](Grammar& g) { return g.Class({range}); }), ByteTokenizer());
    for (char32_t value = range.first < 2 ? 0 : range.first - 2;
         value <= range.last + 2 && value <= 0x10FFFF; ++value) {
      if (value == 0xD800) value = 0xE000;
      // The middle of long ranges is like its ends.
      if (value == range.first + 3000 && range.last > range.first + 6000) {
        value = range.last - 3000;
        if (value >= 0xD800 && value < 0xE000) value = 0xE000;
      }
      std::string bytes;
      AppendUtf8(value, bytes);
      const bool is_in = value >= range.first && value <= range.last;
      if (Takes(compiled, bytes) != is_in) FAIL("code point " << static_cast<uint32_t>(value));
    }
    CHECK(!Takes(compiled, "\xED\xA0\x80"));  // a surrogate
    CHECK(!Takes(compiled, "\x80"));
    CHECK(!Takes(compiled, "\xC1\x81"));  // too long
  }
}

TEST_CASE("expressions match what they say") {
  const auto tokenizer = ByteTokenizer();
  struct Row {
    Grammar grammar;
    std::vector<std::string> yes, no;
  };
  std::vector<Row> rows;
  rows.push_back({Root([](Grammar& g) { return g.Text("ab"); }), {"ab"}, {"", "a", "abc", "b"}});
  rows.push_back({Root([](Grammar& g) { return g.Empty(); }), {""}, {"a"}});
  rows.push_back(
      {Root([](Grammar& g) { return g.Choice({g.Text("ab"), g.Text("ac"), g.Text("a")}); }),
       {"a", "ab", "ac"},
       {"", "abc", "ad"}});
  rows.push_back({Root([](Grammar& g) { return g.Repeat(g.Text("ab"), 2, 4); }),
                  {"abab", "ababab", "abababab"},
                  {"", "ab", "aba", "ababababab"}});
  rows.push_back(
      {Root([](Grammar& g) { return g.Repeat(g.Optional(g.Text("a")), 1, Grammar::kNoLimit); }),
       {"", "a", "aaaaaaa"},
       {"b", "ab"}});
  rows.push_back({Root([](Grammar& g) {
                    return g.Sequence({g.Repeat(g.Text("a"), 0, Grammar::kNoLimit),
                                       g.Repeat(g.Class({{'a', 'b'}}), 2, 2), g.Text("c")});
                  }),
                  {"aac", "abc", "bbc", "aaaabac"},
                  {"ac", "c", "babc", "aaaa"}});
  rows.push_back({Root([](Grammar& g) { return g.NotClass({{'b', 0x10FFFF}, {0, 0x60}}); }),
                  {"a"},
                  {"b", "`", "\xC3\xA9"}});
  rows.push_back({Root([](Grammar& g) {
                    return g.Choice({g.Never(), g.Sequence({g.Text("x"), g.Never()}), g.Text("y")});
                  }),
                  {"y"},
                  {"x", "", "xy"}});
  for (const Row& row : rows) {
    const auto compiled = Compile(row.grammar, tokenizer);
    for (const std::string& text : row.yes) {
      INFO(text);
      CHECK(Takes(compiled, text));
    }
    for (const std::string& text : row.no) {
      INFO(text);
      CHECK(!Takes(compiled, text));
    }
  }
}

TEST_CASE("rules call rules, and themselves") {
  Grammar g;
  const Grammar::Rule root = g.AddRule("root"), pair = g.AddRule("pair"), list = g.AddRule("list");
  // root: pair*; pair: "(" root ")"; a list that ends in itself has no depth.
  g.Define(root, g.Choice({g.Repeat(g.Refer(pair), 0, Grammar::kNoLimit), g.Refer(list)}));
  g.Define(pair, g.Sequence({g.Text("("), g.Refer(root), g.Text(")")}));
  g.Define(list, g.Sequence({g.Text("a"), g.Optional(g.Refer(list))}));
  const auto compiled = Compile(g, ByteTokenizer());
  for (const char* text : {"", "()", "()()", "(())", "((a)(aa))()", "aaaa"}) {
    INFO(text);
    CHECK(Takes(compiled, text));
  }
  for (const char* text : {"(", ")", "(()", "())", "a()", "(a"}) {
    INFO(text);
    CHECK(!Takes(compiled, text));
  }
  CHECK(Takes(compiled, std::string(100000, 'a')));
  CHECK(Takes(compiled, std::string(400, '(') + std::string(400, ')')));
}

TEST_CASE("a bounded repetition of what is long, and of rules") {
  Grammar g;
  const Grammar::Rule root = g.AddRule("root"), word = g.AddRule("word");
  g.Define(root, g.Repeat(g.Refer(word), 0, 1000));
  g.Define(word, g.Sequence({g.Repeat(g.Class({{'a', 'z'}}), 1, Grammar::kNoLimit), g.Text(" ")}));
  const auto compiled = Compile(g, ByteTokenizer());
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "ab ";
  CHECK(Takes(compiled, text));
  CHECK(!Takes(compiled, text + "a"));
}

TEST_CASE("grammars that cannot be used are refused") {
  CheckRefused(Root([](Grammar& g) { return g.Never(); }), "no text matches");
  CheckRefused(Root([](Grammar& g) { return g.Class({{0xD800, 0xDFFF}}); }), "no text matches");
  {
    Grammar g;
    g.AddRule("root");
    CheckRefused(g, "\"root\" is not defined");
  }
  {
    // It would never end.
    Grammar g;
    const Grammar::Rule root = g.AddRule("root");
    g.Define(root, g.Sequence({g.Text("a"), g.Refer(root)}));
    CheckRefused(g, "no text matches");
  }
  {
    Grammar g;
    const Grammar::Rule root = g.AddRule("root");
    g.Define(root, g.Choice({g.Sequence({g.Refer(root), g.Text("a")}), g.Text("b")}));
    CheckRefused(g, "\"root\" begins with itself");
  }
  {
    // Behind what may be empty, and by way of another rule.
    Grammar g;
    const Grammar::Rule root = g.AddRule("root"), other = g.AddRule("other"),
                        maybe = g.AddRule("maybe");
    g.Define(root, g.Choice({g.Refer(other), g.Text("b")}));
    g.Define(other, g.Sequence({g.Refer(maybe), g.Refer(root), g.Text("x")}));
    g.Define(maybe, g.Repeat(g.Text("m"), 0, Grammar::kNoLimit));
    CheckRefused(g, "begins with itself");
  }
  // What a million states would take.
  CheckRefused(
      Root([](Grammar& g) { return g.Repeat(g.Repeat(g.Text("abcd"), 0, 4096), 0, 4096); }),
      "too large");
  {
    // Deterministic, it has 2^40 states.
    CheckRefused(Root([](Grammar& g) {
                   const Expr ab = g.Class({{'a', 'b'}});
                   return g.Sequence(
                       {g.Repeat(ab, 0, Grammar::kNoLimit), g.Text("a"), g.Repeat(ab, 40, 40)});
                 }),
                 "too large");
  }
  {
    Grammar g;
    const Grammar::Rule root = g.AddRule("root");
    std::vector<Expr> parts(1u << 12, g.Text("a"));
    for (int i = 0; i < 300; ++i) g.Sequence(parts);
    g.Define(root, 0);
    CHECK(g.too_large());
    CheckRefused(g, "parts");
  }
}

}  // namespace
}  // namespace hob::text
