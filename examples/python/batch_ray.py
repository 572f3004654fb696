# SPDX-License-Identifier: Apache-2.0
"""Answers every row of a data set with Ray Data: batch_ray.py MODEL IN.jsonl OUT_FOLDER [ACTORS [THREADS]].

Rows have a "prompt"; what is written has an "answer" and the tokens it took beside it. Each actor opens the model once
and answers the rows of a batch side by side. For more machines, start Ray on them and put the model where all see it.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ray

import hob


class Assistant:
    """The state of an actor: one model, which Ray keeps between batches."""

    def __init__(self, model_path: str, threads: int) -> None:
        self.model = hob.Model(model_path, hob.Runtime(threads=threads))
        self.pool = ThreadPoolExecutor(16)

    def answer(self, prompt: str) -> hob.Result:
        with self.model.session(system="Answer in one sentence.") as session:
            return session.generate(prompt, max_tokens=64)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        # Sessions that answer at the same time share each pass over the weights; the answers are the same.
        results = list(self.pool.map(self.answer, map(str, batch["prompt"])))
        batch["answer"] = [result.text for result in results]
        batch["tokens"] = [result.generated_tokens for result in results]
        return batch


def main(model_path: str, source: str, target: str, actors: int = 1, threads: int = 1) -> None:
    # Reading and writing wait more than they compute: the cores are for the actors.
    light = {"num_cpus": 0}
    ray.data.read_json(source, ray_remote_args=light).map_batches(
        Assistant,
        fn_constructor_args=(model_path, threads),
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=threads,
        batch_size=16,
    ).write_json(target, ray_remote_args=light)


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
