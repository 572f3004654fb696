# SPDX-License-Identifier: Apache-2.0
"""llama.cpp, built natively from the source that the package llama-cpp-python carries."""

import json
import os
import pathlib
import shutil
import tarfile
from collections.abc import Collection

from ..kit import Failed, Kit, Unavailable, run_measured
from . import EVERYTHING, Measurement, Runtime, Variant

VERSION = "0.3.36"  # carries ggml-org/llama.cpp@0c1e57098
CMAKE = [
    "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF", "-DGGML_NATIVE=ON",
    "-DGGML_LLAMAFILE=ON", "-DGGML_CPU_REPACK=ON", "-DGGML_OPENMP=ON", "-DGGML_CCACHE=OFF",
    "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_BUILD_TOOLS=ON",
    "-DLLAMA_BUILD_SERVER=OFF", "-DLLAMA_BUILD_APP=OFF", "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF",
]  # fmt: skip
TOOLS = ("llama-bench", "llama-batched-bench", "llama-quantize")


def parse_bench(text: str) -> list[dict]:
    """The rows of `llama-bench -o json`; Failed where it printed something else."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise Failed(f"llama-bench did not print JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(r, dict) and "avg_ts" in r for r in rows):
        raise Failed("llama-bench printed JSON without avg_ts")
    return rows


def speed(rows: list[dict], prompt: int, new: int, depth: int) -> float:
    """Tokens a second of the row for that test."""
    for row in rows:
        key = (row.get("n_prompt"), row.get("n_gen"), row.get("n_depth", 0))
        if key == (prompt, new, depth):
            return float(row["avg_ts"])
    raise Failed(f"llama-bench has no row for prompt {prompt}, new {new}, depth {depth}")


def parse_batched(text: str) -> float:
    """Tokens a second of all sequences, of the one line of JSON that llama-batched-bench prints."""
    for line in text.splitlines():
        if line.startswith("{"):
            return float(json.loads(line)["speed_tg"])
    raise Failed("llama-batched-bench printed no result")


def build(kit: Kit) -> pathlib.Path:
    """The folder that holds llama-bench and llama-quantize. An interrupted build goes on."""
    work = kit.folder / f"llama.cpp-{VERSION}"
    binaries = work / "bin"
    with kit.lock("llama.cpp"):
        if all((binaries / tool).is_file() for tool in TOOLS):
            return binaries
        if os.name != "posix":
            raise Unavailable("this script builds it on Linux and macOS only")
        python = kit.venv("build", ["cmake==4.4.4", "ninja==1.13.2", "flit-core", "scikit-build-core"])
        tools = {"PATH": f"{python.parent}:{os.environ['PATH']}"}

        def fetch(partial: pathlib.Path) -> None:
            partial.mkdir()
            kit.logged("llama.cpp-fetch", [
                python, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                "--no-binary", "llama-cpp-python", "--no-build-isolation", "-d", partial,
                f"llama-cpp-python=={VERSION}",
            ])  # fmt: skip
            with tarfile.open(partial / f"llama_cpp_python-{VERSION}.tar.gz") as archive:
                safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.4
                archive.extractall(partial, **safe)

        source = kit.once(work / "source", f"Fetching llama-cpp-python {VERSION}", fetch)
        tree = source / f"llama_cpp_python-{VERSION}" / "vendor" / "llama.cpp"
        (tree / ".git").unlink(missing_ok=True)  # points at nothing, and CMake would ask git
        kit.say("Building llama.cpp (once; some minutes)")
        kit.logged("llama.cpp-configure", ["cmake", "-S", tree, "-B", work / "build", "-G", "Ninja", *CMAKE],
                   env=tools)  # fmt: skip
        jobs = os.environ.get("JOBS") or str(os.cpu_count() or 1)
        kit.logged("llama.cpp-build", ["ninja", "-C", work / "build", "-j", jobs, *TOOLS], env=tools)
        binaries.mkdir(exist_ok=True)
        for tool in TOOLS:
            shutil.copy2(work / "build" / "bin" / tool, binaries / tool)
    return binaries


class LlamaCpp(Runtime):
    """Through llama-bench, which makes its own ids up: the work is the same for any."""

    name = "llama.cpp"
    same_ids = False

    def __init__(self) -> None:
        self.bench = pathlib.Path()

    def prepare(self, kit: Kit, models) -> None:
        self.version = f"llama-cpp-python {VERSION}"
        self.bench = build(kit) / "llama-bench"
        self.models = models

    def variants(self) -> list[Variant]:
        return [Variant(name, name) for name in self.models.files]

    def run(self, variant: Variant, threads: int, prompt: list[int], new: int, repeats: int = 1,
            wanted: Collection[str] = EVERYTHING, timeout: float = 600) -> Measurement:  # fmt: skip
        model = self.models.gguf(variant.file)
        base = [self.bench, "-m", model, "-t", str(threads), "-o", "json", "-r", str(repeats)]
        length = len(prompt)
        measured: Measurement = {}
        if repeats > 1:  # replies: prompt and answer in one test
            done = run_measured([*base, "-p", "0", "-n", "0", "-pg", f"{length},{new}"], timeout)
            measured["reply_s"] = (length + new) / speed(parse_bench(done.stdout), length, new, 0)
            measured["peak_rss_bytes"] = done.peak_rss_bytes
            return measured
        peak = 0
        if length > 1 and {"prefill_tps", "reply_s"} & set(wanted):
            done = run_measured([*base, "-p", str(length), "-n", "0"], timeout)
            measured["prefill_tps"] = speed(parse_bench(done.stdout), length, 0, 0)
            peak = done.peak_rss_bytes
        depth = length if length > 1 else 0
        done = run_measured([*base, "-p", "0", "-n", str(new), "-d", str(depth)], timeout)
        measured["decode_tps"] = speed(parse_bench(done.stdout), 0, new, depth)
        if "prefill_tps" in measured:  # the parts together: llama-bench times them apart
            measured["reply_s"] = length / measured["prefill_tps"] + (new - 1) / measured["decode_tps"]
        measured["peak_rss_bytes"] = max(peak, done.peak_rss_bytes)
        if "load_s" in wanted:
            measured["load_s"] = self._load_seconds(base, timeout)
        return measured

    def run_crowd(self, variant: Variant, threads: int, sessions: int, prompt: list[int], new: int,
                  timeout: float = 600) -> Measurement:  # fmt: skip
        # It chooses no tokens: the next ones are drawn without looking at the logits.
        done = run_measured(
            [self.bench.with_name("llama-batched-bench"), "-m", self.models.gguf(variant.file), "-t", str(threads),
             "-c", str(sessions * (len(prompt) + new)), "-npp", str(len(prompt)), "-ntg", str(new),
             "-npl", str(sessions), "--output-format", "jsonl"], timeout,
        )  # fmt: skip
        return {"crowd_tps": parse_batched(done.stdout), "peak_rss_bytes": done.peak_rss_bytes}

    def _load_seconds(self, base: list, timeout: float) -> float:
        """A process that evaluates one token, less the time of that token: start, load, repack."""
        done = run_measured([*base, "-p", "1", "-n", "0", "--no-warmup"], timeout)
        return max(0.0, done.seconds - 1 / speed(parse_bench(done.stdout), 1, 0, 0))


def quantize(kit: Kit, source: pathlib.Path, target: pathlib.Path, kind: str) -> None:
    """Writes `target`, whose block format is `kind`, from any GGUF."""
    tool = build(kit) / "llama-quantize"
    threads = str(os.cpu_count() or 1)
    kit.logged(f"quantize-{kind}", [tool, "--allow-requantize", source, target, kind, threads])
