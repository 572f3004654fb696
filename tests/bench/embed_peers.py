# SPDX-License-Identifier: Apache-2.0
"""Embeddings by hob and by transformers (PyTorch, f32) on this machine, in turn.

    python tests/bench/embed_peers.py --library build/release/libhob.so --hob-python PY --torch-python PY MODEL [FILE…]

PY are Pythons with cffi and numpy, and with torch and transformers. MODEL is the folder; FILEs are further forms of it
for hob, such as one of int8 weights. A worker each stays loaded; in every round each measures once, every other round
in the opposite order. Printed are medians (min–max) of the rounds.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SENTENCE = "Which of the rooms on the second floor has a window that opens to the garden?"


def texts() -> list[str]:
    """Paragraphs of the project's own documentation: 256 of them, of all lengths."""
    found = []
    for page in sorted((ROOT / "docs").glob("*/*.md")):
        found += [part.strip() for part in page.read_text(encoding="utf-8").split("\n\n") if len(part) > 40]
    return found[:256]


def worker(kind: str, model: str, threads: int, stage: str) -> None:
    if kind == "hob":
        sys.path.insert(0, stage)
        import hob

        embedder = hob.Embedder(hob.Model(model, hob.Runtime(threads=threads)))
        embed = embedder.embed
    else:
        import torch
        import transformers

        torch.set_num_threads(threads)
        tokenizer = transformers.AutoTokenizer.from_pretrained(model)
        network = transformers.AutoModel.from_pretrained(model, dtype=torch.float32).eval()

        def embed(some: list[str]):
            # As sentence-transformers: batches of 32 of like length, padded to the longest.
            order = sorted(range(len(some)), key=lambda i: -len(some[i]))
            for at in range(0, len(order), 32):
                batch = tokenizer([some[i] for i in order[at : at + 32]], return_tensors="pt", padding=True,
                                  truncation=True, max_length=256)
                with torch.inference_mode():
                    rows = network(**batch).last_hidden_state
                    mask = batch["attention_mask"][..., None].to(rows.dtype)
                    rows = torch.nn.functional.normalize((rows * mask).sum(1) / mask.sum(1), dim=1)
            return rows.numpy()

    many = texts()
    for _ in range(3):
        embed([SENTENCE])
    embed(many[:32])
    print("ready", flush=True)
    for _ in sys.stdin:
        alone = []
        for _ in range(30):
            start = time.perf_counter()
            embed([SENTENCE])
            alone.append(time.perf_counter() - start)
        start = time.perf_counter()
        embed(many)
        batch = time.perf_counter() - start
        print(json.dumps({"ms": 1e3 * statistics.median(alone), "texts": len(many) / batch}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--library", required=False)
    parser.add_argument("--hob-python", default=sys.executable)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--stage", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.model, options.threads, options.stage)
        return
    with tempfile.TemporaryDirectory() as stage:
        make = ("import pathlib, sys; sys.path.insert(0, sys.argv[1]); from stage import stage; "
                "stage(pathlib.Path(sys.argv[2]), sys.argv[3])")
        subprocess.run([options.hob_python, "-c", make, ROOT / "bindings/python/tools", stage, options.library],
                       check=True)
        kinds = [("transformers f32", options.torch_python, "torch", options.model)]
        kinds += [(f"hob {pathlib.Path(path).name}", options.hob_python, "hob", path)
                  for path in [options.model, *options.files]]
        running = {}
        for name, python, kind, path in kinds:
            command = [python, __file__, path, "--worker", kind, "--threads", str(options.threads), "--stage", stage]
            running[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.DEVNULL, text=True)
            assert running[name].stdout.readline() == "ready\n", name
        results = {name: [] for name in running}
        for turn in range(options.rounds):
            for name in list(running)[:: 1 if turn % 2 == 0 else -1]:
                process = running[name]
                process.stdin.write("go\n")
                process.stdin.flush()
                results[name].append(json.loads(process.stdout.readline()))
        for process in running.values():
            process.stdin.close()
            process.wait()
    for name, rounds in results.items():
        line = f"{name:28}"
        for key, unit in (("ms", "ms a sentence"), ("texts", "texts/s")):
            values = sorted(result[key] for result in rounds)
            line += f"  {statistics.median(values):8.2f} ({values[0]:.2f}–{values[-1]:.2f}) {unit}"
        print(line)


if __name__ == "__main__":
    main()
