# SPDX-License-Identifier: Apache-2.0
"""A runtime: the threads, the memory and the log that models share."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import count
from typing import Any

from ._handle import Handle
from ._library import ffi, lib, text_of
from ._structs import filled, new_struct
from .errors import check, new_error

__all__ = ["Runtime", "RuntimeInfo", "version"]


def version() -> str:
    """The library's version, such as "0.1.0"."""
    return text_of(lib.hob_version())


@dataclass(frozen=True)
class RuntimeInfo:
    """What a runtime has and uses."""

    threads: int
    bytes_in_use: int  #: of the large memory: packed weights, caches, scratch
    peak_bytes: int  #: the most that bytes_in_use has been


_LEVELS = {0: logging.DEBUG, 1: logging.INFO, 2: logging.WARNING, 3: logging.ERROR}

# One C function serves all runtimes and is never freed: a message cannot come too late for it. Which logger is meant
# comes as a number, and a number that is gone is ignored.
_loggers: dict[int, logging.Logger] = {}
_numbers = count(1)
_sink: Any = None


def _log(user: Any, level: int, message: Any, size: int) -> None:
    logger = _loggers.get(int(ffi.cast("uintptr_t", user)))
    if logger is not None:
        logger.log(_LEVELS.get(level, logging.ERROR), "%s", ffi.unpack(message, size).decode("utf-8", "replace"))


def _ignore(*_: object) -> None:
    pass  # a handler of the app's that raises is no reason to write to stderr from another thread


def _sink_function() -> Any:
    global _sink
    if _sink is None:
        _sink = ffi.callback("hob_log_fn", _log, onerror=_ignore)
    return _sink


class _Logger:
    """Lives as long as anything made from the runtime."""

    def __init__(self, logger: logging.Logger) -> None:
        self.number = next(_numbers)
        _loggers[self.number] = logger

    def __del__(self) -> None:
        _loggers.pop(self.number, None)


def _library_level(level: int) -> int:
    return next((ours for ours, theirs in _LEVELS.items() if theirs >= level), 4)


class Runtime(Handle):
    """Threads, memory and log of the models that are opened with it. Any number of threads may use one.

    threads: those that compute, the calling one included; 0: as many as the process may use.
    memory_limit: bytes that bytes_in_use never passes: what would is ResourceExhausted; 0: none.
    max_requests: answers that may be on their way at a time; 0: 256.
    logger: gets the library's messages, logging.getLogger("hob") if None; False: none.
    log_level: messages below are not made at all; None: the logger's level now.
    """

    def __init__(
        self,
        *,
        threads: int = 0,
        memory_limit: int = 0,
        max_requests: int = 0,
        logger: logging.Logger | bool | None = None,
        log_level: int | None = None,
    ) -> None:
        options = new_struct("hob_runtime_options")
        options.abi_version = lib.HOB_ABI_VERSION_MAJOR << 16 | lib.HOB_ABI_VERSION_MINOR
        options.threads = threads
        options.max_requests = max_requests
        options.memory_limit = memory_limit
        options.log_level = lib.HOB_LOG_INFO
        self._keep: _Logger | None = None
        if logger is not False:
            target = logger if isinstance(logger, logging.Logger) else logging.getLogger("hob")
            level = _library_level(target.getEffectiveLevel() if log_level is None else log_level)
            if level <= lib.HOB_LOG_ERROR:
                self._keep = _Logger(target)
                options.log_level = level
                options.log = _sink_function()
                options.log_user = ffi.cast("void*", self._keep.number)
        out, error = ffi.new("hob_runtime**"), new_error()
        check(lib.hob_runtime_create(out, options, error), error)
        self._own(out[0], lib.hob_runtime_destroy)

    @property
    def info(self) -> RuntimeInfo:
        """Threads and memory, now."""
        out, error = new_struct("hob_runtime_info"), new_error()
        check(lib.hob_runtime_get_info(out, self._pointer, error), error)
        return filled(RuntimeInfo, out)
