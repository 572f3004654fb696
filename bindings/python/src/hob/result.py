# SPDX-License-Identifier: Apache-2.0
"""How an answer ended and what it took."""

from __future__ import annotations

from dataclasses import dataclass

from ._enum import OpenEnum

__all__ = ["FinishReason", "Result", "Stats", "TokenLogprob"]


class FinishReason(OpenEnum):
    """Why an answer ended. A newer library may know further reasons."""

    END = 1  #: the model ended it
    LENGTH = 2  #: max_tokens
    STOP = 3  #: a stop text came
    CANCELLED = 4
    CONTEXT_FULL = 5
    TIME = 6  #: max_time is over
    TOOL_CALLS = 7  #: the model called tools


@dataclass(frozen=True)
class TokenLogprob:
    """How likely the model held a token of an answer, before the grammar and the sampler's options."""

    token: int
    logprob: float  #: natural logarithm of the probability
    likeliest: tuple[tuple[int, float], ...]  #: top_logprobs tokens at this place and theirs, likeliest first


@dataclass(frozen=True)
class Stats:
    """Time and memory of an answer."""

    context_tokens: int
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    time_to_first_token_ns: int
    prefill_ns: int  #: over prompt_tokens - cached_tokens
    decode_ns: int  #: over generated_tokens - 1: the first one comes with the prefill
    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    cache_bytes: int  #: that the session holds, that of its draft model included
    peak_bytes: int  #: of the runtime
    guessed_tokens: int  #: by `speculate` or a draft model
    right_tokens: int  #: of them, those that the model chose, too


@dataclass(frozen=True)
class Result:
    """An answer."""

    text: str
    finish_reason: FinishReason
    stop_index: int  #: which of `stop` came; -1: none
    prompt_tokens: int  #: all that the answer rests on, cached ones included
    cached_tokens: int  #: of them, found in the cache
    generated_tokens: int  #: chosen, a token that ended the answer included
    dropped_tokens: int  #: of the conversation, that a session which rolls sees no more

    def __str__(self) -> str:
        return self.text
