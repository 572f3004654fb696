# SPDX-License-Identifier: Apache-2.0
"""What machine this is, and what it allows."""

import json
import os
import pathlib
import platform
import subprocess

from .kit import Failed, run_measured

# Those that decide which int8 and matrix instructions a runtime may use.
FLAGS = ("avx2", "fma", "f16c", "avx_vnni", "avx_vnni_int8", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
         "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16",
         "sve", "sve2", "sme")  # fmt: skip


def parse_cpuinfo(text: str) -> dict:
    """Model and the flags that matter, of /proc/cpuinfo on x86 and ARM."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip().lower(), value.strip())
    flags = set((fields.get("flags") or fields.get("features") or "").split())
    arm = " ".join(f"{k} {fields[k]}" for k in ("cpu implementer", "cpu part") if k in fields)
    return {
        "cpu": fields.get("model name") or arm or "unknown",
        "family": " ".join(f"{k} {fields[k]}" for k in ("cpu family", "model") if k in fields),
        "flags": [f for f in FLAGS if f in flags],
    }


def describe() -> dict:
    machine: dict = {"cpu": platform.processor() or "unknown", "flags": []}
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        machine = parse_cpuinfo(cpuinfo.read_text())
    elif platform.system() == "Darwin":
        name = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        machine["cpu"] = name.stdout.strip()
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    machine["cores"] = len(usable)
    machine["architecture"] = platform.machine()
    machine["system"] = f"{platform.system()} {platform.release()}"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        machine["memory_bytes"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return machine


def ceilings(program: pathlib.Path, threads: int) -> dict:
    """Bytes read from memory a second and int8 operations a second, now."""
    try:
        done = run_measured([program, "--threads", str(threads)], timeout=120)
    except OSError as error:
        raise Failed(f"{program}: {error.strerror}") from error
    return json.loads(done.stdout)
