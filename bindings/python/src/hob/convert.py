# SPDX-License-Identifier: Apache-2.0
"""Writing models as .hob files."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import IntEnum

from ._callback import Callback
from ._library import encode, lib
from ._structs import new_struct
from .errors import new_error

__all__ = ["ConvertWeights", "convert"]


class ConvertWeights(IntEnum):
    """What becomes of the weights."""

    KEEP = 0  #: their type and values stay
    INT8 = 1  #: matrices become int8 with a scale for each row: the fastest to prefill


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    weights: ConvertWeights = ConvertWeights.KEEP,
    progress: Callable[[int, int], object] | None = None,
) -> None:
    """Reads a GGUF or .hob file and writes it as .hob with its graph, whole or not at all. Experimental.

    `progress(done, total)` is told how far it is, in bytes; where it returns False, it ends with Cancelled.
    """
    options = new_struct("hob_convert_options")
    options.weights = weights
    names = encode(source), encode(target)
    with Callback("hob_progress_fn", progress) as report:
        options.progress = report.function
        error = new_error()
        status = lib.hob_convert(names[0], len(names[0]), names[1], len(names[1]), options, error)
        report.check(status, error)
