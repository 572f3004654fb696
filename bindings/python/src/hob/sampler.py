# SPDX-License-Identifier: Apache-2.0
"""How the next token is chosen."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._arrays import floats_in, floats_out, tokens_in
from ._handle import Handle
from ._library import ffi, lib
from ._structs import new_struct
from .errors import check, new_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Sampler", "SamplerChain"]


@dataclass(frozen=True)
class Sampler:
    """Repetition penalty, temperature, top-k, top-p, min-p, draw. As it stands it is greedy: always the likeliest
    token. The library checks the values; the same seed gives the same tokens on any machine, for the same logits."""

    temperature: float = 0.0  #: 0: greedy; up to 100
    top_k: int = 0  #: keep the k likeliest; 0: all
    top_p: float = 1.0  #: keep the likeliest that sum to p, in (0, 1]; 1: all
    min_p: float = 0.0  #: drop those below min_p times the likeliest, in [0, 1); 0: none
    repetition_penalty: float = 1.0  #: above 0, up to 100; 1: none
    repetition_window: int = 64  #: how many last tokens it looks at; 0: all
    seed: int = 0

    def _options(self) -> Any:
        options = new_struct("hob_sampler_options")
        for name in Sampler.__dataclass_fields__:
            setattr(options, name, getattr(self, name))
        return options


def _logits_in(logits: ArrayLike) -> NDArray[np.float32]:
    values = floats_in(logits)
    if values.ndim != 1:
        raise ValueError(f"logits are to have one dimension, not {values.ndim}")
    return values


class SamplerChain(Handle):
    """A sampler on its own, as each session has one inside: chooses tokens by logits of yours. None: greedy.

    Sampling tells the repetition penalty nothing: accept() the prompt, and each token that you use.
    """

    def __init__(self, options: Sampler | None = None) -> None:
        self._lock = threading.Lock()
        out, error = ffi.new("hob_sampler**"), new_error()
        check(lib.hob_sampler_create(out, (options or Sampler())._options(), error), error)
        self._own(out[0], lib.hob_sampler_destroy)

    def accept(self, tokens: int | Iterable[int]) -> None:
        """Tells what the repetition penalty looks at: a token, or several; an array of int32 is read where it lies."""
        (data, count), error = tokens_in([tokens] if isinstance(tokens, int) else tokens), new_error()
        with self._lock:
            check(lib.hob_sampler_accept(self._pointer, data, count, error), error)

    def sample(self, logits: ArrayLike) -> int:
        """Chooses the next token by logits, one of each id: an array of float32 is read where it lies. InvalidArgument
        if there are none, one is NaN or +infinity, or all are -infinity."""
        values, out, error = _logits_in(logits), ffi.new("int32_t*"), new_error()
        view = ffi.from_buffer("float[]", values)
        with self._lock:
            check(lib.hob_sampler_sample(out, self._pointer, view, values.size, error), error)
        return int(out[0])

    def probabilities(self, logits: ArrayLike, *, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """How likely sample() is to choose each token; those that the chain drops have 0. Draws nothing. `out` may be
        `logits`."""
        values, error = _logits_in(logits), new_error()
        target = floats_out(out, values.shape)
        view, into = ffi.from_buffer("float[]", values), ffi.from_buffer("float[]", target)
        with self._lock:
            check(lib.hob_sampler_get_probabilities(into, self._pointer, view, values.size, error), error)
        return target

    def reset(self) -> None:
        """Forgets the accepted tokens and starts anew from the seed."""
        error = new_error()
        with self._lock:
            check(lib.hob_sampler_reset(self._pointer, error), error)

    @property
    def drawn(self) -> int:
        """The random state: how many numbers were drawn since the seed. With the options and the accepted tokens, it
        makes a sampler go on elsewhere as this one would. May be set."""
        out, error = ffi.new("uint64_t*"), new_error()
        with self._lock:
            check(lib.hob_sampler_get_drawn(out, self._pointer, error), error)
        return int(out[0])

    @drawn.setter
    def drawn(self, count: int) -> None:
        error = new_error()
        with self._lock:
            check(lib.hob_sampler_set_drawn(self._pointer, count, error), error)
