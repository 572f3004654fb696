# SPDX-License-Identifier: Apache-2.0
"""Prints the line coverage of each folder of lib/: coverage.py llvm-cov's-summary.json source-tree"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path


def main(summary: str, root: Path) -> None:
    folders: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for file in json.loads(Path(summary).read_text())["data"][0]["files"]:
        # The compiler writes no path of this machine: "build/", its folder, stands before what is in the source tree.
        path = root / re.sub(r"^(\.\.?/|build/(?!gen/|build/))+", "", file["filename"])
        if not path.is_relative_to(root / "lib"):
            continue  # generated
        parts = path.relative_to(root / "lib").parts
        lines = file["summary"]["lines"]
        for name in (parts[0], "all"):
            folder = folders[name]
            folder[0] += 1
            folder[1] += lines["count"]
            folder[2] += lines["covered"]
    print(f"{'lib/':<14}{'files':>6}{'lines':>8}{'run':>8}{'share':>9}")
    for name, (files, count, covered) in sorted(folders.items(), key=lambda item: (item[0] == "all", item)):
        print(f"{name:<14}{files:>6}{count:>8}{covered:>8}{covered / max(count, 1):>9.1%}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
