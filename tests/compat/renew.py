# SPDX-License-Identifier: Apache-2.0
"""./dev abi --renew: makes today's interface the baseline, and says what that adds to the promise.

--break    though something of the promise changes: only before the first release, or with a new major version
--release  what is promised from here on has been released: whatever is added later needs a higher version"""

import argparse
import pathlib
import shutil
import sys

import abigail
from check import CHECKS, Setting, arguments
from interface import ROOT


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--break", action="store_true", dest="may_break")
    parser.add_argument("--release", action="store_true")
    options = parser.parse_args()
    baseline = ROOT / "abi" / "baseline"
    abigail.need_tools()
    s = Setting(arguments().parse_args(["--build", str(options.build)]))
    # A baseline that does not fit its own library would fail ever after.
    names = ["headers", "library"]
    if not options.may_break:
        names += ["history", "abidiff", "client"]
    elif s.old_about["released"] and s.headers.version()[0] == int(s.old_about["version"].split(".")[0]):
        print("--break: the baseline is released, so a break needs a new HOB_ABI_VERSION_MAJOR")
        return 1
    problems = [f"{name}: {problem}" for name in names for problem in CHECKS[name](s)]
    if problems:
        print("\n".join(problems) + "\nThe baseline stays as it was.")
        return 1
    xml = abigail.describe(s.library, s.include)
    shutil.rmtree(baseline / "include")
    shutil.copytree(s.include / "hob", baseline / "include" / "hob")
    shutil.copy(s.manifest_path, baseline / "stable_abi.toml")
    (baseline / "libhob.abi").write_text(xml)
    major, minor = s.headers.version()
    released = options.release or (s.old_about["released"] and s.old_about["version"] == f"{major}.{minor}")
    (baseline / "baseline.toml").write_text(
        "# The interface that every later library keeps. Written by ./dev abi --renew.\n"
        f'version = "{major}.{minor}"\nreleased = {str(released).lower()}\n'
    )
    for kind, entries in s.manifest.kinds().items():
        added = sorted(set(entries) - set(s.old_manifest.kinds()[kind]))
        print(f"{kind}s: {len(entries)}" + (f", new: {', '.join(added)}" if added else ""))
    print(f"The baseline is version {major}.{minor}, {'released' if released else 'not released yet'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
