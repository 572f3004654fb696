# SPDX-License-Identifier: Apache-2.0
"""The text of a comment, so that Doxygen reads in it what a person does."""

import pathlib
import re

import pages


def escaped(text: str) -> str:
    """No markup where none is meant: <|im_end|>, *out, W[rows]."""
    text = re.sub(r"NOLINT\w*(\([\w,-]*\))?:?", "", text)
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"(?<![\w*/])\*(\w+)", r"`*\1`", parts[i])
        parts[i] = parts[i].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        # (A page of the documents by its path becomes a link.)
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
        twin = f" @n @n {what}: @ref {pages.group_of(other)} \"hob/{other.name}\"."
    return f"/** @defgroup {pages.group_of(path)} hob/{path.name}\n{text}{twin} */ /** @{{ */"
