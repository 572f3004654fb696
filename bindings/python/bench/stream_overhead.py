# SPDX-License-Identifier: Apache-2.0
"""What a token costs more in Python than in C: stream_overhead.py MODEL C_PROGRAM [TOKENS [ROUNDS]].

The same answer by C's callback, by C's polling (both in C_PROGRAM, built from stream_overhead.c), by Python's iterator
and by its asynchronous iterator, in turn, with one thread; the medians of the rounds. A tiny model makes the model's
own time small, so that what is added shows. Prints JSON, times in microseconds for each token.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time

import hob


class Program:
    """C, kept open between rounds as Python is."""

    def __init__(self, path: str, model: str, tokens: int, way: str) -> None:
        self.process = subprocess.Popen(
            [path, model, str(tokens), way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self) -> int:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Python:
    """The same session over and over."""

    def __init__(self, model: str, tokens: int) -> None:
        self.session = hob.Model(model, hob.Runtime(threads=1)).session()
        self.options = {"max_tokens": tokens, "ignore_eos": True}
        self.bytes = 0

    def begin(self) -> int:
        self.session.reset()
        self.session.add("user", "hello")
        return time.monotonic_ns()

    def iterate(self) -> int:
        begin = self.begin()
        for piece in self.session.stream(**self.options):
            self.bytes += len(piece)
        return time.monotonic_ns() - begin

    async def _iterate(self) -> int:
        begin = self.begin()
        async for piece in self.session.stream(**self.options):
            self.bytes += len(piece)
        return time.monotonic_ns() - begin

    def iterate_async(self) -> int:
        return asyncio.run(self._iterate())


def main(model: str, program: str, tokens: int = 200, rounds: int = 21) -> None:
    python = Python(model, tokens)
    c = {way: Program(program, model, tokens, way) for way in ("callback", "poll")}
    ways = {
        "c_callback": c["callback"],
        "c_poll": c["poll"],
        "python": python.iterate,
        "python_async": python.iterate_async,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = way() / tokens / 1000
            if number > 0:  # the first warms up
                times[name].append(taken)
    for one in c.values():
        one.close()
    median = {name: round(statistics.median(values), 2) for name, values in times.items()}
    print(
        json.dumps(
            {
                "microseconds_per_token": median,
                "over_c_callback": {n: round(median[n] - median["c_callback"], 2) for n in ("python", "python_async")},
                "over_c_poll": {n: round(median[n] - median["c_poll"], 2) for n in ("python", "python_async")},
                "tokens": tokens,
                "rounds": rounds,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
