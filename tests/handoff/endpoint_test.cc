// SPDX-License-Identifier: Apache-2.0
#include "lib/handoff/endpoint.h"

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "lib/handoff/chat_request.h"
#include "tests/support/temporary_folder.h"

using namespace hob;
using namespace hob::handoff;

TEST_CASE("URLs that are taken") {
  const auto https = ParseEndpoint("https://api.example.org/v1/", false);
  REQUIRE(https.ok());
  CHECK(https->url == "https://api.example.org/v1/chat/completions");
  CHECK(https->host == "api.example.org");
  CHECK(!https->plain);
  for (const char* url : {"http://localhost/v1", "http://127.0.0.1:8080/v1", "http://[::1]:80/v1",
                          "http://127.255.0.9"}) {
    INFO(url);
    const auto endpoint = ParseEndpoint(url, false);
    REQUIRE(endpoint.ok());
    CHECK(endpoint->plain);
  }
  CHECK(ParseEndpoint("http://box.local:8080/v1", true).ok());
}

TEST_CASE("URLs that are refused") {
  for (const char* url :
       {"", "api.example.org", "ftp://a/v1", "HTTPS://a", "https://", "https:///v1",
        "https://u:p@a/v1", "https://a b/v1", "https://a/v1?key=1", "https://a/v1#x",
        "https://a\\@b/v1", "https://a:/v1", "https://a:b/v1", "https://a:123456/v1",
        "https://a/\r\nX: y", "https://\xC3\xA9.org/", "https://a%2eb/v1"}) {
    INFO(url);
    CHECK(ParseEndpoint(url, true).status().code() == StatusCode::kInvalidArgument);
  }
  CHECK(!ParseEndpoint("https://a/" + std::string(3000, 'x'), true).ok());
  for (const char* url : {"http://example.org/v1", "http://127.example.org", "http://127.0.0.1.org",
                          "http://localhost.org", "http://127.0.0.", "http://127.0.0.1.1",
                          "http://127..0.1", "http://1127.0.0.1", "http://[::2]/"}) {
    INFO(url);
    CHECK(ParseEndpoint(url, false).status().code() == StatusCode::kFailedPrecondition);
  }
}

TEST_CASE("keys") {
  CHECK(CheckApiKey("").ok());
  CHECK(CheckApiKey("sk-abc_DEF.123").ok());
  for (const char* key : {"a\r\nX-Other: b", "a b", "\x7F", "\xC3\xA9"}) {
    const Status status = CheckApiKey(key);
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK(status.ToString().find(key) == std::string::npos);
  }
  CHECK(!CheckApiKey(std::string(5000, 'k')).ok());

  const test::TemporaryFolder folder;
  const auto write = [&](std::string_view text) {
    std::ofstream(folder / "key", std::ios::binary) << text;
    return ReadKeyFile(folder / "key");
  };
  CHECK(*write("sk-1 \r\n\n") == "sk-1");
  CHECK(write("\n").status().code() == StatusCode::kInvalidArgument);
  CHECK(write("sk-1\nsk-2").status().code() == StatusCode::kInvalidArgument);
  CHECK(write(std::string(20'000, 'k')).status().code() == StatusCode::kInvalidArgument);
  CHECK(ReadKeyFile(folder / "none").status().code() == StatusCode::kNotFound);

  CHECK(WithoutKey("wrong key sk-1, sk-1!", "sk-1") == "wrong key [key], [key]!");
  CHECK(WithoutKey("ke", "e") == "k[key]");
  CHECK(WithoutKey("none", "") == "none");
}

TEST_CASE("a request's body") {
  CHECK(WriteChatRequest("big", {{"system", "a \"b\"\n"}, {"user", "\xC3\xA9"}}, 0) ==
        R"({"model":"big","messages":[{"role":"system","content":"a \"b\"\u000a"},)"
        "{\"role\":\"user\",\"content\":\"\xC3\xA9\"}],"
        R"("stream":true,"stream_options":{"include_usage":true}})");
  CHECK(WriteChatRequest("big", {}, 5).find(R"("max_tokens":5)") != std::string::npos);
}
