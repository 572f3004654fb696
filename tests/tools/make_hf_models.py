# SPDX-License-Identifier: Apache-2.0
"""Tiny random models as transformers saves them, with its f32 logits and ids of texts.

    python tests/tools/make_hf_models.py OUT

Needs torch and transformers (requirements.txt). Each folder of OUT is a model; logits.npy, ids.json and
texts.json lie beside its files.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

WORDS = ["Ġ t", "t h", "h e", "Ġt he", "i n", "e r", "o n", "1 2"]
TEXTS = ["hello there, the 12 others", " The  end\n\n of it ", "café 你好 😀 it's", "<|end|>the<|end|> x"]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" \
         r"|\s*[\r\n]+|\s+(?!\S)|\s+"
SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 128, "initializer_range": 0.2}


def byte_level(regex=None, nfc=False):
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {letter: i for i, letter in enumerate(letters)}
    merges = []
    for merge in WORDS:
        left, right = merge.split(" ")
        words[left + right] = len(words)
        merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(words, merges, ignore_merges=regex is not None and not nfc))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    if regex:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(regex), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(False)])
    tokenizer.decoder = decoders.ByteLevel()
    return finish(tokenizer, "<|begin|>")


def pieces(prefix, first=False):
    mark = "▁"
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    merges = [(mark, "t"), ("h", "e"), (mark + "t", "he"), ("i", "n"), (mark, "o"), ("e", "r")]
    for merge in merges:
        words += [word for word in (*merge, "".join(merge)) if word not in words]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    if first:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(mark, "first", split=False)
    else:
        steps = [normalizers.Prepend(mark)] if prefix else []
        tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", mark)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(mark, " "), decoders.ByteFallback(), decoders.Fuse()])
    return finish(tokenizer, "<s>")


def finish(tokenizer, start):
    tokenizer.add_special_tokens([start, "<|end|>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A", special_tokens=[(start, tokenizer.token_to_id(start))])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=start, eos_token="<|end|>")


def rope(kind, theta=10000.0, **more):
    return {"rope_type": kind, "rope_theta": theta} | more


def variants():
    t = transformers
    yield "llama", t.LlamaConfig, {"rope_parameters": rope("default"), "attention_bias": True}, byte_level(LLAMA3), {}
    yield "llama3", t.LlamaConfig, {
        "tie_word_embeddings": True, "rope_parameters": rope(
            "llama3", 5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32)}, byte_level(LLAMA3), {"dtype": torch.bfloat16}
    yield "smollm", t.LlamaConfig, {"rope_parameters": rope("linear", factor=2.0), "head_dim": 32}, byte_level(), {
        "max_shard_size": "60KB"}
    yield "mistral", t.MistralConfig, {"sliding_window": 8, "rope_parameters": rope("default")}, pieces(True), {
        "dtype": torch.float16}
    yield "mistral-first", t.MistralConfig, {"sliding_window": None, "rope_parameters": rope("default")}, pieces(
        True, True), {}
    yield "qwen2", t.Qwen2Config, {"rope_parameters": rope(
        "yarn", factor=4.0, original_max_position_embeddings=16)}, byte_level(
            LLAMA3.replace("{1,3}", ""), nfc=True), {}
    yield "qwen3", t.Qwen3Config, {"head_dim": 32, "rope_parameters": rope("default", 1e6)}, byte_level(
        LLAMA3.replace("{1,3}", ""), nfc=True), {"dtype": torch.bfloat16}
    yield "gemma3", t.Gemma3TextConfig, {
        "num_hidden_layers": 4, "head_dim": 32, "sliding_window": 8, "query_pre_attn_scalar": 24,
        "layer_types": ["sliding_attention", "full_attention"] * 2, "rope_parameters": {
            "full_attention": rope("linear", 1e6, factor=8.0), "sliding_attention": rope("default")}}, pieces(False), {}


def make(out, name, config, options, tokenizer, how):
    torch.manual_seed(len(name))
    folder = out / name
    dtype = how.get("dtype", torch.float32)
    config = config(**SIZES | {"vocab_size": len(tokenizer)} | options)
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval().to(dtype)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder, **({"max_shard_size": how["max_shard_size"]} if "max_shard_size" in how else {}))
    ids = np.random.default_rng(1).integers(0, len(tokenizer), 40).tolist()
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.inference_mode():
        np.save(folder / "logits.npy", model(torch.tensor([ids])).logits[0].numpy())
    (folder / "ids.json").write_text(json.dumps(ids))
    loaded = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [{"text": text, "ids": loaded(text)["input_ids"], "plain": loaded(text, add_special_tokens=False)[
        "input_ids"]} for text in TEXTS]
    (folder / "texts.json").write_text(json.dumps(texts))


def main():
    torch.set_num_threads(1)
    out = pathlib.Path(sys.argv[1])
    for name, config, options, tokenizer, how in variants():
        make(out, name, config, options, tokenizer, how)


if __name__ == "__main__":
    main()
