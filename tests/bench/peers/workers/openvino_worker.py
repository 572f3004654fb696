# SPDX-License-Identifier: Apache-2.0
"""OpenVINO GenAI. Times are its own (perf_metrics): its streamer hands out text, not tokens."""

import time

import numpy as np
import openvino as ov
import openvino_genai
from common import Generate, Reply, Spec, main


def load(spec: Spec) -> Generate:
    scheduler = openvino_genai.SchedulerConfig()
    scheduler.enable_prefix_caching = False  # else a prompt it has seen costs nothing
    pipeline = openvino_genai.LLMPipeline(
        spec.model, "CPU", scheduler_config=scheduler, INFERENCE_NUM_THREADS=spec.threads,
        PERFORMANCE_HINT="LATENCY",
    )  # fmt: skip

    def generate(prompt: list[int], new: int) -> Reply:
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = new
        config.ignore_eos = True
        config.do_sample = False
        ids = np.array([prompt], dtype=np.int64)
        inputs = openvino_genai.TokenizedInputs(ov.Tensor(ids), ov.Tensor(np.ones_like(ids)))
        start = time.perf_counter()
        result = pipeline.generate(inputs, config)
        total_s = time.perf_counter() - start
        first_s = result.perf_metrics.get_ttft().mean / 1000
        return Reply(first_s, total_s, list(result.tokens[0]))

    return generate


main(load)
