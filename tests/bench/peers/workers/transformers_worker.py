# SPDX-License-Identifier: Apache-2.0
"""transformers, f32: the original implementation."""

import torch
from common import Generate, Reply, Spec, Stopwatch, main
from transformers import AutoModelForCausalLM


def load(spec: Spec) -> Generate:
    torch.set_num_threads(spec.threads)
    model = AutoModelForCausalLM.from_pretrained(spec.model, dtype=torch.float32).eval()

    @torch.inference_mode()
    def generate(prompt: list[int], new: int) -> Reply:
        watch = Stopwatch()
        ids, cache, answer = torch.tensor([prompt]), None, []
        for _ in range(new):
            out = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = out.past_key_values
            ids = out.logits[:, -1].argmax(-1, keepdim=True)
            answer.append(int(ids))
            watch.token()
        return watch.reply(answer)

    return generate


main(load)
