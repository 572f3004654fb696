# SPDX-License-Identifier: Apache-2.0
"""Finds and loads libhob: the one that HOB_LIBRARY names, else the one inside this package."""

from __future__ import annotations

import os
import sys
from typing import Any

from ._cffi import ffi

__all__ = ["encode", "ffi", "lib", "library_path", "take_text", "text_of"]

_NAMES = {"win32": "hob.dll", "darwin": "libhob.dylib"}


def _find() -> str:
    named = os.environ.get("HOB_LIBRARY")
    if named:
        return named
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), _NAMES.get(sys.platform, "libhob.so"))
    if not os.path.exists(path):
        raise ImportError(
            f"{path} is not there: install the hob wheel, or name a library with the environment variable HOB_LIBRARY"
        )
    return path


library_path: str = _find()


def _load() -> Any:
    try:
        library = ffi.dlopen(library_path, ffi.RTLD_NOW | ffi.RTLD_LOCAL)
        version: int = library.hob_abi_version()
    except (OSError, AttributeError) as error:
        raise ImportError(f"{library_path} cannot be used as hob's library: {error}") from error
    # hob_runtime_create asks the same; said here, it comes before anything else can fail for it.
    wanted = (library.HOB_ABI_VERSION_MAJOR, library.HOB_ABI_VERSION_MINOR)
    if version >> 16 != wanted[0] or version & 0xFFFF < wanted[1]:
        raise ImportError(
            f"{library_path} has version {version >> 16}.{version & 0xFFFF} of hob's C interface, "
            f"this package was made for {wanted[0]}.{wanted[1]}: install a matching libhob"
        )
    return library


lib: Any = _load()


def encode(text: str | os.PathLike[str]) -> bytes:
    """UTF-8 for the library. Lone surrogates, which a file's name may have, become what the system gave."""
    return os.fsencode(text) if isinstance(text, os.PathLike) else text.encode("utf-8", "surrogateescape")


def text_of(string: Any) -> str:
    """A Python string of a hob_string."""
    return str(ffi.unpack(string.data, string.size), "utf-8", "replace") if string.size else ""


def take_text(data: Any, size: int) -> bytes:
    """The bytes of a buffer that the library gave, which is freed."""
    try:
        return bytes(ffi.unpack(data, size)) if size else b""
    finally:
        lib.hob_free(data)
