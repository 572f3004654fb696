# SPDX-License-Identifier: Apache-2.0
"""Seeds of the fuzz targets safetensors_fuzz and hf_json_fuzz.

    python tests/tools/make_hf_corpus.py [--out tests/fuzz/corpus]
"""

import argparse
import json
import pathlib
import struct

MARK = "▁"


def safetensors(tensors, pad=8):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + size]}
        data += bytes(i % 251 for i in range(size))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % pad)
    return struct.pack("<Q", len(text)) + text + data


CONFIG = {"num_hidden_layers": 2, "max_position_embeddings": 64, "hidden_size": 8, "intermediate_size": 8,
          "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 9, "rms_norm_eps": 1e-5,
          "eos_token_id": [2, 1]}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
          "original_max_position_embeddings": 64}
CONFIGS = {
    "llama": CONFIG | {"model_type": "llama", "rope_parameters": LLAMA3},
    "qwen2": CONFIG | {"model_type": "qwen2", "rope_scaling": {"type": "yarn", "factor": 4, "mscale": 1,
                                                               "mscale_all_dim": 0.5}, "use_sliding_window": True,
                       "max_window_layers": 0, "sliding_window": 4},
    "gemma3": CONFIG | {"model_type": "gemma3_text", "head_dim": 4, "sliding_window": 4,
                        "query_pre_attn_scalar": 4, "layer_types": ["sliding_attention", "full_attention"],
                        "hidden_activation": "gelu_pytorch_tanh"},
}


def added(number, text):
    return {"id": number, "content": text, "special": True, "normalized": False}


def byte_level():
    split = {"type": "Split", "behavior": "Isolated", "invert": False, "pattern": {
        "Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                 r"|\s*[\r\n]+|\s+(?!\S)|\s+"}}
    return {"added_tokens": [added(5, "<s>")], "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                split, {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}]},
            "post_processor": {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {"<s>": {"ids": [5]}}},
            "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "Ġ": 2, "Ġa": 3, "ab": 4},
                      "merges": ["Ġ a", ["a", "b"]]}}


def pieces():
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"<0x{b:02X}>": 3 + b for b in range(256)}
    vocab |= {MARK: 259, "a": 260, MARK + "a": 261}
    return {"added_tokens": [added(0, "<unk>"), added(1, "<s>")],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": MARK},
                {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]},
            "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
            "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": True, "vocab": vocab,
                      "merges": [[MARK, "a"]]}}


def words():
    vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "##b": 4}
    return {"added_tokens": [added(0, "[UNK]"), added(1, "[CLS]")],
            "normalizer": {"type": "BertNormalizer", "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]},
            "decoder": {"type": "WordPiece", "prefix": "##"},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "vocab": vocab}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--out", type=pathlib.Path, default=here.parent / "fuzz" / "corpus")
    out = parser.parse_args().out
    (out / "safetensors").mkdir(parents=True, exist_ok=True)
    (out / "hf_json").mkdir(parents=True, exist_ok=True)
    files = {"empty": safetensors([]),
             "three": safetensors([("a", "F32", [2, 2], 16), ("b", "BF16", [3], 6), ("c", "I8", [1, 2, 1], 2)]),
             "odd": safetensors([("model.norm.weight", "F16", [5], 10)], pad=1)}
    for name, content in files.items():
        (out / "safetensors" / name).write_bytes(content)
    settings = {"bos_token": "<s>", "eos_token": None, "chat_template": "{{ messages }}"}
    tokenizers = {"llama": pieces(), "qwen2": byte_level(), "gemma3": words()}
    for name, config in CONFIGS.items():
        texts = [config, tokenizers[name], {} if name == "gemma3" else settings]
        seed = b"\0".join(json.dumps(text, separators=(",", ":")).encode() for text in texts)
        (out / "hf_json" / name).write_bytes(seed)


if __name__ == "__main__":
    main()
