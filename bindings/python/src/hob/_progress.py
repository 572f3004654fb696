# SPDX-License-Identifier: Apache-2.0
"""A Python function as the C callback that is told how far a long job is."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from ._library import ffi, lib


class Progress:
    """The callback for one call. What the function raises, KeyboardInterrupt too, cancels the job and is raised
    after it."""

    def __init__(self, report: Callable[[int, int], object] | None) -> None:
        self.function: Any = ffi.NULL
        self._report = report
        self._raised: BaseException | None = None
        if report is not None:
            self.function = ffi.callback("hob_progress_fn", self._call, error=1, onerror=self._failed)

    def _call(self, _user: Any, done: int, total: int) -> int:
        assert self._report is not None
        return 1 if self._report(done, total) is False else 0

    def _failed(self, _kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        self._raised = error

    def reraise(self, status: int, error: Any) -> None:
        """Raises what the function raised, in place of the call's own error."""
        if self._raised is not None:
            if status:
                lib.hob_error_destroy(error[0])
            raise self._raised

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.function = self._report = None  # breaks the circle through the callback
