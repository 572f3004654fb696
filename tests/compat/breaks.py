# SPDX-License-Identifier: Apache-2.0
"""The test of the tests: breaks the interface on purpose, in copies, and sees which checks notice.

Every break is a real libhob.so: the files of abi/ that it touches are compiled anew with the altered headers by the
build's own commands, and linked with the other objects of the build. Then check.py runs on it as in every test run.
Each cell of the table is asserted, those where a check is blind too."""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

from clients import edit
from interface import CMAKE, NINJA, ROOT, run

CHECKS = ["headers", "library", "history", "abidiff", "client"]


@dataclasses.dataclass
class Break:
    name: str
    caught_by: str  # words of CHECKS
    edits: list = dataclasses.field(default_factory=list)  # (file, pattern, replacement) in the copy
    compile: str = ""  # files of abi/ that see it
    define: str = ""
    strip: bool = False
    released: bool = False  # take the baseline for a release


def in_header(file, pattern, replacement):
    return (f"include/hob/{file}", pattern, replacement)


def in_manifest(pattern, replacement):
    return ("abi/stable_abi.toml", pattern, replacement)


INSERTED = in_header("runtime.h", r"(  uint32_t threads;\n)(  uint64_t bytes_in_use;)", r"\1  uint64_t inserted;\n\2")
INFO_SIZE = r'(name = "hob_runtime_info"\nsizes_64bit = \[24)\]'
APPENDED = in_header("runtime.h", r"(\n\} hob_runtime_options;)", r"\n  uint64_t appended;\1")
OPTIONS_SIZES = in_manifest(r'(name = "hob_runtime_options"\nsizes_64bit = \[72)\]', r"\1, 80]")
KNOWN_SIZE = ("abi/runtime.cc", r'"hob_runtime_options"\)\);',
              '"hob_runtime_options", std::index_sequence<offsetof(hob_runtime_options, appended)>{}));')  # fmt: skip


def added(since):
    return [
        APPENDED, OPTIONS_SIZES, KNOWN_SIZE,
        in_header("runtime.h", r"HOB_LOG_ERROR = 3", "HOB_LOG_ERROR = 3, HOB_LOG_NOTHING = 4"),
        in_header("runtime.h", r"(HOB_API void hob_runtime_destroy)", r"HOB_API void hob_added(int32_t);\n\1"),
        in_manifest(r"# hob/runtime.h\n", f'# hob/runtime.h\n\n[[symbol]]\nname = "hob_added"\nsince = "{since}"\n'
                    f'\n[[enum]]\nname = "HOB_LOG_NOTHING"\nvalue = 4\nsince = "{since}"\n'),
        ("abi/runtime.cc", r'extern "C" \{\n', 'extern "C" {\nvoid hob_added(int32_t) {}\n'),
    ]  # fmt: skip


BREAKS = [
    Break("nothing is changed", "", compile="runtime.cc"),
    Break("a field inserted into a struct", "headers history abidiff client", [INSERTED], "runtime.cc"),
    Break("the same, and its size added to the manifest", "history abidiff client",
          [INSERTED, in_manifest(INFO_SIZE, r"\1, 32]")], "runtime.cc"),
    Break("the same, and its size replaced there", "history abidiff client",
          [INSERTED, in_manifest(r'(name = "hob_runtime_info"\nsizes_64bit = \[)24\]', r"\g<1>32]")], "runtime.cc"),
    Break("two fields of one size exchanged", "history abidiff client",
          [in_header("sampler.h", r"float temperature;([^\n]*\n\s*)int32_t top_k;", r"int32_t top_k;\1float temperature;")],
          "sampler.cc session.cc"),
    Break("two fields exchanged and one appended", "history abidiff client",
          [in_header("runtime.h", r"uint64_t bytes_in_use;([^\n]*\n\s*)uint64_t peak_bytes;([^\n]*\n)",
                     r"uint64_t peak_bytes;\1uint64_t bytes_in_use;\2  uint64_t appended;\n"),
           in_manifest(INFO_SIZE, r"\1, 32]")], "runtime.cc"),
    Break("a field appended, its old size not taken any more", "client", [APPENDED, OPTIONS_SIZES], "runtime.cc"),
    Break("a field appended to a struct without struct_size", "headers history abidiff client",
          [in_header("base.h", r"(\n\} hob_string;)", r"\n  size_t appended;\1")], "base.cc model.cc runtime.cc session.cc"),
    Break("a function's parameter of another type", "history abidiff client",
          [in_header("model.h", r"(hob_model_find_token\()int32_t\* out", r"\1int64_t* out"),
           ("abi/model.cc", r"(hob_model_find_token\()int32_t\* out", r"\1int64_t* out"),
           ("abi/model.cc", r"return FindToken\(out, ([^;]*);",
            r"int32_t id = 0; const hob::Status status = FindToken(&id, \1; *out = id; return status;")], "model.cc"),
    Break("a function's parameters in another order", "history abidiff client",
          [in_header("session.h", r"hob_session_message_count\(size_t\* out, const hob_session\* session",
                     "hob_session_message_count(const hob_session* session, size_t* out"),
           ("abi/session.cc", r"hob_session_message_count\(size_t\* out, const hob_session\* session",
            "hob_session_message_count(const hob_session* session, size_t* out")], "session.cc"),
    Break("a function's result of another type", "history abidiff",
          [in_header("base.h", r"uint32_t (hob_abi_version)", r"uint64_t \1"),
           ("abi/base.cc", r"uint32_t (hob_abi_version)", r"uint64_t \1")], "base.cc"),
    Break("two enum values exchanged", "headers history client",
          [in_header("model.h", r"HOB_KV_F32 = 1,(\s*)HOB_KV_INT8 = 2", r"HOB_KV_F32 = 2,\1HOB_KV_INT8 = 1")], "model.cc"),
    Break("an enum value taken away, in the manifest too", "history client",
          [in_header("model.h", r"HOB_KV_F32 = 1,\s*HOB_KV_INT8 = 2", "HOB_KV_F32 = 1"),
           in_manifest(r'\[\[enum\]\]\nname = "HOB_KV_INT8"\nvalue = 2\nsince = "0.1"\n', ""),
           ("abi/model.cc", r"HOB_KV_INT8", "HOB_KV_F32")], "model.cc"),
    Break("a function taken away, in the manifest too", "history abidiff client",
          [in_header("session.h", r"HOB_API hob_status hob_session_reset\([^;]*;", ""),
           in_manifest(r'\[\[symbol\]\]\nname = "hob_session_reset"\nsince = "0.1"\n', "")]),
    Break("a function taken from the manifest alone", "headers history abidiff client",
          [in_manifest(r'\[\[symbol\]\]\nname = "hob_session_reset"\nsince = "0.1"\n', "")]),
    Break("a function declared and listed, but not defined", "library abidiff client",
          define="hob_session_reset=hob_gone", compile="session.cc"),
    Break("a promised function now experimental", "headers history",
          [in_manifest(r'(name = "hob_session_reset"\nsince = "0.1"\n)', r"\1experimental = true\n")]),
    Break("more exported than is listed", "library", [("hob.map", r"  global:\n", "  global:\n    hob_*;\n")],
          define="hob_secret=hob_secret", compile="base.cc"),
    Break("a library without debug information", "abidiff", strip=True),
    Break("additions: a field, a function, an enum value", "", added("0.1"), "runtime.cc"),
    Break("the same after the release", "history", added("0.1"), "runtime.cc", released=True),
    Break("the same with the next version", "",
          [*added("0.2"), in_header("base.h", r"(ABI_VERSION_MINOR) 1", r"\1 2"),
           in_manifest(r"(sizes_64bit = \[72, 80\])", r'\1\nsizes_since = ["0.1", "0.2"]')], "base.cc runtime.cc", released=True),
]  # fmt: skip


class Builder:
    """Compiles and links as the build does."""

    def __init__(self, build):
        self.build = build
        commands = json.loads((build / "compile_commands.json").read_text())
        self.compile = {pathlib.Path(c["file"]): shlex.split(c["command"]) for c in commands}
        target = (build / "shared" / "libhob.so").resolve().relative_to(build)
        ninja = run(NINJA, "-C", build, "-t", "commands", "-s", target).splitlines()
        (link,) = [line for line in ninja if "-shared" in line and "-o " in line]
        self.link = shlex.split(re.sub(r"^: && | && :$", "", link))
        launcher = shutil.which("ccache")
        self.launcher = [launcher] if launcher else []

    def library(self, change, folder):
        """The broken library; `folder` then holds the altered copies beside it."""
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "abi").mkdir(parents=True)
        shutil.copytree(ROOT / "include" / "hob", folder / "include" / "hob")
        shutil.copy(ROOT / "abi" / "stable_abi.toml", folder / "abi")
        for name in change.compile.split():
            shutil.copy(ROOT / "abi" / name, folder / "abi")
        for file, pattern, replacement in change.edits:
            if file != "hob.map":
                edit(folder / file, pattern, replacement, everywhere=file.startswith("abi/") and file.endswith(".cc"))
        run(CMAKE, f"-DMANIFEST={folder / 'abi' / 'stable_abi.toml'}", f"-DOUT={folder}", "-DMAJOR=0", "-P",
            ROOT / "cmake" / "HobExports.cmake")  # fmt: skip
        link = list(self.link)
        for file, pattern, replacement in change.edits:
            if file == "hob.map":
                edit(folder / file, pattern, replacement)
        for name in change.compile.split():
            if "hob_secret" in change.define:
                (folder / "abi" / name).open("a").write('extern "C" HOB_API void hob_secret(void) {}\n')
            built = f"CMakeFiles/hob_objects.dir/abi/{name}.o"
            altered = str(folder / f"{name}.o")
            command = self.compile[ROOT / "abi" / name]
            command = [
                {built: altered, str(ROOT / "abi" / name): str(folder / "abi" / name)}.get(c, c) for c in command
            ]
            # In front of the include folder of the build; what is in the way of a quick build is left.
            where = command.index("-c")
            extra = ["-I", str(folder / "include"), "-O0", "-w", *([f"-D{change.define}"] if change.define else [])]
            command = [command[0], *extra[:2], *command[1:where], *extra[2:], *command[where:]]
            self.start([*self.launcher, *command])
            link = [altered if c == built else c for c in link]
        library = folder / "libhob.so"
        link[link.index("-o") + 1] = str(library)
        link = [re.sub(r"--version-script=[^,]*", f"--version-script={folder / 'hob.map'}", c) for c in link]
        self.start([c for c in link if not c.startswith("-Wl,--dependency-file")])
        if change.strip:
            run("strip", library)
        return library

    def start(self, command):
        result = subprocess.run(command, cwd=self.build, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command[-4:])}:\n{result.stderr[-3000:]}")


def notice(builder, change, work, verbose):
    """Which checks fail on the break."""
    folder = work / re.sub(r"\W+", "-", change.name)
    library = builder.library(change, folder)
    baseline = ROOT / "abi" / "baseline"
    if change.released:
        # As if the interface of today had been released: what the committed baseline lacks yet is not new then.
        baseline = shutil.copytree(baseline, folder / "baseline", ignore=shutil.ignore_patterns("include"))
        shutil.copytree(ROOT / "include" / "hob", baseline / "include" / "hob")
        shutil.copy(ROOT / "abi" / "stable_abi.toml", baseline)
        (baseline / "baseline.toml").write_text('version = "0.1"\nreleased = true\n')
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests/compat/check.py"), "--build", str(builder.build), "--library", str(library),
         "--include", str(folder / "include"), "--manifest", str(folder / "abi/stable_abi.toml"), "--generated", str(folder), "--baseline", str(baseline),
         "--work", str(folder / "work"), "--clients", str(builder.build / "tests/compat"), *CHECKS], capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip
    said = dict(re.findall(r"^(\w+): (ok|FAILED)$", result.stdout, flags=re.MULTILINE))
    noticed = [check for check in CHECKS if said.get(check) == "FAILED"]
    if set(said) != set(CHECKS) or result.returncode != bool(noticed) or result.stderr:
        raise RuntimeError(f"{change.name}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    if verbose:
        print(f"--- {change.name}\n{result.stdout}")
    return noticed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--only", default="", help="breaks whose name has this in it")
    parser.add_argument("--verbose", action="store_true", help="what the checks say")
    options = parser.parse_args()
    if shutil.which("abidiff") is None:
        print("skipped: abidiff is not installed (Debian: abigail-tools)")
        return 77
    builder = Builder(options.build.resolve())
    work = options.build.resolve() / "tests" / "compat" / "breaks"
    subprocess.run([sys.executable, ROOT / "tests/compat/check.py", "--build", options.build, "client"], check=True)
    chosen = [b for b in BREAKS if options.only in b.name]
    if not chosen:
        parser.error(f"no break has {options.only!r} in its name")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda b: notice(builder, b, work, options.verbose), chosen))
    failed = False
    width = max(len(b.name) for b in chosen)
    print(f"{'':{width}}  {'  '.join(CHECKS)}   (x: fails, as it should)")
    for change, noticed in zip(chosen, results):
        cells = []
        for check in CHECKS:
            wrong = (check in noticed) != (check in change.caught_by.split())
            cells.append((("x" if check in noticed else "-") + (" WRONG" if wrong else "")).ljust(len(check)))
            failed |= wrong
        print(f"{change.name:{width}}  {'  '.join(cells)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
