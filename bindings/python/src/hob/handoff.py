# SPDX-License-Identifier: Apache-2.0
"""Answers by an OpenAI-compatible endpoint where the local model is not the right one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ._callback import Callback
from ._enum import OpenEnum
from ._handle import Handle
from ._library import encode, ffi, lib, text_of
from ._structs import filled, new_struct
from .errors import Status, check, new_error
from .result import FinishReason
from .runtime import Runtime
from .session import GenerateOptions, Session, _generate_options

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "AnswerSource",
    "BreakerState",
    "Handoff",
    "HandoffFallback",
    "HandoffMetrics",
    "HandoffMode",
    "HandoffReason",
    "HandoffReport",
]


class HandoffMode(IntEnum):
    """Whom to ask, for one answer."""

    AUTO = 0  #: as the options say, local first
    NEVER = 1  #: the local model
    REMOTE = 2  #: the endpoint, if the user consented and it can be had


class AnswerSource(OpenEnum):
    """Where an answer came from."""

    NONE = 0  #: there is no answer
    LOCAL = 1
    REMOTE = 2


class HandoffReason(OpenEnum):
    """Why the endpoint was to answer."""

    NONE = 0  #: it was not
    PROMPT = 1  #: it is too long
    QUEUE = 2  #: too many answers wait
    BATTERY = 3  #: its charge is low
    ENTROPY = 4  #: the local answer was unsure
    REQUESTED = 5  #: HandoffMode.REMOTE


class HandoffFallback(OpenEnum):
    """Why the local model answered although the endpoint was to."""

    NONE = 0  #: it did not
    CONSENT = 1  #: the user did not consent
    REQUEST = 2  #: raw text, tools, a grammar, logprobs or ignore_eos
    REDACTION = 3  #: `redact` refused
    BREAKER = 4  #: the endpoint rests after failures
    LIBRARY = 5  #: libcurl is not on this system
    REMOTE = 6  #: the endpoint failed


class BreakerState(OpenEnum):
    """Whether the endpoint is asked."""

    CLOSED = 0  #: it is
    OPEN = 1  #: it rests after failures
    HALF_OPEN = 2  #: one request tries it


@dataclass(frozen=True)
class HandoffReport:
    """An answer, and where it came from."""

    text: str
    source: AnswerSource
    reason: HandoffReason
    fallback: HandoffFallback
    remote_status: Status  #: of the last request that failed; OK: none did
    http_status: int  #: of the last response; 0: none came
    attempts: int  #: requests that were made
    finish_reason: FinishReason
    prompt_tokens: int  #: as the source counts them; -1: it did not tell
    generated_tokens: int  #: likewise
    judged_tokens: int  #: of the local answer; 0: it was not judged
    mean_entropy: float  #: of them, in nats
    time_to_first_token_ns: int  #: 0: there was no piece
    delivered_bytes: int  #: of text
    remote_message: str  #: what failed, for people

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class HandoffMetrics:
    """What a Handoff has done so far."""

    breaker: BreakerState
    breaker_opened: int  #: times
    answers_local: int  #: fallbacks included
    answers_remote: int
    answers_failed: int
    reasons: dict[HandoffReason, int]  #: answers
    fallbacks: dict[HandoffFallback, int]  #: answers
    attempts: int  #: requests
    remote_failures: dict[Status, int]  #: requests


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None else round(min(max(seconds * 1000, 1), 2**32 - 1))


def _ignore(*_: object) -> None:
    pass  # it is kept by the function that raised it


class Handoff(Handle):
    """An endpoint and when to use it: local first, never without the user's consent, and every answer says where it
    came from. Any number of threads may use one, each with a session of its own.

    >>> handoff = hob.Handoff(url="https://example.org/v1", model="big", api_key=key, consent=True)  # doctest: +SKIP
    >>> handoff.answer(session, "Why?").source  # doctest: +SKIP
    <AnswerSource.LOCAL: 1>
    """

    def __init__(
        self,
        runtime: Runtime | None = None,
        *,
        url: str,
        model: str,
        consent: bool = False,
        api_key: str = "",
        key_file: str | os.PathLike[str] = "",
        allow_http: bool = False,
        max_prompt_tokens: int = 0,
        max_queue_depth: int = 0,
        min_battery_percent: int = 0,
        max_mean_entropy: float = 0.0,
        judge_tokens: int = 0,
        connect_timeout: float | None = None,
        idle_timeout: float | None = None,
        total_timeout: float | None = None,
        retries: int = 2,
        backoff: float | None = None,
        breaker_failures: int = 0,
        breaker_cooldown: float | None = None,
        redact: Callable[[str, str], str | None] | None = None,
        battery: Callable[[], int | None] | None = None,
    ) -> None:
        """url: what comes before "/chat/completions". consent: the user agreed that messages go there; without it
        nothing is ever sent. Limits of 0 are none, but for max_prompt_tokens: the session's context. Times are seconds;
        None: the library's own. redact(role, text) gives the text to send in place of each message, or None to send
        nothing; what it raises sends nothing either, and is raised after the answer. battery() gives percent or None.
        """
        options, out, error = new_struct("hob_handoff_options"), ffi.new("hob_handoff**"), new_error()
        options.consent, options.allow_http = consent, allow_http
        texts = {"url": url, "model": model, "api_key": api_key, "key_file": key_file}
        held = []
        for name, text in texts.items():
            data = encode(text)
            held.append(ffi.from_buffer("char[]", data))
            setattr(options, name, {"data": held[-1], "size": len(data)})
        options.max_prompt_tokens, options.max_queue_depth = max_prompt_tokens, max_queue_depth
        options.min_battery_percent, options.judge_tokens = min_battery_percent, judge_tokens
        options.max_mean_entropy = max_mean_entropy
        options.connect_timeout_ms = _milliseconds(connect_timeout)
        options.idle_timeout_ms = _milliseconds(idle_timeout)
        options.total_timeout_ms = _milliseconds(total_timeout)
        options.retries = retries if retries else -1
        options.backoff_ms = _milliseconds(backoff)
        options.breaker_failures = breaker_failures
        options.breaker_cooldown_ms = _milliseconds(breaker_cooldown)
        # One for all threads: what each call raised or holds is its thread's.
        self._calls = threading.local()
        self._functions: list[Any] = []
        if redact is not None:
            self._functions.append(ffi.callback("hob_redact_fn", self._redaction(redact), error=1, onerror=_ignore))
            options.redact = self._functions[-1]
        if battery is not None:
            self._functions.append(ffi.callback("hob_battery_fn", self._charge(battery), error=-1, onerror=_ignore))
            options.battery = self._functions[-1]
        runtime = Runtime() if runtime is None else runtime
        check(lib.hob_handoff_create(out, runtime._pointer, options, error), error)
        del held
        self._keep = getattr(runtime, "_keep", None)
        self._own(out[0], lib.hob_handoff_destroy)

    def _redaction(self, function: Callable[[str, str], str | None]) -> Callable[..., int]:
        calls = self._calls

        def redact(_user: Any, role: Any, text: Any, out: Any) -> int:
            try:
                changed = function(
                    ffi.unpack(role.data, role.size).decode(), ffi.unpack(text.data, text.size).decode()
                )
                if changed is None:
                    return 1
                calls.text = encode(changed)
            except BaseException as error:
                calls.raised = error
                raise
            calls.held = ffi.from_buffer("char[]", calls.text)  # until the next call
            out.data, out.size = calls.held, len(calls.text)
            return 0

        return redact

    def _charge(self, function: Callable[[], int | None]) -> Callable[..., int]:
        calls = self._calls

        def battery(_user: Any) -> int:
            try:
                percent = function()
                return -1 if percent is None else percent
            except BaseException as error:
                calls.raised = error
                raise

        return battery

    def set_consent(self, consent: bool) -> None:
        """The user agreed, or does not any more: then a request on its way is cut."""
        error = new_error()
        check(lib.hob_handoff_set_consent(self._pointer, consent, error), error)

    def answer(
        self,
        session: Session,
        prompt: str | None = None,
        *,
        mode: HandoffMode = HandoffMode.AUTO,
        on_text: Callable[[str], object] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> HandoffReport:
        """Answers the session's conversation by the local model or by the endpoint, and returns when it is over.

        prompt: a message of the user to add first. on_text gets each piece, and ends the answer where it returns False;
        Session.cancel ends it from any thread. An answer that fails leaves the session as it was before the prompt: an
        endpoint that fails before its first piece leaves it to the local model, one that fails later is an error.
        """
        struct, keep = _generate_options(options)
        out, error, kept = new_struct("hob_handoff_report"), new_error(), None
        raised: BaseException | None = None

        def on_token(token: Any) -> object:
            text = ffi.unpack(token.text, token.text_size).decode() if token.text_size else ""
            return on_text(text) if on_text is not None and text else None

        self._calls.raised = None
        with session._lock, Callback("hob_token_fn", on_token) as callback:
            if prompt is not None:
                kept = session.message_count
                session.add("user", prompt)
            struct.on_token = callback.function
            try:
                status = lib.hob_handoff_answer(out, self._pointer, session._pointer, mode, struct, error)
                if status and kept is not None:
                    session._take_back(kept)
                callback.check(status, error)
                if out.source == lib.HOB_SOURCE_NONE and kept is not None:
                    session._take_back(kept)
                report = filled(
                    HandoffReport,
                    out,
                    text="" if out.source == lib.HOB_SOURCE_NONE else session.reply,
                    source=AnswerSource(out.source),
                    reason=HandoffReason(out.reason),
                    fallback=HandoffFallback(out.fallback),
                    remote_status=Status(out.remote_status),
                    finish_reason=FinishReason(out.finish_reason),
                    remote_message=text_of(out.remote_message),
                )
            finally:
                raised, self._calls.raised = self._calls.raised, None
                self._calls.held = self._calls.text = None
        del keep
        if raised is not None:
            raise raised
        return report

    @property
    def metrics(self) -> HandoffMetrics:
        """What it has done so far."""
        out, error = new_struct("hob_handoff_metrics"), new_error()
        check(lib.hob_handoff_get_metrics(out, self._pointer, error), error)
        return filled(
            HandoffMetrics,
            out,
            breaker=BreakerState(out.breaker),
            reasons={reason: out.reasons[reason] for reason in HandoffReason},
            fallbacks={fallback: out.fallbacks[fallback] for fallback in HandoffFallback},
            remote_failures={status: out.remote_failures[status] for status in Status if out.remote_failures[status]},
        )
