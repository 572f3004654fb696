// SPDX-License-Identifier: Apache-2.0
#include "lib/text/pretokenizer.h"

#include <catch2/catch_test_macros.hpp>

namespace hob::text {
namespace {

// The pieces with a bar between them.
std::string Split(std::string_view name, std::string_view text) {
  const auto pretokenizer = Pretokenizer::Create(name);
  INFO(pretokenizer.status().ToString());
  REQUIRE(pretokenizer.ok());
  std::vector<uint32_t> ends;
  REQUIRE((*pretokenizer)->Split(text, &ends).ok());
  std::string shown;
  size_t begin = 0;
  for (const size_t end : ends) {
    REQUIRE(end > begin);
    if (begin > 0) shown += '|';
    shown += text.substr(begin, end - begin);
    begin = end;
  }
  CHECK(begin == text.size());
  return shown;
}

TEST_CASE("pieces by pre-tokenizer") {
  const std::string text = "Hello  World's 12345 CAN'T!!\n\n x";
  CHECK(Split("gpt-2", text) == "Hello| | World|'s| 12345| CAN|'|T|!!|\n\n| x");
  CHECK(Split("smollm", text) == "Hello| | World|'s| |1|2|3|4|5| CAN|'|T|!!|\n\n| x");
  CHECK(Split("llama-bpe", text) == "Hello| | World|'s| |123|45| CAN|'T|!!\n\n| x");
  CHECK(Split("qwen2", text) == "Hello| | World|'s| |1|2|3|4|5| CAN|'T|!!\n\n| x");
  CHECK(Split("tekken", text) == "Hello| | World|'s| |1|2|3|4|5| CAN|'T|!!\n\n| x");
  CHECK(Split("gpt-4o", text) == "Hello| | World's| |123|45| CAN'T|!!\n\n| x");
  CHECK(Split("default", text) == "Hello| | World|'|s| |123|45| CAN|'|T|!!|\n\n| x");
  CHECK(Split("deepseek-v3", text) == "Hello| | World|'s| |123|45| CAN|'T|!!\n\n| x");
  CHECK(Split("deepseek-coder", text) == "Hello| | World|'|s| |1|2|3|4|5| CAN|'|T|!!|\n|\n| x");
  CHECK(Split("bloom", text) == "Hello| | World's| 12345| CAN'T|!!\n\n| x");
  CHECK(Split("", text) == Split("default", text));
}

TEST_CASE("numbers in threes from the right") {
  CHECK(Split("superbpe", "a1234567b") == "a|1|234|567|b");
  CHECK(Split("superbpe", "123456") == "123|456");
  CHECK(Split("tiny_aya", "a 1234567, 12b") == "a| |1|234|567|,| |12|b");
}

TEST_CASE("white space is Unicode's") {
  // U+0085 and U+3000 have White_Space, U+180E and U+200B have not.
  CHECK(Split("gpt-2", "a\u0085\u3000b") == "a|\u0085|\u3000|b");
  CHECK(Split("gpt-2", "a\u180E\u200B!") == "a|\u180E\u200B!");
}

TEST_CASE("jais-2 cuts runs of spaces") {
  CHECK(Split("jais-2", std::string(9, ' ') + "x") == "        | x");
  CHECK(Split("jais-2", std::string(14, ' ') + "x") == "        |    | | x");
  CHECK(Split("jais-2", "  \n x") == "  \n| x");
}

}  // namespace
}  // namespace hob::text
