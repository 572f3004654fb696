# SPDX-License-Identifier: Apache-2.0
"""Writes hob/_cffi.py, what cffi knows of hob's C interface, from the headers: generate.py INCLUDE_FOLDER OUT_FILE.

Nothing is declared twice, so nothing can drift: a wheel is generated from the headers that its library was built from.
"""

from __future__ import annotations

import pathlib
import re
import sys

ROOTS = ("hob/hob.h", "hob/hob_experimental.h")

INCLUDE = re.compile(r"#\s*include\s*<(hob/[\w.]+)>")
NUMBER = re.compile(r"#\s*define\s+(HOB_\w+)\s+\(?(-?\d+)\)?\s*$")


def _without_comments(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text).replace("\\\n", " ")


def _lines(include: pathlib.Path, name: str, seen: set[str]) -> list[str]:
    """The declarations of a header and of what it includes of hob's, as cffi reads them."""
    if name in seen:
        return []
    seen.add(name)
    result: list[str] = []
    hidden = 0  # depth of conditionals inside #ifdef __cplusplus
    for line in _without_comments((include / name).read_text()).split("\n"):
        directive = line.strip()
        if hidden:
            if re.match(r"#\s*if", directive):
                hidden += 1
            elif re.match(r"#\s*endif", directive):
                hidden -= 1
        elif re.match(r"#\s*ifdef\s+__cplusplus", directive):
            hidden = 1
        elif found := INCLUDE.match(directive):
            result += _lines(include, found[1], seen)
        elif found := NUMBER.match(directive):
            result.append(f"#define {found[1]} {found[2]}")
        elif not directive.startswith("#") and directive:
            result.append(re.sub(r"\bHOB_API\b\s*", "", line))
    return result


def declarations(include: pathlib.Path) -> str:
    """All of the interface, stable and experimental, as one text for FFI.cdef."""
    seen: set[str] = set()
    return "\n".join(line for root in ROOTS for line in _lines(include, root, seen)) + "\n"


def generate(include: pathlib.Path, out: pathlib.Path) -> None:
    """Writes `out`, which is plain Python: no compiler is needed, here or later."""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(declarations(include))
    ffi.set_source("hob._cffi", None)
    out.parent.mkdir(parents=True, exist_ok=True)
    ffi.emit_python_code(str(out))


if __name__ == "__main__":
    generate(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
