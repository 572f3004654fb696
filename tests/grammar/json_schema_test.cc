// SPDX-License-Identifier: Apache-2.0
#include "tests/grammar/reader_test.h"

namespace hob::text {
namespace {

void Check(std::string_view schema, Texts in, Texts out) {
  INFO(schema);
  CheckTexts(ReadJsonSchema(schema), in, out);
}

TEST_CASE("JSON Schema: any value") {
  for (const char* schema :
       {"true", "{}", R"({"title": "x", "$schema": "y", "$defs": {"a": 3}})"}) {
    Check(schema,
          {"null", "true", "-1.5e+3", "0", "\"\"", R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00é😀")",
           "[]", "[1, [2,3],\n  {}]", R"({"a":1,"b": [ ] , "c":{"d":null}})"},
          {"",
           " 1",
           "1 ",
           "01",
           "-",
           "1.",
           ".5",
           "+1",
           "1e",
           "NaN",
           "\"",
           "\"\t\"",
           "\"\\x\"",
           R"("\ud83d")",
           R"("\udc00\ud800")",
           "\"\xFF\"",
           "[1,]",
           "[,]",
           "{,}",
           "{\"a\"}",
           "{a:1}",
           "[1 2]",
           "tru",
           "[  1]",
           "nul",
           "12345678901234567",
           "{\"a\" :1}"});
  }
  Check("true", {"[\n" + std::string(32, ' ') + "1]"}, {"[\n" + std::string(33, ' ') + "1]"});
}

TEST_CASE("JSON Schema: types") {
  Check(R"({"type": "null"})", {"null"}, {"1", "\"null\""});
  Check(R"({"type": "boolean"})", {"true", "false"}, {"1"});
  Check(R"({"type": "integer"})", {"0", "-1", "1234567890123456"}, {"-0", "1.0", "1e3", "01"});
  Check(R"({"type": "number"})", {"0", "-0.5", "1E-7", "1.25e+10"}, {"1.e3", "\"1\""});
  Check(R"({"type": ["integer", "null", "string"]})", {"5", "null", "\"a\""}, {"1.5", "[]"});
  Check(R"({"type": ["integer", "number"]})", {"5", "1.5"}, {"null"});
  Check(R"({"type": "number", "multipleOf": 1.0})", {"5"}, {"1.5"});
  Check(R"({"type": "object"})", {"{}", R"({"a": [1]})"}, {"[]"});
  Check(R"({"type": "array"})", {"[]", R"([1, "a"])"}, {"{}"});
}

TEST_CASE("JSON Schema: listed values") {
  Check(R"({"enum": ["a\n\"é\"", 1, 1.50, null, [1, {"k": []}], {}]})",
        {R"("a\n\"é\"")", "1", "1.5", "null", R"([1, {"k":[]}])", "[1,{\"k\": []}]", "{}"},
        {"1.50", "\"a\"", "[1]", "true"});
  Check(R"({"const": 12345678901234567890})", {"12345678901234567890"}, {"12345678901234567891"});
  Check(R"({"enum": ["a", 1, "abc", null], "type": "string", "maxLength": 2})", {"\"a\""},
        {"1", "\"abc\"", "null"});
  Check(R"({"enum": [1, 2, 3.5, true], "type": "number", "minimum": 2})", {"2", "3.5"},
        {"1", "true"});
  Check(R"({"enum": [1, true, "1"], "const": 1.0})", {"1"}, {"true", "\"1\"", "1.0"});
}

TEST_CASE("JSON Schema: integers within bounds") {
  Check(R"({"type": "integer", "minimum": -12, "maximum": 105})",
        {"-12", "-9", "-1", "0", "7", "99", "100", "105"},
        {"-13", "-20", "-0", "106", "110", "200", "1000", "00"});
  Check(R"({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5.5})", {"4", "5"},
        {"3", "6"});
  Check(R"({"type": "integer", "minimum": 1.2, "maximum": 2.9})", {"2"}, {"1", "3"});
  Check(R"({"type": "integer", "maximum": -1.5})", {"-2", "-99"}, {"-1", "0", "1"});
  Check(R"({"type": "integer", "exclusiveMaximum": 0})", {"-1"}, {"0", "-0"});
  Check(R"({"type": "integer", "minimum": 0, "exclusiveMinimum": 0})", {"1"}, {"0"});
  Check(R"({"type": "integer", "minimum": -9223372036854775808, "maximum": 9223372036854775807})",
        {"-9223372036854775808", "9223372036854775807", "0"},
        {"-9223372036854775809", "9223372036854775808"});
  Check(R"({"type": "integer", "minimum": 1e17})", {"100000000000000000", "999999999999999999"},
        {"99999999999999999", "99"});
}

TEST_CASE("JSON Schema: numbers within bounds") {
  Check(R"({"type": "number", "minimum": 0.25, "maximum": 1.5})",
        {"0.25", "0.250", "0.3", "1", "1.0", "1.49999", "1.5", "1.500"},
        {"0.2", "0.2499", "0", "1.51", "1.5001", "2", "-0.3", "1e0"});
  Check(R"({"type": "number", "exclusiveMinimum": -1, "exclusiveMaximum": 0.5})",
        {"-0.9", "0", "-0", "-0.0", "0.49"}, {"-1", "-1.0", "0.5", "0.50", "-1.5"});
  Check(R"({"type": "number", "exclusiveMinimum": 0})", {"0.001", "10", "1.5"},
        {"0", "0.0", "-0", "-1"});
  Check(R"({"type": "number", "maximum": -10.5})", {"-10.5", "-11", "-100.25"},
        {"-10.4", "-10", "10.5", "0"});
  Check(R"({"minimum": 1e-3, "maximum": 12e1})", {"0.001", "120", "120.0", "15.5"},
        {"0.0009", "120.1", "\"a\""});
}

TEST_CASE("JSON Schema: strings") {
  Check(R"({"type": "string", "minLength": 2, "maxLength": 3})",
        {"\"ab\"", "\"é😀\"", R"("\n\"\\")"}, {"\"a\"", "\"abcd\"", "\"\""});
  Check(R"({"minLength": 1})", {"\"a\"", R"("a\u00e9")"}, {"\"\"", "1"});
  Check(R"({"maxLength": 0})", {"\"\""}, {"\"a\""});
  Check(R"({"pattern": "^a[\"\\\\\\n]c$"})", {R"("a\"c")", R"("a\\c")", R"("a\nc")"},
        {"\"abc\"", R"("\u0061\"c")", "\"a\nc\""});
  Check(R"({"pattern": "b+"})", {"\"b\"", "\"abc\"", "\"ab\\n\"", "\"\\u0001bé\""},
        {"\"\"", "\"ac\"", "\"\\u0062\""});
  Check(R"({"pattern": "^a|z$"})", {"\"ab\"", "\"yz\"", "\"a\""}, {"\"ba\"", "\"zy\""});
  Check(R"({"pattern": "^[a-z]{2,4}$", "minLength": 1, "maxLength": 4})", {"\"abc\""}, {"\"a\""});
  // Used twice, made once.
  Check(R"({"prefixItems": [{"pattern": "x"}, {"pattern": "x"}], "minItems": 2})",
        {R"(["x", "axb"])"}, {R"(["x", "ab"])"});
}

TEST_CASE("JSON Schema: formats") {
  Check(R"({"format": "date"})", {"\"2024-02-29\"", "\"0001-01-31\"", "\"2000-02-29\""},
        {"\"2023-02-29\"", "\"1900-02-29\"", "\"0000-01-01\"", "\"2024-04-31\"", "\"2024-13-01\"",
         "\"2024-02-30\"", "\"2024-00-10\"", "\"2024-01-00\""});
  Check(R"({"format": "time"})", {"\"23:59:59Z\"", "\"00:00:00.5+01:30\""},
        {"\"24:00:00Z\"", "\"12:00:00\"", "\"12:60:00Z\""});
  Check(R"({"format": "date-time"})", {"\"2024-02-29T12:00:00Z\""}, {"\"2024-02-29 12:00:00Z\""});
  Check(R"({"format": "uuid"})", {"\"01234567-89ab-CDEF-0123-456789abcdef\""}, {"\"0123\""});
  Check(R"({"format": "email"})", {"\"a.b+c@example.com\""},
        {"\"a@b\"", "\".a@b.c\"", "\"a b@c.d\""});
  Check(R"({"format": "ipv4"})", {"\"0.10.199.255\""},
        {"\"1.2.3\"", "\"1.2.3.256\"", "\"01.2.3.4\""});
  Check(R"({"format": "hostname"})", {"\"www.example-1.com\""},
        {"\"-a.b\"", "\"a-.b\"", "\"a..b\""});
  Check(R"({"format": "uri"})", {"\"https://example.com:80/a%20b?x=1&y#z\""},
        {"\"/a\"", "\"http:\""});
  Check(R"({"format": "duration"})", {"\"P1Y2M3DT4H5M6S\"", "\"P2W\"", "\"PT5M\""},
        {"\"P\"", "\"P1YT\""});
}

TEST_CASE("JSON Schema: arrays") {
  Check(R"({"items": {"type": "integer"}, "minItems": 1, "maxItems": 3})",
        {"[1]", "[1,2]", "[ 1, 2, 3 ]", "[\n  1,\n  2\n]"}, {"[]", "[1,2,3,4]", "[\"a\"]", "[1,]"});
  Check(R"({"prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": {"type": "string"}})",
        {"[]", "[null]", "[null,true]", R"([null,true,"a","b"])"}, {"[true]", R"([null,"a"])"});
  Check(R"({"prefixItems": [{"type": "null"}]})", {"[]", "[null]"}, {"[null,1]", "[1]"});
  Check(R"({"prefixItems": [{"type": "null"}], "minItems": 2})", {"[null,1]"},
        {"[null]", "[null,1,2]"});
  Check(R"({"prefixItems": [{"type": "null"}], "items": false, "minItems": 1})", {"[null]"},
        {"[]", "[null,null]"});
  Check(R"({"prefixItems": [{}, {}], "maxItems": 1, "uniqueItems": false})", {"[]", "[7]"},
        {"[7,8]"});
  Check(R"({"type": "array", "maxItems": 0})", {"[]", "[ ]"}, {"[1]"});
  Check(R"({"allOf": [{"prefixItems": [{"minimum": 2}]}, {"items": {"type": "integer"}}]})",
        {"[2]", "[2,1]"}, {"[1]", "[2.5]", "[2,1.5]"});
}

TEST_CASE("JSON Schema: properties in their order") {
  const char* schema =
      R"({"properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}},
          "required": ["b"]})";
  Check(schema,
        {R"({"b":null})", R"({"a":null,"b":null})", R"({"a": null, "b": null, "c": null})",
         "{\n  \"b\": null,\n  \"c\": null\n}"},
        {"{}", R"({"a":null})", R"({"b":null,"a":null})", R"({"b":null,"d":1})", R"({"b":1})",
         R"({"b":null,})", R"({,"b":null})", R"({"b":null,"b":null})"});
  Check(R"({"type": "object", "properties": {"a": {}, "b": {}}})",
        {"{}", R"({"a":1})", R"({"b":1})", R"({"a":1,"b":2})"}, {R"({"b":1,"a":2})"});
  Check(R"({"properties": {"q\"\n": true, "no": false}})", {R"({"q\"\n":1})", "{}"},
        {R"({"no":1})", R"({"q\u0022\n":1})"});
  Check(R"({"type": "object", "required": ["x", "y"]})",
        {R"({"x":1,"y":2})", R"({"x":1,"y":2,"z":3})"}, {"{}", R"({"y":1,"x":2})", R"({"x":1})"});
  Check(R"({"properties": {}})", {"{}"}, {R"({"a":1})"});
}

TEST_CASE("JSON Schema: other properties") {
  Check(R"({"properties": {"a": {"type": "null"}, "ab": {}, "é": {}},
            "additionalProperties": {"type": "integer"}})",
        {"{}", R"({"a":null,"b":1})", R"({"b":1,"c":2})", R"({"abc":1})", R"({"":1})",
         R"({"\n":1})", R"({"è":1})", R"({"ax":1})", R"({"a":null,"ab":"x","é":[],"z":1})"},
        {R"({"b":null})", R"({"b":1,"a":null})", R"({"a":1})", R"({"ab":1,"ab":1})",
         R"({"a":null,"a":1})", R"({"x":1,"é":1})", R"({"\u0061":1})"});
  Check(R"({"additionalProperties": {"type": "integer"}})", {"{}", R"({"a":1,"b":2})"},
        {R"({"a":""})"});
  Check(R"({"type": "object", "additionalProperties": false})", {"{}", "{ }"}, {R"({"a":1})"});
  Check(R"({"patternProperties": {"^x_": {"type": "integer"}}})", {"{}", R"({"x_a":1,"x_":2})"},
        {R"({"x_a":""})", R"({"y":1})"});
  Check(R"({"propertyNames": {"maxLength": 2}, "additionalProperties": {"type": "null"}})",
        {"{}", R"({"ab":null})"}, {R"({"abc":null})", R"({"a":1})"});
  Check(R"({"propertyNames": {"enum": ["a", 5]}})", {R"({"a":1})"}, {R"({"b":1})", "{5:1}"});
}

TEST_CASE("JSON Schema: numbers of properties") {
  Check(R"({"type": "object", "minProperties": 1, "maxProperties": 2})",
        {R"({"a":1})", R"({"a":1,"b":2})"}, {"{}", R"({"a":1,"b":2,"c":3})"});
  Check(R"({"properties": {"a": {}, "b": {}}, "minProperties": 1})",
        {R"({"b":1})", R"({"a":1,"b":1})"}, {"{}"});
  Check(R"({"properties": {"a": {}, "b": {}}, "maxProperties": 1})", {"{}", R"({"b":1})"},
        {R"({"a":1,"b":1})"});
  Check(R"({"properties": {"a": {}}, "required": ["a"], "additionalProperties": true,
            "minProperties": 2, "maxProperties": 3})",
        {R"({"a":1,"b":2})", R"({"a":1,"b":2,"c":3})"},
        {R"({"a":1})", R"({"a":1,"b":2,"c":3,"d":4})"});
  Check(R"({"type": "object", "maxProperties": 0})", {"{}"}, {R"({"a":1})"});
}

TEST_CASE("JSON Schema: many properties, all optional") {
  std::string schema = R"({"properties": {)";
  for (int i = 0; i < 300; ++i) {
    schema += (i == 0 ? "\"p" : ", \"p") + std::to_string(i) + R"(": {"type": "integer"})";
  }
  schema += "}}";
  Check(schema, {"{}", R"({"p0":1})", R"({"p299":1})", R"({"p7":1,"p31":2,"p32":3,"p250":4})"},
        {R"({"p300":1})", R"({"p40":1,"p39":2})", R"({"p5":1,"p5":1})"});
}

TEST_CASE("JSON Schema: combinations") {
  Check(R"({"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 1}]})", {"1", "\"a\""},
        {"\"ab\"", "null"});
  Check(R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})",
        {R"({"a":1})", R"({"b":1})", R"({"a":1,"b":2})"}, {"{}"});
  Check(R"({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                      {"properties": {"a": {"minimum": 5}, "b": {}}}]})",
        {R"({"a":5})", R"({"a":7,"b":null})"}, {R"({"a":4})", R"({"a":5.5})", "{}"});
  Check(R"({"allOf": [{"properties": {"a": {}}, "additionalProperties": {"type": "null"}},
                      {"properties": {"b": {"type": ["null", "string"]}}}]})",
        {R"({"a":1,"b":null})"}, {R"({"b":"x"})", R"({"c":null})"});
  Check(R"({"type": "string", "allOf": [{"minLength": 1}, {"maxLength": 2}, true]})", {"\"a\""},
        {"\"\"", "\"abc\""});
  // Branches that cannot be are left out.
  Check(R"({"type": "integer", "anyOf": [{"type": "string"}, {"minimum": 3, "maximum": 4}]})",
        {"3", "4"}, {"5", "\"a\""});
}

TEST_CASE("JSON Schema: oneOf of what excludes each other") {
  Check(R"({"oneOf": [{"const": "a"}, {"enum": ["b", 3]}, {"type": "null"}]})",
        {"\"a\"", "\"b\"", "3", "null"}, {"4"});
  Check(
      R"({"oneOf": [{"type": "integer", "maximum": 3}, {"type": "number", "exclusiveMinimum": 3}]})",
      {"3", "3.5", "4"}, {"2.5"});
  Check(R"({"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"],
            "oneOf": [{"properties": {"kind": {"const": "x"}, "n": {}}},
                      {"properties": {"kind": {"const": "y"}}}]})",
        {R"({"kind":"x","n":1})", R"({"kind":"y"})"}, {R"({"kind":"y","n":1})", "{}"});
  Check(
      R"({"oneOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": false},
                      {"type": "object", "properties": {"b": {}}, "required": ["b"]}]})",
      {R"({"a":1})", R"({"b":1})"}, {"{}", R"({"a":1,"b":1})"});
  Check(R"({"$defs": {"t": {"const": 1}, "u": {"const": 2}},
            "oneOf": [{"type": "object", "properties": {"v": {"$ref": "#/$defs/t"}}, "required": ["v"]},
                      {"type": "object", "properties": {"v": {"$ref": "#/$defs/u"}}, "required": ["v"]}]})",
        {R"({"v":1})", R"({"v":2})"}, {R"({"v":3})"});
  for (const char* schema : {
           R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})",
           R"({"oneOf": [{"const": 1}, {"const": 1.0}]})",
           // Without a type, both hold for strings.
           R"({"oneOf": [{"minimum": 3}, {"maximum": 2}]})",
           R"({"oneOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]},
                         {"properties": {"a": {"const": 2}}, "required": ["a"]}]})",
           // The property need not be there.
           R"({"type": "object", "oneOf": [{"properties": {"a": {"const": 1}}},
                                           {"properties": {"a": {"const": 2}}}]})",
       }) {
    INFO(schema);
    CheckError(ReadJsonSchema(schema), StatusCode::kUnimplemented,
               "#/oneOf: schemas 0 and 1 of \"oneOf\" are not known to exclude each other");
  }
}

TEST_CASE("JSON Schema: references") {
  const char* list = R"({"$ref": "#/$defs/list", "$defs": {"list": {"type": "object",
      "properties": {"next": {"$ref": "#/$defs/list"}}, "additionalProperties": false}}})";
  Check(list, {"{}", R"({"next":{"next":{}}})"}, {R"({"next":1})"});
  Check(R"({"type": "array", "items": {"$ref": "#"}})", {"[]", "[[],[[]]]"}, {"[1]"});
  Check(R"({"$ref": "#/definitions/a~1b~0c%25", "definitions": {"a/b~c%": {"const": 1}}})", {"1"},
        {"2"});
  Check(R"({"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "null"}}})", {"null"},
        {"1"});
  Check(R"({"prefixItems": [{"type": "null"}, {"$ref": "#/prefixItems/0"}], "items": false})",
        {"[null,null]"}, {"[null,1]"});
  Check(R"({"$defs": {"p": {"minimum": 1}}, "$ref": "#/$defs/p", "type": "integer", "maximum": 2})",
        {"1", "2"}, {"0", "3", "1.5"});
  Check(R"({"properties": {"const": {"$anchor": "c", "type": "null"}, "d": {"$ref": "#c"}}})",
        {R"({"const":null,"d":null})"}, {R"({"d":1})"});
  // A tree, and two that need each other.
  Check(R"({"type": "object", "properties": {"v": {"type": "integer"}, "kids": {"type": "array",
            "items": {"$ref": "#"}}}, "required": ["v"]})",
        {R"({"v":1,"kids":[{"v":2},{"v":3,"kids":[]}]})"}, {R"({"v":1,"kids":[{}]})"});
  Check(R"({"$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/b"}},
                      "b": {"properties": {"a": {"$ref": "#/$defs/a"}}}}, "$ref": "#/$defs/a"})",
        {R"([{"a":[{}]}])"}, {"{}", R"([{"a":{}}])"});
}

}  // namespace
}  // namespace hob::text
