# SPDX-License-Identifier: Apache-2.0
"""Lays the package out as a wheel would, from the sources: stage.py FOLDER [LIBRARY].

`PYTHONPATH=FOLDER python` then imports it; LIBRARY is linked into it, or named by HOB_LIBRARY later. Needs cffi.
"""

from __future__ import annotations

import pathlib
import sys

from generate import generate

HERE = pathlib.Path(__file__).resolve().parents[1]


def stage(folder: pathlib.Path, library: str | None = None) -> None:
    """The modules are links, so a change in them is seen at once."""
    package = folder / "hob"
    package.mkdir(parents=True, exist_ok=True)
    for source in (HERE / "src/hob").iterdir():
        if source.is_file() and not (package / source.name).exists():
            (package / source.name).symlink_to(source)
    generate(HERE.parents[1] / "include", package / "_cffi.py")
    if library:
        link = package / "libhob.so"
        link.unlink(missing_ok=True)
        link.symlink_to(pathlib.Path(library).resolve())


if __name__ == "__main__":
    stage(pathlib.Path(sys.argv[1]), *sys.argv[2:])
