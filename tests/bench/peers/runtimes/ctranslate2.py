# SPDX-License-Identifier: Apache-2.0
"""CTranslate2 with int8 weights, one scale a row."""

import pathlib

from ..kit import Kit
from ..models import TORCH
from .python_peer import OFFLINE, PythonPeer

REQUIREMENTS = ["ctranslate2==4.8.5", "transformers==5.23.0", TORCH]


def export(kit: Kit, python: pathlib.Path, source: pathlib.Path, out: pathlib.Path) -> None:
    converter = python.parent / "ct2-transformers-converter"
    kit.logged("export-ctranslate2", [converter, "--model", source, "--output_dir", out, "--quantization",
                                      "int8_float32"], env=OFFLINE)  # fmt: skip


def make() -> PythonPeer:
    return PythonPeer("CTranslate2", "ctranslate2", REQUIREMENTS, {"int8": export})
