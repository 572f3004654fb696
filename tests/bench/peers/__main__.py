# SPDX-License-Identifier: Apache-2.0
"""./dev bench peers, or from tests/bench: python3 -m peers --help."""

import argparse
import json
import pathlib
import sys

from . import machine, models, rounds, runtimes, table
from .kit import Kit, Unavailable, cache_folder
from .models import Models
from .runtimes import ctranslate2, hob, litert, llama_cpp, onnxruntime, openvino, transformers

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEERS = {
    "llama.cpp": llama_cpp.LlamaCpp,
    "openvino": openvino.make,
    "ctranslate2": ctranslate2.make,
    "onnxruntime": onnxruntime.make,
    "litert": litert.make,
    "transformers": transformers.make,
}
NOTES = """"hob … is": how many times as fast, short or small it is as that line;
the median of the rounds' ratios. Of the limit: for prefill, 2 operations a weight of the layers' matrices over the
int8 peak, attention left out; for decode, bytes of weights over bandwidth, the cache left out. llama.cpp and LiteRT-LM
make their prompts up, and their whole reply is the sum of its parts. Load is opening the model; for llama.cpp, which
does not tell, it is from process start."""
TASKS = ("reply", "decode", "depth", "short", "crowd")


def listed(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split() if part]


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench peers", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="hob and other runtimes on the same model and machine, in turn.",
    )  # fmt: skip
    add = parser.add_argument
    add("--peers", type=listed, default=list(PEERS), help=f"of {', '.join(PEERS)}; none: hob alone")
    add("--files", type=listed, default=listed("Q4_1,Q4_0,Q8_0,Q4_K_M"),
        help="GGUF types for hob and llama.cpp; beside the other peers hob runs the first")  # fmt: skip
    add("--activations", type=listed, default=listed("int16,int8"), help="those of hob")
    add("--kv", choices=("f16", "f32", "int8"), default="f16", help="hob's key/value cache")
    add("--threads", type=lambda t: [int(n) for n in listed(t)], default=[1, 2], help="one after the other")
    add("--rounds", type=int, default=5, help="fewer than 5 are for a try")
    add("--what", type=listed, default=listed("reply,short"),
        help="reply: prompt and answer; decode: from an empty cache; depth: decode far in; short: short replies; "
             "crowd: many answers at once (hob and llama.cpp)")  # fmt: skip
    add("--prompt", type=int, default=512, help="tokens of the prompt")
    add("--new", type=int, default=128, help="tokens of the answer")
    add("--depth", type=int, default=4096, help="tokens before the answer of --what depth")
    add("--sessions", type=int, default=16, help="answers at once of --what crowd, 64 tokens after 64")
    add("--loaded", type=int, nargs="?", const=2, default=0, metavar="N",
        help="instead: with N busy processes beside each, and alone, in turn")  # fmt: skip
    add("--timeout", type=float, default=600, help="seconds that one run may take")
    add("--model", type=pathlib.Path, default=cache_folder() / "models/SmolLM2-135M-Instruct.Q4_1.gguf",
        help="GGUF file")  # fmt: skip
    add("--text", type=pathlib.Path, default=ROOT / "LICENSE", help="what the prompt is taken from")
    add("--json", type=pathlib.Path, help="writes everything there")
    add("--prepare", action="store_true", help="installs the peers and makes the models, and ends")
    add("--hob", type=pathlib.Path, default=ROOT / "build/release/bin/hob", help="the command")
    add("--ceilings", type=pathlib.Path, default=ROOT / "build/bench/tests/bench_ceilings", help="the program")
    options = parser.parse_args(argv)
    options.peers = [] if options.peers == ["none"] else options.peers
    for name, wanted, known in (("--peers", options.peers, PEERS), ("--what", options.what, TASKS)):
        if unknown := [w for w in wanted if w not in known]:
            parser.error(f"{name}: unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    for path in (options.hob, options.ceilings, options.model, options.text):
        if not path.is_file():
            parser.error(f"{path} is not there; ./dev bench peers makes what it needs")
    return options


def tasks_of(options: argparse.Namespace) -> list[rounds.Task]:
    speeds = ("prefill_tps", "decode_tps")
    if options.loaded:
        # Short: a runtime that spins at its barriers gets very slow here.
        alone = rounds.Task("alone", options.prompt, 32, metrics=speeds)
        return [alone, rounds.Task("loaded", options.prompt, 32, busy=options.loaded, metrics=speeds)]
    known = {
        "reply": rounds.Task(f"{options.prompt} + {options.new}", options.prompt, options.new),
        "decode": rounds.Task(f"1 + {options.new}", 1, options.new, metrics=("decode_tps",)),
        "depth": rounds.Task(f"{options.depth} + {options.new}", options.depth, options.new,
                             metrics=("decode_tps",)),
        "short": rounds.Task("16 + 8", 16, 8, repeats=10, metrics=("reply_s",)),
        "crowd": rounds.Task(f"{options.sessions} × (64 + 64)", 64, 64, sessions=options.sessions,
                             metrics=("crowd_tps",)),
    }  # fmt: skip
    return [known[name] for name in options.what]


def prepare(kit: Kit, options: argparse.Namespace, forms: Models) -> tuple[list[runtimes.Runtime], dict[str, str]]:
    """The peers that can be had, and why the others cannot."""
    ready: list[runtimes.Runtime] = []
    missing: dict[str, str] = {}
    forms.make_files()
    missing |= {f"GGUF {kind}": why for kind, why in forms.failures.items()}
    if not forms.files:
        sys.exit("error: none of the files could be made: " + "; ".join(missing.values()))
    for name in options.peers:
        peer = PEERS[name]()
        try:
            peer.prepare(kit, forms)
            ready.append(peer)
        except Unavailable as error:
            missing[peer.name] = str(error)
        missing |= {f"{peer.name} {v}": why for v, why in getattr(peer, "failures", {}).items()}
    for name, why in missing.items():
        kit.say(f"{name} cannot be had: {why}")
    return ready, missing


def report(results: rounds.Results, plan: rounds.Plan, missing: dict[str, str], about: dict) -> str:
    """Everything that is printed: one table a metric, then what limits and failures there were."""
    hobs = [h.name for h in plan.hobs]
    parts = []
    loaded = next((t for t in plan.tasks if t.busy), None)
    for task in plan.tasks:
        for metric in task.metrics:
            parts += [
                table.section(results, task, threads, metric, hobs, about["work"]) for threads in plan.threads
            ]
    if loaded:
        parts += [table.kept_section(results, plan.tasks[0], loaded, threads) for threads in plan.threads]
    elif plan.tasks[0].repeats == 1:
        parts.append(table.agreement_section(results, plan.tasks[0], "transformers"))
    m = about["machine"]
    parts.append(
        f"{m['cpu']} ({m['architecture']}; {' '.join(m['flags'])}), {m['cores']} cores, {m['system']}.\n"
        f"Measured between the rounds, {table.ceilings_line(results)}.\n"
        f"{plan.rounds} round{'s' if plan.rounds > 1 else ''}: medians (min–max). {NOTES}"
    )
    problems = [f"{name} could not be had: {why}" for name, why in missing.items()]
    problems += [
        f"{s.runtime} {s.variant}, {s.task.name}, {s.threads} threads: {why}" for s, why in results.errors.items()
    ]
    parts += ["\n".join(problems)]
    return "\n\n".join(p for p in parts if p)


def as_json(results: rounds.Results, about: dict) -> dict:
    series = [
        {"task": vars(s.task), "threads": s.threads, "beside": s.group, "runtime": s.runtime,
         "variant": s.variant, "file": s.file, "runs": runs, "error": results.errors.get(s)}
        for s, runs in results.runs.items()
    ]  # fmt: skip
    return {**about, "ceilings": {str(t): c for t, c in results.ceilings.items()}, "series": series}


def main(argv: list[str]) -> int:
    options = parse(argv)
    kit = Kit()
    try:
        forms = Models(kit, options.hob, options.model, options.files)
    except Unavailable as error:
        sys.exit(f"error: {options.model}: {error}")
    peers, missing = prepare(kit, options, forms)
    if options.prepare:
        return 0
    hobs: list[runtimes.Runtime] = [hob.Hob(options.hob, a, options.kv) for a in options.activations]
    for runtime in hobs:
        runtime.prepare(kit, forms)
    tasks = tasks_of(options)
    ids = models.prompt_ids(options.hob, options.text, options.model, max(t.prompt for t in tasks))
    work = {kind: models.work_of(forms.inspect(forms.gguf(kind))) for kind in forms.files}
    plan = rounds.Plan(hobs, peers, tasks, options.threads, options.rounds, ids, options.timeout,
                       work[forms.files[0]]["prefill_ops_per_token"])  # fmt: skip
    about = {
        "machine": machine.describe(),
        "model": str(options.model),
        "versions": {r.name: r.version for r in [*hobs, *peers]},
        "missing": missing,
        "rounds": options.rounds,
        "prompt_ids": ids,
        "work": work,
    }

    def save(results: rounds.Results) -> None:
        if options.json:
            options.json.write_text(json.dumps(as_json(results, about), indent=1) + "\n")

    results = rounds.measure(plan, lambda n: machine.ceilings(options.ceilings, n), kit.say, save)
    text = report(results, plan, missing, about)
    print(text)
    if options.json:
        options.json.write_text(json.dumps({**as_json(results, about), "report": text}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
