// SPDX-License-Identifier: Apache-2.0
#include "lib/format/json.h"

#include <catch2/catch_test_macros.hpp>

namespace hob::format {
namespace {

TEST_CASE("values are what the text says") {
  const auto json = Json::Parse(
      R"({"a": [1, -2.5, true, null, "x\u00e9", []], "b": {"c": {}}, "big": 18446744073709551615})");
  INFO(json.status());
  REQUIRE(json.ok());
  const JsonValue root = json->root();
  CHECK(root.size() == 3);
  const JsonValue a = *root.Find("a");
  CHECK(a.size() == 6);
  std::vector<JsonValue> elements;
  REQUIRE(a.ForEachElement([&](JsonValue value) {
             elements.push_back(value);
             return absl::OkStatus();
           }).ok());
  REQUIRE(elements.size() == 6);
  CHECK(elements[0].Integer() == 1);
  CHECK(elements[0].Real() == 1.0);
  CHECK(elements[1].Real() == -2.5);
  CHECK_FALSE(elements[1].Integer().has_value());
  CHECK(elements[2].Bool() == true);
  CHECK(elements[3].is(JsonKind::kNull));
  CHECK(elements[4].Text() == "x\xC3\xA9");
  CHECK(elements[5].size() == 0);
  CHECK(root.Find("b")->Find("c")->is(JsonKind::kObject));
  CHECK_FALSE(root.Find("d").has_value());
  CHECK_FALSE(root.Find("big")->Integer().has_value());
  CHECK(root.Find("big")->Real() == 18446744073709551615.0);
  CHECK_FALSE(a.Find("a").has_value());
}

TEST_CASE("what is no JSON is refused with its place") {
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  const std::string fits = std::string(64, '[') + std::string(64, ']');
  CHECK(Json::Parse(fits).ok());
  struct Case {
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"", "byte 1"},
      {"{", "is not JSON"},
      {"{}x", "byte 3"},
      {R"({"a": 1, "a": 2})", "'a' twice"},
      {R"({"x": [{"b": 1, "c": {}, "b": 2}]})", "'b' twice"},
      {"[1e999]", "is not JSON"},
      {"[\"\xff\"]", "is not JSON"},
      {R"(["\ud800"])", "is not JSON"},
      {"[1,]", "is not JSON"},
      {"// no\n{}", "is not JSON"},
      {deep, "deeper than the limit of 64"},
      {std::string(100000, '['), "deeper"},
      {std::string("[\"a\0b\"]", 7), "is not JSON"},
  };
  for (const Case& c : cases) {
    const Status status = Json::Parse(c.text).status();
    CAPTURE(c.text.substr(0, 40), status);
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK(status.message().find(c.message) != std::string::npos);
  }
}

}  // namespace
}  // namespace hob::format
