# SPDX-License-Identifier: Apache-2.0
"""A peer that is a Python package: its own environment, its own export, a worker in ../workers."""

import json
import pathlib
import tempfile
from collections.abc import Callable, Collection

from ..kit import Failed, Kit, Unavailable, run_measured
from ..models import WORKERS, Models
from . import EVERYTHING, Measurement, Runtime, Variant

# Nothing is looked up on the network, and nothing is reported over it.
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false",
           "OPENVINO_TELEMETRY_DISABLED": "1"}  # fmt: skip

Export = Callable[[Kit, pathlib.Path, pathlib.Path, pathlib.Path], None]  # kit, python, hf, out


class PythonPeer(Runtime):
    """`exports`: what each variant is made by; None where it runs the Hugging Face directory."""

    def __init__(self, name: str, module: str, requirements: list[str], exports: dict[str, Export | None]):
        self.name, self.module, self.requirements, self.exports = name, module, requirements, exports
        self.version = requirements[0].replace("==", " ")
        self.folders: dict[str, pathlib.Path] = {}
        self.failures: dict[str, str] = {}  # variant -> why it could not be had

    def prepare(self, kit: Kit, models: Models) -> None:
        self.base_type = models.files[0]
        self.python = kit.venv(self.module, self.requirements)
        source = models.hugging_face()
        for name, export in self.exports.items():
            if export is None:
                self.folders[name] = source
                continue
            try:
                self.folders[name] = kit.once(
                    models.folder / f"{self.module}-{name}", f"Exporting for {self.name}, {name}",
                    lambda out, export=export: export(kit, self.python, source, out),
                )  # fmt: skip
            except Unavailable as error:
                self.failures[name] = str(error)
        if not self.folders:
            raise Unavailable("; ".join(f"{n}: {why}" for n, why in self.failures.items()))

    def variants(self) -> list[Variant]:
        return [Variant(name, self.base_type) for name in self.folders]

    def run(self, variant: Variant, threads: int, prompt: list[int], new: int, repeats: int = 1,
            wanted: Collection[str] = EVERYTHING, timeout: float = 600) -> Measurement:  # fmt: skip
        spec = {"model": str(self.folders[variant.name]), "threads": threads, "prompt": prompt,
                "new": new, "repeats": repeats}  # fmt: skip
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(spec, file)
            file.flush()
            done = run_measured([self.python, WORKERS / f"{self.module}_worker.py", file.name], timeout,
                                env={**OFFLINE, "OMP_NUM_THREADS": str(threads)})  # fmt: skip
        try:
            measured: Measurement = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError) as error:
            raise Failed(f"the worker did not print JSON: {done.stdout[-200:]!r}") from error
        measured["peak_rss_bytes"] = done.peak_rss_bytes
        return measured
