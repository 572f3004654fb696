# SPDX-License-Identifier: Apache-2.0
"""Doxygen's input filter: prints a header or a Markdown page as Doxygen wants it. Lines keep their numbers.

Headers and pages are written to be read as they are, so neither has Doxygen's markup."""

import pathlib
import sys

sys.dont_write_bytecode = True
import c_header  # noqa: E402
import cpp_header  # noqa: E402
import markdown  # noqa: E402

if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1]).resolve()
    kind = {".h": c_header, ".hpp": cpp_header, ".md": markdown}[path.suffix]
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(kind.convert(path))
