# SPDX-License-Identifier: Apache-2.0
"""Reads the built pages: what the search finds, and what links lead nowhere."""

import html.parser
import json
import pathlib
import re
import urllib.parse

VOID = {"meta", "link", "br", "img", "input", "hr", "col", "area", "wbr"}


class Page(html.parser.HTMLParser):
    """The anchors, the links, and the text of <main> from one anchored heading, name or field to the next."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.ids, self.links, self.entries = set(), [], []
        self.title = ""
        self._stack: list[tuple[str, str]] = []
        self._anchor = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        given = {k: v or "" for k, v in attributes}
        if "id" in given:
            self.ids.add(given["id"])
        for name in ("href", "src"):
            if name in given:
                self.links.append(given[name])
        kind = given.get("class", "")
        if tag == "a" and kind == "anchor" or tag == "a" and "name" in given and "id" in given:
            self._anchor = given["id"]
        if tag not in VOID:
            self._stack.append((tag, kind))
        if self._inside("main") and (tag in ("h1", "h2", "h3") or kind in ("fieldname", "title")):
            anchor = "" if kind == "title" or kind == "groupheader" else self._anchor
            self.entries.append([kind or tag, anchor, "", ""])
            if kind != "fieldname":
                self._anchor = ""

    def handle_endtag(self, tag):
        if any(tag == open_tag for open_tag, _ in self._stack):
            while self._stack.pop()[0] != tag:
                pass

    def handle_data(self, data):
        if not self._inside("main") or self._inside("script") or not self.entries:
            if self._inside("title"):
                self.title += data
            return
        entry = self.entries[-1]
        heading = any(tag in ("h1", "h2", "h3") or kind in ("fieldname", "title") for tag, kind in self._stack)
        entry[2 if heading else 3] += data

    def _inside(self, tag):
        return any(open_tag == tag for open_tag, _ in self._stack)


def read(folder: pathlib.Path) -> dict[str, Page]:
    return {p.name: Page(p) for p in sorted(folder.glob("*.html"))}


def write_search(folder: pathlib.Path, pages: dict[str, Page]) -> None:
    index = []
    for name, page in pages.items():
        if not re.match(r"(functions|dir_|globals|pages\.|modules\.|classes\.|annotated|hierarchy|namespace|.*-members\.)", name):
            title = page.title.rpartition(" · ")[0]
            for kind, anchor, heading, text in page.entries:
                heading = re.sub(r"^◆\s*|\(\)$| \[.*\]$", "", " ".join(heading.split()))
                if kind != "groupheader" and heading:
                    index.append([heading, title, name + (f"#{anchor}" if anchor else ""), " ".join(text.split())[:2000]])
    (folder / "index.js").write_text("window.hobIndex = " + json.dumps(index, ensure_ascii=False) + ";\n")


def broken_links(folder: pathlib.Path, pages: dict[str, Page]) -> list[str]:
    found = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            path = urllib.parse.unquote(path) or name
            if not (folder / path).is_file():
                found.append(f"{name}: {link} is not there")
            elif anchor and path in pages and urllib.parse.unquote(anchor) not in pages[path].ids:
                found.append(f"{name}: {link} leads to no such place")
    return found
