// SPDX-License-Identifier: Apache-2.0
// What templates render: constructs, filters, methods, errors. The comparison with jinja2 itself is
// in test_chat_template_oracle.py and test_chat_template_random.py.
#include "lib/text/chat_template.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace hob::text {
namespace {

// The text, or "CODE: message".
std::string Try(std::string_view source, std::string_view context = "{}") {
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) return parsed.status().ToString();
  const auto text = (*parsed)->RenderJson(context);
  return text.ok() ? *text : text.status().ToString();
}

// Whether the answer begins with `head` and names `part`.
bool Refused(const std::string& answer, std::string_view head, std::string_view part) {
  return answer.rfind(head, 0) == 0 && answer.find(part) != std::string::npos;
}

struct Case {
  const char* source;
  const char* text;
};

void Check(std::initializer_list<Case> cases, std::string_view context = "{}") {
  for (const Case& c : cases) {
    INFO(c.source);
    CHECK(Try(c.source, context) == c.text);
  }
}

}  // namespace

TEST_CASE("chat template: messages render", "[template]") {
  const auto parsed = ChatTemplate::Parse(
      "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m['content'] | trim }}{{ eos_token }}"
      "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}{{ tools is none }}{{ x }}");
  REQUIRE(parsed.ok());
  ChatTemplate::Variables variables;
  variables.bos_token = "[B]";
  variables.eos_token = "[E]";
  variables.extra_json = R"({"x": 3})";
  const auto text =
      (*parsed)->Render({{"system", " Be brief.\n"}, {"user", "Größe? 👋"}}, variables);
  REQUIRE(text.ok());
  CHECK(*text == "[B]<system>Be brief.[E]<user>Größe? 👋[E]<assistant>True3");
  variables.add_generation_prompt = false;
  variables.extra_json = R"({"messages": [], "tools": []})";
  CHECK(*(*parsed)->Render({{"user", "x"}}, variables) == "[B]False");
  variables.extra_json = "[]";
  CHECK_FALSE((*parsed)->Render({}, variables).ok());
  variables.extra_json = "{";
  CHECK_FALSE((*parsed)->Render({}, variables).ok());
}

TEST_CASE("chat template: white space", "[template]") {
  Check({
      {"a\n", "a"},
      {"a\n\n", "a\n"},
      {"a\r\nb\rc", "a\nb\nc"},
      {"  {% if true %}\nx\n  {% endif %}\ny", "x\ny"},
      {" a {%- if true -%} b {%- endif -%} c ", " abc "},
      {"  {%+ if true +%}\n{% endif %}", "  \n"},
      {"{{ 1 }}\n{{ 2 -}} \n 3", "1\n23"},
      {"x {# c #}\ny {#- c -#} z", "x yz"},
      {"{% raw %} {{ a }} {%- b %}{% endraw %}\nc", " {{ a }} {%- b %}c"},
      {"{%- raw -%} x {%- endraw -%} y", "xy"},
      {"{ {x} }", "{ {x} }"},
  });
}

TEST_CASE("chat template: expressions", "[template]") {
  Check(
      {
          {"{{ 1 + 2 * 3 - 4 // 3 ** 2 }}", "7"},
          {"{{ -2 ** 2 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 7.5 // 2 }}", "4 -4 2 3.5 3.0"},
          {"{{ 1e16 }} {{ 1e-5 }} {{ 0.1 + 0.2 }} {{ 100.0 }} {{ 1e22 }} {{ 123456789012345.6 }}",
           "1e+16 1e-05 0.30000000000000004 100.0 1e+22 123456789012345.6"},
          {"{{ 'a' ~ 1 ~ none ~ true ~ [1, 'x'] ~ missing }}", "a1NoneTrue[1, 'x']"},
          {"{{ {'a': (1,), 2: [none]} }} {{ () }} {{ 'it\\'s' }} {{ [\"it's\"] }}",
           "{'a': (1,), 2: [None]} () it's [\"it's\"]"},
          {"{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 == 1.0 == true }}", "True False True"},
          {"{{ 'a' in 'cat' }} {{ 2 not in [1] }} {{ 'k' in {'k': 1} }}", "True True True"},
          {"{{ 'x' or 'y' }} {{ '' or 'y' }} {{ 0 and 1 }} {{ not '' }}", "x y 0 True"},
          {"{{ 'yes' if 1 else 'no' }}{{ 'no' if 0 }}", "yes"},
          {"{{ 'héllo'[1] }} {{ 'héllo'[-3:] }} {{ 'héllo'[::-1] }} {{ [1, 2, 3][1:] }}",
           "é llo olléh [2, 3]"},
          {"{{ 'ab' * 2 }} {{ [0] * 3 }} {{ 'a' 'b' }} {{ \"\\u00e9\\x41\\n\" }}|",
           "abab [0, 0, 0] ab éA\n|"},
          {"{{ '%s is %05.1f and %d%%' % ('x', 2.345, 7) }}", "x is 002.3 and 7%"},
          {"{{ '{} {1}'.format(1) if false else '{} {:>4}|{a!r}'.format(1, 'z', a='q') }}",
           "1    z|'q'"},
          {"{{ 0x1F }} {{ 1_000 }} {{ 0b11 }}", "31 1000 3"},
          {"{{ range(5)|list }} {{ range(3) }} {{ range(5, 0, -2)|list }}",
           "[0, 1, 2, 3, 4] range(0, 3) [5, 3, 1]"},
          {"{{ x.y.z }}{{ x['y'] }} {{ x.get('n') }} {{ x.get('n', 2) }}", "1{'z': 1} None 2"},
      },
      R"({"x": {"y": {"z": 1}}})");
}

TEST_CASE("chat template: loops", "[template]") {
  Check(
      {
          {"{% for i in 'abc' %}{{ loop.index }}{{ i }}{{ loop.revindex0 }}{{ ',' if not loop.last "
           "}}"
           "{% endfor %}",
           "1a2,2b1,3c0"},
          {"{% for i in range(6) if i is odd %}{{ i }}/{{ loop.length }} {% endfor %}",
           "1/3 3/3 5/3 "},
          {"{% for i in [] %}x{% else %}none{% endfor %}", "none"},
          {"{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break "
           "%}"
           "{% endif %}{{ i }}{% endfor %}",
           "013"},
          {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "b=1;a=[2];"},
          {"{% for k, v in d|dictsort %}{{ k }}{% endfor %}{% for k in d %}{{ k }}{% endfor %}",
           "abba"},
          {"{% for i in [1, 2, 3] %}{{ loop.previtem|default('-') }}{{ loop.nextitem|default('-') "
           "}} "
           "{% endfor %}",
           "-2 13 2- "},
          {"{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.cycle('a', 'b') }} {% endfor %}",
           "Truea Falseb Truea "},
          {"{% set x = 1 %}{% for i in [2, 3] %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}",
           "12 13 1"},
          {"{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor %}"
           "{{ ns.n }}",
           "3"},
          {"{% for t in tree recursive %}{{ t.v }}{% if t.c %}({{ loop(t.c) }}){% endif %}{% "
           "endfor %}",
           "1(23)"},
          {"{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "123"},
      },
      R"({"d": {"b": 1, "a": [2]}, "tree": [{"v": 1, "c": [{"v": 2}, {"v": 3}]}]})");
}

TEST_CASE("chat template: set, macros, blocks", "[template]") {
  Check({
      {"{% set a, b = 1, 'x' %}{{ a }}{{ b }}{% set c %}<{{ a }}>{% endset %}{{ c | length }}",
       "1x3"},
      {"{% set t | upper %}ab{% endset %}{{ t }}{% filter replace('a', 'o') %}banana{% endfilter "
       "%}",
       "ABbonono"},
      {"{% macro f(a, b=a ~ '!', c=none) %}{{ a }}{{ b }}{{ c }};{% endmacro %}"
       "{{ f(1) }}{{ f(1, 2) }}{{ f(c=3, a='x') }}",
       "11!None;12None;xx!3;"},
      {"{% macro f() %}{{ varargs }}{{ kwargs }}{{ caller() }}{% endmacro %}"
       "{% call f(1, k=2) %}in{% endcall %}",
       "(1,){'k': 2}in"},
      {"{% macro fact(n) %}{{ n if n < 2 else n * fact(n - 1)|int }}{% endmacro %}{{ fact(5) }}",
       "120"},
      {"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "3"},
      {"{% for i in range(9) %}{% with a = i %}{% if a == 1 %}{% continue %}{% endif %}"
       "{% if a == 3 %}{% break %}{% endif %}{{ a }}{% endwith %}{% endfor %}",
       "02"},
      {"{% generation %}said{% endgeneration %}", "said"},
      {"{% set j = joiner('|') %}{% for i in 'ab' %}{{ j() }}{{ i }}{% endfor %}", "a|b"},
  });
}

TEST_CASE("chat template: filters and tests", "[template]") {
  Check(
      {
          {"{{ ' x '|trim }}{{ 'xax'|trim('x') }}{{ 'aBc'|upper }}{{ 'aBc dE'|title }}{{ "
           "'éA'|capitalize }}",
           "xaABCAbc DeÉa"},
          {"{{ [3, 1, 2]|sort|join(',') }} {{ ['b', 'A']|sort }} {{ [1, 1, 2]|unique|list }}",
           "1,2,3 ['A', 'b'] [1, 2]"},
          {"{{ ms|map(attribute='r')|join('/') }} {{ ms|selectattr('r', 'equalto', "
           "'u')|list|length }} "
           "{{ ms|rejectattr('n')|map(attribute='r')|first }}",
           "s/u/u 2 s"},
          {"{{ 'a\nb'|indent }} {{ 'a\n\nb'|indent(1, true, true) }}", "a\n    b  a\n \n b"},
          {"{{ '3.7'|int }} {{ 'x'|int(9) }} {{ '0x1f'|int(0, 16) }} {{ '2.5'|float }} {{ "
           "2.5|round }} "
           "{{ 2.675|round(2) }} {{ -3|abs }}",
           "3 9 31 2.5 2.0 2.67 3"},
          {"{{ none|default('d') }} {{ none|default('d', true) }} {{ zz|default }}|", "None d |"},
          {"{{ [1, 2, 3]|sum }} {{ [2, 1]|max }} {{ [2, 1]|min }} {{ 'abc'|last }} {{ []|first }}",
           "6 2 1 c "},
          {"{{ '<a href=\"x\">'|e }} {{ ('<b>'|safe) + '<' }}",
           "&lt;a href=&#34;x&#34;&gt; <b>&lt;"},
          {"{{ ms is sequence }} {{ ms[0] is mapping }} {{ 1 is number }} {{ true is integer }} "
           "{{ 'a' is string }} {{ 3 is divisibleby 3 }} {{ zz is defined }} {{ none is none }}",
           "True True True False True True False True"},
          {"{{ (ms|map('length')) is iterable }} {{ 'x' if [1]|select('even') else 'y' }}",
           "True x"},
          {"{{ {'b': 1, 'a': 2}|items|list }} {{ [1, 2, 3]|batch(2)|list }} {{ 'abc'|reverse }}",
           "[('b', 1), ('a', 2)] [[1, 2], [3]] cba"},
      },
      R"({"ms": [{"r": "s"}, {"r": "u", "n": 1}, {"r": "u", "n": 2}]})");
}

TEST_CASE("chat template: tojson is json.dumps", "[template]") {
  const std::string context =
      R"({"x": {"s": "a\"\\/<é>\n\u0001👋", "n": [1, 2.0, -0.5, 1e20, null, true, []], "d": {}, "big": 18446744073709551616}})";
  Check(
      {
          {"{{ x|tojson }}",
           R"({"s": "a\"\\/<é>\n\u0001👋", "n": [1, 2.0, -0.5, 1e+20, null, true, []], "d": {}, "big": 18446744073709551616})"},
          {"{{ x.s|tojson(ensure_ascii=true) }}", R"("a\"\\/<\u00e9>\n\u0001\ud83d\udc4b")"},
          {"{{ {'b': [1, {}], 'a': (2,)}|tojson(indent=2) }}",
           "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": [\n    2\n  ]\n}"},
          {"{{ {'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':')) }}",
           R"({"a":2,"b":1})"},
          {"{{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }}", R"({"1": 4, "null": 3, "1.5": 5})"},
      },
      context);
}

TEST_CASE("chat template: string and dict methods", "[template]") {
  Check({
      {"{{ 'a</think>b'.split('</think>')[-1] }}{{ ' a  b '.split() }}{{ 'a,b,c'.rsplit(',', 1) }}",
       "b['a', 'b']['a,b', 'c']"},
      {"{{ 'xxaxx'.strip('x') }}{{ '\\n a\\n'.lstrip('\\n') }}|{{ 'a\\n'.rstrip() }}|", "a a\n|a|"},
      {"{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'añb'.find('b') }}",
       "TrueTrue2"},
      {"{{ 'aXa'.replace('a', 'b', 1) }}{{ 'ß'.upper() }}{{ 'ÀÉ'.lower() }}{{ 'a-b'.title() }}",
       "bXaSSàéA-B"},
      {"{{ '-'.join(['a', 'b']) }}{{ 'a\\nb'.splitlines() }}{{ 'aaa'.count('a') }}",
       "a-b['a', 'b']3"},
      {"{{ {'a': 1}.keys()|list }}{{ {'a': 1}.items() }}{{ {'items': 1}['items'] }}",
       "['a']dict_items([('a', 1)])1"},
  });
}

TEST_CASE("chat template: strftime_now takes the date of hob_now", "[template]") {
  const char* source = "{{ strftime_now('%d %b %Y|%A %-d %B %y|%H:%M:%S %p %j %F %%') }}";
  CHECK(Try(source, R"({"hob_now": "2024-07-06T15:04:05"})") ==
        "06 Jul 2024|Saturday 6 July 24|15:04:05 PM 188 2024-07-06 %");
  CHECK(Try(source, R"({"hob_now": 0})") ==
        "01 Jan 1970|Thursday 1 January 70|00:00:00 AM 001 1970-01-01 %");
  CHECK(Try("{{ strftime_now('%Y')|length }}") == "4");
  CHECK(Refused(Try(source, R"({"hob_now": "2024-02-30"})"), "INVALID_ARGUMENT", "hob_now"));
  CHECK(Refused(Try("{{ strftime_now('%Q') }}"), "UNIMPLEMENTED", "%Q"));
}

TEST_CASE("chat template: syntax errors have line and column", "[template]") {
  struct Bad {
    const char* source;
    const char* part;
  };
  const Bad cases[] = {
      {"a\n{% if x %}", "line 2, column 11"},
      {"a\n  {{ 1 + }}", "line 2, column 10"},
      {"{{ 'abc }}", "line 1, column 4: this string has no end"},
      {"{% endfor %}", "unknown or misplaced tag 'endfor'"},
      {"{% foo %}", "unknown or misplaced tag 'foo'"},
      {"{{ (1 }}", "unexpected '}'"},
      {"{{ 1", "ends where"},
      {"{# x", "this comment has no end"},
      {"{% raw %} x", "this raw block has no end"},
      {"{% break %}", "outside of a loop"},
      {"{% for x in y %}{% set loop = 1 %}{% endfor %}", "loop"},
      {"{% set 1 = 2 %}", "cannot assign"},
      {"{{ a ? b }}", "unexpected character '?'"},
      {"{{ '\\xZZ' }}", "broken \\x escape"},
      {"{{ f(a=1, 2) }}", "misplaced argument"},
      {"{% macro f(a=1, b) %}{% endmacro %}", "without a default"},
      {"{% call x %}{% endcall %}", "needs a call"},
  };
  for (const Bad& c : cases) {
    INFO(c.source << " -> " << Try(c.source));
    CHECK(Refused(Try(c.source), "INVALID_ARGUMENT", c.part));
  }
}

TEST_CASE("chat template: what the subset lacks is named", "[template]") {
  CHECK(
      Refused(Try("{{ 1|nofilter }}"), "UNIMPLEMENTED", "line 1, column 6: the filter 'nofilter'"));
  CHECK(Refused(Try("{{ 1 is notest }}"), "UNIMPLEMENTED", "the test 'notest'"));
  CHECK(Refused(Try("{% include 'x' %}"), "UNIMPLEMENTED", "'include'"));
  CHECK(Refused(Try("{{ 'a'.encode() }}"), "UNIMPLEMENTED", "'encode'"));
  CHECK(Refused(Try("{{ 9223372036854775807 + 1 }}"), "UNIMPLEMENTED", "64 bits"));
  // Under an if, only when it is reached; as jinja2.
  CHECK(Try("{% if false %}{{ 1|nofilter }}{% endif %}ok") == "ok");
  CHECK(Refused(Try("{% if true %}{{ 1|nofilter }}{% endif %}"), "UNIMPLEMENTED", "nofilter"));
}

TEST_CASE("chat template: runtime errors have a line", "[template]") {
  struct Bad {
    const char* source;
    const char* part;
  };
  const Bad cases[] = {
      {"\n\n{{ a.b.c }}", "line 3: 'a' is undefined"},
      {"{{ d.x.y }}", "'dict object' has no attribute 'x'"},
      {"{{ nothing() }}", "'nothing' is undefined"},
      {"{{ 'a' + 1 }}", "'+' is not defined between 'str' and 'int'"},
      {"{{ 1 < 'a' }}", "'<' is not defined"},
      {"{{ 1 / 0 }}", "division by zero"},
      {"{% for a, b in [(1,)] %}{% endfor %}", "cannot unpack 1 values into 2 names"},
      {"{{ [1].append(2) }}", "access to attribute 'append' of 'list' object is unsafe"},
      {"{{ ''.__class__.__mro__ }}", "unsafe"},
      {"{{ 5|length }}", "has no length"},
      {"{{ undefined_thing|tojson }}", "no JSON form"},
      {"{% set d.x = 1 %}", "not a namespace"},
      {"{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "takes at most 1"},
      {"{{ 'x'.upper(1) }}", "takes no arguments"},
  };
  for (const Bad& c : cases) {
    INFO(c.source << " -> " << Try(c.source, R"({"d": {}})"));
    CHECK(Refused(Try(c.source, R"({"d": {}})"), "INVALID_ARGUMENT", c.part));
  }
  CHECK(Try("{{ raise_exception('No ' ~ 1) }}") ==
        "INVALID_ARGUMENT: No 1 [hob.hint='the model\\'s "
        "chat template refuses these messages']");
}

TEST_CASE("chat template: text that is not UTF-8 passes unchanged", "[template]") {
  const auto parsed =
      ChatTemplate::Parse("{{ messages[0].content|trim|lower }}{{ messages[0].content|length }}");
  REQUIRE(parsed.ok());
  const auto text = (*parsed)->Render({{"user", " A\xff\xc3 "}}, {});
  REQUIRE(text.ok());
  CHECK(*text ==
        "a\xff\xc3"
        "5");
}

}  // namespace hob::text
