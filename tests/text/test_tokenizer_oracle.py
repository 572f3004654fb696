# SPDX-License-Identifier: Apache-2.0
"""Compares `hob tokenize` with HuggingFace's tokenizers and with SentencePiece on random Unicode text.

The oracle is built from the vocabulary and merges of a GGUF file and a pre-tokenizer as the models'
tokenizer.json files describe it; for other pre-tokenizers than the file's own, a vocabulary-only GGUF
file with that name is written.

Needs HOB_BIN, the packages `tokenizers` and `gguf`, and the shared vocabularies or HOB_MODEL.
"""

import json
import os
import pathlib
import random
import subprocess
import unicodedata

import pytest

gguf = pytest.importorskip("gguf")
tokenizers = pytest.importorskip("tokenizers")

from tokenizers import Regex, normalizers, pre_tokenizers  # noqa: E402

HOB = os.environ.get("HOB_BIN", "")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("HOB_SHARED_DIR") or ROOT.parent / "shared")
GPT2 = SHARED / "data" / "tokenizers" / "ggml-vocab-gpt-2.gguf"
MODEL = pathlib.Path(
    os.environ.get("HOB_MODEL")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    / "hob/models/SmolLM2-135M-Instruct.Q4_1.gguf"
)

pytestmark = pytest.mark.skipif(not HOB, reason="HOB_BIN does not name the hob command")

ROUNDS = int(os.environ.get("HOB_ORACLE_ROUNDS", "8"))

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
SYMBOLS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+@"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*@"
)
LLAMA3 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + SYMBOLS + "|" + SPACES
QWEN2 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + SYMBOLS + "|" + SPACES
GPT4O = CASED.replace("@", CONTRACTION + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES
TEKKEN = CASED.replace("@", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES
DEEPSEEK3 = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
    r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + SPACES
)


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def raw_bytes():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


def gpt2_bytes():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def digits_then_gpt2():
    return sequence(pre_tokenizers.Digits(individual_digits=True), gpt2_bytes())


# name → (pre-tokenizer, ignore_merges, normaliser)
ORACLES = {
    "gpt-2": (gpt2_bytes, False, None),
    "smollm": (digits_then_gpt2, False, None),
    "starcoder": (digits_then_gpt2, False, None),
    "llama-bpe": (lambda: sequence(split(LLAMA3), raw_bytes()), True, None),
    "qwen2": (lambda: sequence(split(QWEN2), raw_bytes()), False, normalizers.NFC),
    "gpt-4o": (lambda: sequence(split(GPT4O), raw_bytes()), False, None),
    "tekken": (lambda: sequence(split(TEKKEN), raw_bytes()), True, None),
    "deepseek-v3": (
        lambda: sequence(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK3), raw_bytes()),
        False,
        None,
    ),
    "deepseek-coder": (
        lambda: sequence(
            split(r"[\r\n]"),
            split(r"\s?\p{L}+"),
            split(r"\s?\p{P}+"),
            split("[一-龥ࠀ-一가-\ud7ff]+"),
            pre_tokenizers.Digits(individual_digits=True),
            raw_bytes(),
        ),
        False,
        None,
    ),
    "falcon": (
        lambda: sequence(
            pre_tokenizers.Punctuation("contiguous"), gpt2_bytes_text(), split("[0-9][0-9][0-9]"), raw_bytes()
        ),
        False,
        None,
    ),
    "bloom": (lambda: sequence(split(" ?[^(\\s|[.,!?…。，、।۔،])]+"), raw_bytes()), False, None),
    "superbpe": (lambda: sequence(split(r"\p{N}+"), split(r"(?=(\d{3})+(?!\d))"), raw_bytes()), False, None),
}


def gpt2_bytes_text():
    return split(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


class Vocabulary:
    def __init__(self, path):
        fields = gguf.GGUFReader(str(path)).fields

        def strings(key):
            field = fields[key]
            return [bytes(field.parts[i]).decode("utf-8") for i in field.data]

        self.tokens = strings("tokenizer.ggml.tokens")
        self.merges = strings("tokenizer.ggml.merges")
        types = fields["tokenizer.ggml.token_type"]
        self.types = [int(types.parts[i][0]) for i in types.data]

    def write(self, path, pre):
        writer = gguf.GGUFWriter(str(path), "llama")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_token_merges(self.merges)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()

    def oracle(self, pre):
        make_pre, ignore_merges, normaliser = ORACLES[pre]
        model = tokenizers.models.BPE(
            vocab={token: i for i, token in enumerate(self.tokens)},
            merges=[tuple(merge.split(" ")) for merge in self.merges],
            ignore_merges=ignore_merges,
        )
        tokenizer = tokenizers.Tokenizer(model)
        tokenizer.pre_tokenizer = make_pre()
        if normaliser:
            tokenizer.normalizer = normaliser()
        return tokenizer


# Characters whose category has not changed since Unicode 3.2: the engines know different versions.
OLD = [
    chr(c)
    for c in range(0x20, 0x2FFFF)
    if unicodedata.ucd_3_2_0.category(chr(c)) == unicodedata.category(chr(c))
    and unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")
    and not 0xE0000 <= c < 0xE0080
]
POOLS = [
    [chr(c) for c in range(0x20, 0x7F)],
    list("abcXYZ") + list(" '  "),
    list("0123456789") + list("٣²Ⅳ½९"),
    [" ", "  ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\u1680", "\x0b", "\x0c"],
    ["'s", "'T", "'re", "'VE", "'m", "'ll", "'D", "'", "’s"],
    list("äöüßéÀÇñÅ") + ["e\u0301", "a\u0308", "\u0323\u0307"],
    list("привет ПРИВЕТ мир"),
    list("日本語テスト中文字，。！한국어"),
    list("हिन्दी ภาษาไทย العربية"),
    list("🚀😶🌫️✅👩‍👧"),
    list("!?.,;:-_=+*/\\|()[]{}<>@#$%^&`~\"…—"),
    ["\x00", "\x01", "\x1b", "\u200b", "\u200d", "\ufeff"],
]


def random_text(rng):
    parts = []
    for _ in range(rng.randrange(1, 400)):
        pool = rng.choice(POOLS) if rng.random() < 0.9 else OLD
        parts.extend(rng.choice(pool) for _ in range(rng.randrange(1, 6)))
    return "".join(parts)


def hob_ids(model, text, folder):
    path = folder / "text.txt"
    path.write_bytes(text.encode("utf-8"))
    command = [HOB, "tokenize", "--model", str(model), "--file", str(path), "--json"]
    run = subprocess.run(command, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def compare(model, oracle, folder, seed, rounds):
    rng = random.Random(seed)
    for _ in range(rounds):
        text = random_text(rng)
        want = oracle.encode(text, add_special_tokens=False).ids
        got = hob_ids(model, text, folder)
        if got != want:
            at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
            tail = oracle.decode(want[max(0, at - 3) : at + 5])
            raise AssertionError(f"id {at} differs near {tail!r}: {got[at : at + 5]} is not {want[at : at + 5]}")


@pytest.fixture(scope="module")
def gpt2():
    if not GPT2.exists():
        pytest.skip(f"{GPT2} is absent")
    return Vocabulary(GPT2)


@pytest.mark.parametrize("pre", ORACLES)
def test_pretokenizers_on_the_gpt2_vocabulary(gpt2, pre, tmp_path):
    model = tmp_path / f"{pre}.gguf"
    gpt2.write(model, pre)
    compare(model, gpt2.oracle(pre), tmp_path, seed=pre, rounds=ROUNDS)


def test_default_model(tmp_path):
    if not MODEL.exists():
        pytest.skip("the default model is absent")
    compare(MODEL, Vocabulary(MODEL).oracle("smollm"), tmp_path, seed=7, rounds=ROUNDS)


def test_wikitext(tmp_path):
    text = SHARED / "data" / "text" / "wikitext-2-test.txt"
    if not MODEL.exists() or not text.exists():
        pytest.skip("the default model or the shared text is absent")
    content = text.read_text(encoding="utf-8")[:200_000]
    assert hob_ids(MODEL, content, tmp_path) == Vocabulary(MODEL).oracle("smollm").encode(content).ids


@pytest.mark.parametrize("lowercase", [True, False])
def test_wordpiece(lowercase, tmp_path):
    rng = random.Random(lowercase)
    characters = {c for pool in POOLS for text in pool for c in unicodedata.normalize("NFD", text) + text}
    words = sorted(c.lower() if lowercase and len(c.lower()) == 1 else c for c in characters if c.strip())
    words = [w for w in dict.fromkeys(words) if rng.random() < 0.9]
    words += [a + b for a in "abcxyz" for b in "abcxyz"] + ([] if lowercase else ["Ab", "XY"])
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    rest = [w for w in words if rng.random() < 0.9]
    vocab = {token: i for i, token in enumerate(specials + words + ["##" + w for w in rest])}
    oracle = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(vocab=vocab, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    oracle.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    oracle.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    model = tmp_path / "bert.gguf"
    writer = gguf.GGUFWriter(str(model), "bert")
    writer.add_tokenizer_model("bert")
    writer.add_token_list(specials + ["▁" + w for w in words] + rest)
    writer.add_token_types([3, 2, 3, 3] + [1] * (len(vocab) - 4))
    writer.add_unk_token_id(1)
    writer.add_uint32("tokenizer.ggml.cls_token_id", 2)
    writer.add_uint32("tokenizer.ggml.seperator_token_id", 3)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    compare(model, oracle, tmp_path, seed=11, rounds=ROUNDS)


def test_sentencepiece(tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    pb2 = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
    path = SHARED / "data" / "tokenizers" / "ggml-vocab-llama-spm.gguf"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    fields = gguf.GGUFReader(str(path)).fields

    def column(key):
        field = fields["tokenizer.ggml." + key]
        return [field.parts[i] for i in field.data]

    proto = pb2.ModelProto()
    for text, score, kind in zip(column("tokens"), column("scores"), column("token_type")):
        proto.pieces.add(piece=bytes(text).decode(), score=float(score[0]), type=int(kind[0]))
    proto.trainer_spec.model_type = pb2.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.vocab_size = len(proto.pieces)
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.remove_extra_whitespaces = False
    oracle = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    rng = random.Random(5)
    for _ in range(ROUNDS):
        text = random_text(rng).replace("\0", "")
        assert hob_ids(path, text, tmp_path) == oracle.encode(text), text
