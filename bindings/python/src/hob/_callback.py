# SPDX-License-Identifier: Apache-2.0
"""A Python function as a C callback of one call: told how far a long job is, or handed what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._library import ffi, lib
from .errors import check


class Callback:
    """The callback for one call; NULL if there is no function. Where the function returns False, the job ends with
    Cancelled; what it raises, KeyboardInterrupt too, cancels the job and is raised after it."""

    def __init__(self, kind: str, function: Callable[..., object] | None) -> None:
        self.function: Any = ffi.NULL
        self._python = function
        self._raised: BaseException | None = None
        if function is not None:
            self.function = ffi.callback(kind, self._call, error=1, onerror=self._failed)

    def _call(self, _user: Any, *given: Any) -> int:
        assert self._python is not None
        return 1 if self._python(*given) is False else 0

    def _failed(self, _kind: type[BaseException], error: BaseException, _trace: object) -> None:
        self._raised = error

    def check(self, status: int, error: Any) -> None:
        """Raises what the function raised, in place of the call's own error, else what the call reported."""
        if self._raised is None:
            check(status, error)
            return
        if status:
            lib.hob_error_destroy(error[0])
        # Its traceback has this frame: neither the frame nor what it refers to is to refer to it in turn.
        raised, self._raised = self._raised, None
        try:
            raise raised
        finally:
            del raised

    def __enter__(self) -> Callback:
        return self

    def __exit__(self, *_: object) -> None:
        self.function = self._python = None  # breaks the circle through the callback
