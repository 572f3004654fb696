# SPDX-License-Identifier: Apache-2.0
"""Programs of another time than the library: old ones, compiled against the baseline, and ones of tomorrow."""

import os
import pathlib
import re
import shutil
import subprocess

from interface import CMAKE, ROOT, Manifest, run

HERE = pathlib.Path(__file__).resolve().parent
# smollm-q4_1: a tiny model of random weights with a chat template.
MODEL = ROOT / "tests" / "fixtures" / "smollm-q4_1.gguf"


def stub(manifest_path, major, folder, cc):
    """A libhob.so with the baseline's symbols and nothing in them: what an old client was linked with."""
    folder.mkdir(parents=True, exist_ok=True)
    run(CMAKE, f"-DMANIFEST={manifest_path}", f"-DOUT={folder}", f"-DMAJOR={major}", "-P",
        ROOT / "cmake" / "HobExports.cmake")  # fmt: skip
    source = folder / "stub.c"
    source.write_text(
        "".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in Manifest(manifest_path).symbols)
    )
    run(*cc, "-shared", "-fPIC", source, f"-Wl,-soname,libhob.so.{major}", f"-Wl,--version-script={folder / 'hob.map'}",
        "-o", folder / "libhob.so")  # fmt: skip
    return folder


def start(program, s, *arguments):
    """Problems of a program that is to end with 0, run with the library alone in its search path."""
    library = s.library
    folder = s.work / f"run-{program.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    soname = re.search(r"SONAME.*\[(.*)\]", run("readelf", "-d", library))[1]
    (folder / soname).symlink_to(library)
    # Every symbol is looked up before main, as a hardened distribution does it.
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), "LD_BIND_NOW": "1"}
    try:
        result = subprocess.run(
            [str(program), *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120
        )
    except subprocess.TimeoutExpired:
        return [f"{program.name} did not end in 120 s"]
    return (
        []
        if result.returncode == 0
        else [f"{program.name}: exit code {result.returncode}: {result.stdout}{result.stderr}"]
    )


def compiled(command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise ValueError(f"a client does not compile:\n{result.stderr}")


def build_old_clients(s, folder):
    """A client in C and one in C++, linked with nothing of today's."""
    major = s.old_about["version"].split(".")[0]
    old = stub(s.baseline / "stable_abi.toml", major, folder / "stub", s.cc)
    # Every promised function by its address, so that the loader looks for each.
    promised = sorted(set(s.old_manifest.symbols) - s.old_manifest.experimental())
    (folder / "promised.inc").write_text("".join(f"HOB_SYMBOL({name})\n" for name in promised))
    common = ["-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations", "-I", s.baseline / "include", "-I", folder]
    link = ["-L", old, "-lhob"]
    compiled([*s.cc, "-std=c99", *common, HERE / "client.c", *link, "-o", folder / "old_client_c"])
    compiled([*s.cxx, "-std=c++17", *common, HERE / "client.cc", *link, "-o", folder / "old_client_cpp"])


def check_client(s):
    if s.clients is None:
        build_old_clients(s, s.work)
    folder = s.clients or s.work
    return start(folder / "old_client_c", s, MODEL, s.work / "saved") + start(folder / "old_client_cpp", s, MODEL)


def check_newer(s):
    """Against a copy of today's headers in which the next version has appended a field."""
    folder = s.work / "newer"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(s.include / "hob", folder / "hob")
    edit(folder / "hob" / "base.h", r"(#define HOB_ABI_VERSION_MINOR) (\d+)", lambda m: f"{m[1]} {int(m[2]) + 1}")
    edit(folder / "hob" / "runtime.h", r"\} hob_runtime_options;", "  uint64_t of_tomorrow;\n} hob_runtime_options;")
    program = s.work / "newer_client"
    compiled([*s.cc, "-std=c99", "-Wall", "-I", folder, HERE / "newer.c", "-L", s.library.parent, f"-l:{s.library.name}",
              "-o", program])  # fmt: skip
    return start(program, s)


def edit(path, pattern, replacement, everywhere=False):
    text, count = re.subn(pattern, replacement, path.read_text(), flags=re.DOTALL)
    if count != 1 and not (everywhere and count > 1):
        raise ValueError(f"{path}: {pattern} is there {count} times, not once")
    path.write_text(text)
