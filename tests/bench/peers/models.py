# SPDX-License-Identifier: Apache-2.0
"""The forms of one model: block formats of GGUF for hob and llama.cpp, a Hugging Face directory for
the others to export from. All are made from one GGUF file and kept in the cache folder."""

import hashlib
import json
import pathlib
import subprocess
import sys

from .kit import Kit, Unavailable
from .runtimes.llama_cpp import quantize

# What the model is read and exported with. torch: PyPI's own build carries CUDA; where that is too
# large, set PIP_EXTRA_INDEX_URL to PyTorch's index of CPU builds.
TORCH = "torch==2.13.0"
TRANSFORMERS = ["transformers==5.23.0", "gguf==0.19.0", "accelerate==1.15.0", TORCH]
WORKERS = pathlib.Path(__file__).parent / "workers"


class Models:
    """`files` are the GGUF types wanted; the first is the one that other peers are held against."""

    def __init__(self, kit: Kit, hob: pathlib.Path, base: pathlib.Path, files: list[str]):
        self.kit, self.hob, self.base = kit, hob, base
        self.info = self.inspect(base)
        self.base_type = self.matrix_type(self.info)
        self.files = files or [self.base_type]
        # Another file of the same name is another model.
        status = base.stat()
        key = f"{base.resolve()} {status.st_size} {status.st_mtime_ns}"
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        self.folder = kit.folder / "models" / f"{base.stem}-{digest}"
        self.failures: dict[str, str] = {}

    def inspect(self, path: pathlib.Path) -> dict:
        done = subprocess.run([self.hob, "inspect", path, "--json"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(done.stderr.strip())
        return json.loads(done.stdout)

    @staticmethod
    def matrix_type(info: dict) -> str:
        """The type of most of the weights."""
        total: dict[str, int] = {}
        for tensor in info["tensors"]:
            if tensor["name"].startswith("blk.") and len(tensor["shape"]) > 1:
                total[tensor["type"]] = total.get(tensor["type"], 0) + tensor["bytes"]
        return max(total, key=lambda name: total[name])

    def gguf(self, kind: str) -> pathlib.Path:
        """The file of that type; Unavailable where it could not be made."""
        if kind == self.base_type:
            return self.base
        path = self.folder / f"{kind}.gguf"
        if path.is_file():
            return path
        if kind in self.failures:
            raise Unavailable(self.failures[kind])
        try:
            # Through f32, so that each format starts from the values of the file and nothing else.
            whole = self.kit.once(self.folder / "F32.gguf", "Writing the model in f32",
                                  lambda out: quantize(self.kit, self.base, out, "F32"))  # fmt: skip
            return self.kit.once(path, f"Writing the model in {kind}",
                                 lambda out: quantize(self.kit, whole, out, kind))  # fmt: skip
        except Unavailable as error:
            self.failures[kind] = str(error)
            raise

    def make_files(self) -> None:
        """Makes all of `files` and drops those that cannot be had; `failures` says why."""
        for kind in list(self.files):
            try:
                self.gguf(kind)
            except Unavailable:
                self.files.remove(kind)
        (self.folder / "F32.gguf").unlink(missing_ok=True)

    def hugging_face(self) -> pathlib.Path:
        """The directory in f32."""

        def make(out: pathlib.Path) -> None:
            python = self.kit.venv("transformers", TRANSFORMERS)
            script = WORKERS / "export_hf.py"
            self.kit.logged("export-hf", [python, script, self.base, out], env={"HF_HUB_OFFLINE": "1"})

        return self.kit.once(self.folder / "huggingface", "Writing the model as a Hugging Face directory", make)


def work_of(info: dict) -> dict[str, float]:
    """From `hob inspect --json`: multiply-adds of a prompt's token without attention and without
    lm_head, which only the last one needs, and bytes of weights that each new token reads."""
    tensors = [t for t in info["tensors"] if len(t["shape"]) > 1]
    blocks = [t for t in tensors if t["name"].startswith("blk.")]
    names = {t["name"]: t for t in tensors}
    head = names.get("output.weight") or names["token_embd.weight"]
    return {
        "prefill_ops_per_token": 2.0 * sum(t["shape"][0] * t["shape"][1] for t in blocks),
        "decode_bytes_per_token": float(sum(t["bytes"] for t in blocks) + head["bytes"]),
    }


def prompt_ids(hob: pathlib.Path, text: pathlib.Path, model: pathlib.Path, count: int) -> list[int]:
    """The first ids of a text, over and over until there are enough."""
    done = subprocess.run(
        [hob, "tokenize", "-m", model, "--file", text, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    ids = json.loads(done.stdout)
    return [ids[i % len(ids)] for i in range(count)]
