# SPDX-License-Identifier: Apache-2.0
"""Tokens and logits between Python, numpy and C, copied only where lifetimes leave no other way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def tokens_in(tokens: Iterable[int]) -> tuple[Any, int]:
    """(const int32_t*, count) of tokens. A contiguous array of int32 (numpy, array.array) is read where it lies."""
    try:
        view = memoryview(tokens)  # type: ignore[arg-type]
    except TypeError:
        items = [int(token) for token in tokens]
        return ffi.new("int32_t[]", items), len(items)
    if view.format in ("i", "l", "<i", "<l", "=i") and view.itemsize == 4 and view.ndim == 1 and view.c_contiguous:
        return ffi.from_buffer("int32_t[]", tokens), len(view)
    if view.ndim != 1 or view.format in ("f", "d", "e"):
        raise TypeError("tokens are integers in one dimension")
    items = view.tolist()
    return ffi.new("int32_t[]", items), len(items)


def owned_tokens(data: Any, count: int) -> NDArray[np.int32]:
    """An array over memory that the library gave; it is freed with the last array that looks at it."""
    import numpy as np

    if not count:
        lib.hob_free(data)
        return np.empty(0, np.int32)
    owner = ffi.gc(data, lib.hob_free, count * 4)
    return np.frombuffer(ffi.buffer(owner, count * 4), np.int32)
