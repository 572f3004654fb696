# SPDX-License-Identifier: Apache-2.0
"""Code in the documents is the code that is compiled and run: the examples, word for word.

`python3 tests/docs/test_snippets.py` writes the examples into the documents."""

import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SNIPPET = re.compile(r"(<!-- snippet: (\S+) -->\n( *)```\w*\n)(.*?)(^ *```$)", re.S | re.M)


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def source(name, indent):
    lines = (ROOT / name).read_text().splitlines()
    while lines and "SPDX-License-Identifier" in lines[0]:
        lines.pop(0)
    return "".join((indent + line).rstrip() + "\n" for line in lines)


def filled(text):
    return SNIPPET.sub(lambda m: m[1] + source(m[2], m[3]) + m[5], text)


@pytest.mark.parametrize("document", documents(), ids=lambda p: str(p.relative_to(ROOT)))
def test_snippets_are_the_examples(document):
    text = document.read_text()
    assert filled(text) == text


def test_there_are_snippets():
    assert sum(len(SNIPPET.findall(d.read_text())) for d in documents()) >= 4


@pytest.mark.parametrize("document", documents(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
        if "://" not in target:
            assert (document.parent / target).exists(), target


if __name__ == "__main__":
    for path in documents():
        old = path.read_text()
        if filled(old) != old:
            path.write_text(filled(old))
            print("updated", path.relative_to(ROOT), file=sys.stderr)
