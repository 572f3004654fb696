# SPDX-License-Identifier: Apache-2.0
"""The hob command with all-MiniLM-L6-v2: vectors beside those of transformers in f32 (embeddings.json, made by
tests/tools/make_embeddings.py), token ids beside those of the tokenizers package, and the same model as a GGUF file.

Environment: HOB_BIN (the command), HOB_EMBED_MODEL (the folder; else where ./dev puts it).
"""

import json
import os
import pathlib
import struct
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")

BINARY = os.environ.get("HOB_BIN", "")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
MODEL = pathlib.Path(os.environ.get("HOB_EMBED_MODEL") or CACHE / "hob/models/all-MiniLM-L6-v2")
GOLDEN = json.loads((pathlib.Path(__file__).parent / "embeddings.json").read_text(encoding="utf-8"))["texts"]
TEXTS = [golden["text"] for golden in GOLDEN]
EXPECTED = np.array([golden["vector"] for golden in GOLDEN])

pytestmark = [
    pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command"),
    pytest.mark.skipif(not (MODEL / "model.safetensors").is_file(), reason=f"{MODEL} is absent (./dev test)"),
]

AWKWARD = [
    "ﬁ ligature, ǅ and ǆ, İstanbul ı, ΑΎΣ ς, Σίσυφος",
    "a\u0301 e\u0308\u0301 n\u0303 \u0130 \u1e9e \u212b \uac00\ud7a3",
    "\u00ad soft\u00adhyphen \ufeff bom \u2028 line \u2029 \u202e override \x07 \x7f \x85 \u3000",
    "[CLSx] [UNK [SEP ] [[ ]] [unused5] ##ing ## # @#$%^&*()_+`~{}|\\:;\"'<>?/ \u00bf\u00a1\u2026\u2014",
    "𝒜𝓁𝑔𝑒𝒷𝓇𝒶 ½ ² ① Ⅷ ㎏ 𠀀 豈 々 ア゙ ㄅ ก็ नमस्ते שָׁלוֹם سَلَام",
    "x" * 100 + " " + "y" * 101 + " " + "ä" * 100 + " " + "ß" * 51,
    "don't can't I'm naïvely co-operate U.S.A. 3.14 1,000,000 $5 50% https://example.org/?q=a&b=c#d",
    "\ud55c\uad6d\uc5b4 日本語テキスト 中文 русский текст ελληνικά",
    "\t\r\n  \u00a0\u2003 ",
    "🏳️‍🌈👨‍👩‍👧‍👦 e\u20dd \U000e0041",
]


def hob(*arguments, **more):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=240, check=False, **more)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def embed(model, *options, texts=TEXTS):
    made = json.loads(hob("embed", model, *options, "--", *texts))
    rows = np.array(made["embeddings"])
    assert rows.shape == (len(texts), made["dimension"]) == (len(texts), 384)
    return rows, made["tokens"]


def distances(rows):
    """1 - cosine for each text."""
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(EXPECTED, axis=1)
    return 1 - (rows * EXPECTED).sum(1) / norms


def test_f32_weights():
    rows, tokens = embed(MODEL)
    assert tokens == sum(golden["tokens"] for golden in GOLDEN)
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-6
    print(f"1 - cosine {distances(rows).max():.2e}, values {np.abs(rows - EXPECTED).max():.2e}")
    assert distances(rows).max() <= 1e-5  # the promise is 1e-3
    assert np.abs(rows - EXPECTED).max() <= 1e-5


def test_threads_and_companions_change_nothing():
    rows, _ = embed(MODEL, "-t", 1)
    other, _ = embed(MODEL, "-t", 4, texts=TEXTS[::-1])
    assert (rows == other[::-1]).all()
    for i in (2, 7, 11):
        assert (embed(MODEL, texts=[TEXTS[i]])[0][0] == rows[i]).all()


@pytest.fixture(scope="module")
def int8(tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "minilm.hob"
    hob("convert", "--weights", "int8", MODEL, path)
    return path


@pytest.mark.parametrize("activations", ["int16", "int8"])
def test_int8_weights(int8, activations):
    rows, _ = embed(int8, "--activations", activations)
    print(f"{activations}: 1 - cosine {distances(rows).max():.2e}")
    assert distances(rows).max() <= 0.01


def test_meaning():
    question, answer, other = TEXTS[4], TEXTS[3], TEXTS[5]
    rows, _ = embed(MODEL, texts=[question, answer, other])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3


def test_tokens():
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    oracle = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    oracle.no_truncation()
    oracle.no_padding()
    for text in TEXTS + AWKWARD:
        ours = json.loads(hob("tokenize", "-m", MODEL, "--json", input=text.encode()))
        assert ours == oracle.encode(text, add_special_tokens=False).ids, text


def test_no_text_is_a_special_token():
    rows, tokens = embed(MODEL, texts=["a [SEP] b [CLS]"])
    assert tokens == len(["<cls>", "a", "[", "sep", "]", "b", "[", "cl", "##s", "]", "<sep>"])
    assert np.isfinite(rows).all()


def test_gguf(tmp_path):
    """The names and keys that converters write."""
    gguf = pytest.importorskip("gguf", reason="gguf is not installed")
    config = json.loads((MODEL / "config.json").read_text())
    vocab = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    path = tmp_path / "minilm.gguf"
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(2)
    writer.add_tokenizer_model("bert")
    words = sorted(vocab, key=vocab.get)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    bracketed = [word.startswith("[") and word.endswith("]") for word in words]
    writer.add_token_list([
        word if b else word[2:] if word.startswith("##") else "▁" + word for word, b in zip(words, bracketed)
    ])
    writer.add_token_types([3 if word in special else 1 for word in words])
    writer.add_unk_token_id(vocab["[UNK]"])
    writer.add_uint32("tokenizer.ggml.cls_token_id", vocab["[CLS]"])
    writer.add_uint32("tokenizer.ggml.seperator_token_id", vocab["[SEP]"])
    data = (MODEL / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    names = {
        "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
        "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
        "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
        "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
    }
    for name, tensor in json.loads(data[8:8 + size]).items():
        stem, _, suffix = name.rpartition(".")
        layer = ""
        if stem.startswith("encoder.layer."):
            number, _, stem = stem.removeprefix("encoder.layer.").partition(".")
            layer = f"blk.{number}."
        if stem not in names:
            continue
        begin, end = tensor["data_offsets"]
        values = np.frombuffer(data[8 + size + begin:8 + size + end], np.float32).reshape(tensor["shape"])
        writer.add_tensor(f"{layer}{names[stem]}.{suffix}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    short = TEXTS[:10]
    assert (embed(path, texts=short)[0] == embed(MODEL, texts=short)[0]).all()
