# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime GenAI."""

import json

import numpy as np
import onnxruntime_genai as og
from common import Generate, Reply, Spec, Stopwatch, main


def load(spec: Spec) -> Generate:
    config = og.Config(spec.model)
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": spec.threads}}}}))
    model = og.Model(config)

    def generate(prompt: list[int], new: int) -> Reply:
        length = len(prompt) + new
        watch = Stopwatch()
        parameters = og.GeneratorParams(model)
        parameters.set_search_options(do_sample=False, min_length=length, max_length=length)
        generator = og.Generator(model, parameters)
        generator.append_tokens(np.array([prompt], dtype=np.int32))
        for _ in range(new):
            generator.generate_next_token()
            watch.token()
        return watch.reply([int(i) for i in generator.get_sequence(0)[len(prompt) :]])

    return generate


main(load)
