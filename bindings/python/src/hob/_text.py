# SPDX-License-Identifier: Apache-2.0
"""Text to tokens and back: what a model and a tokenizer of its own have in common, over the functions of either.

The handle goes in, not its pointer: a kept traceback keeps no memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._arrays import tokens_in
from ._handle import Handle
from ._library import encode, ffi, lib, take_text
from .errors import check, new_error


def flags(add_special: bool, parse_special: bool) -> int:
    """hob_text_flags for text that becomes tokens."""
    return lib.HOB_TEXT_ADD_SPECIAL * add_special | lib.HOB_TEXT_PARSE_SPECIAL * parse_special  # type: ignore[no-any-return]


def shown(show_special: bool) -> int:
    """hob_text_flags for tokens that become text."""
    return lib.HOB_TEXT_SHOW_SPECIAL * show_special  # type: ignore[no-any-return]


def to_tokens(function: Any, handle: Handle, text: str, bits: int) -> tuple[Any, int]:
    """(int32_t*, count) that the caller frees."""
    data, out, count, error = encode(text), ffi.new("int32_t**"), ffi.new("size_t*"), new_error()
    check(function(out, count, handle._pointer, data, len(data), bits, error), error)
    return out[0], count[0]


def taken_list(data: Any, count: int) -> list[int]:
    """The tokens of to_tokens as a list; frees them."""
    try:
        return list(ffi.unpack(data, count)) if count else []
    finally:
        lib.hob_free(data)


def to_text(function: Any, handle: Handle, tokens: Iterable[int], bits: int) -> str:
    """The text of tokens."""
    data, count = tokens_in(tokens)
    out, size, error = ffi.new("char**"), ffi.new("size_t*"), new_error()
    check(function(out, size, handle._pointer, data, count, bits, error), error)
    return take_text(out[0], size[0]).decode("utf-8", "replace")


def to_bytes(function: Any, handle: Handle, token: int, bits: int) -> bytes:
    """The bytes of one token."""
    out, size, error = ffi.new("char**"), ffi.new("size_t*"), new_error()
    check(function(out, size, handle._pointer, token, bits, error), error)
    return take_text(out[0], size[0])


def find(function: Any, handle: Handle, text: str) -> int:
    """The token stored as exactly `text`."""
    data, out, error = encode(text), ffi.new("int32_t*"), new_error()
    check(function(out, handle._pointer, data, len(data), error), error)
    return int(out[0])
