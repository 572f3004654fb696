# SPDX-License-Identifier: Apache-2.0
"""One module a runtime, all with the same small interface."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

from ..kit import Kit, Unavailable


class Measurement(TypedDict, total=False):
    """Of one fresh process; what a runtime does not tell is not there."""

    prefill_tps: float  # tokens of the prompt a second, until the first new token is there
    decode_tps: float  # tokens a second after that
    crowd_tps: float  # the same of several answers at once, all together
    reply_s: float  # prompt and answer; the median of the repeats
    load_s: float  # until the model is ready
    peak_rss_bytes: int  # of the process
    answer: list[int]  # ids, greedy


EVERYTHING = tuple(Measurement.__annotations__)


@dataclass(frozen=True)
class Variant:
    name: str  # "Q4_1", "int8"
    file: str  # the GGUF type that hob runs beside it


class Runtime:
    """A peer, or hob itself."""

    name = ""
    version = ""
    same_ids = True  # False: it makes up a prompt of the same length

    def prepare(self, kit: Kit, models) -> None:
        """Installs what is missing and makes the model's forms; Unavailable where it cannot."""
        raise NotImplementedError

    def variants(self) -> list[Variant]:
        """Those that prepare() could make."""
        raise NotImplementedError

    def run(self, variant: Variant, threads: int, prompt: list[int], new: int, repeats: int = 1,
            wanted: Collection[str] = EVERYTHING, timeout: float = 600) -> Measurement:  # fmt: skip
        """`new` tokens after the prompt, greedy, through the end token, in a fresh process; Failed where
        that goes wrong. What is not `wanted` may be left out."""
        raise NotImplementedError

    def run_crowd(self, variant: Variant, threads: int, sessions: int, prompt: list[int], new: int,
                  timeout: float = 600) -> Measurement:  # fmt: skip
        """crowd_tps of `sessions` answers at once, each of `new` tokens after the prompt."""
        raise Unavailable(f"{self.name} is not asked for several answers at once here")
