# SPDX-License-Identifier: Apache-2.0
"""A page of docs/: names for page and headings, and links to what the site has."""

import html
import pathlib
import re

import pages
import prose

# A bar that is not to divide a table's cells stays as it is.
BACKSLASH = re.compile(r"\\(?!\|)")


def convert(path: pathlib.Path) -> str:
    known = set(pages.documents())
    own = pages.page_id(path)
    lines, fence, seen = [], False, set()
    for line in path.read_text().splitlines():
        if re.match(r" *```", line):
            fence = not fence
        elif not fence and (heading := re.match(r"(#+) (.*)", line)):
            line = _heading(heading, own, seen, not lines)
        elif not fence:
            line = re.sub(r"<!-- .*? -->", "", line)
            line = pages.LINK.sub(lambda m: _link(m, path, known), line)
            line = re.sub(r"(?<!>)`(hob_\w+|HOB_\w+)`", _symbol, line)
            line = re.sub(r"`([^`]*\\[^`]*)`", _backslashes, line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _heading(match: re.Match, own: str, seen: set, first: bool) -> str:
    if first:
        return f"{match[0]} {{#{'mainpage' if own == 'index' else own}}}"
    anchor = f"{own}_{pages.slug(match[2])}"
    while anchor in seen:
        anchor += "-"
    seen.add(anchor)
    return f"{match[0]} {{#{anchor}}}"


def _link(match: re.Match, path: pathlib.Path, known: set) -> str:
    text, (name, _, anchor) = match[1], match[2].partition("#")
    if "://" in match[2]:
        return match[0]
    target = (path.parent / name).resolve() if name else path
    if target.is_dir() and target == pages.DOCS / "adr":
        return "".join(f"\n- <a href=\"{pages.page_id(p)}.html\">{pages.title(p)}</a>" for p in sorted(target.glob("*.md")))
    if target in known:
        own = pages.page_id(target)
        return f'<a href="{own}.html{f"#{own}_{anchor}" if anchor else ""}">{_html(text)}</a>'
    if target.is_file():  # build.py puts it there
        return f'<a href="source/{target.relative_to(pages.ROOT)}.txt">{_html(text)}</a>'
    return text


def _symbol(match: re.Match) -> str:
    return f"<code>@ref {match[1]}</code>" if match[1] in prose.symbols() else match[0]


def _backslashes(match: re.Match) -> str:
    """Code with backslashes, which Doxygen would take for commands, or for the escape of what ends the code."""
    return "<code>" + BACKSLASH.sub(r"\\\\", html.escape(match[1])) + "</code>"


def _html(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", text)
