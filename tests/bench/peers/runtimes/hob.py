# SPDX-License-Identifier: Apache-2.0
"""hob itself, through `hob bench`; each kind of activations is a runtime of its own."""

import json
import pathlib
import subprocess
import tempfile
from collections.abc import Collection

from ..kit import Kit, run_measured
from . import EVERYTHING, Measurement, Runtime, Variant


class Hob(Runtime):
    def __init__(self, command: pathlib.Path, activations: str, kv: str = "f16"):
        self.command, self.activations = command, activations
        self.cache = [] if kv == "f16" else ["--kv", kv]
        self.name = f"hob {activations}"

    def prepare(self, kit: Kit, models) -> None:
        self.models = models
        done = subprocess.run([self.command, "--version"], capture_output=True, text=True, check=False)
        self.version = done.stdout.strip()

    def variants(self) -> list[Variant]:
        return [Variant(name, name) for name in self.models.files]

    def run(self, variant: Variant, threads: int, prompt: list[int], new: int, repeats: int = 1,
            wanted: Collection[str] = EVERYTHING, timeout: float = 600) -> Measurement:  # fmt: skip
        out, done = self._bench(variant, threads, prompt, timeout, "--reply", "--prompt", str(len(prompt)),
                                "--gen", str(new), "--reps", str(repeats))  # fmt: skip
        measured: Measurement = {
            "reply_s": out["reply_s"],
            "load_s": out["load_ms"] / 1000,
            "peak_rss_bytes": done.peak_rss_bytes,
            "answer": out["answer"],
        }
        if len(prompt) > 1:
            measured["prefill_tps"] = out["prefill_tps"]
        if new > 1:
            measured["decode_tps"] = out["decode_tps"]
        return measured

    def run_crowd(self, variant: Variant, threads: int, sessions: int, prompt: list[int], new: int,
                  timeout: float = 600) -> Measurement:  # fmt: skip
        out, done = self._bench(variant, threads, prompt, timeout, "--sessions", str(sessions), "--prompt", "0",
                                "--depth", str(len(prompt)), "--gen", str(new), "--reps", "1")  # fmt: skip
        return {"crowd_tps": out["decode_tps"], "peak_rss_bytes": done.peak_rss_bytes}

    def _bench(self, variant: Variant, threads: int, prompt: list[int], timeout: float, *options: str) -> tuple:
        """What `hob bench` with these ids says, and the process."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as ids:
            json.dump(prompt, ids)
            ids.flush()
            done = run_measured(
                [self.command, "bench", "-m", self.models.gguf(variant.file), "-t", str(threads), "--activations",
                 self.activations, *self.cache, "--tokens", ids.name, *options, "--json"], timeout,
            )  # fmt: skip
        return json.loads(done.stdout), done
