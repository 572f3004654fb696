# SPDX-License-Identifier: Apache-2.0
"""export_hf.py MODEL.gguf FOLDER: the model in f32 as a Hugging Face directory."""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
loaded = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
# A model that was loaded from GGUF refuses to be saved; a fresh one with its values does not.
loaded.config.__dict__.pop("quantization_config", None)
fresh = AutoModelForCausalLM.from_config(loaded.config, dtype=torch.float32)
fresh.load_state_dict(loaded.state_dict())
fresh.tie_weights()
fresh.save_pretrained(out)

tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
tokenizer.save_pretrained(out)
# The loader knows no pre-tokenizer "smollm", which splits digits one by one.
path = out / "tokenizer.json"
data = json.loads(path.read_text())
data["pre_tokenizer"] = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    ],
}
path.write_text(json.dumps(data, ensure_ascii=False))
