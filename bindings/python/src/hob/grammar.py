# SPDX-License-Identifier: Apache-2.0
"""Answers of a promised form. Experimental."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._arrays import tokens_in
from ._handle import Handle
from ._library import encode, ffi, lib
from .errors import check, new_error
from .model import Model
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Grammar", "Matcher"]


class Grammar(Handle):
    """The texts that an answer may be, for one vocabulary: exactly one of a JSON Schema (a mapping, or its text), a
    regular expression that the whole text matches, a GBNF grammar, or texts to choose from. Any number of answers and
    threads may use one. Experimental.

    >>> grammar = hob.Grammar(model, choices=["yes", "no"])
    >>> session.generate("Is Paris in France?", grammar=grammar).text  # doctest: +SKIP
    'yes'
    """

    def __init__(
        self,
        vocabulary: Model | Tokenizer,
        *,
        json_schema: Mapping[str, Any] | bool | str | None = None,
        regex: str | None = None,
        gbnf: str | None = None,
        choices: Sequence[str] | None = None,
    ) -> None:
        given = [
            (kind, source)
            for kind, source in (
                (lib.HOB_GRAMMAR_JSON_SCHEMA, json_schema),
                (lib.HOB_GRAMMAR_REGEX, regex),
                (lib.HOB_GRAMMAR_GBNF, gbnf),
                (None, choices),
            )
            if source is not None
        ]
        if len(given) != 1:
            raise TypeError("exactly one of json_schema, regex, gbnf and choices is to be given")
        kind, source = given[0]
        tokenizer = vocabulary.tokenizer if isinstance(vocabulary, Model) else vocabulary
        out, error = ffi.new("hob_grammar**"), new_error()
        if kind is None:
            texts = [encode(text) for text in choices or ()]
            keep = [ffi.from_buffer("char[]", text) for text in texts]
            array = ffi.new("hob_string[]", [{"data": d, "size": len(t)} for d, t in zip(keep, texts)])
            status = lib.hob_grammar_create_choices(out, tokenizer._pointer, array, len(texts), error)
        else:
            text = encode(source if isinstance(source, str) else json.dumps(source))
            status = lib.hob_grammar_create(out, tokenizer._pointer, kind, text, len(text), error)
        check(status, error)
        self._own(out[0], lib.hob_grammar_destroy)

    def matcher(self) -> Matcher:
        """For tokens that are sampled elsewhere."""
        return Matcher(self)


class Matcher(Handle):
    """How far one text has come in a grammar: a session has one inside. Usable from any thread; calls wait for one
    another. Experimental."""

    def __init__(self, grammar: Grammar) -> None:
        self._lock = threading.Lock()
        out, error = ffi.new("hob_matcher**"), new_error()
        check(lib.hob_matcher_create(out, grammar._pointer, error), error)
        self._own(out[0], lib.hob_matcher_destroy)

    def mask(self, logits: NDArray[np.float32]) -> None:
        """Sets the logits of tokens that may not come next to -infinity, in place. FailedPrecondition if no token of
        the vocabulary may."""
        if logits.dtype != "float32" or logits.ndim != 1:
            raise TypeError("logits are float32 in one dimension")
        view, error = ffi.from_buffer("float[]", logits, require_writable=True), new_error()
        with self._lock:
            check(lib.hob_matcher_mask_logits(self._pointer, view, logits.size, error), error)

    def accept(self, tokens: int | Iterable[int]) -> None:
        """Takes the next token, or several, all or none. InvalidArgument names the one that does not fit."""
        (data, count), error = tokens_in([tokens] if isinstance(tokens, int) else tokens), new_error()
        with self._lock:
            check(lib.hob_matcher_accept(self._pointer, data, count, error), error)

    def _end(self) -> tuple[bool, bool]:
        may, must, error = ffi.new("uint8_t*"), ffi.new("uint8_t*"), new_error()
        with self._lock:
            check(lib.hob_matcher_get_end(may, must, self._pointer, error), error)
        return bool(may[0]), bool(must[0])

    @property
    def may_end(self) -> bool:
        """Whether the text may end here."""
        return self._end()[0]

    @property
    def must_end(self) -> bool:
        """Whether nothing else is left."""
        return self._end()[1]

    def forced_bytes(self, most: int = 256) -> bytes:
        """The bytes that must come next, at most `most`; maybe none."""
        out, error = ffi.new("hob_string*"), new_error()
        with self._lock:
            check(lib.hob_matcher_forced_text(out, self._pointer, most, error), error)
            return bytes(ffi.buffer(out.data, out.size)) if out.size else b""

    def reset(self) -> None:
        """Back to the beginning."""
        error = new_error()
        with self._lock:
            check(lib.hob_matcher_reset(self._pointer, error), error)
