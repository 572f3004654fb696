// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tokenizer.h"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <limits>
#include <thread>

#include "tests/text/tokenizer_vocabularies.h"

namespace hob::text {
namespace {

using testing::BertVocabulary;
using testing::BpeVocabulary;
using testing::SpmVocabulary;
using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> Make(const Vocabulary& vocabulary) {
  auto tokenizer = Tokenizer::Create(vocabulary);
  INFO(tokenizer.status().ToString());
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

Ids Encode(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options = {}) {
  const auto ids = tokenizer.Encode(text, options);
  INFO(ids.status().ToString());
  REQUIRE(ids.ok());
  return *ids;
}

// The stored texts of the tokens, with a bar between them.
std::string Shown(const Tokenizer& tokenizer, const Vocabulary& vocabulary, std::string_view text,
                  const EncodeOptions& options = {}) {
  std::string shown;
  for (const int32_t id : Encode(tokenizer, text, options)) {
    if (!shown.empty()) shown += '|';
    shown += vocabulary.tokens[static_cast<size_t>(id)];
  }
  return shown;
}

TEST_CASE("BPE merges the best pair first, and of equal pairs the left one") {
  const Vocabulary vocabulary =
      BpeVocabulary({{"b", "c"}, {"a", "b"}, {"a", "bc"}, {"a", "a"}, {"\u0120", "a"}});
  const auto tokenizer = Make(vocabulary);
  CHECK(Shown(*tokenizer, vocabulary, "abc") == "abc");
  CHECK(Shown(*tokenizer, vocabulary, "abab") == "ab|ab");
  CHECK(Shown(*tokenizer, vocabulary, "aaa") == "aa|a");
  CHECK(Shown(*tokenizer, vocabulary, "c a") == "c|\u0120a");
  CHECK(Shown(*tokenizer, vocabulary, "\n") == "\u010A");
  CHECK(Encode(*tokenizer, "").empty());
  CHECK(Encode(*tokenizer, "\xC3\xA9") == Ids{0xC3, 0xA9});
}

TEST_CASE("BPE takes a whole piece where the pre-tokenizer ignores merges") {
  const std::vector<std::pair<std::string, std::string>> merges = {
      {"a", "b"}, {"x", "y"}, {"c", "xy"}};
  Vocabulary with = BpeVocabulary(merges, "llama-bpe"), without = BpeVocabulary(merges, "gpt-2");
  testing::AddToken(&with, "abc");
  testing::AddToken(&without, "abc");
  CHECK(Shown(*Make(with), with, "abc") == "abc");
  CHECK(Shown(*Make(without), without, "abc") == "ab|c");
}

TEST_CASE("BPE loses no byte that has a token, even after a merge that gives none") {
  Vocabulary vocabulary = BpeVocabulary({{"a", "b"}});
  vocabulary.merges.push_back("ab c");  // "abc" is not a token
  CHECK(Shown(*Make(vocabulary), vocabulary, "abc") == "a|b|c");
}

TEST_CASE("special tokens") {
  const Vocabulary vocabulary = BpeVocabulary({{"h", "i"}});
  const auto tokenizer = Make(vocabulary);
  const EncodeOptions parse = {.parse_special = true};
  CHECK(Shown(*tokenizer, vocabulary, "<|im_start|>hi<|im_end|>", parse) ==
        "<|im_start|>|hi|<|im_end|>");
  CHECK(Shown(*tokenizer, vocabulary, "<|im_end|>>", parse) == "<|im_end|>>");  // the longest
  CHECK(Shown(*tokenizer, vocabulary, "<|im_end|> >", parse) == "<|im_end|>|\u0120|>");
  CHECK(Shown(*tokenizer, vocabulary, "<|im_end", parse) == "<|||i|m|_|e|n|d");
  CHECK(Encode(*tokenizer, "<|im_end|>").size() == 10);                  // plain text unless asked
  CHECK(Shown(*tokenizer, vocabulary, "hi<tool>hi") == "hi|<tool>|hi");  // user-defined: always
  CHECK(tokenizer->IsEndOfGeneration(tokenizer->Find("<|im_end|>")));
  CHECK_FALSE(tokenizer->IsEndOfGeneration(tokenizer->Find("<|im_start|>")));
  CHECK_FALSE(tokenizer->IsEndOfGeneration(-1));
  CHECK(tokenizer->bos() == tokenizer->Find("<|im_start|>"));
  CHECK(tokenizer->Find("no such token") == -1);

  Vocabulary asks = vocabulary;
  asks.add_bos = asks.add_eos = true;
  CHECK(Shown(*Make(asks), asks, "hi", {.add_special = true}) == "<|im_start|>|hi|<|im_end|>");
  CHECK(Shown(*Make(asks), asks, "hi") == "hi");
}

TEST_CASE("only control tokens end an answer by their text") {
  Vocabulary vocabulary = BpeVocabulary({{"a", "b"}});
  testing::AddToken(&vocabulary, "<|endoftext|>", TokenType::kNormal);
  testing::AddToken(&vocabulary, "<|eot_id|>", TokenType::kControl);
  const auto tokenizer = Make(vocabulary);
  CHECK_FALSE(tokenizer->IsEndOfGeneration(tokenizer->Find("<|endoftext|>")));
  CHECK(tokenizer->IsEndOfGeneration(tokenizer->Find("<|eot_id|>")));
  for (const char* text : {"<|return|>", "<|call|>", "<|end|>"}) {
    testing::AddToken(&vocabulary, text, TokenType::kControl);
  }
  const auto harmony = Make(vocabulary);
  CHECK(harmony->IsEndOfGeneration(harmony->Find("<|return|>")));
  CHECK_FALSE(harmony->IsEndOfGeneration(harmony->Find("<|end|>")));
}

TEST_CASE("a special token that is not UTF-8 is never found inside a character") {
  for (const Vocabulary& plain : {SpmVocabulary(), BertVocabulary(), BpeVocabulary({{"a", "b"}})}) {
    Vocabulary vocabulary = plain;
    testing::AddToken(&vocabulary,
                      "\x96\x81"
                      "ab",
                      TokenType::kUserDefined);
    testing::AddToken(&vocabulary, "\xE2", TokenType::kControl);
    const std::string text = "a\u2581ab b";
    CHECK(Encode(*Make(vocabulary), text, {true, true}) ==
          Encode(*Make(plain), text, {true, true}));
  }
}

TEST_CASE("SentencePiece merges by score and falls back to bytes") {
  const Vocabulary vocabulary = SpmVocabulary();
  const auto tokenizer = Make(vocabulary);
  CHECK(Shown(*tokenizer, vocabulary, "ab") == "\u2581ab");
  CHECK(Shown(*tokenizer, vocabulary, "bab") == "\u2581|b|ab");
  CHECK(Shown(*tokenizer, vocabulary, "  c") == "\u2581\u2581|\u2581|c");
  CHECK(Shown(*tokenizer, vocabulary, "\u00E9") == "\u2581|<0xC3>|<0xA9>");
  CHECK(Shown(*tokenizer, vocabulary, "\n") == "\u2581|<0x0A>");
  CHECK(Encode(*tokenizer, "").empty());
  CHECK(Encode(*tokenizer, "", {.add_special = true}) == Ids{1});
  CHECK(Shown(*tokenizer, vocabulary, "a</s>a", {true, true}) == "<s>|\u2581a|</s>|\u2581a");
  CHECK(Shown(*tokenizer, vocabulary, "a<img>b") == "\u2581a|<img>|\u2581|b");
  CHECK(tokenizer->IsEndOfGeneration(tokenizer->Find("<end_of_turn>")));

  Vocabulary plain = vocabulary;
  plain.add_space_prefix = false;
  CHECK(Shown(*Make(plain), plain, "ab") == "ab");

  Vocabulary tidy = vocabulary;
  tidy.remove_extra_whitespaces = true;
  CHECK(Shown(*Make(tidy), tidy, "  c   ab ") == "\u2581|c|\u2581ab");
  CHECK(Encode(*Make(tidy), "   ").empty());

  Vocabulary no_bytes = vocabulary;
  for (int i = 3; i < 259; ++i) no_bytes.tokens[i] = "[" + std::to_string(i) + "]";
  CHECK(Shown(*Make(no_bytes), no_bytes,
              "a\u00E9\u00E9"
              "c") == "\u2581a|<unk>|c");
}

TEST_CASE("WordPiece") {
  const Vocabulary vocabulary = BertVocabulary();
  const auto tokenizer = Make(vocabulary);
  CHECK(Shown(*tokenizer, vocabulary, "unaffable!") == "\u2581un|aff|able|\u2581!");
  CHECK(Shown(*tokenizer, vocabulary, "un affable") ==
        "\u2581un|\u2581"
        "affable");
  CHECK(Shown(*tokenizer, vocabulary, "CAF\u00C9 cafe\u0301s") ==
        "\u2581"
        "cafe|\u2581"
        "cafe|s");
  CHECK(Shown(*tokenizer, vocabulary, "\u4E2D\u6587") == "\u2581\u4E2D|\u2581\u6587");
  CHECK(Shown(*tokenizer, vocabulary, "unknown un") == "[UNK]|\u2581un");
  CHECK(Shown(*tokenizer, vocabulary, "un\u2581un") == "[UNK]");
  CHECK(Shown(*tokenizer, vocabulary, std::string(101, 's')) == "[UNK]");
  CHECK(Shown(*tokenizer, vocabulary, "un", {.add_special = true}) == "[CLS]|\u2581un|[SEP]");
  CHECK(Shown(*tokenizer, vocabulary, "un[SEP]un", {.parse_special = true}) ==
        "\u2581un|[SEP]|\u2581un");
  const Vocabulary cased = BertVocabulary(true);
  CHECK(Shown(*Make(cased), cased, "Cafe cafe CAFE") ==
        "\u2581"
        "Cafe|\u2581"
        "cafe|[UNK]");
}

TEST_CASE("what is not UTF-8 is refused with its place") {
  for (const Vocabulary& vocabulary :
       {BpeVocabulary({{"a", "b"}}), SpmVocabulary(), BertVocabulary()}) {
    const auto tokenizer = Make(vocabulary);
    for (const char* bad : {"abc\xFF", "abc\xC3", "abc\xED\xA0\x80", "abc\xC0\x80",
                            "abc\xF4\x90\x80\x80", "abc\x80", "abc\xE2\x82"}) {
      const auto ids = tokenizer->Encode(bad, {});
      REQUIRE(ids.status().code() == StatusCode::kInvalidArgument);
      CHECK(std::string(ids.status().message()).find("byte 3") != std::string::npos);
    }
  }
}

TEST_CASE("vocabularies that make no sense are refused") {
  const auto code = [](const Vocabulary& vocabulary) {
    return Tokenizer::Create(vocabulary).status().code();
  };
  const Vocabulary good = BpeVocabulary({{"a", "b"}});
  Vocabulary bad = good;
  bad.model = "t5";
  CHECK(code(bad) == StatusCode::kUnimplemented);
  CHECK(std::string(Tokenizer::Create(bad).status().message()).find("t5") != std::string::npos);
  bad = good;
  bad.pre = "no-such-rule";
  CHECK(code(bad) == StatusCode::kUnimplemented);
  CHECK(std::string(Tokenizer::Create(bad).status().message()).find("no-such-rule") !=
        std::string::npos);
  bad = good;
  bad.pre = "gpt-2 phi-2";
  CHECK(code(bad) == StatusCode::kUnimplemented);
  CHECK(code(Vocabulary()) == StatusCode::kInvalidArgument);
  for (const auto& breaks : std::vector<void (*)(Vocabulary&)>{
           [](Vocabulary& v) { v.merges.clear(); }, [](Vocabulary& v) { v.merges.push_back("ab"); },
           [](Vocabulary& v) { v.merges.push_back(""); },
           [](Vocabulary& v) { v.merges.push_back("a "); },
           [](Vocabulary& v) { v.types.pop_back(); }, [](Vocabulary& v) { v.scores.pop_back(); },
           [](Vocabulary& v) { v.eos = 1 << 20; }, [](Vocabulary& v) { v.bos = -2; },
           [](Vocabulary& v) {
             v.model = "llama";
             v.scores[5] = std::numeric_limits<float>::quiet_NaN();
           }}) {
    bad = good;
    breaks(bad);
    CHECK(code(bad) == StatusCode::kInvalidArgument);
  }
}

TEST_CASE("long texts of anything are tokenized in seconds") {
  std::vector<std::pair<std::string, std::string>> merges;
  for (std::string run = "a"; run.size() <= 64; run += run) merges.emplace_back(run, run);
  for (std::string run = "\u0120"; run.size() <= 128; run += run) merges.emplace_back(run, run);
  merges.emplace_back("\u00F0", "\u0141");
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2", "default", "falcon", "tekken",
                          "gpt-4o", "deepseek-llm", "deepseek-v3", "superbpe", "tiny_aya",
                          "bailingmoe", "exaone-moe", "jais-2", "bloom", "chameleon", "kimi-k2"}) {
    const auto tokenizer = Make(BpeVocabulary(merges, pre));
    const bool common = pre == std::string_view("gpt-2") || pre == std::string_view("llama-bpe");
    const size_t size = common ? 1u << 20 : 1u << 17;
    for (const char* unit :
         {"a", " ", "1", "A", "\n", "\u00E9", "\U0001F600", "\u0315\u0316", "'", " \u4E2D"}) {
      std::string text;
      while (text.size() < size) text += unit;
      text += "z";
      const auto start = std::chrono::steady_clock::now();
      const auto ids = tokenizer->Encode(text, {});
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      INFO(pre << " on repeated '" << unit << "': " << seconds.count() << " s");
      REQUIRE(ids.ok());
      CHECK(seconds.count() < 30);  // sanitizers are slow; what is quadratic takes far longer
      if (std::string_view(unit) != "\u0315\u0316") CHECK(*tokenizer->Decode(*ids, false) == text);
    }
  }
  for (const Vocabulary& vocabulary : {SpmVocabulary(), BertVocabulary()}) {
    const auto tokenizer = Make(vocabulary);
    for (const char* unit : {"a", " ", "\U0001F600", "\u0315\u0316"}) {
      std::string text;
      while (text.size() < (1u << 20)) text += unit;
      CHECK(tokenizer->Encode(text, {}).ok());
    }
  }
}

TEST_CASE("many special tokens in a long text take linear time") {
  Vocabulary vocabulary = BpeVocabulary({{"a", "b"}});
  for (int i = 0; i < 5000; ++i) {
    testing::AddToken(&vocabulary, "<|reserved_" + std::to_string(i) + "|>", TokenType::kControl);
  }
  const auto tokenizer = Make(vocabulary);
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "x<|reserved_" + std::to_string(i % 5000) + "|>";
  CHECK(Encode(*tokenizer, text, {.parse_special = true}).size() == 100000);
}

TEST_CASE("threads share a tokenizer") {
  const auto tokenizer = Make(BpeVocabulary({{"a", "b"}, {"\u0120", "ab"}}, "llama-bpe"));
  const std::string text = "ab ab's 1234 \u00E9\n\n  ab";
  const Ids want = Encode(*tokenizer, text);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const auto ids = tokenizer->Encode(text, {});
        same[static_cast<size_t>(t)] += ids.ok() && *ids == want;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : same) CHECK(count == 100);
}

}  // namespace
}  // namespace hob::text
