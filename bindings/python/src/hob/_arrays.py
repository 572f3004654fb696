# SPDX-License-Identifier: Apache-2.0
"""Tokens, logits and matrices between Python, numpy and C, copied only where lifetimes leave no other way."""

from __future__ import annotations

import operator
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
        items = list(map(operator.index, tokens))
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


def floats_in(values: Any) -> NDArray[np.float32]:
    """A contiguous array of float32: `values` itself where it is one, else a copy."""
    import numpy as np

    return np.asarray(values, np.float32, order="C")


def floats_out(out: NDArray[np.float32] | None, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`out`, if the library may write there as it lies, or a new array."""
    import numpy as np

    if out is None:
        return np.empty(shape, np.float32)
    if out.shape == shape and out.dtype == np.float32 and out.flags.c_contiguous and out.flags.writeable:
        return out
    raise ValueError(f"out is to be a writable contiguous float32 array of shape {shape}")
