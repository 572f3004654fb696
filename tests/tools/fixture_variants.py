# SPDX-License-Identifier: Apache-2.0
"""The fixtures: one small model for each variant of a family, each tensor type and rope scaling."""

from dataclasses import dataclass

import fixture_vocabulary as vocabularies


@dataclass
class Variant:
    name: str
    family: str  # of transformers
    vocabulary: vocabularies.Vocabulary
    width: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    types: list  # (part of a tensor name, type); the first that fits holds
    seed: int
    layers: int = 2
    positions: int = 20
    context: int = 256
    tied: bool = False
    epsilon: float = 1e-5
    rope_base: float = 10000.0
    rope_linear: float = 0.0
    rope_llama3: dict | None = None
    rope_yarn: dict | None = None
    # Scaling that the file does not have and an option asks for: (type, factor, original context),
    # and what transformers calls the same.
    rope_option: tuple | None = None
    rope_reference: dict | None = None
    window: int = 0  # of sliding-window attention
    window_period: int = 0  # Gemma 3: every so many layers one sees all; 0: the format's 6
    rope_base_local: float = 10000.0  # Gemma 3: of the layers that see a window
    qkv_bias: bool = False
    qk_norm: bool = False
    sparse_metadata: bool = False  # leave out keys that have a default

    @property
    def architecture(self):
        return {"mistral": "llama"}.get(self.family, self.family)

    @property
    def vocab(self):
        return len(self.vocabulary.tokens)

    @property
    def explicit_head_dim(self):
        return self.heads * self.head_dim != self.width


LLAMA31 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 64}

VARIANTS = [
    # Llama 2: as many KV heads as heads, SentencePiece vocabulary.
    Variant("llama-float", "llama", vocabularies.sentencepiece(289), 64, 64, 2, 2, 32,
            [("token_embd", "BF16"), ("blk.0", "F32"), ("", "F16")], seed=100),
    # Long-context Llama 2 (linear rope scaling), with no key that has a default.
    Variant("llama-q4_0", "llama", vocabularies.sentencepiece(300), 64, 96, 2, 2, 32,
            [("token_embd", "Q4_0"), ("output.weight", "Q8_0"), ("", "Q4_0")], seed=110,
            rope_linear=2.0, sparse_metadata=True),
    # Llama 3.1: grouped heads, stretched rope in rope_freqs.weight.
    Variant("llama3-q8_0", "llama", vocabularies.llama3(290), 64, 96, 4, 2, 16,
            [("", "Q8_0")], seed=120, rope_base=500000.0, rope_llama3=LLAMA31, positions=40),
    # Llama 3.2: tied; K-quants as in Q4_K_M, whose super-blocks want columns of 256.
    Variant("llama3-k", "llama", vocabularies.llama3(291), 256, 256, 2, 1, 32,
            [("token_embd", "Q6_K"), ("attn_output", "Q5_0"), ("blk.0.attn_v", "Q6_K"),
             ("blk.0.ffn_down", "Q6_K"), ("blk.0", "Q4_K"), ("blk.1.attn_k", "Q4_K"),
             ("blk.1", "Q5_K")],
            seed=130, rope_base=500000.0, rope_llama3=LLAMA31, tied=True),
    # SmolLM2: tied, three heads to one KV head; longer than a KV page.
    Variant("smollm-q4_1", "llama", vocabularies.smollm(288), 96, 160, 3, 1, 32,
            [("token_embd", "Q8_0"), ("", "Q4_1")], seed=140, rope_base=100000.0, tied=True,
            positions=76),
    # Mistral: each position sees the last `window` (7B v0.1), heads narrower than width / heads
    # (Nemo).
    Variant("mistral-q5", "mistral", vocabularies.sentencepiece(290), 96, 96, 2, 1, 32,
            [("token_embd", "Q5_1"), ("output.weight", "Q5_0"), ("ffn_down", "Q5_1"),
             ("attn_v", "Q5_1"), ("", "Q5_0")], seed=150, rope_base=1000000.0, positions=32,
            window=12),
    # Qwen2: biases on q, k, v; rotated halves.
    Variant("qwen2-bf16", "qwen2", vocabularies.qwen(285), 64, 64, 2, 1, 32,
            [("token_embd", "F16"), ("", "BF16")], seed=160, rope_base=1000000.0, epsilon=1e-6,
            tied=True, qkv_bias=True),
    Variant("qwen2-q5_0", "qwen2", vocabularies.qwen(287), 96, 128, 3, 1, 32,
            [("token_embd", "Q4_1"), ("output.weight", "Q5_1"), ("blk.0.ffn_down", "Q8_0"),
             ("blk.1.ffn_down", "Q4_0"), ("", "Q5_0")], seed=170, rope_base=1000000.0,
            epsilon=1e-6, qkv_bias=True),
    # Qwen3: norms on the heads of q and k; heads wider than width / heads.
    Variant("qwen3-f16", "qwen3", vocabularies.qwen(286), 64, 64, 2, 1, 64,
            [("", "F16")], seed=180, rope_base=1000000.0, epsilon=1e-6, tied=True, qk_norm=True),
    Variant("qwen3-q4_1", "qwen3", vocabularies.qwen(285), 64, 96, 4, 2, 32,
            [("token_embd", "Q5_1"), ("output.weight", "Q8_0"), ("ffn_down", "Q5_1"),
             ("", "Q4_1")], seed=190, rope_base=1000000.0, epsilon=1e-6, qk_norm=True),
    # YaRN in the file, with a context three times the original one; every key of it.
    Variant("qwen2-yarn", "qwen2", vocabularies.qwen(285), 64, 64, 2, 1, 32,
            [("token_embd", "F16"), ("", "Q8_0")], seed=200, epsilon=1e-6, tied=True,
            qkv_bias=True, positions=72, context=24,
            rope_yarn={"factor": 4.0, "original_max_position_embeddings": 24, "beta_fast": 16.0,
                       "beta_slow": 2.0, "attention_factor": 1.25}),
    # YaRN with nothing but what it cannot do without, from an option.
    Variant("llama-yarn", "llama", vocabularies.sentencepiece(289), 64, 64, 2, 1, 32,
            [("", "Q8_0")], seed=210, positions=72, context=24, rope_option=("yarn", 4, 24),
            rope_reference={"rope_type": "yarn", "factor": 4.0,
                            "original_max_position_embeddings": 24}),
    # transformers' dynamic NTK at 72 positions of 24: the base grows by 2·72/24 − 1 = 5.
    Variant("llama-ntk", "llama", vocabularies.sentencepiece(289), 64, 64, 2, 1, 32,
            [("", "Q8_0")], seed=220, positions=72, context=24, rope_option=("ntk", 5, 24),
            rope_reference={"rope_type": "dynamic", "factor": 2.0}),
    # Llama 3.1's scaling, from an option.
    Variant("llama-llama3", "llama", vocabularies.sentencepiece(289), 64, 64, 2, 1, 32,
            [("", "Q8_0")], seed=230, positions=72, context=24, rope_option=("llama3", 8, 24),
            rope_reference={"rope_type": "llama3"} | LLAMA31
            | {"original_max_position_embeddings": 24}),
    # Linear scaling from an option.
    Variant("qwen3-linear", "qwen3", vocabularies.qwen(285), 64, 64, 2, 1, 32,
            [("", "Q8_0")], seed=240, epsilon=1e-6, tied=True, qk_norm=True, positions=72,
            context=24, rope_option=("linear", 3.5, 24),
            rope_reference={"rope_type": "linear", "factor": 3.5}),
    # Mistral far beyond its window, whose keys begin in the second chunk of the cache (256).
    Variant("mistral-window", "mistral", vocabularies.sentencepiece(290), 64, 64, 2, 1, 32,
            [("", "Q8_0")], seed=250, rope_base=1000000.0, positions=300, context=512,
            window=40),
    # Gemma 3: five layers of a window, one that sees all, one more of a window.
    Variant("gemma3-q8_0", "gemma3", vocabularies.gemma(293), 64, 64, 2, 1, 32,
            [("", "Q8_0")], seed=260, layers=7, positions=48, rope_base=1000000.0, epsilon=1e-6,
            tied=True, qk_norm=True, window=12),
    # Gemma 3 of 4B and more: rope of the global layers scaled, heads wider than width / heads.
    Variant("gemma3-f16", "gemma3", vocabularies.gemma(293), 64, 64, 2, 1, 64,
            [("token_embd", "BF16"), ("", "F16")], seed=270, layers=4, positions=48,
            rope_base=1000000.0, epsilon=1e-6, tied=True, qk_norm=True, window=16,
            window_period=2, rope_linear=8.0, rope_base_local=5000.0),
]
