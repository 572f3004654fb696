# SPDX-License-Identifier: Apache-2.0
"""Text to tokens and back, without a model's weights and without a runtime."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _text
from ._arrays import owned_tokens
from ._enum import OpenEnum
from ._handle import Handle
from ._library import encode, ffi, lib, text_of
from ._structs import filled, new_struct
from .errors import check, new_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Detokenizer", "TokenInfo", "TokenKind", "Tokenizer", "TokenizerInfo"]


class TokenKind(OpenEnum):
    """What a token stands for. A newer library may know further kinds."""

    NORMAL = 1
    UNKNOWN = 2  #: stands for what no token has
    CONTROL = 3  #: "<|im_end|>": no part of a text
    USER_DEFINED = 4  #: found in every text before it is cut into others
    UNUSED = 5
    BYTE = 6  #: one byte


@dataclass(frozen=True)
class TokenInfo:
    """What a vocabulary says of a token."""

    kind: TokenKind
    text: str  #: as the vocabulary stores it, which is not how it reads
    ends_answer: bool


@dataclass(frozen=True)
class TokenizerInfo:
    """Token ids that a vocabulary lacks are -1."""

    size: int  #: ids are 0 to size - 1
    bos_token: int  #: begins a text
    eos_token: int  #: ends it; TokenInfo.ends_answer tells of all that do
    unknown_token: int
    separator_token: int
    adds_bos: bool  #: add_special puts a token before the text
    adds_eos: bool  #: and one after it


class Tokenizer(Handle):
    """The vocabulary of a GGUF or .hob file, with or without weights; what the file is afterwards does not matter.
    Immutable; any number of threads may use one. Model.tokenizer gives the one of an open model."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name, out, error = encode(path), ffi.new("hob_tokenizer**"), new_error()
        check(lib.hob_tokenizer_open(out, name, len(name), error), error)
        self._own(out[0], lib.hob_tokenizer_destroy)

    @property
    def info(self) -> TokenizerInfo:
        """Size and special tokens."""
        out, error = new_struct("hob_tokenizer_info"), new_error()
        check(lib.hob_tokenizer_get_info(out, self._pointer, error), error)
        return filled(TokenizerInfo, out, adds_bos=bool(out.adds_bos), adds_eos=bool(out.adds_eos))

    def __len__(self) -> int:
        return self.info.size

    def encode(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> list[int]:
        """Text as tokens. add_special: BOS and its like as the model asks; parse_special: reads "<|im_end|>" and its
        like as control tokens: not for text that users wrote."""
        bits = _text.flags(add_special, parse_special)
        return _text.taken_list(*_text.to_tokens(lib.hob_tokenizer_encode, self, text, bits))

    def encode_array(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> NDArray[np.int32]:
        """encode() as a numpy array over the library's own memory, which is freed with the array."""
        bits = _text.flags(add_special, parse_special)
        return owned_tokens(*_text.to_tokens(lib.hob_tokenizer_encode, self, text, bits))

    def decode(self, tokens: Iterable[int], *, show_special: bool = False) -> str:
        """Tokens as text; bytes that are not UTF-8 become U+FFFD. show_special writes control tokens out. An array of
        int32 is read where it lies."""
        return _text.to_text(lib.hob_tokenizer_decode, self, tokens, _text.shown(show_special))

    def token_bytes(self, token: int, *, show_special: bool = False) -> bytes:
        """The bytes of one token, which may be part of a character."""
        return _text.to_bytes(lib.hob_tokenizer_token_bytes, self, token, _text.shown(show_special))

    def find(self, text: str) -> int:
        """The token stored as exactly `text`, such as "<|im_end|>"; NotFound if there is none."""
        return _text.find(lib.hob_tokenizer_find, self, text)

    def token(self, token: int) -> TokenInfo:
        """What the vocabulary says of a token."""
        out, error = new_struct("hob_token_info"), new_error()
        pointer = self._pointer  # out.text lies in it
        try:
            check(lib.hob_tokenizer_get_token(out, pointer, token, error), error)
            return TokenInfo(TokenKind(out.kind), text_of(out.text), bool(out.ends_answer))
        finally:
            del pointer  # a kept traceback keeps no memory

    def detokenizer(self, *, show_special: bool = False) -> Detokenizer:
        """For tokens that come one by one."""
        return Detokenizer(self, show_special=show_special)


class Detokenizer(Handle):
    """Turns a stream of tokens into text, piece by piece, each of whole characters. It lives on when its tokenizer is
    closed.

    >>> detokenizer = tokenizer.detokenizer()  # doctest: +SKIP
    """

    def __init__(self, tokenizer: Tokenizer, *, show_special: bool = False) -> None:
        self._lock = threading.Lock()
        out, error = ffi.new("hob_detokenizer**"), new_error()
        check(lib.hob_detokenizer_create(out, tokenizer._pointer, _text.shown(show_special), error), error)
        self._own(out[0], lib.hob_detokenizer_destroy)

    def push(self, token: int) -> str:
        """Takes the next token; returns the text that became complete, maybe none: bytes that begin a character wait
        for the rest of it. A token outside the vocabulary is InvalidArgument, and left out."""
        out, error = ffi.new("hob_string*"), new_error()
        with self._lock:
            check(lib.hob_detokenizer_push(out, self._pointer, token, error), error)
            return text_of(out)

    def finish(self) -> str:
        """The end: what was held back, as U+FFFD. The next token begins a new text."""
        out, error = ffi.new("hob_string*"), new_error()
        with self._lock:
            check(lib.hob_detokenizer_finish(out, self._pointer, error), error)
            return text_of(out)

    def pieces(self, tokens: Iterable[int]) -> Iterator[str]:
        """The text of tokens, as it becomes complete, to its end; no piece is empty."""
        for token in tokens:
            if piece := self.push(token):
                yield piece
        if piece := self.finish():
            yield piece
