# SPDX-License-Identifier: Apache-2.0
"""LiteRT-LM through its own benchmark, which makes its tokens up, as llama-bench does."""

import json
import pathlib
import statistics
import sys

import litert_lm
from common import Spec

with open(sys.argv[1]) as file:
    spec = Spec(**json.load(file))
model = str(pathlib.Path(spec.model) / "model.litertlm")


def measure() -> litert_lm.BenchmarkInfo:
    backend = litert_lm.Backend.CPU(thread_count=spec.threads)
    return litert_lm.Benchmark(model, backend, prefill_tokens=len(spec.prompt), decode_tokens=spec.new).run()


first = measure()  # a warm-up for all but opening the model
infos = [measure() for _ in range(spec.repeats)]
for info in infos:
    if (info.last_prefill_token_count, info.last_decode_token_count) != (len(spec.prompt), spec.new):
        sys.exit(f"it measured {info.last_prefill_token_count} + {info.last_decode_token_count} tokens")
prefill = statistics.median(i.last_prefill_tokens_per_second for i in infos)
decode = statistics.median(i.last_decode_tokens_per_second for i in infos)
out = {
    "load_s": first.init_time_in_second,
    "decode_tps": decode,
    "reply_s": statistics.median(
        len(spec.prompt) / i.last_prefill_tokens_per_second + spec.new / i.last_decode_tokens_per_second
        for i in infos
    ),
}
if len(spec.prompt) > 1:
    out["prefill_tps"] = prefill
print(json.dumps(out))
