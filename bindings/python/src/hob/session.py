# SPDX-License-Identifier: Apache-2.0
"""A session: one conversation with a model, or one raw text that it continues."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from . import _text
from ._arrays import floats_out, tokens_in
from ._callback import Callback
from ._handle import Handle
from ._library import encode, ffi, lib, text_of
from ._structs import filled, known, new_struct
from .errors import check, new_error
from .grammar import Grammar
from .model import KvType, Message, Model
from .result import FinishReason, Result, Stats
from .sampler import Sampler
from .stream import Stream
from .tools import ToolCall, Tools, read_call, tool_use

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer, Unpack

__all__ = ["GenerateOptions", "Session", "SessionOptions"]


class SessionOptions(TypedDict, total=False):
    """What Session takes beside the model."""

    sampler: Sampler | None  #: None: greedy
    system: str | None  #: the first message, of role "system"
    context_tokens: int  #: prompt and answers; 0: the model's context length
    roll: bool  #: where the context is full, go on with its first keep_tokens and the latest ones
    keep_tokens: int  #: at most half the context; 0 unless `roll`
    speculate: bool  #: guess by the prompt's own words: the same answer, faster where it repeats the prompt
    kv_type: KvType  #: of its cache; sessions with caches of several types run together
    draft: Model | None  #: a smaller model of the same runtime and vocabulary that guesses: the same answer, faster
    draft_tokens: int  #: that `draft` guesses at a time, up to 15; 0: as many as pay


class GenerateOptions(TypedDict, total=False):
    """What everything that answers takes."""

    max_tokens: int  #: of the answer; 0: until the context is full
    stop: str | Sequence[str]  #: texts that end the answer and are not part of it, at most 64
    ignore_eos: bool  #: tokens that end an answer are tokens like any other
    logprobs: bool  #: tell with each token how likely the model held it: Stream.logprobs
    top_logprobs: int  #: and this many of the likeliest in its place, at most 20
    grammar: Grammar | None  #: the texts that the answer may be; of the model's own tokenizer
    priority: int  #: against the runtime's other answers: higher ones are always served first
    max_time: float | None  #: seconds from now, after which the answer ends as it is; None: any


def _session_options(options: SessionOptions) -> tuple[Any, Any]:
    known(options, SessionOptions, "a session")
    struct = new_struct("hob_session_options")
    struct.kv_type = lib.HOB_KV_MODEL
    for name, value in options.items():
        if name not in ("sampler", "system", "draft"):
            setattr(struct, name, value)
    sampler, draft = options.get("sampler"), options.get("draft")
    # What the struct points to: a draft model that another thread closes meanwhile stays until the call is over.
    # Afterwards the library holds it as long as sessions need it.
    keep = (
        ffi.NULL if sampler is None else sampler._options(),
        ffi.NULL if draft is None else draft._pointer,
    )
    struct.sampler, struct.draft = keep
    return struct, keep


def _generate_options(options: GenerateOptions) -> tuple[Any, Any]:
    known(options, GenerateOptions, "an answer")
    struct = new_struct("hob_generate_options")
    struct.max_tokens = options.get("max_tokens", 0)
    struct.ignore_eos = options.get("ignore_eos", False)
    struct.priority = options.get("priority", 0)
    struct.logprobs = options.get("logprobs", False)
    struct.top_logprobs = options.get("top_logprobs", 0)
    seconds = options.get("max_time")
    if seconds is not None:
        # 0 would mean "any": a time that is over already is the shortest there is. NaN stays NaN in this order of
        # arguments, and round() refuses it.
        struct.max_time_ms = round(min(max(seconds * 1000, 1), 2**32 - 1))
    stop = options.get("stop", ())
    texts = [text.encode() for text in ([stop] if isinstance(stop, str) else stop)]
    keep = [ffi.from_buffer("char[]", text) for text in texts]
    array = ffi.new("hob_string[]", [{"data": data, "size": len(text)} for data, text in zip(keep, texts)])
    struct.stops = array
    struct.stop_count = len(texts)
    grammar = options.get("grammar")
    pointer = ffi.NULL if grammar is None else grammar._pointer
    struct.grammar = pointer
    return struct, (keep, array, pointer)


class Session(Handle):
    """One conversation with a model, or one raw text that it continues. Usable from any thread; calls wait for one
    another, save cancel() and close(). Sessions of one model run side by side.

    >>> session = model.session(system="Be brief.")
    >>> session("What is the capital of France?")  # doctest: +SKIP
    'Paris.'
    """

    model: Model  #: what it was made from

    def __init__(self, model: Model, **options: Unpack[SessionOptions]) -> None:
        struct, keep = _session_options(options)
        out, error = ffi.new("hob_session**"), new_error()
        status = lib.hob_session_create(out, model._pointer, struct, error)
        del keep
        check(status, error)
        self._begin(out[0], model)
        system = options.get("system")
        if system is not None:
            self.add("system", system)

    def _begin(self, pointer: Any, model: Model) -> None:
        self._lock = threading.RLock()
        self.model = model
        self._keep = model._keep
        self._own(pointer, lib.hob_session_destroy)

    def fork(self) -> Session:
        """Another session that goes on from here, on shared memory."""
        out, error = ffi.new("hob_session**"), new_error()
        with self._lock:
            check(lib.hob_session_fork(out, self._pointer, error), error)
        session = Session.__new__(Session)
        session._begin(out[0], self.model)
        return session

    def close(self) -> None:
        """Cancels what is on its way and gives the session up; a second time does nothing. Any thread."""
        # Closed first: whoever waits for a piece meanwhile is told so, and not that the answer was cancelled.
        handle = self._handle
        super().close()
        lib.hob_session_cancel(handle or ffi.NULL)

    # What it holds.

    def add(self, role: str, content: str) -> None:
        """Appends a message; the role is "system", "user", "assistant", or what else the chat template knows."""
        who, text, error = encode(role), encode(content), new_error()
        with self._lock:
            check(lib.hob_session_add_message(self._pointer, who, len(who), text, len(text), error), error)

    def add_fields(self, role: str, content: str, fields: Mapping[str, Any]) -> None:
        """add() of a message that has more: {"tool_call_id": call.id, "name": call.name} with role "tool" for what
        came of a call, or the {"tool_calls": [...]} of an earlier conversation. Experimental."""
        who, text, more = encode(role), encode(content), encode(json.dumps(fields))
        error = new_error()
        with self._lock:
            status = lib.hob_session_add_message_fields(
                self._pointer, who, len(who), text, len(text), more, len(more), error
            )
            check(status, error)

    def add_text(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> None:
        """Appends raw text to continue from; see Model.tokenize."""
        data, error = encode(text), new_error()
        with self._lock:
            check(
                lib.hob_session_add_text(
                    self._pointer, data, len(data), _text.flags(add_special, parse_special), error
                ),
                error,
            )

    def add_tokens(self, tokens: Iterable[int]) -> None:
        """Appends raw tokens to continue from; an array of int32 is read where it lies."""
        (data, count), error = tokens_in(tokens), new_error()
        with self._lock:
            check(lib.hob_session_add_tokens(self._pointer, data, count, error), error)

    @property
    def message_count(self) -> int:
        """How many messages the conversation holds, answers included."""
        out, error = ffi.new("size_t*"), new_error()
        with self._lock:
            check(lib.hob_session_message_count(out, self._pointer, error), error)
        return int(out[0])

    @property
    def messages(self) -> list[Message]:
        """The conversation, answers included."""
        role, text, error = ffi.new("hob_string*"), ffi.new("hob_string*"), new_error()
        result: list[Message] = []
        with self._lock:
            for index in range(self.message_count):
                check(lib.hob_session_get_message(role, text, self._pointer, index, error), error)
                result.append({"role": text_of(role), "content": text_of(text)})
        return result

    def fields(self, index: int) -> dict[str, Any]:
        """What message `index` has beside role and content. Experimental."""
        out, error = ffi.new("hob_string*"), new_error()
        with self._lock:
            check(lib.hob_session_get_message_fields(out, self._pointer, index, error), error)
            return json.loads(text_of(out) or "{}")  # type: ignore[no-any-return]

    def keep_messages(self, count: int) -> None:
        """Keeps the first messages and drops the later ones."""
        error = new_error()
        with self._lock:
            check(lib.hob_session_keep_messages(self._pointer, count, error), error)

    def _take_back(self, count: int) -> None:
        if not self.closed:
            lib.hob_session_keep_messages(self._pointer, count, ffi.NULL)

    def reset(self) -> None:
        """Drops messages, tokens and cache. The sampler starts anew from its seed."""
        error = new_error()
        with self._lock:
            check(lib.hob_session_reset(self._pointer, error), error)

    def set_sampler(self, sampler: Sampler) -> None:
        """Changes how tokens are chosen from now on; the random state starts anew from the seed."""
        options, error = sampler._options(), new_error()
        with self._lock:
            check(lib.hob_session_set_sampler(self._pointer, options, error), error)

    # Tools.

    def set_tools(
        self, tools: Tools | None, *, choice: str = "auto", parallel: bool = True, constrain: bool = True
    ) -> None:
        """Lets answers use tools, from now on; None: none. An answer that made calls ends with
        FinishReason.TOOL_CALLS. Experimental.

        choice: "auto", "none" (words alone), "required" (calls alone), or the name of the one tool to call.
        parallel: several calls in one answer. constrain: a grammar sees to it that calls are valid.
        """
        use, keep = tool_use(choice, parallel, constrain)
        error = new_error()
        with self._lock:
            pointer = ffi.NULL if tools is None else tools._pointer
            status = lib.hob_session_set_tools(self._pointer, pointer, use, error)
        del keep
        check(status, error)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls of the last answer. Experimental."""
        count, error = ffi.new("size_t*"), new_error()
        call, calls = new_struct("hob_tool_call"), []
        with self._lock:
            check(lib.hob_session_tool_call_count(count, self._pointer, error), error)
            for index in range(count[0]):
                check(lib.hob_session_get_tool_call(call, self._pointer, index, error), error)
                calls.append(read_call(call))
        return calls

    # Answers.

    def stream(self, prompt: str | None = None, **options: Unpack[GenerateOptions]) -> Stream:
        """Starts an answer and hands it out as it comes: `for piece in session.stream("Hello")`, or `async for`.

        prompt: a message of the user to add first; None: answer what the session holds, or go on with its raw text.
        An answer that fails, or is cancelled before its first token, leaves the session as it was before the prompt.
        """
        struct, keep = _generate_options(options)
        error, kept = new_error(), None
        with self._lock:
            if prompt is not None:
                kept = self.message_count
                self.add("user", prompt)
            status = lib.hob_session_start(self._pointer, struct, error)
            if status and kept is not None:
                self._take_back(kept)
        del keep
        check(status, error)
        return Stream(self, kept, options.get("logprobs", False))

    def generate(self, prompt: str | None = None, **options: Unpack[GenerateOptions]) -> Result:
        """Answers, and returns when the answer is over. KeyboardInterrupt cancels it. See stream()."""
        return self.stream(prompt, **options).result

    async def agenerate(self, prompt: str | None = None, **options: Unpack[GenerateOptions]) -> Result:
        """generate() for asyncio; cancelling the task cancels the answer."""
        async with self.stream(prompt, **options) as stream:
            async for _ in stream:
                pass
            return stream.result

    def __call__(self, prompt: str, **options: Unpack[GenerateOptions]) -> str:
        """The answer to a message of the user, as text: the session as a plain function."""
        return self.generate(prompt, **options).text

    def cancel(self) -> None:
        """Ends the answer that is on its way, if there is one. Any thread, and signal handlers too."""
        # Between a look and the call another thread may close it; cancelling NULL does nothing.
        lib.hob_session_cancel(self._handle or ffi.NULL)

    @property
    def reply(self) -> str:
        """The text of the last answer."""
        out, error = ffi.new("hob_string*"), new_error()
        with self._lock:
            check(lib.hob_session_get_reply(out, self._pointer, error), error)
            return text_of(out)

    def _last_result(self) -> Result:
        out, error = new_struct("hob_generate_result"), new_error()
        check(lib.hob_session_get_result(out, self._pointer, error), error)
        return filled(Result, out, text=self.reply, finish_reason=FinishReason(out.finish_reason))

    @property
    def stats(self) -> Stats:
        """Time and memory of the last answer."""
        out, error = new_struct("hob_session_stats"), new_error()
        with self._lock:
            check(lib.hob_session_get_stats(out, self._pointer, error), error)
        return filled(Stats, out)

    @property
    def tokens(self) -> list[int]:
        """The tokens that the last answer rested on and those of the answer; for raw text, all so far."""
        out, count, error = ffi.new("int32_t**"), ffi.new("size_t*"), new_error()
        with self._lock:
            check(lib.hob_session_get_tokens(out, count, self._pointer, error), error)
            return list(ffi.unpack(out[0], count[0])) if count[0] else []

    # Saved sessions.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes messages, cache, options and the sampler's state to a file, whole or not at all."""
        name, error = encode(path), new_error()
        with self._lock:
            check(lib.hob_session_save(self._pointer, name, len(name), error), error)

    def save_buffer(self) -> memoryview:
        """What save() writes, in memory of the library's that is freed with the view."""
        out, size, error = ffi.new("void**"), ffi.new("size_t*"), new_error()
        with self._lock:
            check(lib.hob_session_save_buffer(out, size, self._pointer, error), error)
        return memoryview(ffi.buffer(ffi.gc(out[0], lib.hob_free, size[0]), size[0]))

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Makes this session the one that was saved: it answers bit for bit as that one would have."""
        name, error = encode(path), new_error()
        with self._lock:
            check(lib.hob_session_restore(self._pointer, name, len(name), error), error)

    def restore_buffer(self, data: Buffer) -> None:
        """restore() from memory."""
        view, error = ffi.from_buffer("char[]", data), new_error()
        with self._lock:
            check(lib.hob_session_restore_buffer(self._pointer, view, len(view), error), error)

    # Logits.

    def evaluate(
        self,
        tokens: Iterable[int],
        on_logits: Callable[[int, NDArray[np.float32]], object] | None = None,
        *,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Drops what the session holds, runs tokens through the model and gives the logits of every position:
        [tokens, vocabulary_size] of float32, in `out` if that is given. Experimental.

        on_logits(first, logits) instead gets [rows, vocabulary_size] chunk by chunk, read-only and where the library
        has them: copy what is to outlive the call. Where it returns False, it ends with Cancelled. With on_logits, the
        array returned is empty, and `out` is not to be given.
        """
        import numpy as np

        if on_logits is not None and out is not None:
            raise ValueError("either on_logits or out gets the logits, not both")
        data, count = tokens_in(tokens)
        width = self.model.info.vocabulary_size
        target = np.empty((0, width), np.float32) if on_logits is not None else floats_out(out, (count, width))

        def receive(first: int, rows: int, logits: Any) -> object:
            chunk = np.frombuffer(ffi.buffer(logits, rows * width * 4), np.float32).reshape(rows, width)
            if on_logits is not None:
                chunk.flags.writeable = False
                return on_logits(first, chunk)
            target[first : first + rows] = chunk
            return None

        error = new_error()
        with Callback("hob_logits_fn", receive) as callback:
            with self._lock:
                status = lib.hob_session_evaluate(self._pointer, data, count, callback.function, ffi.NULL, error)
            callback.check(status, error)
        return target
