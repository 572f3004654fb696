# SPDX-License-Identifier: Apache-2.0
"""What the workers share. A worker runs in its peer's own environment, does one measurement in a
fresh process and prints it as JSON: worker.py SPEC.json, with the keys of `Spec`."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Spec:
    model: str  # folder
    threads: int
    prompt: list[int]
    new: int
    repeats: int


@dataclass
class Reply:
    first_s: float  # from the call to the first new token
    total_s: float
    answer: list[int]


class Stopwatch:
    """Call token() when a new token is there."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.first: float | None = None
        self.last = self.start

    def token(self) -> None:
        self.last = time.perf_counter()
        if self.first is None:
            self.first = self.last

    def reply(self, answer: list[int]) -> Reply:
        first = self.last if self.first is None else self.first
        return Reply(first - self.start, self.last - self.start, answer)


Generate = Callable[[list[int], int], Reply]


def main(load: Callable[[Spec], Generate]) -> None:
    """`load` opens the model and returns what generates greedily, through the end token."""
    with open(sys.argv[1]) as file:
        spec = Spec(**json.load(file))
    start = time.perf_counter()
    generate = load(spec)
    load_s = time.perf_counter() - start
    # No two prompts alike: what a runtime keeps of one must not help with the next.
    generate(spec.prompt[::-1], min(spec.new, 2))  # warm-up
    turned = [spec.prompt[i:] + spec.prompt[:i] for i in reversed(range(spec.repeats))]
    replies = [generate(prompt, spec.new) for prompt in turned]
    last = replies[-1]
    if len(last.answer) != spec.new:
        sys.exit(f"it generated {len(last.answer)} tokens and not {spec.new}")
    first_s = statistics.median(r.first_s for r in replies)
    total_s = statistics.median(r.total_s for r in replies)
    out = {"load_s": load_s, "reply_s": total_s, "answer": last.answer}
    if len(spec.prompt) > 1:
        out["prefill_tps"] = len(spec.prompt) / first_s
    if spec.new > 1:
        out["decode_tps"] = (spec.new - 1) / (total_s - first_s)
    print(json.dumps(out))
