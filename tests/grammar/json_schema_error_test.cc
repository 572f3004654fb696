// SPDX-License-Identifier: Apache-2.0
#include "tests/grammar/reader_test.h"

namespace hob::text {
namespace {

struct Case {
  std::string schema;
  std::string_view part;
};

TEST_CASE("JSON Schema: what is wrong is said with its place") {
  const std::vector<Case> cases = {
      {"", "byte 0"},
      {"{", "byte 1"},
      {"{} {}", "behind the end"},
      {"[]", "#: a schema is an object, true or false"},
      {"{\"type\": 3}", "#/type: \"type\" must be a type or a list of types"},
      {R"({"type": "text"})", "#/type: \"type\" must be the name of a type"},
      {R"({"type": []})", "must be a type or a list of types"},
      {R"({"properties": {"a/b~": {"type": "int"}}})", "#/properties/a~1b~0/type: "},
      {R"({"properties": []})", "#/properties: \"properties\" must be an object of schemas"},
      {R"({"required": "a"})", "\"required\" must be a list of strings"},
      {R"({"required": [1]})", "\"required\" must be a list of strings"},
      {R"({"anyOf": []})", "\"anyOf\" must be a list of at least one schema"},
      {R"({"anyOf": [1]})", "#/anyOf/0: a schema is an object"},
      {R"({"enum": 1})", "\"enum\" must be a list"},
      {R"({"minLength": -1})", "\"minLength\" must be an integer from 0 on"},
      {R"({"minLength": 1.5})", "\"minLength\" must be an integer from 0 on"},
      {R"({"minimum": "1"})", "\"minimum\" must be a number"},
      {R"({"exclusiveMinimum": true})", "\"exclusiveMinimum\" must be a number"},
      {R"({"pattern": "a("})", "#/pattern, line 1, column 2: '(' without ')'"},
      {R"({"pattern": 1})", "\"pattern\" must be a string"},
      {R"({"const": 1e999})", "#/const: a number that is too large"},
      {R"({"const": "\ud800"})", "line 1, column 12: half of a surrogate pair"},
      {R"({"$ref": "#/$defs/a"})", "#/$ref: there is nothing at \"#/$defs/a\""},
      {R"({"$ref": "#a"})", "there is nothing at \"#a\""},
      {R"({"$ref": "#/%zz"})", "there is nothing at"},
      {R"({"$ref": "#/type", "type": "null"})", "\"#/type\" is no schema"},
      {R"({"$defs": {"a": {"$anchor": "x"}, "b": {"$anchor": "x"}}})",
       "the anchor \"x\" is there twice"},
      {"{\"title\": \"\xFF\"}", "UTF-8"},
  };
  for (const Case& c : cases) {
    INFO(c.schema);
    CheckError(ReadJsonSchema(c.schema), StatusCode::kInvalidArgument, c.part);
  }
}

TEST_CASE("JSON Schema: what no document satisfies") {
  const std::vector<Case> cases = {
      {"false", "#: the schema is false"},
      {R"({"type": "string", "enum": [1, null]})", "#/enum: no value of it is allowed"},
      {R"({"enum": []})", "#/enum: no value"},
      {R"({"const": 1, "minimum": 2})", "#/const: no value"},
      {R"({"minLength": 3, "maxLength": 2})", "the least length is above the most"},
      {R"({"type": "array", "minItems": 3, "maxItems": 2})", "the least number of items"},
      {R"({"type": "object", "minProperties": 2, "maxProperties": 1})",
       "the least number of properties"},
      {R"({"type": "integer", "minimum": 1.1, "maximum": 1.9})", "no integer is within the bounds"},
      {R"({"type": "number", "minimum": 2, "exclusiveMaximum": 2})",
       "no number is within the bounds"},
      {R"({"allOf": [{"type": "string"}, {"type": "null"}]})", "no type is left"},
      {R"({"properties": {"a": false}, "required": ["a"]})", "#/properties/a: the schema is false"},
      {R"({"required": ["a"], "additionalProperties": false})",
       "#/additionalProperties: the schema is false"},
      {R"({"type": "object", "required": ["a", "b"], "maxProperties": 1})",
       "more properties are required"},
      {R"({"properties": {"a": {}}, "minProperties": 2})",
       "there are fewer properties than minProperties"},
      {R"({"anyOf": [false, {"type": "null", "const": 1}]})", "no document is valid"},
  };
  for (const Case& c : cases) {
    INFO(c.schema);
    CheckError(ReadJsonSchema(c.schema), StatusCode::kInvalidArgument, c.part);
  }
  // It takes one of its own kind, without end.
  const auto endless = ReadJsonSchema(R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})");
  REQUIRE(endless.ok());
  CheckError(Automaton::Compile(*endless), StatusCode::kInvalidArgument, "no text matches");
}

TEST_CASE("JSON Schema: what hob lacks is named with its place") {
  const std::vector<Case> cases = {
      {R"({"not": {}})", "#/not: the keyword \"not\" is not supported"},
      {R"({"properties": {"a": {"if": true}}})", "#/properties/a/if: the keyword \"if\""},
      {R"({"then": true})", "\"then\""},
      {R"({"else": true})", "\"else\""},
      {R"({"contains": {}})", "\"contains\""},
      {R"({"unevaluatedProperties": false})", "\"unevaluatedProperties\""},
      {R"({"unevaluatedItems": false})", "\"unevaluatedItems\""},
      {R"({"dependentRequired": {}})", "\"dependentRequired\""},
      {R"({"dependentSchemas": {}})", "\"dependentSchemas\""},
      {R"({"$dynamicRef": "#a"})", "\"$dynamicRef\""},
      {R"({"nullable": true})", "#/nullable: the keyword \"nullable\" is not known"},
      {R"({"uniqueItems": true})", "the keyword \"uniqueItems\" is not supported"},
      {R"({"multipleOf": 0.01})", "\"multipleOf\" is supported only with 1"},
      {R"({"items": [{}]})", "#/items: \"items\" with a list"},
      {R"({"format": "iri"})", "#/format: the format \"iri\" is not supported"},
      {R"x({"pattern": "(?=a)"})x", "#/pattern, line 1, column 2: lookaround"},
      {R"({"pattern": "a+", "maxLength": 3})", "with a minLength or maxLength"},
      {R"({"pattern": "^a{1,4}$", "minLength": 2})", "with a minLength or maxLength"},
      {R"({"pattern": "a", "format": "date"})", "\"pattern\" and \"format\" together"},
      {R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", "two different \"pattern\""},
      {R"({"minLength": 5000})", "a minLength above 4096"},
      {R"({"properties": {"a": {}}, "patternProperties": {"b": {}}})", "#/patternProperties: "},
      {R"({"patternProperties": {"a": {}, "b": {}}})", "more than one pattern of properties"},
      {R"({"propertyNames": {}, "required": ["a"]})", "\"propertyNames\" beside"},
      {R"({"type": "object", "minProperties": 2})", "\"minProperties\" is not supported with"},
      {R"({"properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 2})",
       "\"maxProperties\" is not"},
      {R"({"const": {"a": 1}, "required": ["a"]})",
       "a listed value beside keywords about its type"},
      {R"({"const": "a", "pattern": "a"})", "a listed value beside keywords about its type"},
      {R"({"type": "number", "exclusiveMinimum": 0.1234567890123456})", "more than 15 digits"},
      {R"({"minimum": 1e300})", "a bound of more than 40 digits"},
      {R"({"$ref": "other.json"})", "#/$ref: the reference \"other.json\" leads out of the schema"},
      {R"({"$defs": {"a": {"$id": "x"}}})", "#/$defs/a/$id: \"$id\" is supported only at the root"},
  };
  for (const Case& c : cases) {
    INFO(c.schema);
    CheckError(ReadJsonSchema(c.schema), StatusCode::kUnimplemented, c.part);
  }
}

TEST_CASE("JSON Schema: references in a circle") {
  for (
      const char* schema : {
          R"({"$ref": "#"})",
          R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})",
          R"({"allOf": [{"type": "null"}, {"$ref": "#"}]})",
          R"({"$defs": {"a": {"allOf": [{"allOf": [{"$ref": "#/$defs/a"}]}]}}, "items": {"$ref": "#/$defs/a"}})",
      }) {
    INFO(schema);
    CheckError(ReadJsonSchema(schema), StatusCode::kInvalidArgument,
               "the schema is part of itself");
  }
  const auto choice = ReadJsonSchema(R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})");
  REQUIRE(choice.ok());
  CheckError(Automaton::Compile(*choice), StatusCode::kInvalidArgument, "begins with itself");
}

TEST_CASE("JSON Schema: bounds") {
  CheckError(ReadJsonSchema("{\"const\": " + Times(100'000, "[") + Times(100'000, "]") + "}"),
             StatusCode::kInvalidArgument, "nested too deeply");
  CheckError(ReadJsonSchema(Times(60'000, "{\"not\":")), StatusCode::kInvalidArgument,
             "nested too deeply");
  CheckError(ReadJsonSchema("{\"title\": \"" + Times(1 << 20, "a") + "\"}"),
             StatusCode::kInvalidArgument, "bytes");
  // References one behind the other, as many as there is room for.
  std::string chain = R"({"$ref": "#/$defs/a0", "$defs": {)";
  for (int i = 0; i < 20'000; ++i) {
    chain +=
        "\"a" + std::to_string(i) + R"(": {"$ref": "#/$defs/a)" + std::to_string(i + 1) + "\"},";
  }
  CheckTexts(ReadJsonSchema(chain + "\"a20000\": {\"type\": \"null\"}}}"), {"null"}, {"1"});
  // Branches of branches: as many as the product.
  std::string product = R"({"allOf": [)";
  for (int i = 0; i < 30; ++i) {
    product += std::string(i == 0 ? "" : ",") + R"({"anyOf": [{"minimum": )" + std::to_string(i) +
               R"(}, {"maximum": )" + std::to_string(1000 + i) + "}]}";
  }
  CheckError(ReadJsonSchema(product + "]}"), StatusCode::kInvalidArgument,
             "the schema is too large");
  // Properties: 10,000, and one more.
  for (const int count : {10'000, 10'001}) {
    std::string many = R"({"required": ["p0")";
    for (int i = 1; i < count; ++i) many += ",\"p" + std::to_string(i) + "\"";
    const auto grammar = ReadJsonSchema(many + "]}");
    if (count == 10'000) {
      CHECK(grammar.ok());
    } else {
      CheckError(grammar, StatusCode::kInvalidArgument, "more than 10000 properties");
    }
  }
  // Counts past all bounds.
  CheckTexts(ReadJsonSchema(R"({"type": "string", "maxLength": 4000000000000000000000})"),
             {"\"a\""}, {"1"});
  CheckTexts(ReadJsonSchema(R"({"type": "array", "maxItems": 4000000000})"), {"[1]"}, {"1"});
  CheckError(ReadJsonSchema(R"({"type": "array", "minItems": 4000000000})"),
             StatusCode::kUnimplemented, "a minItems above 65536");
  // What makes matchers that go back run for ages.
  CheckTexts(ReadJsonSchema(R"({"pattern": "^((a|a)+)+$"})"), {"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
             {"\"aaaaaaaaaaaaaaaaaaaaaaaaaaab\""});
}

}  // namespace
}  // namespace hob::text
