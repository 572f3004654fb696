// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/chat_response.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tests/handoff/loopback_server.h"

using namespace hob;
using handoff::ChatResponse;
using handoff::SseParser;

namespace {

// The events of a stream that comes in pieces of `size` bytes.
std::vector<std::string> Events(std::string_view bytes, size_t size) {
  SseParser parser;
  std::vector<std::string> events;
  for (size_t at = 0; at < bytes.size(); at += size) {
    const auto more = parser.Push(bytes.substr(at, size), [&](std::string_view data) {
      events.emplace_back(data);
      return StatusOr<bool>(true);
    });
    REQUIRE(more.ok());
  }
  return events;
}

struct Read {
  Status status;
  std::string text;
  int32_t prompt = -1, generated = -1;
  bool length = false;
};

Read ReadAll(bool streams, std::string_view bytes, size_t size = 1) {
  Read read;
  ChatResponse response(streams, [&](std::string_view text) {
    read.text += text;
    return StatusOr<bool>(true);
  });
  StatusOr<bool> more = true;
  for (size_t at = 0; at < bytes.size() && more.ok() && *more; at += size) {
    more = response.Push(bytes.substr(at, size));
  }
  read.status = more.ok() ? response.End() : more.status();
  read.prompt = response.prompt_tokens();
  read.generated = response.generated_tokens();
  read.length = response.reached_length();
  return read;
}

}  // namespace

TEST_CASE("events are the same whatever pieces they come in") {
  const std::string bytes =
      "\xEF\xBB\xBF: a comment\ndata: one\n\ndata:two\r\ndata: lines\r\n\r\nevent: x\rdata\r\r"
      "id: 4\n\ndata: caf\xC3\xA9\n\ndata: cut";
  const std::vector<std::string> expected = {"one", "two\nlines", "", "caf\xC3\xA9"};
  for (size_t size = 1; size <= bytes.size(); ++size) {
    INFO(size);
    CHECK(Events(bytes, size) == expected);
  }
}

TEST_CASE("an event without end is refused") {
  SseParser parser;
  const std::string piece(64 << 10, 'x');
  const auto ignore = [](std::string_view) { return StatusOr<bool>(true); };
  SECTION("one line") {
    StatusOr<bool> more = true;
    for (int i = 0; i < 17 && more.ok(); ++i) more = parser.Push(piece, ignore);
    CHECK(more.status().code() == StatusCode::kResourceExhausted);
  }
  SECTION("many lines") {
    StatusOr<bool> more = true;
    int lines = 0;
    for (; lines < 100 && more.ok(); ++lines) more = parser.Push("data: " + piece + "\n", ignore);
    CHECK(more.status().code() == StatusCode::kResourceExhausted);
    CHECK(lines == 16);
  }
}

TEST_CASE("a stream is read") {
  const std::string bytes = test::Chunk("Und\\u00e9") + test::Chunk("\xF0\x9F\x94\x91") +
                            test::Chunk("") + test::kStreamEnd + test::Chunk("behind the end");
  for (const size_t size : {size_t{1}, size_t{7}, bytes.size()}) {
    const Read read = ReadAll(true, bytes, size);
    INFO(read.status.ToString());
    CHECK(read.status.ok());
    CHECK(read.text == "Und\xC3\xA9\xF0\x9F\x94\x91");
    CHECK(read.prompt == 7);
    CHECK(read.generated == 3);
    CHECK(!read.length);
  }
}

TEST_CASE("an answer that does not stream is read") {
  const Read read = ReadAll(
      false,
      R"({"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"length"}],)"
      R"("usage":{"prompt_tokens":1,"completion_tokens":-4}})");
  CHECK(read.status.ok());
  CHECK(read.text == "Hi");
  CHECK(read.length);
  CHECK(read.generated == -1);  // no such count
}

TEST_CASE("what is no answer is an error") {
  struct Row {
    const char* what;
    std::string bytes;
    StatusCode code;
  };
  const Row rows[] = {
      {"no JSON", "data: hello\n\n", StatusCode::kDataLoss},
      {"an array", "data: []\n\n", StatusCode::kDataLoss},
      {"no choices", "data: {}\n\n", StatusCode::kDataLoss},
      {"choices of another kind", "data: {\"choices\":3}\n\n", StatusCode::kDataLoss},
      {"not UTF-8", "data: {\"choices\":[{\"delta\":{\"content\":\"\xC3\"}}]}\n\n",
       StatusCode::kDataLoss},
      {"half a character", test::Chunk("\\ud83d"), StatusCode::kDataLoss},
      {"deep", "data: " + std::string(1000, '[') + "\n\n", StatusCode::kDataLoss},
      {"an error within", "data: {\"error\":{\"message\":\"no room\"}}\n\n",
       StatusCode::kUnavailable},
      {"nothing", "", StatusCode::kUnavailable},
      {"cut", test::Chunk("a"), StatusCode::kUnavailable},
      {"cut within an event", test::Chunk("a") + "data: {\"choi", StatusCode::kUnavailable},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(ReadAll(true, row.bytes).status.code() == row.code);
  }
  CHECK(ReadAll(false, "{\"choices\":[").status.code() == StatusCode::kDataLoss);
  CHECK(ReadAll(false, "").status.code() == StatusCode::kDataLoss);
}

TEST_CASE("a text without end is refused") {
  const std::string chunk = test::Chunk(std::string(512 << 10, 'x'));
  std::string bytes;
  for (int i = 0; i < 9; ++i) bytes += chunk;
  CHECK(ReadAll(true, bytes, bytes.size()).status.code() == StatusCode::kResourceExhausted);
}

TEST_CASE("messages of errors are one printable line") {
  using handoff::ErrorMessageOf;
  CHECK(ErrorMessageOf(R"({"error":{"message":"a\nb\u001b[31m"}})") == "a b [31m");
  CHECK(ErrorMessageOf(R"({"error":"text"})") == "text");
  CHECK(ErrorMessageOf(R"({"message":"top"})") == "top");
  CHECK(ErrorMessageOf("<html>").empty());
  CHECK(ErrorMessageOf(R"({"error":{"message":7}})").empty());
  const std::string long_one =
      ErrorMessageOf(R"({"error":{"message":")" + std::string(199, 'x') + "\xC3\xA9" + R"("}})");
  CHECK(long_one == std::string(199, 'x'));
}
