# SPDX-License-Identifier: Apache-2.0
"""What the site consists of: its pages, their names, and the order in which docs/README.md gives them."""

import html
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# In the order in which an app meets them.
HEADERS = ("base runtime model session sampler tokenizer template ops graph hob_experimental hob").split()
TWINS = ("error runtime model session stream sampler tokenizer template ops graph hob_experimental span hob").split()
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def headers() -> list[pathlib.Path]:
    """The public headers; one that the lists above do not name comes last, so that none is left out."""
    folder = ROOT / "include/hob"
    found = [folder / f"{n}.h" for n in HEADERS] + [folder / f"{n}.hpp" for n in TWINS]
    return found + sorted(set(folder.iterdir()) - set(found))


def group_of(header: pathlib.Path) -> str:
    return header.name.replace(".", "_")


def documents() -> list[pathlib.Path]:
    """The Markdown files that are pages: README and docs/, and what of the rest they link to."""
    pages = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    for page in pages:  # grows on the way
        for target in targets(page):
            if target.suffix == ".md" and target.is_file() and target not in pages:
                pages.append(target)
    return pages


def targets(page: pathlib.Path) -> list[pathlib.Path]:
    """What in the repository a page links to."""
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.S | re.M)
    prose = re.sub(r"`[^`\n]*`(?!\])", "", prose)
    found = [m[2].partition("#")[0] for m in LINK.finditer(prose) if "://" not in m[2]]
    return [(page.parent / t).resolve() for t in found if t]


def page_id(page: pathlib.Path) -> str:
    """howto/link.md is howto_link, and so howto_link.html."""
    if page == ROOT / "README.md":
        return "index"
    base = DOCS if page.is_relative_to(DOCS) else ROOT
    name = "_".join(page.relative_to(base).with_suffix("").parts)
    return "contents" if name == "README" else re.sub(r"[^A-Za-z0-9_]", "_", name).lower()


def title(page: pathlib.Path) -> str:
    return re.sub(r"^#+ *", "", page.read_text().partition("\n")[0])


def slug(heading: str) -> str:
    """The anchor that a heading has where Markdown is read elsewhere, too."""
    return re.sub(r" ", "-", re.sub(r"[^\w\- ]", "", heading.strip().lower()))


def sections() -> list[tuple[str, list[tuple[str, str]]]]:
    """(name, [(text, file name)]) as docs/README.md has them, the headers after its reference."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in (DOCS / "README.md").read_text().splitlines():
        if heading := re.match(r"\*\*(.+?)\*\*", line):
            found.append((heading[1], []))
        if link := LINK.search(line):
            target = (DOCS / link[2]).resolve()
            if target.is_dir():
                found[-1][1].extend((title(p), page_id(p) + ".html") for p in sorted(target.glob("*.md")))
            else:
                found[-1][1].append((link[1], page_id(target) + ".html"))
    interface = [(f"hob/{h.name}", f"group__{group_of(h).replace('_', '__')}.html") for h in headers()]
    at = next(i for i, (name, _) in enumerate(found) if name == "Reference") + 1
    found[at:at] = [
        ("C headers", [e for e in interface if e[0].endswith(".h")]),
        ("C++ headers", [e for e in interface if e[0].endswith(".hpp")]),
    ]
    return found


def navigation() -> str:
    lines = ['<a href="$relpath^index.html">Overview</a>', '<a href="$relpath^contents.html">Contents</a>']
    for name, entries in sections():
        lines.append(f"<details><summary>{html.escape(name)}</summary><ul>")
        lines += [f'<li><a href="$relpath^{url}">{html.escape(text)}</a></li>' for text, url in entries]
        lines.append("</ul></details>")
    return "\n".join(lines)
