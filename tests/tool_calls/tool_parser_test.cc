// SPDX-License-Identifier: Apache-2.0
#include "lib/text/tools/tool_parser.h"

#include <catch2/catch_test_macros.hpp>

#include "lib/base/status.h"

namespace hob::text {
namespace {

struct Parsed {
  std::string text;
  std::vector<std::string> calls;  // name and arguments
  bool operator==(const Parsed&) const = default;
};

Parsed Parse(const ToolStyle& style, std::string_view answer, size_t piece) {
  ToolParser parser(style, 7);
  std::vector<ToolCall> calls;
  Parsed out;
  for (size_t at = 0; at < answer.size(); at += piece) {
    out.text += parser.Push(answer.substr(at, piece), calls);
  }
  out.text += parser.Finish(calls);
  for (size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i].id == ToolCallId(7 + i));
    out.calls.push_back(Concat(calls[i].name, calls[i].arguments));
  }
  return out;
}

// However the answer is cut into pieces, the same comes out.
void CheckParse(const ToolStyle& style, std::string_view answer, const Parsed& expected) {
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, answer.size() + 1}) {
    INFO("pieces of " << piece << " of: " << answer);
    const Parsed parsed = Parse(style, answer, piece);
    CHECK(parsed.text == expected.text);
    CHECK(parsed.calls == expected.calls);
  }
}

TEST_CASE("calls are taken out of the answer in each style", "[tools]") {
  CheckParse(kHermesStyle, "Hello.", {"Hello.", {}});
  CheckParse(kHermesStyle, "<tool_call>\n{\"name\":\"f\",\"arguments\":{\"a\":1}}\n</tool_call>",
             {"", {"f{\"a\": 1}"}});
  CheckParse(kHermesStyle,
             "I look.\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>\n"
             "<tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>\n",
             {"I look.", {"f{}", "g{}"}});
  CheckParse(kSmolStyle,
             "<tool_call>[{\"name\": \"f\", \"arguments\": {\"t\": \"</tool_call> ]}\\\"\"}}, "
             "{\"name\": \"g\", \"arguments\": {}}]</tool_call>",
             {"", {"f{\"t\": \"</tool_call> ]}\\\"\"}", "g{}"}});
  CheckParse(kMistralStyle, "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}]", {"", {"f{}"}});
  CheckParse(kLlamaStyle,
             "{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}}",
             {"", {"f{}", "g{}"}});
  CheckParse(kHermesStyle,
             "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 2}\"}</tool_call>",
             {"", {"f{\"a\": 2}"}});
}

TEST_CASE("what is no call stays text, and none of it is lost", "[tools]") {
  for (const std::string_view answer :
       {"a < b <tool <tool_call", "<tool_call>", "<tool_call> no", "<tool_call>{\"name\": \"f\"",
        "<tool_call>{\"name\": 1, \"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>", "<tool_call>[]</tool_call>",
        "<tool_call>{\"a\": }</tool_call>", "ends with blanks \n "}) {
    CheckParse(kHermesStyle, answer, {std::string(answer), {}});
  }
  for (const std::string_view answer :
       {"<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1e999}}</tool_call>",
        "<tool_call>{\"name\": \"f\"}</tool_call><tool_call>x</tool_call>"}) {
    CheckParse(kHermesStyle, answer, {std::string(answer), {}});
  }
  // Nested deeper than a conversation takes it.
  const std::string deep =
      Concat("<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": ", std::string(77, '['),
             std::string(77, ']'), "}}</tool_call>");
  CheckParse(kHermesStyle, deep, {deep, {}});
  CheckParse(kLlamaStyle, "{\"name\": \"f\", \"parameters\": {}}; and so on",
             {"; and so on", {"f{}"}});
  for (const std::string_view answer :
       {"{\"a\": 1} is JSON", "{", " text", "{\"name\": \"f\"}; x"}) {
    CheckParse(kLlamaStyle, answer, {std::string(answer), {}});
  }
  CheckParse(kHermesStyle, "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call> And text",
             {"And text", {"f{}"}});
}

TEST_CASE("text is given as soon as it can be no call", "[tools]") {
  ToolParser parser(kHermesStyle, 0);
  std::vector<ToolCall> calls;
  CHECK(parser.Push("Hello", calls) == "Hello");
  CHECK(parser.Push(" <tool", calls).empty());
  CHECK(parser.Push("box", calls) == " <toolbox");
  CHECK(parser.Push("<tool_call>", calls).empty());
  CHECK(parser.in_call());
}

TEST_CASE("long answers take time in proportion", "[tools]") {
  // Looked at once: a parser that begins anew with each piece would not come to its end here.
  const std::string text = Concat("<tool_call>{\"name\": \"f\", \"arguments\": {\"t\": \"",
                                  std::string(900'000, 'x'), "\"}}</tool_call>");
  CHECK(Parse(kHermesStyle, text, 4).calls.size() == 1);
  const std::string longer = Concat("<tool_call>{\"", std::string(4'000'000, 'x'));
  CHECK(Parse(kHermesStyle, longer, 4).text == longer);
  const std::string blanks(2'000'000, '\n');
  CHECK(Parse(kHermesStyle, blanks, 1).text == blanks);
  std::string marks;
  for (int i = 0; i < 100'000; ++i) marks += "<tool_call>{";
  CHECK(Parse(kHermesStyle, marks, marks.size()).text == marks);
}

TEST_CASE("ids of calls are nine letters and digits", "[tools]") {
  CHECK(ToolCallId(0) == "call00000");
  CHECK(ToolCallId(12345) == "call12345");
  CHECK(ToolCallId(100001) == "call00001");
}

}  // namespace
}  // namespace hob::text
