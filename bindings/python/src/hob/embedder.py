# SPDX-License-Identifier: Apache-2.0
"""Texts to vectors, by a model that is an encoder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from ._arrays import floats_out
from ._enum import OpenEnum
from ._handle import Handle
from ._library import encode, ffi, lib
from ._structs import filled, new_struct
from .errors import check, new_error
from .model import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder", "EmbedderInfo", "Normalization", "Pooling"]


class Pooling(OpenEnum):
    """How the rows of a text's tokens become the one of the text."""

    MODEL = 0  #: as the model's files say
    MEAN = 1
    CLS = 2  #: the row of [CLS], the token before the text


class Normalization(IntEnum):
    """Whether vectors are scaled to length 1, so that their dot product is their cosine."""

    MODEL = 0  #: as the model's files say
    ON = 1
    OFF = 2


@dataclass(frozen=True)
class EmbedderInfo:
    """What an embedder does."""

    dimension: int  #: floats of a vector
    max_tokens: int  #: of a text that are read
    pooling: Pooling
    normalized: bool


class Embedder(Handle):
    """Turns texts into vectors, with a model of the BERT family. Immutable; any number of threads may use one.

    >>> embedder = hob.Embedder(hob.Model("all-MiniLM-L6-v2"))  # doctest: +SKIP
    >>> embedder.embed(["How tall is it?", "What is its height?"]) @ embedder.embed("height")  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Model,
        *,
        pooling: Pooling = Pooling.MODEL,
        normalization: Normalization = Normalization.MODEL,
        max_tokens: int = 0,
        refuse_longer: bool = False,
    ) -> None:
        """max_tokens: of a text that are read; 0: as many as the model was trained for. What a longer text has beyond
        is left out, or with refuse_longer OutOfRange."""
        options, out, error = new_struct("hob_embedder_options"), ffi.new("hob_embedder**"), new_error()
        options.pooling, options.normalization = pooling, normalization
        options.max_tokens, options.refuse_longer = max_tokens, refuse_longer
        check(lib.hob_embedder_create(out, model._pointer, options, error), error)
        self._own(out[0], lib.hob_embedder_destroy)
        self._dimension = self.info.dimension

    @property
    def info(self) -> EmbedderInfo:
        """Dimension and options, as they are used."""
        out, error = new_struct("hob_embedder_info"), new_error()
        check(lib.hob_embedder_get_info(out, self._pointer, error), error)
        return filled(EmbedderInfo, out, pooling=Pooling(out.pooling), normalized=bool(out.normalized))

    @property
    def dimension(self) -> int:
        """Floats of a vector."""
        return self._dimension

    def embed(self, texts: str | Iterable[str], *, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The vector of a text, or a row for each of several. A vector depends on its text alone, to the bit. `out`,
        a writable contiguous float32 array of that shape, is written to and returned."""
        single = isinstance(texts, str)
        data = [encode(text) for text in ([texts] if isinstance(texts, str) else texts)]
        rows = floats_out(out, (self._dimension,) if single else (len(data), self._dimension))
        held = [ffi.from_buffer("char[]", text) for text in data]
        strings = ffi.new("hob_string[]", [(pointer, len(text)) for pointer, text in zip(held, data)])
        error = new_error()
        address = ffi.cast("float*", rows.ctypes.data)
        check(lib.hob_embedder_embed(address, rows.size, ffi.NULL, self._pointer, strings, len(data), error), error)
        return rows

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has, also beyond max_tokens."""
        data, out, error = encode(text), ffi.new("size_t*"), new_error()
        check(lib.hob_embedder_count_tokens(out, self._pointer, data, len(data), error), error)
        return int(out[0])
