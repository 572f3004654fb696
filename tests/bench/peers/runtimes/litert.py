# SPDX-License-Identifier: Apache-2.0
"""LiteRT-LM (XNNPACK) with int8 weights, exported by litert-torch."""

import pathlib
from collections.abc import Collection

from ..kit import Failed, Kit
from ..models import TORCH
from . import EVERYTHING, Measurement, Variant
from .python_peer import OFFLINE, PythonPeer

# The exporter imports a part of TensorFlow that its package does not ask for.
REQUIREMENTS = ["litert-lm==0.18.1", "litert-torch==0.10.0", "transformers==5.23.0", "tensorflow-cpu==2.21.0",
                TORCH]  # fmt: skip
CONTEXT = 1280  # fixed at export; attention reads all of it


def export(kit: Kit, python: pathlib.Path, source: pathlib.Path, out: pathlib.Path) -> None:
    # Prompts are padded to one of the lengths.
    kit.logged("export-litert", [
        python.parent / "litert-torch", "export_hf", f"--model={source}", f"--output_dir={out}",
        "--quantization_recipe=dynamic_wi8_afp32", "--prefill_lengths=[16,512]", f"--cache_length={CONTEXT}",
    ], env=OFFLINE)  # fmt: skip


class LiteRt(PythonPeer):
    same_ids = False

    def run(self, variant: Variant, threads: int, prompt: list[int], new: int, repeats: int = 1,
            wanted: Collection[str] = EVERYTHING, timeout: float = 600) -> Measurement:  # fmt: skip
        if len(prompt) + new > CONTEXT:
            raise Failed(f"its export holds {CONTEXT} tokens")
        return super().run(variant, threads, prompt, new, repeats, wanted, timeout)


def make() -> PythonPeer:
    return LiteRt("LiteRT-LM", "litert", REQUIREMENTS, {"int8": export})
