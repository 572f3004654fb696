// SPDX-License-Identifier: Apache-2.0
#include "lib/session/stop_matcher.h"

#include <catch2/catch_test_macros.hpp>

using hob::StopMatcher;

TEST_CASE("without stop texts, text passes") {
  StopMatcher matcher({});
  CHECK(matcher.Push("abc") == "abc");
  CHECK(matcher.Push("") == "");
  CHECK(matcher.Finish() == "");
  CHECK(matcher.found() == -1);
}

TEST_CASE("what may begin a stop text is held back until it is certain") {
  StopMatcher matcher({"</s>", "\n\nUser"});
  CHECK(matcher.Push("a<") == "a");
  CHECK(matcher.Push("/") == "");
  CHECK(matcher.Push("b\n") == "</b");
  CHECK(matcher.Push("\n") == "");
  CHECK(matcher.Push("\nUse") == "\n");
  CHECK(matcher.Finish() == "\n\nUse");
  CHECK(matcher.found() == -1);
}

TEST_CASE("a stop text ends the stream, wherever it is cut") {
  const std::string text = "one two STOP three";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    StopMatcher matcher({"STOP"});
    std::string out = matcher.Push(text.substr(0, cut));
    out += matcher.Push(text.substr(cut));
    out += matcher.Finish();
    CHECK(out == "one two ");
    CHECK(matcher.found() == 0);
    CHECK(matcher.Push("more") == "");
  }
}

TEST_CASE("of several stop texts the one that begins first counts, then the earlier listed") {
  StopMatcher first({"cd", "bc"});
  CHECK(first.Push("abcd") == "a");
  CHECK(first.found() == 1);
  StopMatcher listed({"bcd", "bc"});
  CHECK(listed.Push("abcd") == "a");
  CHECK(listed.found() == 0);
}

TEST_CASE("overlapping beginnings are not missed") {
  StopMatcher matcher({"aab"});
  std::string out;
  for (const char c : std::string("aaaab!")) out += matcher.Push(std::string(1, c));
  CHECK(out == "aa");
  CHECK(matcher.found() == 0);
}
