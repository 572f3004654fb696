// SPDX-License-Identifier: Apache-2.0
#include "lib/text/grammar/matcher.h"

#include <algorithm>
#include <random>

#include "tests/grammar/grammar_test.h"

namespace hob::text {
namespace {

// Texts in quotes, lists in brackets, words: rules that loop, nest and end within tokens.
Grammar Nested() {
  Grammar g;
  const Grammar::Rule root = g.AddRule("root"), value = g.AddRule("value"),
                      string = g.AddRule("string"), list = g.AddRule("list");
  g.Define(root, g.Refer(value));
  g.Define(value, g.Choice({g.Refer(string), g.Refer(list), g.Text("ab"), g.Text("aba")}));
  g.Define(string, g.Sequence({g.Text("\""),
                               g.Repeat(g.NotClass({{'"', '"'}, {0, 0x1F}}), 0, Grammar::kNoLimit),
                               g.Text("\"")}));
  g.Define(list,
           g.Sequence({g.Text("("), g.Refer(value),
                       g.Repeat(g.Sequence({g.Text(","), g.Refer(value)}), 0, Grammar::kNoLimit),
                       g.Text(")")}));
  return g;
}

Grammar Letters() {
  Grammar g;
  const Grammar::Rule root = g.AddRule("root");
  g.Define(root, g.Repeat(g.Class({{'a', 'b'}, {' ', ' '}}), 0, Grammar::kNoLimit));
  return g;
}

// What the masks allow is what is taken, one token at a time, wherever a random walk leads.
void CheckWalks(const Grammar& grammar, const std::shared_ptr<const Tokenizer>& tokenizer) {
  const auto compiled = Compile(grammar, tokenizer);
  std::mt19937 random(7);
  for (int walk = 0; walk < 20; ++walk) {
    Matcher matcher = Match(compiled);
    for (int step = 0; step < 40; ++step) {
      const std::vector<int32_t> allowed = Allowed(matcher);
      std::vector<int32_t> taken;
      for (int32_t id = 0; id < static_cast<int32_t>(tokenizer->size()); ++id) {
        const auto count = matcher.CountAcceptable({&id, 1});
        REQUIRE(count.ok());
        if (*count == 1) taken.push_back(id);
      }
      REQUIRE(allowed == taken);
      if (matcher.must_end()) {
        for (const int32_t id : allowed) CHECK(tokenizer->IsEndOfGeneration(id));
      }
      if (allowed.empty()) break;
      const int32_t next = allowed[random() % allowed.size()];
      const bool ends = tokenizer->IsEndOfGeneration(next);
      if (ends) CHECK(matcher.can_end());
      const auto accepted = matcher.Accept({&next, 1});
      REQUIRE(accepted.ok());
      REQUIRE(*accepted == 1);
    }
  }
}

TEST_CASE("masks allow what is taken") {
  CheckWalks(Nested(), ByteTokenizer());
  CheckWalks(Letters(), ByteTokenizer());
  for (const Vocabulary& vocabulary : {testing::SpmVocabulary(), testing::BertVocabulary()}) {
    auto tokenizer = Tokenizer::Create(vocabulary);
    REQUIRE(tokenizer.ok());
    CheckWalks(Letters(), std::shared_ptr<const Tokenizer>(*std::move(tokenizer)));
  }
}

TEST_CASE("a token that goes past the end of a rule") {
  const auto tokenizer = ByteTokenizer();
  const auto compiled = Compile(Nested(), tokenizer);
  Matcher matcher = Match(compiled);
  const auto id = [&](std::string_view text) {
    const int32_t found = tokenizer->Find(text);
    REQUIRE(found >= 0);
    return found;
  };
  const int32_t quote_comma = id("\","), open2 = id("(("), a_close = id("a)");
  // ( ( " x "," aba…
  const std::vector<int32_t> tokens = {open2, '"', 'x', quote_comma, 'a', 'b', a_close};
  const auto taken = matcher.Accept(tokens);
  REQUIRE(taken.ok());
  CHECK(*taken == tokens.size());
  CHECK(!matcher.can_end());
  const int32_t close = ')';
  CHECK(*matcher.Accept({&close, 1}) == 1);
  CHECK(matcher.can_end());
  CHECK(matcher.must_end());
  CHECK(*matcher.Accept({&close, 1}) == 0);
  CHECK(matcher.must_end());  // as before
  const int32_t end = tokenizer->eos();
  CHECK(*matcher.Accept({&end, 1}) == 1);
  CHECK(Allowed(matcher).empty());
  // A string alone does not go on with a comma.
  matcher.Reset();
  const std::vector<int32_t> alone = {'"', quote_comma};
  CHECK(*matcher.Accept(alone) == 1);
  CHECK(*matcher.CountAcceptable({alone.data(), 1}) == 1);  // nothing was taken
}

TEST_CASE("what must come is told") {
  Grammar g;
  const Grammar::Rule root = g.AddRule("root");
  g.Define(root, g.Sequence({g.Text("{\"name\": \""), g.Class({{'a', 'z'}}),
                             g.Choice({g.Text("\u00E9t"), g.Text("\u00E8t")}), g.Text("!")}));
  Matcher matcher = Match(Compile(g, ByteTokenizer()));
  std::string forced;
  REQUIRE(matcher.ForcedText(100, forced).ok());
  CHECK(forced == "{\"name\": \"");
  REQUIRE(matcher.ForcedText(3, forced).ok());
  CHECK(forced == "{\"n");
  for (const char byte : std::string("{\"name\": \"x")) {
    const int32_t token = byte;
    REQUIRE(*matcher.Accept({&token, 1}) == 1);
  }
  REQUIRE(matcher.ForcedText(100, forced).ok());
  CHECK(forced == "\xC3");  // the first half of both
  for (const int32_t token : {0xC3, 0xA8}) REQUIRE(*matcher.Accept({&token, 1}) == 1);
  REQUIRE(matcher.ForcedText(100, forced).ok());
  CHECK(forced == "t!");
}

TEST_CASE("the space before a SentencePiece text is none of the grammar's") {
  auto made = Tokenizer::Create(testing::SpmVocabulary());
  REQUIRE(made.ok());
  const std::shared_ptr<const Tokenizer> tokenizer = *std::move(made);
  Grammar g;
  const Grammar::Rule root = g.AddRule("root");
  g.Define(root, g.Text("a a"));
  const auto ids = tokenizer->Encode("a a", {});
  REQUIRE(ids.ok());
  Matcher matcher = Match(Compile(g, tokenizer));
  for (const int32_t id : *ids) {
    const auto allowed = Allowed(matcher);
    CHECK(std::find(allowed.begin(), allowed.end(), id) != allowed.end());
    REQUIRE(*matcher.Accept({&id, 1}) == 1);
  }
  CHECK(matcher.must_end());
}

TEST_CASE("texts nested too deeply are refused") {
  const auto compiled = Compile(Nested(), ByteTokenizer());
  Matcher matcher = Match(compiled);
  Status status;
  const int32_t open = '(';
  int depth = 0;
  for (; depth < 2000 && status.ok(); ++depth) status = matcher.Accept({&open, 1}).status();
  CHECK(status.code() == StatusCode::kResourceExhausted);
  CHECK(depth > 200);
  // It is as before: a value, and its end.
  const std::vector<int32_t> rest = {'a', 'b', ')'};
  CHECK(*matcher.Accept(rest) == 3);
}

TEST_CASE("a grammar with too many ways to read a text is refused") {
  Grammar g;
  const Grammar::Rule root = g.AddRule("root"), one = g.AddRule("one"), two = g.AddRule("two");
  // Each a is one's or two's: after n there are 2^n ways.
  g.Define(root, g.Choice({g.Refer(one), g.Refer(two)}));
  g.Define(one, g.Choice({g.Sequence({g.Text("a"), g.Refer(root), g.Text("x")}), g.Text("b")}));
  g.Define(two, g.Choice({g.Sequence({g.Text("a"), g.Refer(root), g.Text("y")}), g.Text("b")}));
  Matcher matcher = Match(Compile(g, ByteTokenizer()));
  Status status;
  const int32_t a = 'a';
  for (int i = 0; i < 100 && status.ok(); ++i) status = matcher.Accept({&a, 1}).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(std::string(status.message()).find("ambiguous") != std::string::npos);
}

TEST_CASE("a vocabulary that lacks what comes next is told") {
  // SentencePiece without byte tokens for it: no token has a digit in this one.
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  testing::AddToken(&vocabulary, "<unk>", TokenType::kUnknown);
  testing::AddToken(&vocabulary, "</s>", TokenType::kControl);
  testing::AddToken(&vocabulary, "a");
  vocabulary.unknown = 0;
  vocabulary.eos = 1;
  auto made = Tokenizer::Create(vocabulary);
  INFO(made.status().ToString());
  REQUIRE(made.ok());
  Grammar g;
  const Grammar::Rule root = g.AddRule("root");
  g.Define(root, g.Text("a1"));
  Matcher matcher = Match(Compile(g, std::shared_ptr<const Tokenizer>(*std::move(made))));
  const int32_t a = 2;
  REQUIRE(*matcher.Accept({&a, 1}) == 1);
  std::vector<float> logits(3);
  const Status status = matcher.MaskLogits(logits);
  CHECK(status.code() == StatusCode::kFailedPrecondition);
}

TEST_CASE("logits past the vocabulary never come") {
  Matcher matcher = Match(Compile(Letters(), ByteTokenizer()));
  std::vector<float> logits(matcher.grammar().tokenizer().size() + 100);
  REQUIRE(matcher.MaskLogits(logits).ok());
  for (size_t i = matcher.grammar().tokenizer().size(); i < logits.size(); ++i) {
    CHECK(std::isinf(logits[i]));
  }
}

}  // namespace
}  // namespace hob::text
