# SPDX-License-Identifier: Apache-2.0
"""Random regular expressions: hob has the texts that Python's re matches, and no others."""

import itertools
import json
import random
import re

from grammar_oracle import GrammarError, oracle  # noqa: F401

ALPHABET = 'ab"\\'
ATOMS = [
    "a",
    "b",
    '"',
    "\\\\",
    ".",
    "[ab]",
    "[^a]",
    '[^"\\\\]',
    "\\w",
    "\\W",
    "\\x61",
    "\\u0062",
    "[a-b-]",
    '[\\w"]',
]
QUANTIFIERS = [
    "",
    "",
    "",
    "",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "??",
    "{2}",
    "{1,2}",
    "{0,3}?",
    "{2,}",
]


class RandomRegex:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def choice(self, depth=0):
        return "|".join(
            self.sequence(depth) for _ in range(self.random.choice([1, 1, 1, 2, 3]))
        )

    def sequence(self, depth):
        return "".join(
            self.atom(depth) + self.random.choice(QUANTIFIERS)
            for _ in range(self.random.randrange(1, 3))
        )

    def atom(self, depth):
        if depth < 2 and self.random.random() < 0.25:
            return self.random.choice(["(", "(?:"]) + self.choice(depth + 1) + ")"
        return self.random.choice(ATOMS)


TEXTS = [
    "".join(text)
    for length in range(5)
    for text in itertools.product(ALPHABET, repeat=length)
]


def is_small(oracle, kind, source):  # noqa: F811
    """Whether the automaton is: some expressions have one that is larger than hob makes."""
    try:
        oracle.has(kind, source, "")
    except GrammarError as error:
        if "too large" not in str(error):
            raise
        return False
    return True


def test_whole_texts(oracle):  # noqa: F811
    matched = 0
    for seed in range(60):
        pattern = RandomRegex(seed).choice()
        expression = re.compile(pattern, re.ASCII)
        if not is_small(oracle, "regex", pattern):
            continue
        for text in TEXTS[seed % 3 :: 3]:
            expected = expression.fullmatch(text) is not None
            assert oracle.has("regex", pattern, text) == expected, (pattern, text)
            matched += expected
    assert matched > 500


def test_patterns_of_schemas(oracle):  # noqa: F811
    """Anywhere in a string, but for anchors; with the escapes of JSON."""
    matched = 0
    for seed in range(60):
        made = RandomRegex(seed)
        parts = made.choice().split("|") if seed % 2 else [made.choice()]
        if seed % 2 and any(part.count("(") or part.count(")") for part in parts):
            parts = ["|".join(parts)]
        if len(parts) > 1 or seed % 4 == 0:
            parts = [
                made.random.choice(["", "^"])
                + f"(?:{part})"
                + made.random.choice(["", "$"])
                for part in parts
            ]
        pattern = "|".join(parts)
        expression = re.compile(pattern, re.ASCII)
        schema = json.dumps({"type": "string", "pattern": pattern})
        if not is_small(oracle, "schema", schema):
            continue
        for text in TEXTS[seed % 3 :: 3]:
            expected = expression.search(text) is not None
            assert oracle.has("schema", schema, json.dumps(text)) == expected, (
                pattern,
                text,
            )
            matched += expected
    assert matched > 500


def test_random_texts(oracle):  # noqa: F811
    """Longer ones, which hob chose."""
    for seed in range(200):
        pattern = RandomRegex(seed).choice()
        if not is_small(oracle, "regex", pattern):
            continue
        for text in oracle.sample("regex", pattern, 5, seed):
            assert re.fullmatch(pattern, text.decode(), re.ASCII), (pattern, text)
