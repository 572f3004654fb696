# SPDX-License-Identifier: Apache-2.0
"""An answer on its way: an iterator and an asynchronous iterator over its text."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._library import ffi, lib
from ._structs import new_struct
from .errors import HobError, check, new_error
from .result import TokenLogprob

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from .result import Result
    from .session import Session

__all__ = ["Stream"]

# How long the library is waited for before Python looks for Ctrl-C again.
_WAIT_MS = 50

_NO_TOKEN: int = lib.HOB_NO_TOKEN
_TOKEN: int = lib.HOB_POLL_TOKEN
_END: int = lib.HOB_POLL_END
_poll = lib.hob_session_poll
_unpack = ffi.unpack


class Stream:
    """The pieces of an answer, made by Session.stream: `for piece in stream`, or `async for`.

    Pieces are whole characters, never empty. The answer goes on in the library while nobody asks for a piece, a few
    tokens ahead at most. It is cancelled by close() or aclose(), by the end of a `with` block, by an exception while a
    piece is waited for (KeyboardInterrupt and asyncio's cancellation are such), and when the stream is dropped, as by
    `break`; the session then holds what came until there. Until the end, the session does nothing else.
    """

    def __init__(self, session: Session, kept_messages: int | None, tells_logprobs: bool) -> None:
        # Made by Session.stream, which has started the answer.
        self._session = session
        self._kept_messages = kept_messages
        self._lock = session._lock
        self._kind = ffi.new("hob_poll*")
        self._token = new_struct("hob_token")
        self._error = new_error()
        self._result: Result | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._done = False
        #: The token that made the latest piece complete; None before the first, and for text held back until the end.
        self.token: int | None = None
        self._tells_logprobs = tells_logprobs
        #: Of the tokens that were taken so far, with `logprobs`.
        self.logprobs: list[TokenLogprob] = []

    def _advance(self, wait_ms: int) -> str:
        """The next piece; nothing if it has not come in time, completes no character, or the answer is over."""
        with self._lock:
            if self._done:
                return ""
            token = self._token
            status = _poll(self._kind, token, self._session._pointer, wait_ms, self._error)
            if status:
                self._failed(status)
            kind = self._kind[0]
            if kind == _TOKEN:
                if self._tells_logprobs and token.id != _NO_TOKEN:
                    count = token.likeliest_count
                    top = tuple((token.likeliest[i].id, token.likeliest[i].logprob) for i in range(count))
                    self.logprobs.append(TokenLogprob(token.id, token.logprob, top))
                size = token.text_size
                if size:
                    self.token = None if token.id == _NO_TOKEN else token.id
                    return str(_unpack(token.text, size), "utf-8", "replace")
            elif kind == _END:
                self._ended()
            return ""

    def _ended(self) -> None:
        self._done = True
        self._result = self._session._last_result()
        # Cut off before its first token: as if it had not been asked for.
        if not self._result.generated_tokens:
            self._take_back()

    def _failed(self, status: int) -> None:
        self._done = True
        try:
            check(status, self._error)
        finally:
            self._take_back()

    def _take_back(self) -> None:
        if self._kept_messages is not None:
            self._session._take_back(self._kept_messages)

    @property
    def result(self) -> Result:
        """How the answer ended. Takes what is left of it; the pieces are gone then."""
        while self._until_something():
            pass
        if self._result is None:
            raise HobError("the answer failed, so it has no result")
        return self._result

    def cancel(self) -> None:
        """Ends the answer within one step; the pieces that had come are still handed out. Any thread."""
        if not self._done:
            self._session.cancel()

    def close(self) -> None:
        """Ends the answer and waits for that. A second time does nothing."""
        if self._done:
            return
        if self._session.closed:
            self._done = True
            return
        self._session.cancel()
        while not self._done:
            self._advance(_WAIT_MS)

    def _until_something(self) -> str:
        """The next piece; nothing: the answer is over. What is raised meanwhile ends it."""
        try:
            while not self._done:
                if piece := self._advance(_WAIT_MS):
                    return piece
        except BaseException:
            self._close_quietly()
            raise
        return ""

    def _close_quietly(self) -> None:
        try:
            self.close()
        except HobError:
            self._done = True

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        if piece := self._until_something():
            return piece
        raise StopIteration

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Where __init__ did not get far there is nothing to end.
        if not getattr(self, "_done", True):
            self._close_quietly()
        self._end_worker()

    # For asyncio. What is there already is taken at once; the rest is waited for on a thread of this stream's own.

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> str:
        import asyncio

        while not self._done:
            piece = self._advance(0)
            if not piece and not self._done:
                try:
                    piece = await self._in_worker(self._until_something)
                except (asyncio.CancelledError, GeneratorExit):
                    await self.aclose()
                    raise
            if piece:
                return piece
        self._end_worker()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """close() for asyncio: the loop goes on meanwhile."""
        if not self._done:
            self.cancel()
            await self._in_worker(self._close_quietly)
        self._end_worker()

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _in_worker(self, function: Any) -> Any:
        import asyncio

        if self._worker is None:
            from concurrent.futures import ThreadPoolExecutor

            self._worker = ThreadPoolExecutor(1, "hob-stream")
        return await asyncio.get_running_loop().run_in_executor(self._worker, function)

    def _end_worker(self) -> None:
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.shutdown(wait=False)
            self._worker = None
