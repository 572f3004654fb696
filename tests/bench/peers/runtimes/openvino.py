# SPDX-License-Identifier: Apache-2.0
"""OpenVINO GenAI with int8 and int4 weights, exported by optimum-intel."""

import pathlib
from collections.abc import Sequence

from ..kit import Kit
from ..models import TORCH
from .python_peer import OFFLINE, Export, PythonPeer

REQUIREMENTS = ["openvino-genai==2026.4.1.0", "openvino-tokenizers==2026.4.1.0", "optimum-intel==2.2.0",
                "nncf==3.4.0", "transformers==5.5.4", TORCH]  # fmt: skip


def exporter(name: str, arguments: Sequence[str]) -> Export:
    def export(kit: Kit, python: pathlib.Path, source: pathlib.Path, out: pathlib.Path) -> None:
        # optimum-intel pulls in a torchvision that may not fit this torch; nothing here needs it.
        kit.logged("export-openvino-torchvision", [python, "-m", "pip", "uninstall", "-q", "-y", "torchvision"])
        kit.logged(f"export-openvino-{name}", [python.parent / "optimum-cli", "export", "openvino", "--model",
                                               source, "--task", "text-generation-with-past", *arguments, out],
                   env=OFFLINE)  # fmt: skip

    return export


def make() -> PythonPeer:
    return PythonPeer("OpenVINO GenAI", "openvino", REQUIREMENTS, {
        "int8": exporter("int8", ["--weight-format", "int8"]),
        # The default group of 128 does not divide a width of 576.
        "int4": exporter("int4", ["--weight-format", "int4", "--group-size", "32", "--ratio", "1.0"]),
    })  # fmt: skip
