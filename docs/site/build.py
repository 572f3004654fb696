#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the documentation as a site of HTML pages: build.py --out FOLDER. It needs Doxygen, and nothing else.

Any warning of Doxygen fails it, save that about members of the C++ twins and fields whose name says it all."""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import pages  # noqa: E402
import site_index  # noqa: E402

SITE = pathlib.Path(__file__).resolve().parent
ALLOWED = re.compile(r"\.hpp:\d+: .*Member .* is not documented\.|\.h:\d+: .*Member \w+(\[\w+\])? \(variable\) of .* is not documented\.")


def configuration(out: pathlib.Path) -> str:
    inputs = [*pages.headers(), *pages.documents()]
    settings = {
        "OUTPUT_DIRECTORY": out,
        "PROJECT_NUMBER": version(),
        "INPUT": " ".join(f'"{p}"' for p in inputs),
        "STRIP_FROM_PATH": pages.ROOT,
        "FILTER_PATTERNS": " ".join(f'"*{s}={sys.executable} {SITE}/filter.py"' for s in (".h", ".hpp", ".md")),
        "EXTENSION_MAPPING": "h=C++ hpp=C++",
        "HTML_HEADER": out / "header.html",
        "HTML_FOOTER": SITE / "footer.html",
        "HTML_EXTRA_STYLESHEET": SITE / "style.css",
        "HTML_EXTRA_FILES": SITE / "search.js",
        "WARN_LOGFILE": out / "warnings.txt",
    }
    return (SITE / "Doxyfile").read_text() + "".join(f"{k} = {v}\n" for k, v in settings.items())


def version() -> str:
    return re.search(r"project\(.*?VERSION\s+([\d.]+)", (pages.ROOT / "CMakeLists.txt").read_text(), re.S)[1]


def build(out: pathlib.Path) -> list[str]:
    """Returns what is wrong."""
    shutil.rmtree(out / "html", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    header = (SITE / "header.html").read_text().replace("@NAVIGATION@", pages.navigation())
    (out / "header.html").write_text(header)
    run = subprocess.run(["doxygen", "-"], input=configuration(out), text=True, capture_output=True, cwd=out)
    if run.returncode != 0:
        return [f"doxygen ended with {run.returncode}", *run.stderr.splitlines()]
    for page in pages.documents():
        for target in filter(pathlib.Path.is_file, pages.targets(page)):
            if target.suffix != ".md":
                copy = out / "html/source" / f"{target.relative_to(pages.ROOT)}.txt"
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(target, copy)
    built = site_index.read(out / "html")
    site_index.write_search(out / "html", built)
    warnings = run.stderr.splitlines() + (out / "warnings.txt").read_text().splitlines()
    problems = [line for line in warnings if line and not ALLOWED.search(line)]
    return problems + site_index.broken_links(out / "html", built)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pages.ROOT / "build/docs")
    out = parser.parse_args().out.resolve()
    problems = build(out)
    for line in problems:
        print(line, file=sys.stderr)
    if not problems:
        print(out / "html/index.html")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
