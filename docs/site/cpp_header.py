# SPDX-License-Identifier: Apache-2.0
"""A C++ twin. Its // comments go to the declarations that they stand before or behind; bodies go, and what a member
calls of the C interface is told, which is where its contract is."""

import pathlib
import re

import prose

PLAIN = {
    "get": "The handle, which this object goes on owning.",
    "release": "Gives the handle to the caller, who destroys it.",
    "Exception": "What Result::value() throws.",
}
SCOPE = re.compile(r"\s*(template\s*<.*>\s*)?(inline\s+)?(class|struct|union|enum|namespace|extern)\b", re.S)
SKIP = re.compile(r"//[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])+'")


def convert(path: pathlib.Path) -> str:
    text = path.read_text()
    head, _, text = text.partition("#ifndef ")
    lines = head.count("\n") + 1
    head = "\n".join(line[2:] for line in head.splitlines() if "SPDX" not in line)
    text = text.partition("#if defined(__cpp_lib_span)")[0]
    text = re.sub(r"^#.*$|^(inline )?namespace v0 \{$|^\} +// namespace v0$", "", "#" + text, flags=re.M)
    head = prose.opening(path, prose.escaped(head) or f" The C++ side of hob/{path.stem}.h.")
    padding = "\n" * max(0, lines - 1 - head.count("\n"))
    return padding + head + _Scan(text).run() + "\n/** @} */\n"


class _Scan:
    """One pass over the text, a declaration at a time."""

    def __init__(self, text: str):
        self.text, self.out = text, []
        self.code = re.sub(r"//[^\n]*", "", text)

    def run(self) -> str:
        text, at, start = self.text, 0, 0
        while at < len(text):
            if skip := SKIP.match(text, at):
                at = skip.end()
                continue
            char = text[at]
            statement = re.sub(r"//[^\n]*", "", text[start:at])
            if char == "{" and statement.rstrip().endswith(("=", "return")):
                at = self._closing(at)  # an initialiser
                continue
            if char == "(":
                at = self._closing(at)
                continue
            if char == "{" and SCOPE.match(statement):
                self._declare(text[start:at], "", "{")
            elif char == "{":
                end = self._closing(at)
                body = text[at:end]
                self._declare(text[start:at], body, "{}" + "\n" * body.count("\n"))
                at = end - 1
            elif char == ";":
                self._declare(text[start:at], "", ";")
                if behind := re.compile(r"; +//(.*)").match(text, at):
                    self.out.append(f" /**<{prose.escaped(behind[1])} */")
                    at = behind.end() - 1
            elif char == ":" and statement.strip() == "private":  # the last of a class, and nobody's business
                end = self._closing(at, 1)
                self.out.append("\n" * text.count("\n", start, end - 1))
                at = start = end - 1
                continue
            elif char == "}" or (char == ":" and statement.strip() == "public"):
                self.out.append(re.sub(r"//[^\n]*", "", text[start : at + 1]))
            else:
                at += 1
                continue
            at += 1
            start = at
        return "".join(self.out)

    def _closing(self, at: int, depth: int = 0) -> int:
        """Past the bracket that closes the one at `at`, or, with 1 as `depth`, the one around it."""
        while at < len(self.text):
            if skip := SKIP.match(self.text, at):
                at = skip.end()
                continue
            depth += (self.text[at] in "({[") - (self.text[at] in ")}]")
            at += 1
            if depth == 0:
                break
        return at

    def _user(self, compound: str) -> str:
        """The function that gives, takes or throws it."""
        uses = rf"\b(\w+)\([^()]*\b{compound}\b[^;]*\{{|\b{compound}>? (\w+)\(|\b(\w+)\([^;{{]*\{{[^}}]*throw {compound}\b"
        found = [next(filter(None, m.groups())) for m in re.finditer(uses, self.code)]
        return next((f for f in found if f not in (compound, "if")), "this header")

    def _declare(self, raw: str, body: str, end: str) -> None:
        """Writes a declaration with the comment that stands right before it."""
        match = re.match(r"(?P<gap>(?:\s|//[^\n]*\n)*?)(?P<comment>(?:[ \t]*//[^\n]*\n)*)(?P<code>[ \t]*[^\s/].*|)\Z", raw, re.S)
        gap, comment, code = (match["gap"], match["comment"], match["code"]) if match else ("", "", raw)
        words = [prose.escaped(line.strip()[2:]) for line in comment.splitlines()]
        name = re.search(r"([\w~]+)\(", re.sub(r"//[^\n]*", "", code))
        calls = list(dict.fromkeys(c for c in re.findall(r"\b(hob_\w+)\(", body) if not c.startswith("hob_error_")))
        if calls:
            words.append(prose.linked(f" Calls {' and '.join(calls)}."))
        elif not words and end == "{" and (compound := re.search(r"\b(?:class|struct) (\w+)", code)):
            words.append(" " + PLAIN.get(compound[1], f"For {self._user(compound[1])}."))
        elif not words and name and name[1] in PLAIN and re.search(r"\bhandle_\b", body):
            words.append(" " + PLAIN[name[1]])
        self.out.append(re.sub(r"//[^\n]*", "", gap))
        if any(w.strip() for w in words):
            lead = re.match(r"[ \t]*", code)[0]
            self.out.append(f"{lead}/**" + "\n".join(words) + " */ ")
            self.out.append("\n" if comment else "")
        # What is in the middle of a declaration is about how it is written.
        self.out.append(re.sub(r"//[^\n]*", "", code) + end)
