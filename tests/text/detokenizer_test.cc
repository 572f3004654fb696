// SPDX-License-Identifier: Apache-2.0
#include "lib/text/detokenizer.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/text/unicode.h"
#include "tests/text/tokenizer_vocabularies.h"

namespace hob::text {
namespace {

std::unique_ptr<Tokenizer> Make(const Vocabulary& vocabulary) {
  auto tokenizer = Tokenizer::Create(vocabulary);
  REQUIRE(tokenizer.ok());
  return *std::move(tokenizer);
}

TEST_CASE("complete characters are taken, half ones wait") {
  std::string bytes = "a\xE2\x82";
  CHECK(TakeCompleteUtf8(bytes) == "a");
  CHECK(bytes == "\xE2\x82");
  bytes += "\xAC!";
  CHECK(TakeCompleteUtf8(bytes) == "\u20AC!");
  CHECK(bytes.empty());
  bytes =
      "\xE2\x82"
      "b\xFF\xED\xA0\x80";  // each maximal subpart gives one U+FFFD
  CHECK(TakeCompleteUtf8(bytes) ==
        "\uFFFD"
        "b\uFFFD\uFFFD\uFFFD\uFFFD");
  CHECK(bytes.empty());
}

TEST_CASE("a stream never emits half a character") {
  const auto tokenizer = Make(testing::BpeVocabulary({{"a", "b"}}));
  const std::string text = "ab \u00E9\u4E2D\U0001F600!";
  const auto ids = tokenizer->Encode(text, {});
  REQUIRE(ids.ok());
  StreamingDetokenizer stream(*tokenizer);
  std::string all;
  for (const int32_t id : *ids) {
    const auto part = stream.Push(id);
    REQUIRE(part.ok());
    CHECK(FindInvalidUtf8(*part) == std::string_view::npos);
    all += *part;
  }
  CHECK(stream.Finish().empty());
  CHECK(all == text);
  CHECK(*tokenizer->Decode(*ids, false) == text);
}

TEST_CASE("what is left at the end is marked") {
  const auto tokenizer = Make(testing::BpeVocabulary({{"a", "b"}}));
  StreamingDetokenizer stream(*tokenizer);
  CHECK(*stream.Push(0xF0) == "");
  CHECK(*stream.Push(0x9F) == "");
  CHECK(stream.Finish() == "\uFFFD");
  CHECK(stream.Finish() == "");
  CHECK(*stream.Push(0xF0) == "");
  CHECK(*stream.Push('a') ==
        "\uFFFD"
        "a");
  CHECK(stream.Push(-1).status().code() == StatusCode::kInvalidArgument);
  CHECK(stream.Push(1 << 30).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("control tokens show only when asked") {
  const auto tokenizer = Make(testing::BpeVocabulary({{"a", "b"}}));
  const std::vector<int32_t> ids = {tokenizer->Find("<|im_start|>"), 'a', tokenizer->Find("<tool>"),
                                    tokenizer->Find("<|im_end|>")};
  CHECK(*tokenizer->Decode(ids, false) == "a<tool>");
  CHECK(*tokenizer->Decode(ids, true) == "<|im_start|>a<tool><|im_end|>");
}

TEST_CASE("the space that SentencePiece and WordPiece put first is dropped") {
  const auto spm = Make(testing::SpmVocabulary());
  for (const char* text : {"ab", " ab", "\u00E9 ab", "a  b", "\n"}) {
    const auto ids = spm->Encode(text, {.add_special = true});
    REQUIRE(ids.ok());
    CHECK(*spm->Decode(*ids, false) == text);
  }
  Vocabulary plain = testing::SpmVocabulary();
  plain.add_space_prefix = false;
  const auto no_prefix = Make(plain);
  CHECK(*no_prefix->Decode(*no_prefix->Encode(" ab", {}), false) == " ab");
  const auto bert = Make(testing::BertVocabulary());
  CHECK(*bert->Decode(*bert->Encode("unaffable un", {}), false) == "unaffable un");
}

}  // namespace
}  // namespace hob::text
