// SPDX-License-Identifier: Apache-2.0
#include "lib/session/json_writer.h"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

TEST_CASE("nested values are separated as JSON wants") {
  hob::JsonWriter json;
  json.BeginObject().Key("a").BeginArray().EndArray().Key("b").BeginArray();
  json.Int(-1).Uint(~uint64_t{0}).Double(0.1).Double(NAN).Bool(true).BeginObject().EndObject();
  json.EndArray().Key("c").String("x").EndObject();
  CHECK(json.text() == R"({"a":[],"b":[-1,18446744073709551615,0.1,null,true,{}],"c":"x"})");
}

TEST_CASE("any bytes make a valid JSON string") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  bytes += "é€😀";
  hob::JsonWriter json;
  json.String(bytes);
  const auto parsed = nlohmann::json::parse(json.text()).get<std::string>();
  CHECK(parsed.substr(0, 128) == bytes.substr(0, 128));
  CHECK(parsed.ends_with("é€😀"));
}
