# SPDX-License-Identifier: Apache-2.0
"""The order of measurements: hob and a peer in turn, and the machine's ceilings in between."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .busy import busy
from .kit import Failed, Unavailable
from .runtimes import Measurement, Runtime, Variant


@dataclass(frozen=True)
class Task:
    """What is asked of every runtime."""

    name: str  # "512 + 128"
    prompt: int
    new: int
    repeats: int = 1  # above 1: short replies
    busy: int = 0  # processes beside it
    sessions: int = 1  # above 1: as many answers at once
    metrics: tuple[str, ...] = ("prefill_tps", "decode_tps", "reply_s", "load_s", "peak_rss_bytes")


@dataclass(frozen=True)
class Series:
    """One line of the table: the same measurement, once a round."""

    task: Task
    threads: int
    group: str  # the peer and variant that hob took turns with
    runtime: str
    variant: str
    file: str


@dataclass
class Results:
    runs: dict[Series, list[Measurement | None]] = field(default_factory=dict)  # None: failed that round
    errors: dict[Series, str] = field(default_factory=dict)  # the last one
    ceilings: dict[int, list[dict]] = field(default_factory=dict)  # threads -> one a round

    def values(self, series: Series, metric: str) -> list[float | None]:
        return [None if run is None else run.get(metric) for run in self.runs.get(series, [])]  # type: ignore[misc]


def median_ratio(ours: Iterable[float | None], theirs: Iterable[float | None]) -> float | None:
    """The median over rounds of ours / theirs; rounds in which one of the two is missing do not count."""
    ratios = [o / t for o, t in zip(ours, theirs, strict=True) if o is not None and t]
    return statistics.median(ratios) if ratios else None


def check_possible(run: Measurement, prefill_ops: float, int8_gops: float) -> None:
    """Failed for a prefill well above what the machine can compute: the prompt came from a cache."""
    needed = run.get("prefill_tps", 0.0) * prefill_ops / 1e9
    if needed > 1.5 * int8_gops:
        raise Failed(
            f"prefill needs {needed:.0f} GOPS where the int8 peak is {int8_gops:.0f}: it was not computed"
        )


@dataclass
class Plan:
    hobs: list[Runtime]
    peers: list[Runtime]
    tasks: list[Task]
    threads: list[int]
    rounds: int
    prompt: list[int]
    timeout: float
    prefill_ops: float = 0.0  # a token

    def groups(self) -> list[tuple[Runtime | None, Variant]]:
        """Each peer's variants; where there are no peers, hob's own."""
        groups = [(peer, variant) for peer in self.peers for variant in peer.variants()]
        return groups or [(None, variant) for variant in self.hobs[0].variants()]


def measure(plan: Plan, ceilings: Callable[[int], dict], say: Callable[[str], None],
            after_round: Callable[[Results], None] = lambda _: None) -> Results:  # fmt: skip
    results = Results()
    start = time.monotonic()
    groups = plan.groups()
    broken: dict[tuple, int] = {}  # what failed twice in a row is not tried again

    def once(series: Series, runtime: Runtime, variant: Variant) -> None:
        task, key = series.task, (series.runtime, series.variant, series.threads, series.task)
        runs = results.runs.setdefault(series, [])
        if broken.get(key, 0) >= 2:
            runs.append(None)
            return
        try:
            with busy(task.busy):
                prompt = plan.prompt[: task.prompt]
                if task.sessions > 1:
                    run = runtime.run_crowd(variant, series.threads, task.sessions, prompt, task.new, plan.timeout)
                else:
                    run = runtime.run(variant, series.threads, prompt, task.new, task.repeats, task.metrics,
                                      plan.timeout)  # fmt: skip
            check_possible(run, plan.prefill_ops, results.ceilings[series.threads][-1]["int8_gops"])
            runs.append(run)
            broken.pop(key, None)
        except (Failed, Unavailable) as error:
            runs.append(None)
            results.errors[series] = str(error)
            broken[key] = broken.get(key, 0) + 1
            say(f"{series.runtime} {series.variant}: {error}")

    for number in range(plan.rounds):
        for threads in plan.threads:
            results.ceilings.setdefault(threads, []).append(ceilings(threads))
            for task in plan.tasks:
                for peer, variant in groups:
                    group = f"{peer.name if peer else 'hob'} {variant.name}"
                    # Every other round the other way round, so that neither always comes after the other.
                    turn: list[tuple[Runtime, Variant]] = [
                        (hob, Variant(variant.file, variant.file)) for hob in plan.hobs
                    ]
                    turn += [(peer, variant)] if peer else []
                    for runtime, form in turn if number % 2 == 0 else turn[::-1]:
                        once(Series(task, threads, group, runtime.name, form.name, variant.file), runtime, form)
        minutes = (time.monotonic() - start) / 60
        after_round(results)
        say(f"Round {number + 1} of {plan.rounds} is done ({minutes:.1f} min)")
    return results
