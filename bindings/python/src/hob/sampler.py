# SPDX-License-Identifier: Apache-2.0
"""How the next token is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._library import ffi

__all__ = ["Sampler"]


@dataclass(frozen=True)
class Sampler:
    """Repetition penalty, temperature, top-k, top-p, min-p, draw. As it stands it is greedy: always the likeliest
    token. The library checks the values; the same seed gives the same tokens on any machine, for the same logits."""

    temperature: float = 0.0  #: 0: greedy; up to 100
    top_k: int = 0  #: keep the k likeliest; 0: all
    top_p: float = 1.0  #: keep the likeliest that sum to p, in (0, 1]; 1: all
    min_p: float = 0.0  #: drop those below min_p times the likeliest, in [0, 1); 0: none
    repetition_penalty: float = 1.0  #: above 0, up to 100; 1: none
    repetition_window: int = 64  #: how many last tokens it looks at; 0: all
    seed: int = 0

    def _options(self) -> Any:
        options = ffi.new("hob_sampler_options*")
        options.struct_size = ffi.sizeof("hob_sampler_options")
        options.temperature = self.temperature
        options.top_k = self.top_k
        options.top_p = self.top_p
        options.min_p = self.min_p
        options.repetition_penalty = self.repetition_penalty
        options.repetition_window = self.repetition_window
        options.seed = self.seed
        return options
