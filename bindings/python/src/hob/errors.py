# SPDX-License-Identifier: Apache-2.0
"""Errors: one class for each status code, each also the builtin exception that fits."""

from __future__ import annotations

import errno as _errno
from enum import IntEnum
from typing import Any

from ._library import ffi, lib, text_of

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Cancelled",
    "DataLoss",
    "DeadlineExceeded",
    "FailedPrecondition",
    "HobError",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "ResourceExhausted",
    "Status",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
]


class Status(IntEnum):
    """The outcome of a call; the numbers are those of gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class HobError(Exception):
    """What hob could not do. `message` says what was wrong and where, `hint` what can be done, if anything."""

    code: Status = Status.UNKNOWN
    message: str
    hint: str

    def __init__(self, message: str, hint: str = "") -> None:
        Exception.__init__(self, message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint)


class Cancelled(HobError):
    """A callback asked for it. An answer that is cancelled is no error: its result says so."""

    code = Status.CANCELLED


class InvalidArgument(HobError, ValueError):
    """An argument or a file's content is wrong."""

    code = Status.INVALID_ARGUMENT


class DeadlineExceeded(HobError, TimeoutError):
    """Time was over."""

    code = Status.DEADLINE_EXCEEDED
    errno = _errno.ETIMEDOUT


class NotFound(HobError, FileNotFoundError):
    """A file, or a token's text, that is not there."""

    code = Status.NOT_FOUND
    errno = _errno.ENOENT


class AlreadyExists(HobError, FileExistsError):
    """Something is there already."""

    code = Status.ALREADY_EXISTS
    errno = _errno.EEXIST


class PermissionDenied(HobError, PermissionError):
    """The system does not allow it."""

    code = Status.PERMISSION_DENIED
    errno = _errno.EACCES


class ResourceExhausted(HobError, MemoryError):
    """Memory is out, or a limit is reached; the message has the numbers."""

    code = Status.RESOURCE_EXHAUSTED


class FailedPrecondition(HobError, RuntimeError):
    """Not in this state of the object: it is closed, busy with an answer, empty, of another process."""

    code = Status.FAILED_PRECONDITION


class Aborted(HobError, RuntimeError):
    """Given up because of something that went on at the same time."""

    code = Status.ABORTED


class OutOfRange(HobError, ValueError):
    """Longer than the context."""

    code = Status.OUT_OF_RANGE


class Unimplemented(HobError, NotImplementedError):
    """A model family, tensor type or feature that hob lacks."""

    code = Status.UNIMPLEMENTED


class Internal(HobError, RuntimeError):
    """A fault of hob: please report it."""

    code = Status.INTERNAL


class Unavailable(HobError, OSError):
    """Not now."""

    code = Status.UNAVAILABLE


class DataLoss(HobError, OSError):
    """A file is cut short or damaged."""

    code = Status.DATA_LOSS


class Unauthenticated(HobError, PermissionError):
    """Nobody vouched for the caller."""

    code = Status.UNAUTHENTICATED


_CLASSES: dict[int, type[HobError]] = {kind.code: kind for kind in HobError.__subclasses__()}


def new_error() -> Any:
    """The place for a call's hob_error*, its last argument."""
    return ffi.new("hob_error**")


def check(status: int, error: Any) -> None:
    """Raises what a call reported; `error` is what was given to it."""
    if status:
        raise make_error(status, error[0])


def make_error(status: int, error: Any) -> HobError:
    """The exception for a status; takes the hob_error* over, which is NULL where memory was out."""
    message = text_of(lib.hob_error_message(error)) or text_of(lib.hob_status_name(status))
    hint = text_of(lib.hob_error_hint(error))
    lib.hob_error_destroy(error)
    return _CLASSES.get(status, HobError)(message, hint)
