# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the sources of lib/ (but lib/text), abi/ and tools/ that changed since they last passed.

usage: tidy.py BUILD_FOLDER CACHE_FOLDER [FILE...]

A file passes for as long as its content, that of every header of this repository that it includes, its compile
command and .clang-tidy stay as they are. HOB_TIDY_SECONDS (default 300) bounds a run: what it did not reach is
said, and is reached by the next one. Exit code 1 where clang-tidy has found something.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIDY = "clang-tidy-19"
ISA_NAMES = {"avx2", "avx512", "avx512vnni", "avx512bf16", "neon", "neon_dotprod", "neon_i8mm", "simd"}


def dependencies(build):
    """Object file -> headers of this repository, as ninja recorded them."""
    text = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    found, current = {}, None
    for line in text.splitlines():
        if line.startswith("    "):
            path = pathlib.Path(os.path.normpath(os.path.join(build, line.strip())))
            if path.is_relative_to(ROOT):
                current.append(path)
        elif ": #deps" in line:
            current = found.setdefault(line.split(":")[0], [])
    return found


def main():
    build, cache = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    wanted = {str((pathlib.Path.cwd() / f).resolve()) for f in sys.argv[3:]}
    cache.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + float(os.environ.get("HOB_TIDY_SECONDS", "300"))
    deps = dependencies(build)
    config = (ROOT / ".clang-tidy").read_bytes()

    jobs = []
    for entry in json.loads(pathlib.Path(build, "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        # Kernels of one instruction set are intrinsics through and through, and clang may lack gcc's flags.
        if not source.is_relative_to(ROOT) or source.relative_to(ROOT).parts[0] not in ("lib", "abi", "tools"):
            continue
        # lib/text has findings that are still open; name its files to see them.
        if not wanted and source.is_relative_to(ROOT / "lib" / "text"):
            continue
        if source.stem in ISA_NAMES or (wanted and str(source) not in wanted):
            continue
        digest = hashlib.sha256(config + entry["command"].replace(str(ROOT), "").encode())
        for path in sorted({source, *deps.get(entry.get("output", ""), [])}):
            if path.exists():
                digest.update(path.read_bytes())
        stamp = cache / digest.hexdigest()[:24]
        if not stamp.exists():
            jobs.append((source, stamp))

    def check(job):
        source, stamp = job
        if time.monotonic() > deadline:
            return source, None, ""
        run = subprocess.run([TIDY, "--quiet", "-p", build, str(source)], capture_output=True, text=True)
        if run.returncode == 0:
            stamp.touch()
        return source, run.returncode, run.stdout + (run.stderr if run.returncode and not run.stdout else "")

    failed, late = [], []
    workers = int(os.environ.get("JOBS") or len(os.sched_getaffinity(0)))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for source, code, output in pool.map(check, jobs):
            if code is None:
                late.append(source)
            elif code:
                failed.append(source)
                print(output.replace(str(ROOT) + "/", ""))
    print(f"clang-tidy: {len(jobs) - len(late)} files checked, {len(failed)} with findings")
    if late:
        print(f"not reached in time: {len(late)} (run ./dev lint again)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
