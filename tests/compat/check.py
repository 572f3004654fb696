# SPDX-License-Identifier: Apache-2.0
"""Checks of hob's promise (docs/reference/abi.md), each by its name; exit code 1 with a line for each problem.

headers  the headers declare what abi/stable_abi.toml lists: symbols, values, sizes
library  the shared library exports what the manifest lists, and the lists for the three linkers name the same
history  everything that the baseline promised is still there, laid out as it was
abidiff  libabigail finds no change of the types and functions of the baseline but additions
client   programs compiled against the baseline's headers run with this library
newer    a program compiled against newer headers is refused, or accepted, as the promise says

python3 tests/compat/check.py --build build/release headers history
"""

import argparse
import os
import pathlib
import re
import sys
import tomllib

import abigail
import clients
from history import check_history
from interface import ROOT, Headers, Manifest, exported


class Setting:
    """What the checks are about. By default this checkout; the test of the tests names altered copies."""

    def __init__(self, options):
        self.build = options.build.resolve()
        self.library = (options.library or self.build / "shared" / "libhob.so").resolve()
        self.include = options.include.resolve()
        self.generated = (options.generated or self.build / "gen").resolve()
        self.manifest_path = options.manifest.resolve()
        self.baseline = options.baseline.resolve()
        self.work = (options.work or self.build / "tests" / "compat").resolve()
        self.clients = options.clients
        self.work.mkdir(parents=True, exist_ok=True)
        self.cc = tuple(os.environ.get("CC", "cc").split())
        self.cxx = os.environ.get("CXX", "c++").split()
        self.headers = Headers(self.include)
        self.manifest = Manifest(self.manifest_path)
        self.old_headers = Headers(self.baseline / "include")
        self.old_manifest = Manifest(self.baseline / "stable_abi.toml")
        with open(self.baseline / "baseline.toml", "rb") as file:
            self.old_about = tomllib.load(file)


def difference(what, declared, listed):
    problems = [f"{what}: {n} is declared, but not in the manifest: add it" for n in sorted(declared - listed)]
    return problems + [f"{what}: {n} is in the manifest, but not declared" for n in sorted(listed - declared)]


def check_headers(s):
    headers, manifest = s.headers, s.manifest
    constants, sizes, fields = headers.layout(s.cc)
    enums = {n: v for n, v in constants.items() if n not in headers.macros}
    problems = difference("symbol", set(headers.symbols), set(manifest.symbols))
    problems += difference("enum value", set(enums), set(manifest.enums))
    problems += difference("struct", set(headers.structs), set(manifest.structs))
    for name in sorted(set(enums) & set(manifest.enums)):
        if enums[name] != manifest.enums[name]["value"]:
            problems.append(f"{name} is {enums[name]}, but {manifest.enums[name]['value']} in the manifest")
    for name in sorted(set(sizes) & set(manifest.structs)):
        listed = manifest.structs[name]["sizes_64bit"]
        if sizes[name] != listed[-1]:
            problems.append(f"{name} has {sizes[name]} bytes, but last {listed[-1]} in the manifest")
        if listed != sorted(set(listed)):
            problems.append(f"{name}: its sizes do not ascend")
        since = manifest.structs[name].get("sizes_since")
        if since is not None and len(since) != len(listed):
            problems.append(f"{name}: sizes_since has not a version for each of sizes_64bit")
    # A field that later comes to lie in what is padding now would be read from memory that old clients never set.
    for name, members in headers.structs.items():
        end = sum(fields[f"{name}.{members[-1]}"])
        if end != sizes[name]:
            problems.append(f"{name} ends with {sizes[name] - end} bytes of padding: make them a reserved field")
    # What <hob/hob.h> gives is promised, what hob_experimental.h itself declares is not.
    stable = headers.reachable("hob.h")
    experimental = manifest.experimental()
    structs = {name: headers.homes[name] for name in headers.structs}
    for name, file in {**headers.symbols, **headers.constants, **structs}.items():
        if file in stable and name in experimental:
            problems.append(f"{name} of {file} is experimental in the manifest, but hob.h includes it")
        if file == "hob_experimental.h" and name not in experimental and name not in headers.macros:
            problems.append(f"{name} of {file} is not experimental in the manifest")
    major, minor = headers.version()
    for entries in manifest.kinds().values():
        for name, entry in entries.items():
            for version in [entry["since"], *entry.get("sizes_since", [])]:
                if not re.fullmatch(r"\d+\.\d+", version) or tuple(map(int, version.split("."))) > (major, minor):
                    problems.append(f"{name} is since {version}, but HOB_ABI_VERSION is {major}.{minor}")
    marked = {n for n, e in manifest.symbols.items() if "deprecated" in e}
    for name in sorted(marked ^ headers.deprecated):
        problems.append(f"{name} is deprecated in only one of header (HOB_DEPRECATED) and manifest (deprecated = ...)")
    return problems


def check_library(s):
    symbols = exported(s.library)
    problems = [f"the library lacks {n}" for n in sorted(set(s.manifest.symbols) - set(symbols))]
    problems += [
        f"the library exports {n}, which is not listed" for n in sorted(set(symbols) - set(s.manifest.symbols))
    ]
    node = f"HOB_{s.headers.version()[0]}"
    problems += [f"{n} has the version {v}, not {node}" for n, v in symbols.items() if v != node]
    for file, pattern in [
        ("hob.map", r"^    (hob_\w+);$"),
        ("hob.def", r"^  (hob_\w+)$"),
        ("hob.exports", r"^_(hob_\w+)$"),
    ]:
        listed = set(re.findall(pattern, (s.generated / file).read_text(), flags=re.MULTILINE))
        if listed != set(s.manifest.symbols):
            problems.append(f"{file} lists other symbols: {sorted(listed ^ set(s.manifest.symbols))}")
    return problems


CHECKS = {
    "headers": check_headers,
    "library": check_library,
    "history": check_history,
    "abidiff": abigail.check_abidiff,
    "client": clients.check_client,
    "newer": clients.check_newer,
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include")
    parser.add_argument("--manifest", type=pathlib.Path, default=ROOT / "abi" / "stable_abi.toml")
    parser.add_argument("--baseline", type=pathlib.Path, default=ROOT / "abi" / "baseline")
    parser.add_argument("--library", type=pathlib.Path, help="default: libhob.so of the build")
    parser.add_argument("--generated", type=pathlib.Path, help="folder of hob.map; default: that of the build")
    parser.add_argument("--work", type=pathlib.Path, help="folder for what is compiled; default: in the build")
    parser.add_argument("--clients", type=pathlib.Path, help="folder of old clients that are compiled already")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"of {', '.join(CHECKS)}; default: all")
    return parser


def main():
    parser = arguments()
    options = parser.parse_args()
    for name in options.checks:
        if name not in CHECKS:
            parser.error(f"{name} is none of {', '.join(CHECKS)}")
    failed = skipped = False
    setting = Setting(options)
    for name in options.checks or CHECKS:
        try:
            problems = CHECKS[name](setting)
        except abigail.Missing as missing:
            print(f"{name}: skipped: {missing}")
            skipped = True
            continue
        except ValueError as error:
            problems = [str(error)]
        for problem in problems:
            print(f"{name}: {problem}")
        print(f"{name}: {'FAILED' if problems else 'ok'}")
        failed |= bool(problems)
    if failed:
        print("What may change, and how, says docs/reference/abi.md.")
    return 1 if failed else 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
