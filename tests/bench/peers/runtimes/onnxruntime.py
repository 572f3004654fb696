# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime GenAI with int4 and int8 weights, exported by its own model builder."""

import pathlib
from collections.abc import Sequence

from ..kit import Kit
from ..models import TORCH
from .python_peer import OFFLINE, Export, PythonPeer

REQUIREMENTS = ["onnxruntime-genai==0.18.0", "onnxruntime==1.32.0", "onnx==1.23.2", "onnx-ir==1.1.0",
                "transformers==5.23.0", TORCH]  # fmt: skip


def exporter(name: str, arguments: Sequence[str]) -> Export:
    def export(kit: Kit, python: pathlib.Path, source: pathlib.Path, out: pathlib.Path) -> None:
        kit.logged(f"export-onnxruntime-{name}", [
            python, "-m", "onnxruntime_genai.models.builder", "-m", "local", "-i", source, "-o", out,
            "-e", "cpu", "-c", kit.folder / "onnxruntime-cache", *arguments,
        ], env=OFFLINE)  # fmt: skip

    return export


def make() -> PythonPeer:
    return PythonPeer("ONNX Runtime GenAI", "onnxruntime", REQUIREMENTS, {
        "int4": exporter("int4", ["-p", "int4", "--extra_options", "block_size=32", "accuracy_level=4"]),
        "int8": exporter("int8", ["-p", "int8", "--extra_options", "block_size=32", "accuracy_level=4"]),
    })  # fmt: skip
