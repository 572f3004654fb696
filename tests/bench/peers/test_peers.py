# SPDX-License-Identifier: Apache-2.0
"""The parts of the harness that need no peer: ratios, tables, parsing, reasons, order, busy processes."""

import json
import os
import sys

import pytest

from . import machine, models, rounds, table
from .busy import busy
from .kit import Failed, Kit, Unavailable, run_measured
from .rounds import Plan, Results, Series, Task
from .runtimes import Runtime, Variant, llama_cpp

TASK = Task("512 + 128", 512, 128)


class Fake(Runtime):
    """Speeds from a list, one a run; an exception in it is raised."""

    def __init__(self, name, speeds, calls=None, variants=("Q4_1",)):
        self.name, self.speeds, self.calls, self.names = name, list(speeds), calls, variants

    def variants(self):
        return [Variant(name, "Q4_1") for name in self.names]

    def run(self, variant, threads, prompt, new, repeats=1, wanted=(), timeout=0):
        if self.calls is not None:
            self.calls.append(self.name)
        speed = self.speeds.pop(0)
        if isinstance(speed, Exception):
            raise speed
        return {"prefill_tps": speed, "decode_tps": speed / 10}


def measure(hob, peers, count, says=None, **other):
    plan = Plan([hob], peers, [TASK], [1], count, list(range(512)), 60.0)
    return rounds.measure(plan, lambda n: {"read_gb_per_s": 40.0, "int8_gops": 1000.0},
                          (says if says is not None else []).append, **other)  # fmt: skip


def test_ratio_is_of_each_round():
    # The machine drifts by a factor of two: the ratio of medians would be 1.5.
    assert rounds.median_ratio([100, 200, 300], [50, 100, 200]) == 2
    assert rounds.median_ratio([100, None, 300, 8], [50, 1, None, 0]) == 2
    assert rounds.median_ratio([None], [1]) is None
    assert rounds.median_ratio([], []) is None


def test_spread():
    assert table.spread([1.0, 3.0, 2.0]) == "2.00 (1.00–3.00)"
    assert table.spread([1234.5, None]) == "1,234 (1,234–1,234), 1 of 2 failed"
    assert table.spread([None]) == "—"
    assert table.spread([166e6], 1e-6) == "166 (166–166)"


def test_rounds_take_turns_and_change_sides():
    calls = []
    saved = []
    results = measure(
        Fake("hob int8", [100, 200], calls), [Fake("p", [50, 50], calls)], 2, after_round=saved.append
    )
    assert calls == ["hob int8", "p", "p", "hob int8"]
    assert len(saved) == 2 and len(results.ceilings[1]) == 2
    text = table.section(results, TASK, 1, "prefill_tps", ["hob int8"], {"Q4_1": {"prefill_ops_per_token": 1e9}})
    header, _, first, second = text.splitlines()
    assert header.split("|")[1].strip() == "prefill of 512, tok/s; 1 thread"
    assert [c.strip() for c in first.split("|")[1:-1]] == ["hob int8 Q4_1", "150 (100–200)", "", "15 %"]
    assert [c.strip() for c in second.split("|")[1:-1]] == ["p Q4_1", "50.0 (50.0–50.0)", "3.00×", "5 %"]


def test_less_is_better_turns_the_ratio():
    results = Results()
    for runtime, seconds in (("hob int8", 0.5), ("p", 2.0)):
        results.runs[Series(TASK, 1, "p Q4_1", runtime, "Q4_1", "Q4_1")] = [{"reply_s": seconds}]
    text = table.section(results, TASK, 1, "reply_s", ["hob int8"], {})
    assert "4.00×" in text and "limit" not in text


def test_short_replies_are_a_rate():
    task = Task("16 + 8", 16, 8, repeats=10, metrics=("reply_s",))
    results = Results()
    for runtime, seconds in (("hob int8", 0.01), ("p", 0.05)):
        results.runs[Series(task, 2, "p Q4_1", runtime, "Q4_1", "Q4_1")] = [{"reply_s": seconds}]
    text = table.section(results, task, 2, "reply_s", ["hob int8"], {})
    assert "short replies a second; 2 threads" in text and "100 (100–100)" in text and "5.00×" in text


def test_a_failure_is_said_and_not_repeated_for_ever():
    says, calls = [], []
    peer = Fake("p", [Failed("no memory")] * 2, calls)
    results = measure(Fake("hob int8", [1] * 4), [peer], 4, says)
    series = next(s for s in results.runs if s.runtime == "p")
    assert calls == ["p", "p"]
    assert results.runs[series] == [None] * 4
    assert results.errors[series] == "no memory"
    assert "p Q4_1: no memory" in says
    assert "—" in table.section(results, TASK, 1, "prefill_tps", ["hob int8"], {})


def test_a_prompt_from_a_cache_does_not_count():
    rounds.check_possible({"decode_tps": 1e9}, 0.2e9, 2000.0)
    rounds.check_possible({"prefill_tps": 9000.0}, 0.2e9, 2000.0)
    with pytest.raises(Failed, match="9600 GOPS where the int8 peak is 2000"):
        rounds.check_possible({"prefill_tps": 48000.0}, 0.2e9, 2000.0)


def test_hob_alone():
    results = measure(Fake("hob int8", [1]), [], 1)
    assert [s.group for s in results.runs] == ["hob Q4_1"]


def test_kept_beside_busy_processes():
    loaded = Task("loaded", 512, 32, busy=2)
    results = Results()
    for task, speed in ((TASK, 100.0), (loaded, 40.0)):
        results.runs[Series(task, 2, "p Q4_1", "p", "Q4_1", "Q4_1")] = [
            {"prefill_tps": speed, "decode_tps": speed / 4}
        ]
    assert "| 40 %    | 40 %   |" in table.kept_section(results, TASK, loaded, 2)


def test_agreement():
    results = Results()
    for runtime, ids in (("hob int8", [1, 2, 3, 4]), ("transformers", [1, 2, 9, 4])):
        results.runs[Series(TASK, 2, "transformers f32", runtime, "x", "Q4_1")] = [None, {"answer": ids}]
    lines = table.agreement_section(results, TASK, "transformers").splitlines()
    assert lines[0].split("|")[2].strip() == "of 4"
    assert [c.strip() for c in lines[2].split("|")[1:-1]] == ["hob int8 x", "2"]
    assert table.agreement_section(results, TASK, "nobody") == ""


ROWS = [
    {"n_prompt": 512, "n_gen": 0, "n_depth": 0, "avg_ts": 361.5},
    {"n_prompt": 0, "n_gen": 128, "n_depth": 512, "avg_ts": 119.25},
    {"n_prompt": 16, "n_gen": 8, "n_depth": 0, "avg_ts": 240.0},
]


def test_llama_bench():
    rows = llama_cpp.parse_bench(json.dumps(ROWS))
    assert llama_cpp.speed(rows, 512, 0, 0) == 361.5
    assert llama_cpp.speed(rows, 0, 128, 512) == 119.25
    assert llama_cpp.speed(rows, 16, 8, 0) == 240.0
    with pytest.raises(Failed, match="no row for prompt 0, new 128, depth 0"):
        llama_cpp.speed(rows, 0, 128, 0)


@pytest.mark.parametrize("text", ["", "error: no model", '{"avg_ts": 1}', '[{"n_gen": 1}]'])
def test_llama_bench_that_went_wrong(text):
    with pytest.raises(Failed, match="llama-bench"):
        llama_cpp.parse_bench(text)


def test_work_of_tied_and_untied():
    tensors = [
        {"name": "token_embd.weight", "shape": [10, 4], "bytes": 40},
        {"name": "blk.0.attn_norm.weight", "shape": [4], "bytes": 16},
        {"name": "blk.0.attn_q.weight", "shape": [4, 4], "bytes": 10},
    ]
    assert models.work_of({"tensors": tensors}) == {"prefill_ops_per_token": 32.0, "decode_bytes_per_token": 50.0}
    tensors.append({"name": "output.weight", "shape": [10, 4], "bytes": 20})
    assert models.work_of({"tensors": tensors})["decode_bytes_per_token"] == 30.0


def test_matrix_type():
    tensors = [
        {"name": "token_embd.weight", "type": "Q8_0", "shape": [10, 4], "bytes": 400},
        {"name": "blk.0.attn_norm.weight", "type": "F32", "shape": [4], "bytes": 16},
        {"name": "blk.0.attn_q.weight", "type": "Q4_1", "shape": [4, 4], "bytes": 10},
    ]
    assert models.Models.matrix_type({"tensors": tensors}) == "Q4_1"


def test_cpuinfo():
    x86 = machine.parse_cpuinfo("model name\t: AMD EPYC\ncpu family\t: 26\nflags\t: fpu avx2 avx512_vnni\n")
    assert x86["cpu"] == "AMD EPYC" and x86["flags"] == ["avx2", "avx512_vnni"]
    arm = machine.parse_cpuinfo("CPU implementer\t: 0x41\nCPU part\t: 0xd40\nFeatures\t: asimd asimddp i8mm\n")
    assert arm["cpu"] == "cpu implementer 0x41 cpu part 0xd40" and "i8mm" in arm["flags"]


def test_run_measured():
    done = run_measured([sys.executable, "-c", "x = bytearray(64 << 20); print('hello')"], 60)
    assert done.stdout == "hello\n" and done.peak_rss_bytes > 64 << 20
    with pytest.raises(Failed, match="exit code 3: why"):
        run_measured([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"], 60)
    with pytest.raises(Failed, match="longer than 0 s"):
        run_measured([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)


def test_busy_processes_end():
    with pytest.raises(KeyError), busy(2) as ids:
        for pid in ids:
            os.kill(pid, 0)
        raise KeyError
    for pid in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_once_leaves_nothing_half_made(tmp_path):
    kit = Kit(tmp_path, quiet=True)

    def breaks(out):
        out.write_text("half")
        raise Unavailable("no network")

    with pytest.raises(Unavailable, match="no network"):
        kit.once(tmp_path / "model", "", breaks)
    assert not (tmp_path / "model").exists()
    assert kit.once(tmp_path / "model", "", lambda out: out.write_text("whole")).read_text() == "whole"
    assert kit.once(tmp_path / "model", "", breaks).read_text() == "whole"


def test_the_reason_is_the_end_of_the_log(tmp_path):
    kit = Kit(tmp_path, quiet=True)
    with pytest.raises(Unavailable, match=r"no such package .*log: .*pip\.log"):
        kit.logged("pip", [sys.executable, "-c", "import sys; sys.exit('no such package')"])
    with pytest.raises(Unavailable, match="No such file"):
        kit.logged("missing", [tmp_path / "missing"])
