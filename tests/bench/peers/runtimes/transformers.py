# SPDX-License-Identifier: Apache-2.0
"""transformers in f32, "the original implementation"."""

from ..models import TRANSFORMERS
from .python_peer import PythonPeer


def make() -> PythonPeer:
    return PythonPeer("transformers", "transformers", TRANSFORMERS, {"f32": None})
