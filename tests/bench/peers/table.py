# SPDX-License-Identifier: Apache-2.0
"""The table that a person reads."""

import statistics
from collections.abc import Sequence

from .rounds import Results, Series, Task, median_ratio

TITLES = {
    "prefill_tps": "prefill, tok/s",
    "decode_tps": "decode, tok/s",
    "crowd_tps": "decode of all answers together, tok/s",
    "reply_s": "whole reply, s",
    "load_s": "load, s",
    "peak_rss_bytes": "peak memory, MB",
}
SCALE = {"peak_rss_bytes": 1e-6}
LESS_IS_BETTER = {"reply_s", "load_s", "peak_rss_bytes"}


def number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values: Sequence[float | None], scale: float = 1.0) -> str:
    """Median (min–max); what failed does not count but is said."""
    there = [v * scale for v in values if v is not None]
    if not there:
        return "—"
    text = f"{number(statistics.median(there))} ({number(min(there))}–{number(max(there))})"
    missing = len(values) - len(there)
    return f"{text}, {missing} of {len(values)} failed" if missing else text


def fraction_of_limit(results: Results, series: Series, metric: str, work: dict[str, float]) -> float | None:
    """The median over rounds of speed over what the machine allowed in that round: int8 operations of
    the matrices for prefill, bytes of weights for decode. None where there is no such limit."""
    key, per_token, unit = {
        "prefill_tps": ("int8_gops", "prefill_ops_per_token", 1e9),
        "decode_tps": ("read_gb_per_s", "decode_bytes_per_token", 1e9),
    }.get(metric, ("", "", 1.0))
    if not key or per_token not in work:
        return None
    limits = [c[key] * unit / work[per_token] for c in results.ceilings.get(series.threads, [])]
    return median_ratio(results.values(series, metric), limits)


def render(rows: list[list[str]]) -> str:
    """A Markdown table, its columns lined up."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def title_of(task: Task, metric: str) -> str:
    if task.repeats > 1:
        return "short replies a second"
    extra = f", {task.busy} busy processes beside it" if task.busy else ""
    if metric == "prefill_tps":
        return f"prefill of {task.prompt}{extra}, tok/s"
    if metric == "decode_tps":
        return f"decode of {task.new} at depth {task.prompt if task.prompt > 1 else 0}{extra}, tok/s"
    return f"{TITLES[metric]} ({task.name}{extra})"


def metric_values(results: Results, series: Series, metric: str) -> list[float | None]:
    """As shown: short replies as so many a second."""
    values = results.values(series, metric)
    if series.task.repeats > 1 and metric == "reply_s":
        return [1 / v if v else None for v in values]
    return values


def section(results: Results, task: Task, threads: int, metric: str, hobs: list[str],
            work: dict[str, dict[str, float]]) -> str:  # fmt: skip
    """One metric of one task: a line a runtime. "hob int8 is" says how many times as fast (or small)
    hob with int8 activations is, in the rounds that the two took turns in."""
    lines = [s for s in results.runs if s.task == task and s.threads == threads]
    groups: dict[str, list[Series]] = {}
    for series in lines:
        groups.setdefault(series.group, []).append(series)
    show_limit = metric in ("prefill_tps", "decode_tps") and not task.busy
    header = [f"{title_of(task, metric)}; {threads} thread{'s' if threads > 1 else ''}", "median (min–max)"]
    header += [f"{hob} is" for hob in hobs] + (["of the limit"] if show_limit else [])
    rows = [header]
    seen: set[tuple[str, str]] = set()
    inverse = metric in LESS_IS_BETTER and task.repeats == 1
    for members in groups.values():
        ours = {s.runtime: s for s in members if s.runtime in hobs}
        # hob's own line once a file: its other series are there for the ratios.
        order = sorted(members, key=lambda s: hobs.index(s.runtime) if s.runtime in hobs else len(hobs))
        for series in order:
            if (series.runtime, series.variant) in seen:
                continue
            values = metric_values(results, series, metric)
            if all(v is None for v in values) and series not in results.errors:
                continue
            seen.add((series.runtime, series.variant))
            row = [f"{series.runtime} {series.variant}", spread(values, SCALE.get(metric, 1.0))]
            for hob in hobs:
                ratio = None
                if series.runtime not in hobs and hob in ours:
                    own = metric_values(results, ours[hob], metric)
                    ratio = median_ratio(values, own) if inverse else median_ratio(own, values)
                row.append(f"{ratio:.2f}×" if ratio is not None else "")
            if show_limit:
                same_file = series.runtime in hobs or series.variant == series.file
                part = fraction_of_limit(results, series, metric, work.get(series.file, {})) if same_file else None
                row.append(f"{100 * part:.0f} %" if part is not None else "")
            rows.append(row)
    return render(rows) if len(rows) > 1 else ""


def kept_section(results: Results, solo: Task, loaded: Task, threads: int) -> str:
    """What each runtime keeps of its speed when others use the cores too."""
    rows = [
        [
            f"kept beside {loaded.busy} busy processes; {threads} thread{'s' if threads > 1 else ''}",
            "prefill",
            "decode",
        ]
    ]
    seen: set[tuple[str, str]] = set()
    for series in results.runs:
        if series.task != loaded or series.threads != threads or (series.runtime, series.variant) in seen:
            continue
        seen.add((series.runtime, series.variant))
        alone = Series(solo, series.threads, series.group, series.runtime, series.variant, series.file)
        row = [f"{series.runtime} {series.variant}"]
        for metric in ("prefill_tps", "decode_tps"):
            kept = median_ratio(results.values(series, metric), results.values(alone, metric))
            row.append(f"{100 * kept:.0f} %" if kept is not None else results.errors.get(series, "—"))
        rows.append(row)
    return render(rows) if len(rows) > 1 else ""


def ceilings_line(results: Results) -> str:
    parts = []
    for threads, rounds in results.ceilings.items():
        read = spread([c["read_gb_per_s"] for c in rounds])
        peak = spread([c["int8_gops"] for c in rounds])
        parts.append(f"{threads} thread{'s' if threads > 1 else ''}: reads {read} GB/s, int8 peak {peak} GOPS")
    return "; ".join(parts)


def agreement_section(results: Results, task: Task, reference: str) -> str:
    """How far each answer is that of the reference runtime: equal tokens from the start on."""

    def answer(series: Series) -> list[int] | None:
        return next((r["answer"] for r in results.runs[series] if r and "answer" in r), None)

    members = [s for s in results.runs if s.task == task]
    right = next((answer(s) for s in members if s.runtime == reference and answer(s)), None)
    if right is None:
        return ""
    rows = [[f"tokens of the answer until it leaves that of {reference} f32", f"of {len(right)}"]]
    seen: set[tuple[str, str]] = set()
    for series in members:
        ids = answer(series)
        if ids is None or series.runtime == reference or (series.runtime, series.variant) in seen:
            continue
        seen.add((series.runtime, series.variant))
        equal = next(
            (i for i, (a, b) in enumerate(zip(ids, right, strict=False)) if a != b), min(len(ids), len(right))
        )
        rows.append([f"{series.runtime} {series.variant}", str(equal)])
    return render(rows)
