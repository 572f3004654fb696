// SPDX-License-Identifier: Apache-2.0
// Templates and contexts that mean harm: each ends in an error, soon, on a small stack.
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <thread>

#include "lib/text/chat_template.h"
#include "tests/support/times.h"

namespace hob::text {
namespace {

using test::Times;

StatusCode CodeOf(std::string_view source, std::string_view context = "{}",
                  const TemplateLimits& limits = {}) {
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) return parsed.status().code();
  return (*parsed)->RenderJson(context, limits).status().code();
}

}  // namespace

TEST_CASE("chat template bounds: time and memory", "[template]") {
  const char* sources[] = {
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
      "{{ range(100001) }}",
      "{{ range(0, 4000000000) }}",
      "{{ 'a' * 100000000000 }}",
      "{{ ('a' * 10000000) * 1000 }}",
      "{{ [1] * 1000000000 }}",
      "{{ 'a'.center(100000000000) }}",
      "{{ 'x'|indent(100000000) }}",
      "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s ~ "
      "ns.s %}"
      "{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}",
      "{% set ns = namespace(s=[], t=[]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}"
      "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
      "{% set ns = namespace(s=[]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% "
      "endfor %}"
      "{{ ns.s }}",
      "{% set ns = namespace(s=[]) %}{% for i in range(90) %}{% set ns.s = [ns.s, ns.s] %}{% "
      "endfor %}"
      "{{ ns.s|tojson }}",
      "{% for i in range(99999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 99 }}{% "
      "endfor %}",
      "{{ ('a' * 9000000).replace('a', 'bbbbbbbbbb') }}",
      "{{ ('a' * 9000000)|replace('', 'bbbbbbbbbb') }}",
      "{{ ('a' * 9000000).find('a' * 4000000 ~ 'b') }}",
      "{{ ('a' * 9000000).strip('b' * 100000 ~ 'a') }}",
      "{{ ('a' * 16000000)|list|length }}",
      "{% for i in range(99999) %}{% set x = range(99999)|map('string')|list %}{% endfor %}",
      "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f() %}{% for i in [1] %}{% if 1 %}{{ 'x' ~ f()|upper }}{% endif %}{% endfor %}{% "
      "endmacro %}"
      "{{ f() }}",
      "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
  };
  for (const char* source : sources) {
    INFO(source);
    CHECK(CodeOf(source) == StatusCode::kResourceExhausted);
  }
}

// Each is small by its count of steps; what it makes has to be counted while it is made.
TEST_CASE("chat template bounds: memory that grows within one step", "[template]") {
  TemplateLimits limits;
  limits.output_bytes = 1u << 20;
  limits.memory_bytes = 8u << 20;
  const std::string sources[] = {
      "{{ ([x] * 200000)|join('a' * 1000000) }}",  // 200 GB of separators between nothing
      "{{ [1]|sort(attribute=',' * 1000000) }}",
      "{{ ([1] * 250000)|batch(1)|list|length }}",
      "{% set many = [1] * 20000 %}{% for i in range(1000) %}{% for j in [1] %}"
      "{% set x = loop.changed(*many) %}{% endfor %}{% endfor %}",
  };
  for (const std::string& source : sources) {
    INFO(source);
    CHECK(CodeOf(source, "{}", limits) == StatusCode::kResourceExhausted);
  }
  CHECK(CodeOf("", "{\"a\": [" + Times(2'000'000, "1,") + "1]}", limits) ==
        StatusCode::kResourceExhausted);
}

TEST_CASE("chat template bounds: the least integer", "[template]") {
  const auto render = [](std::string_view source) {
    return *(*ChatTemplate::Parse(source))->RenderJson(R"({"n": -9223372036854775808})");
  };
  CHECK(render("{{ 'ab'|center(n) }}{{ 'ab'.ljust(n) }}{{ 'ab'.zfill(n) }}") == "ababab");
  CHECK(render("{{ 2.5|round(n) }}{{ 'abc'[n] is defined }}{{ 'abc'[n:] }}") == "0.0Falseabc");
  CHECK(render("{{ [1, 2][::n] }}") == "[2]");
}

TEST_CASE("chat template bounds: messages are short and cannot drive a terminal", "[template]") {
  const std::string bell = "\a\x1B[2J\x9B\xC2\x9B";
  const std::string sources[] = {
      "{{ 1 '" + Times(100000, bell) + "' }}",
      "{{ " + bell + " }}",
      "{{ x['" + bell + "'] }}",
      "{{ " + Times(100000, "\xC2\x9B") + ".a }}",
      "{{ raise_exception('" + Times(100000, bell) + "') }}",
      "{{ {}['" + Times(100000, bell) + "'].a }}",
  };
  for (const std::string& source : sources) {
    const auto parsed = ChatTemplate::Parse(source);
    const Status status = parsed.ok() ? (*parsed)->RenderJson("{}").status() : parsed.status();
    const std::string message(status.message());
    INFO(message);
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK(message.size() < 2100);
    CHECK(message.find_first_of("\a\x1B") == std::string::npos);
    CHECK(message.find("\x9B") == std::string::npos);
  }
}

TEST_CASE("chat template bounds: widths of formats", "[template]") {
  CHECK(CodeOf("{{ '%1000000000d' % 1 }}") == StatusCode::kUnimplemented);
  CHECK(CodeOf("{{ '{:>99999999999}'.format(1) }}") == StatusCode::kUnimplemented);
  CHECK(CodeOf("{{ '%.99999f' % 1 }}") == StatusCode::kUnimplemented);
}

TEST_CASE("chat template bounds: nesting of the source", "[template]") {
  constexpr size_t kDeep = 100000;
  const std::string sources[] = {
      "{{ " + Times(kDeep, "(") + "1" + Times(kDeep, ")") + " }}",
      "{{ " + Times(kDeep, "[") + Times(kDeep, "]") + " }}",
      "{{ " + Times(kDeep, "{1:") + "1" + Times(kDeep, "}") + " }}",
      "{{ " + Times(kDeep, "-") + "1 }}",
      "{{ " + Times(kDeep, "not ") + "1 }}",
      "{{ x" + Times(kDeep, ".a") + " }}",
      "{{ x" + Times(kDeep, "[0]") + " }}",
      "{{ x" + Times(kDeep, "()") + " }}",
      "{{ 1" + Times(kDeep, "|abs") + " }}",
      "{{ 1" + Times(kDeep, " is defined") + " }}",
      "{{ " + Times(kDeep, "1 if 1 else ") + "1 }}",
      "{{ " + Times(kDeep, "f(") + Times(kDeep, ")") + " }}",
      "{{ " + Times(kDeep, "x[") + "1" + Times(kDeep, "]") + " }}",
      Times(kDeep / 10, "{% if 1 %}") + Times(kDeep / 10, "{% endif %}"),
      Times(kDeep / 10, "{% for x in y %}"),
      "{% set " + Times(kDeep, "(") + "x" + Times(kDeep, ")") + " = 1 %}",
  };
  for (const std::string& source : sources) {
    INFO(source.substr(0, 40));
    CHECK(CodeOf(source) == StatusCode::kResourceExhausted);
  }
  // Long but flat is fine.
  CHECK(CodeOf("{{ 1" + Times(10000, " + 1") + " }}") == StatusCode::kOk);
  CHECK(CodeOf("{{ 'a'" + Times(10000, " ~ 'b'") + " }}") == StatusCode::kOk);
  CHECK(CodeOf("{{ true" + Times(10000, " and true") + " }}") == StatusCode::kOk);
  CHECK(CodeOf("{% if 0 %}" + Times(10000, "{% elif 0 %}") + "{% endif %}") == StatusCode::kOk);
  CHECK(CodeOf(Times(2u << 20, "a")) == StatusCode::kResourceExhausted);
}

TEST_CASE("chat template bounds: the context", "[template]") {
  CHECK(CodeOf("x", Times(100000, "[")) == StatusCode::kInvalidArgument);
  CHECK(CodeOf("x", "{\"a\":" + Times(100000, "[") + Times(100000, "]") + "}") ==
        StatusCode::kInvalidArgument);
  const char* broken[] = {
      "",           "{",          "{\"a\"}",           "{\"a\":}",       "{\"a\":1,}",
      "{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\\u12\"}", "{\"a\":\"\n\"}", "{} x",
      "[]",         "nul",        "{\"a\":-}",         "{\"a\":\"\\q\"}"};
  for (const char* json : broken) {
    INFO(json);
    CHECK(CodeOf("x", json) == StatusCode::kInvalidArgument);
  }
  TemplateLimits limits;
  limits.memory_bytes = 100000;
  CHECK(CodeOf("x", "{\"a\": [" + Times(10000, "1,") + "1]}", limits) ==
        StatusCode::kResourceExhausted);
  limits = {};
  limits.output_bytes = 10;
  CHECK(CodeOf("0123456789", "{}", limits) == StatusCode::kOk);
  CHECK(CodeOf("0123456789a", "{}", limits) == StatusCode::kResourceExhausted);
  limits = {};
  limits.steps = 100;
  CHECK(CodeOf("{% for i in range(200) %}{% endfor %}", "{}", limits) ==
        StatusCode::kResourceExhausted);
  limits = {};
  limits.depth = 10;
  CHECK(CodeOf("{% macro f(n) %}{{ f(n - 1) if n else 'end' }}{% endmacro %}{{ f(1) }}", "{}",
               limits) == StatusCode::kOk);
  CHECK(CodeOf("{% macro f(n) %}{{ f(n - 1) if n else 'end' }}{% endmacro %}{{ f(9) }}", "{}",
               limits) == StatusCode::kResourceExhausted);
}

TEST_CASE("chat template bounds: macros and loops outlive their blocks safely", "[template]") {
  const auto render = [](std::string_view source) {
    const auto parsed = ChatTemplate::Parse(source);
    REQUIRE(parsed.ok());
    const auto text = (*parsed)->RenderJson("{}");
    return text.ok() ? *text : std::string(text.status().message());
  };
  CHECK(render("{% set ns = namespace() %}{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}"
               "{% set ns.m = m %}{% endfor %}{{ ns.m() }}") == "2");
  CHECK(
      render(
          "{% set ns = namespace() %}{% for i in [1] %}{% set x = 5 %}{% for j in [7] recursive %}"
          "{{ x }}{{ j }}{% set ns.l = loop %}{% endfor %}{% endfor %}"
          "{{ ns.l([8]) if not ns.done }}") == "5758");
  CHECK(render("{% set ns = namespace() %}{% set ns.a = namespace(b=ns) %}{% set ns.c = ns %}"
               "{{ ns.a.b.c.a is defined }}") == "True");
}

TEST_CASE("chat template: many threads render one template", "[template]") {
  const auto parsed = ChatTemplate::Parse("{% for i in range(n) %}{{ 'x' ~ i }}{% endfor %}");
  REQUIRE(parsed.ok());
  std::string results[4];
  std::thread threads[4];
  for (size_t i = 0; i < 4; ++i) {
    threads[i] = std::thread([&, i] {
      for (int turn = 0; turn < 50; ++turn) results[i] = *(*parsed)->RenderJson("{\"n\": 20}");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) CHECK(result == results[0]);
}

}  // namespace hob::text
