# SPDX-License-Identifier: Apache-2.0
"""The table of the attack corpus, out of the tests themselves: prints docs/reference/attacks.md.

    python3 docs/site/attacks.py > docs/reference/attacks.md
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD = """# The attack corpus

Files, texts and calls that broke others, and classes of them; each is a test of its name in
[tests/attacks](../../tests/attacks), which builds it by code, lets it in over the C interface as an
app would, and checks the status and the message, and that the runtime answers afterwards. `class:`
marks what has no public number. This page is made from the tests by `docs/site/attacks.py`.
"""
PARTS = {
    "gguf": "GGUF: sizes, counts and names",
    "model": "Models that cannot be",
    "tokenizer": "Vocabularies and texts",
    "template": "Chat templates",
    "grammar": "Grammars",
    "hob_file": "`.hob` files",
    "session": "Sessions",
}
FOLDERS = ("safetensors", "hf")  # each is refused with INVALID_ARGUMENT, DATA_LOSS or UNIMPLEMENTED
NAME = re.compile(r'^TEST_CASE\("((?:[^"\\]|\\.)*)"\)', re.MULTILINE)
CASE = re.compile(r'((?:^//[^\n]*\n)+)^TEST_CASE\("((?:[^"\\]|\\.)*)"\) \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"\bHOB_(INVALID_ARGUMENT|DATA_LOSS|UNIMPLEMENTED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|INTERNAL)\b")


def answer(body):
    """The statuses that a test expects; a call without one expects INVALID_ARGUMENT."""
    found = list(dict.fromkeys(STATUS.findall(body))) or ["INVALID_ARGUMENT"]
    if "CheckBombs(" in body and "RESOURCE_EXHAUSTED" not in found:
        found.append("RESOURCE_EXHAUSTED")
    if "CheckBombs(" in body and found == ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"]:
        found = ["RESOURCE_EXHAUSTED"]
    return "refuses it: " + ", ".join(f"`{name}`" for name in found)


def cases(part):
    """(id, what it is, what it does in the peers, what hob answers) of the tests of a file."""
    source = (ROOT / f"tests/attacks/{part}_attack_test.cc").read_text()
    for comment, name, body in CASE.findall(source):
        text = " ".join(line.removeprefix("//").strip() for line in comment.splitlines())
        peers, marked, hob = text.partition("hob: ")
        where, _, what = name.partition(": ")
        yield where, what, peers.strip(), hob.strip() if marked else answer(body)


def names(part):
    """The names of the tests of a file."""
    return NAME.findall((ROOT / f"tests/attacks/{part}_attack_test.cc").read_text())


def page():
    lines = [HEAD]
    for part, title in PARTS.items():
        lines.append(f"## {title}\n")
        lines.append("| | attack | in the peers | hob |")
        lines.append("|---|---|---|---|")
        for row in cases(part):
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        lines.append("")
    lines.append("## Hugging Face folders and safetensors\n")
    lines.append("| | attack |")
    lines.append("|---|---|")
    for part in FOLDERS:
        lines += ["| " + " | ".join(name.partition(": ")[::2]) + " |" for name in names(part)]
    lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
