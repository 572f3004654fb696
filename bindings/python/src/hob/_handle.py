# SPDX-License-Identifier: Apache-2.0
"""Handles: what Runtime, Model and Session have in common.

A C handle lives in a cffi object that destroys it when the last reference goes. A method passes `self._pointer` to the
library without naming it: the reference lives on Python's stack for the call alone. So close() from another thread
takes effect when the calls that are under way have returned, and a kept traceback keeps no memory.
"""

from __future__ import annotations

import atexit
import weakref
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from ._library import ffi
from .errors import FailedPrecondition

_Self = TypeVar("_Self", bound="Handle")

_open: weakref.WeakSet[Handle] = weakref.WeakSet()


class Handle:
    """Something that is open until close(), the end of a `with` block, or the last reference to it."""

    _handle: Any = None

    def _own(self, pointer: Any, destroy: Any) -> None:
        self._handle = ffi.gc(pointer, destroy)
        _open.add(self)

    @classmethod
    def _take(cls: type[_Self], pointer: Any, destroy: Any) -> _Self:
        """One over a pointer that the library gave, without __init__."""
        handle = cls.__new__(cls)
        handle._own(pointer, destroy)
        return handle

    @property
    def _pointer(self) -> Any:
        if self._handle is None:
            raise FailedPrecondition(f"this {type(self).__name__.lower()} is closed", "make a new one")
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._handle is None

    def close(self) -> None:
        """Gives the handle up; a second time does nothing. What was made from it lives on."""
        self._handle = None
        _open.discard(self)

    def __enter__(self: _Self) -> _Self:
        self._pointer  # noqa: B018  a closed one is refused here
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} belongs to its process: make one in each")


@atexit.register
def _close_all() -> None:
    # The library's threads end while Python can still take their log messages.
    for handle in list(_open):
        handle.close()
