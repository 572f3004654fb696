// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lib/text/grammar/regex_parser.h"
#include "lib/text/grammar/schema_builder.h"

namespace hob::text {
namespace {

// Years 0001 to 9999; the days that each month has; 29 February in leap years.
#define HOB_DATE                                                              \
  "(?:(?:\\d{3}[1-9]|\\d{2}[1-9]0|\\d[1-9]00|[1-9]000)-"                      \
  "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|" \
  "(?:0[13578]|1[02])-31)|"                                                   \
  "(?:\\d{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)"
#define HOB_TIME \
  "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"
// Letters first, single hyphens, so no label is a number or reserved; at most 250 characters.
#define HOB_LABEL "[A-Za-z](?:-?[A-Za-z0-9]){0,20}"
#define HOB_HOST HOB_LABEL "(?:\\." HOB_LABEL "){0,4}"
#define HOB_BYTE "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define HOB_WORD "(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})"
#define HOB_PATH "(?:/" HOB_WORD "*)*(?:\\?" HOB_WORD "*(?:[&=]" HOB_WORD "*)*)?(?:#" HOB_WORD "*)?"
#define HOB_URI "(?:https?|ftp|file)://" HOB_HOST "(?::[1-9]\\d{0,3})?" HOB_PATH

struct Format {
  std::string_view name, pattern;
};
// Subsets of what the RFCs allow, but for ipv4, uuid and json-pointer, which are all of it.
constexpr Format kFormats[] = {
    {"date", HOB_DATE},
    {"time", HOB_TIME},
    {"date-time", HOB_DATE "T" HOB_TIME},
    {"duration",
     "P(?:\\d{1,4}W|(?:\\d{1,4}Y(?:\\d{1,4}M(?:\\d{1,4}D)?)?|\\d{1,4}M(?:\\d{1,4}D)?|\\d{1,4}D)"
     "(?:T(?:\\d{1,4}H(?:\\d{1,4}M(?:\\d{1,4}S)?)?|\\d{1,4}M(?:\\d{1,4}S)?|\\d{1,4}S))?|"
     "T(?:\\d{1,4}H(?:\\d{1,4}M(?:\\d{1,4}S)?)?|\\d{1,4}M(?:\\d{1,4}S)?|\\d{1,4}S))"},
    {"uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"},
    {"email",
     "[A-Za-z0-9_+-]{1,32}(?:\\.[A-Za-z0-9_+-]{1,15}){0,2}@" HOB_LABEL "(?:\\." HOB_LABEL "){1,3}"},
    {"hostname", HOB_HOST},
    {"ipv4", HOB_BYTE "(?:\\." HOB_BYTE "){3}"},
    {"ipv6", "[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}"},
    {"uri", HOB_URI},
    {"uri-reference", "(?:" HOB_URI "|/(?:" HOB_WORD "+" HOB_PATH ")?)"},
    {"json-pointer", "(?:/(?:[^~/]|~[01])*)*"},
};

}  // namespace

std::string_view FormatPattern(std::string_view format) {
  for (const Format& known : kFormats) {
    if (known.name == format) return known.pattern;
  }
  return {};
}

StatusOr<SchemaBuilder::Pattern> SchemaBuilder::PatternOf(const Value& at, std::string_view source,
                                                          bool anywhere) {
  const auto [found, added] =
      patterns_.try_emplace({std::string(source), anywhere}, Pattern{-1, 0, 0});
  if (!added) return found->second;
  const std::string where = Concat("JSON Schema, ", document_.Pointer(at));
  const RegexTarget target = {
      &grammar_,
      [this](std::vector<CodePoints> ranges) { return json_.Character(ranges); },
      anywhere,
      where,
  };
  HOB_ASSIGN_OR_RETURN(const ParsedRegex parsed, ParseRegex(source, target));
  const Grammar::Rule rule = grammar_.AddRule(Concat("pattern ", source.substr(0, 64)));
  const Expr quote = grammar_.Text("\"");
  grammar_.Define(rule, grammar_.Sequence({quote, parsed.expr, quote}));
  found->second = {grammar_.Refer(rule), parsed.least, parsed.most};
  return found->second;
}

StatusOr<Grammar::Expr> SchemaBuilder::String(const SchemaShape& shape, const Value& schema) {
  const CountRange& length = shape.length;
  if (shape.pattern != nullptr || shape.format != nullptr) {
    const Value& at = shape.pattern != nullptr ? *shape.pattern : *shape.format;
    if (shape.pattern != nullptr && shape.format != nullptr) {
      return document_.Lacks(at, "\"pattern\" and \"format\" together are not supported",
                             "Use the pattern alone.");
    }
    std::string_view source = at.str();
    if (shape.format != nullptr) {
      source = FormatPattern(at.str());
      if (source.empty()) {
        return document_.Lacks(at, Concat("the format \"", at.str(), "\" is not supported"),
                               "Use \"pattern\", or leave it to the description.");
      }
    }
    HOB_ASSIGN_OR_RETURN(const Pattern pattern, PatternOf(at, source, shape.pattern != nullptr));
    const bool no_limit = length.most == CountRange::kNone;
    if (pattern.least < length.least ||
        (!no_limit && (pattern.most == Grammar::kNoLimit || pattern.most > length.most))) {
      return document_.Lacks(
          at,
          "\"pattern\" and \"format\" with a minLength or maxLength that they do not keep by "
          "themselves are not supported",
          "Bound the length in the pattern, as in ^.{1,8}$.");
    }
    return pattern.string;
  }
  if (!length.any()) return json_.String();
  if (length.least > kMostLength) {
    return document_.Lacks(schema, Concat("a minLength above ", kMostLength, " is not supported"));
  }
  const Expr character = json_.AnyCharacter();
  const auto least = static_cast<uint32_t>(length.least);
  const Expr rest =
      length.most == CountRange::kNone
          ? json_.StringRest()
          : grammar_.Sequence(
                {grammar_.Repeat(character, 0,
                                 static_cast<uint32_t>(std::min(length.most, kMostLength)) - least),
                 grammar_.Text("\"")});
  return grammar_.Sequence({grammar_.Text("\""), grammar_.Repeat(character, least, least), rest});
}

}  // namespace hob::text
