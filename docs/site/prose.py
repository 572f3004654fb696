# SPDX-License-Identifier: Apache-2.0
"""The text of a comment, so that Doxygen reads in it what a person does."""

import functools
import pathlib
import re

import pages


@functools.cache
def symbols() -> frozenset[str]:
    """What the C headers declare, and Doxygen does not see to be a name in a text: functions, enum values, macros."""
    text = "".join(h.read_text() for h in pages.headers() if h.suffix == ".h")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    names = re.findall(r"HOB_API [^;(]*?\b(hob_\w+)\(|^ +(HOB_\w+) = |[{,] (HOB_\w+) = |#define (HOB_\w+_INIT)\b", text, re.M)
    return frozenset("".join(n) for n in names)


def linked(text: str) -> str:
    return re.sub(r"(?<![\w#@])(hob_\w+|HOB_\w+)\b(\(\))?", lambda m: f'@ref {m[1]} "{m[1]}"' if m[1] in symbols() else m[0], text)


def escaped(text: str) -> str:
    """No markup where none is meant: <|im_end|>, *out, W[rows]."""
    text = re.sub(r"NOLINT\w*(\([\w,-]*\))?:?", "", text)
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"(?<![\w*/])\*(\w+)", r"`*\1`", parts[i])
        parts[i] = parts[i].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        # (A page of the documents by its path becomes a link.)
        parts[i] = linked(parts[i])
        parts[i] = re.sub(r"\bdocs/([\w/-]+)\.md\b", _page, parts[i])
    return "".join(parts)


def _page(match: re.Match) -> str:
    path = pages.DOCS / f"{match[1]}.md"
    return f'<a href="{pages.page_id(path)}.html">{pages.title(path)}</a>' if path.is_file() else match[0]


def opening(path: pathlib.Path, text: str) -> str:
    """The comment at the head of a header becomes the page of that header, and all that follows belongs to it."""
    other = path.with_suffix(".hpp" if path.suffix == ".h" else ".h")
    twin = ""
    if other.is_file():
        what = "The C++ twin" if other.suffix == ".hpp" else "The C interface beneath it"
        twin = f"\n\n{what}: @ref {pages.group_of(other)} \"hob/{other.name}\"."
    return f"/** @defgroup {pages.group_of(path)} hob/{path.name}\n{text}{twin} */ /** @{{ */"
