# SPDX-License-Identifier: Apache-2.0
"""CTranslate2. It takes tokens as text: ids become the entries of its vocabulary."""

import json
import pathlib

import ctranslate2
from common import Generate, Reply, Spec, Stopwatch, main


def load(spec: Spec) -> Generate:
    vocabulary = json.loads((pathlib.Path(spec.model) / "vocabulary.json").read_text())
    generator = ctranslate2.Generator(
        spec.model, device="cpu", compute_type="int8_float32", inter_threads=1, intra_threads=spec.threads
    )

    def generate(prompt: list[int], new: int) -> Reply:
        answer: list[int] = []
        watch = Stopwatch()

        def step(result) -> bool:
            answer.append(result.token_id)
            watch.token()
            return False

        generator.generate_batch(
            [[vocabulary[i] for i in prompt]], beam_size=1, sampling_topk=1, min_length=new,
            max_length=new, include_prompt_in_result=False, callback=step,
        )  # fmt: skip
        return watch.reply(answer)

    return generate


main(load)
