# SPDX-License-Identifier: Apache-2.0
"""Reads the fixtures back with transformers' own GGUF loader, which knows the names of tensors and
the order of q and k rows independently of make_fixtures.py, and compares logits."""

import dataclasses
import json
import pathlib
import sys

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from fixture_variants import VARIANTS
from reference_model import config_of

folder = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
variants = {v.name: v for v in VARIANTS}
worst = 0.0
for entry in json.loads((folder / "manifest.json").read_text())["fixtures"]:
    # The loader does not read head sizes and rope scaling of all families: give the configuration.
    variant = variants[entry["name"]]
    if variant.sparse_metadata:  # the loader wants head_count_kv before it reorders rows
        continue
    if variant.family == "mistral":  # a Llama to the loader, which has no window
        continue
    config = config_of(dataclasses.replace(variant, family=entry["architecture"]))
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=entry["file"], config=config,
                                                 dtype=torch.float32)
    with torch.inference_mode():
        logits = model(torch.tensor(entry["tokens"])[None]).logits[0].numpy()
    difference = float(np.abs(logits - np.load(folder / entry["logits"])).max())
    print(f"{entry['name']:14} {difference:.2g}")
    worst = max(worst, difference / entry["tolerance"]["precise_abs"])
sys.exit(worst > 1)
