# SPDX-License-Identifier: Apache-2.0
"""Random expressions and templates through hob and jinja2: the same text, or an error from both."""

import random

from template_oracle import env, hob, render_jinja  # noqa: F401

CONTEXT = {
    "s": "Hello, Wörld",
    "t": "  a-b_c d\tE\n",
    "e": "",
    "n": 7,
    "z": 0,
    "m": -3,
    "f": 2.5,
    "g": -0.1,
    "y": True,
    "q": False,
    "o": None,
    "xs": [3, 1, 2],
    "ss": ["b", "A", "c", "a"],
    "d": {"a": 1, "b": [1, 2], "c": {"k": "v"}, "items": 5},
    "ds": [{"k": "x", "v": 1}, {"k": "y", "v": None}, {"k": "X"}],
    "u": "日本語 ÉÈ ß ﬁ 👋🏽",
}

NAMES = [*CONTEXT, "missing"]
STRINGS = [
    "''",
    "'a'",
    "'l'",
    "', '",
    "'Hello'",
    '"ö"',
    "'\\n'",
    "'%s-%s'",
    "'{} {}'",
    "'<&>'",
    "'7'",
    "'-2.50'",
    "'k'",
    "'x y'",
]
BINARY = [
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "~",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "and",
    "or",
]
FILTERS = [
    "trim",
    "length",
    "count",
    "upper",
    "lower",
    "capitalize",
    "title",
    "string",
    "int",
    "float",
    "first",
    "last",
    "list",
    "sort",
    "unique|list",
    "reverse|list",
    "abs",
    "round",
    "round(1)",
    "min",
    "max",
    "sum",
    "tojson",
    "tojson(indent=2)",
    "tojson(sort_keys=true)",
    "items|list",
    "dictsort",
    "default('D')",
    "d('D', true)",
    "join",
    "join('/')",
    "replace('a', 'bb')",
    "replace('l', 'L', 1)",
    "map('upper')|list",
    "map(attribute='k')|list",
    "map(attribute='v', default=0)|list",
    "selectattr('v')|list",
    "rejectattr('v', 'none')|list",
    "selectattr('v', 'defined')|map(attribute='k')|join(',')",
    "select('odd')|list",
    "reject('in', [1, 'A'])|list",
    "select|list",
    "e",
    "escape",
    "safe",
    "indent",
    "indent(2, true)",
    "truncate(5)",
    "center(9)",
    "batch(2)|list",
    "sort(reverse=true)",
    "sort(attribute='k')",
    "trim('aH ')",
    "format(1, 2)",
    "first|string",
    "tojson|length",
    "sort(case_sensitive=true)",
    "max(attribute='k')",
    "sum(attribute='v')",
    "wordcount_missing",
]
METHODS = [
    ".upper()",
    ".lower()",
    ".strip()",
    ".strip('Ha')",
    ".lstrip()",
    ".rstrip('\\n')",
    ".split()",
    ".split(',')",
    ".split('l', 1)",
    ".rsplit('-', 1)",
    ".startswith('H')",
    ".endswith(('d', 'x'))",
    ".replace('l', '1')",
    ".find('l')",
    ".title()",
    ".capitalize()",
    ".join(['p', 'q'])",
    ".splitlines()",
    ".count('l')",
    ".items()",
    ".keys()|list",
    ".values()|list",
    ".get('a')",
    ".get('zz', 4)",
    "['a']",
    "[0]",
    "[-1]",
    "[5]",
    "[1:]",
    "[::-1]",
    "[:-1]",
    "[-2:]",
    "[::2]",
    "[3:1:-1]",
    ".a",
    ".c.k",
    ".items",
    ".missing",
    ".append(1)",
    ".index(1)",
    ".isdigit()",
    ".partition('l')",
    ".removeprefix('He')",
    ".zfill(4)",
    ".center(20, '*')",
    ".format(1, 'b')",
    ".pop('a')",
    ".swapcase()",
    ".islower()",
    ".rfind('l')",
    "['k']",
    "[none]",
    "[f]",
    "[true]",
]
TESTS = [
    "defined",
    "undefined",
    "none",
    "string",
    "mapping",
    "sequence",
    "iterable",
    "number",
    "integer",
    "float",
    "boolean",
    "true",
    "false",
    "odd",
    "even",
    "divisibleby(2)",
    "eq(7)",
    "in([1, 7])",
    "equalto('a')",
    "gt(1)",
    "lower",
    "upper",
    "callable",
    "sameas(none)",
    "ne 3",
    "divisibleby 3",
]
STYLES = ["{{%s}}", "{{ %s }}", "{{- %s -}}", " {{ %s -}} \n ", "\n  {{- %s }}"]


class Grammar:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def atom(self):
        kind = self.random.random()
        if kind < 0.55:
            return self.pick(NAMES)
        if kind < 0.7:
            return self.pick(STRINGS)
        if kind < 0.85:
            return self.pick(
                ["0", "1", "2", "10", "1.5", "1e3", "0.1", "true", "false", "none", "100000000.0"]
            )
        return self.pick(
            [
                "[]",
                "[1, 'a']",
                "{}",
                "{'a': 1, 2: 'b'}",
                "(1, 2)",
                "(1,)",
                "()",
                "range(3)",
                "range(5, 0, -2)",
                "[none, 1.0, true, 'q\\'']",
                "dict(a=1)",
                "[[1], [2, 3]]",
            ]
        )

    def expression(self, depth):
        if depth <= 0:
            return self.atom()
        kind = self.random.random()
        inner = lambda: self.expression(depth - 1)  # noqa: E731
        if kind < 0.2:
            return f"{inner()} {self.pick(BINARY)} {inner()}"
        if kind < 0.28:
            return f"({inner()} {self.pick(BINARY)} {inner()})"
        if kind < 0.5:
            return f"{inner()}|{self.pick(FILTERS)}"
        if kind < 0.53:
            return f"({inner()})|{self.pick(FILTERS)}"
        if kind < 0.7:
            return f"{self.atom()}{self.pick(METHODS)}"
        if kind < 0.76:
            return f"({inner()}){self.pick(METHODS)}"
        if kind < 0.84:
            return f"{inner()} is {self.pick(['', 'not '])}{self.pick(TESTS)}"
        if kind < 0.88:
            return f"{self.pick(['not ', '-', '+', '- '])}{inner()}"
        if kind < 0.93:
            return f"({inner()} if {inner()} else {inner()})"
        if kind < 0.95:
            return f"{self.atom()} < {self.atom()} < {self.atom()}"
        if kind < 0.97:
            return f"'%5.1f|%d|%s' % ({self.atom()}, {self.atom()}, {self.atom()})"
        return f"[{inner()}, {inner()}]"

    def tag(self, text):
        return (
            "{%"
            + self.pick(["", "-", "+", "", ""])
            + f" {text} "
            + self.pick(["", "-", "+", "", ""])
            + "%}"
        )

    def space(self):
        return self.pick(["", " ", "\n", "  \n ", "text", "\n  ", "x\n"])

    def block(self, depth):
        return "".join(self.statement(depth) for _ in range(self.random.randint(1, 3)))

    def statement(self, depth):
        kind = self.random.random()
        if depth <= 0 or kind < 0.3:
            return (
                self.space()
                + self.pick(STYLES) % self.expression(self.random.randint(0, 2))
                + self.space()
            )
        if kind < 0.4:
            return self.space() + self.pick(["{# c #}", "{#- c -#}\n", "{# c #}\n", "{#+ c +#}\n"])
        if kind < 0.55:
            text = self.tag(f"if {self.expression(1)}") + self.block(depth - 1)
            if self.random.random() < 0.3:
                text += self.tag(f"elif {self.expression(1)}") + self.block(depth - 1)
            if self.random.random() < 0.5:
                text += self.tag("else") + self.block(depth - 1)
            return self.space() + text + self.tag("endif") + self.space()
        if kind < 0.75:
            target, source = self.pick(
                [
                    ("i", "xs"),
                    ("i", "ss"),
                    ("i", "s"),
                    ("k, v", "d.items()"),
                    ("i", "range(n)"),
                    ("i", "ds"),
                    ("(k, v)", "[(1, 2), [3, 4]]"),
                    ("i", "missing"),
                    ("i", "d"),
                    ("k, v", "d|dictsort"),
                ]
            )
            name = self.pick(
                [
                    target.strip("()").split(",")[0],
                    "loop.index",
                    "loop.last",
                    "loop.revindex",
                    "loop.length",
                    "loop.cycle('p', 'q')",
                    "loop.previtem",
                    "loop.nextitem",
                    "loop.changed(n)",
                    "loop.first",
                ]
            )
            test = self.pick(
                [
                    "",
                    "",
                    "",
                    f" if {target.strip('()').split(',')[0]} is not none",
                    f" if {self.expression(1)}",
                ]
            )
            extra = self.pick(
                [
                    "",
                    "",
                    self.tag("break"),
                    self.tag("continue"),
                    self.tag("if loop.index > 1") + self.tag("break") + self.tag("endif"),
                ]
            )
            text = self.tag(f"for {target} in {source}{test}") + "{{ " + name + " }}" + extra
            text += self.block(depth - 1)
            if self.random.random() < 0.3:
                text += self.tag("else") + self.block(depth - 1)
            return self.space() + text + self.tag("endfor") + self.space()
        if kind < 0.85:
            name = self.pick(["n", "s", "w", "ns.a", "i"])
            return (
                self.tag("set ns = namespace(a=1)")
                + self.tag(f"set {name} = {self.expression(2)}")
                + "{{ "
                + name
                + " }}"
            )
        if kind < 0.9:
            return self.tag("set w") + self.block(depth - 1) + self.tag("endset") + "[{{ w }}]"
        if kind < 0.95:
            body = (
                self.tag("macro f(a, b=2, c=a)") + "{{ a }},{{ b }},{{ c }}" + self.block(depth - 1)
            )
            arguments = self.pick(
                ["1", "s, b=n", "", "1, 2, 3", "c=3, a=1", "1, 2, 3, 4", "*xs", "**{'a': 1}"]
            )
            return body + self.tag("endmacro") + "{{ f(" + arguments + ") }}"
        if kind < 0.97:
            return self.tag("raw") + " {{ x }} {% y %} \n" + self.tag("endraw")
        return (
            self.tag(f"filter {self.pick(['upper', 'trim', 'title|trim', 'indent'])}")
            + self.block(depth - 1)
            + self.tag("endfilter")
        )


def is_nondeterministic(text):
    return text is not None and (
        " object at 0x" in text
        or "<built-in" in text
        or "<bound" in text
        or "<function" in text
        or "<Macro" in text
        or "<class" in text
        or "iterator" in text
        or "jinja2" in text
    )


def check(env, hob, source):  # noqa: F811
    expected, error = render_jinja(env, source, CONTEXT)
    if is_nondeterministic(expected):
        return None
    text, message = hob.render(source, CONTEXT)
    # What the subset lacks it says so, and never renders wrongly.
    if (
        text is None
        and message is not None
        and (
            "not supported" in message
            or "64 bits" in message
            or "beyond ASCII" in message
            or "integer" in message
            and "precision" in message
        )
    ):
        return None
    # jinja2 folds a constant like 1[:2] into undefined; the same of a variable is an error in both.
    if text is None and "cannot be sliced" in message:
        return None
    if text != expected:
        return f"{source!r}\n jinja2: {expected!r} {error}\n hob:    {text!r} {message}"
    return ""


def run(env, hob, make, count):  # noqa: F811
    different, compared = [], 0
    for seed in range(count):
        result = check(env, hob, make(Grammar(seed)))
        if result:
            different.append(result)
        compared += result is not None
    assert not different, f"{len(different)} of {count} differ:\n" + "\n".join(different[:15])
    assert compared > count * 0.7


def test_expressions(env, hob):  # noqa: F811
    run(env, hob, lambda g: "{{ " + g.expression(g.random.randint(1, 3)) + " }}", 3000)


def test_templates(env, hob):  # noqa: F811
    run(env, hob, lambda g: g.block(2) + g.block(1), 1000)
