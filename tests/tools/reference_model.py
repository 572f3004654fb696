# SPDX-License-Identifier: Apache-2.0
"""transformers models that hold the weights of a fixture."""

import copy

import torch
from transformers import (Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

FAMILIES = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "gemma3": (Gemma3TextConfig, Gemma3ForCausalLM),
}
LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
GEMMA_NAMES = LAYER_NAMES | {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def reference_name(name, family):
    """transformers' name of a GGUF tensor; None for rope_freqs, which the configuration implies."""
    if name == "rope_freqs.weight":
        return None
    stem, suffix = name.rsplit(".", 1)
    if stem.startswith("blk."):
        _, layer, part = stem.split(".")
        names = GEMMA_NAMES if family == "gemma3" else LAYER_NAMES
        return f"model.layers.{layer}.{names[part]}.{suffix}"
    return f"{NAMES[stem]}.{suffix}"


def config_of(v):
    make, _ = FAMILIES[v.family]
    rope = {"rope_type": "default", "rope_theta": v.rope_base}
    if v.rope_linear:
        rope |= {"rope_type": "linear", "factor": v.rope_linear}
    if v.rope_llama3:
        rope |= {"rope_type": "llama3"} | v.rope_llama3
    if v.rope_yarn:
        rope |= {"rope_type": "yarn"} | v.rope_yarn
    if v.rope_reference:
        rope |= v.rope_reference
    more = {}
    if v.family == "mistral":
        more["sliding_window"] = v.window or None
    if v.family == "gemma3":
        local = {"rope_type": "default", "rope_theta": v.rope_base_local}
        rope = {"full_attention": rope, "sliding_attention": local}
        more |= {"sliding_window": v.window, "query_pre_attn_scalar": v.head_dim,
                 "sliding_window_pattern": v.window_period or 6}
    return make(
        vocab_size=v.vocab, hidden_size=v.width, intermediate_size=v.ffn,
        num_hidden_layers=v.layers, num_attention_heads=v.heads,
        num_key_value_heads=v.kv_heads, head_dim=v.head_dim, rms_norm_eps=v.epsilon,
        max_position_embeddings=v.context, rope_parameters=rope,
        tie_word_embeddings=v.tied, attn_implementation="eager",
        **more,
    )


def build_reference(v, weights):
    model = FAMILIES[v.family][1](config_of(v)).eval().float()
    state = {reference_name(n, v.family): torch.from_numpy(w) for n, w in weights.items()
             if reference_name(n, v.family)}
    if v.family == "gemma3":  # whose norms multiply by 1 + weight; files hold the sum
        state |= {n: w - 1 for n, w in state.items() if n.endswith("norm.weight")}
    if v.tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True)
    return model


class RoundedInput(torch.nn.Module):
    """A linear layer whose input is rounded to 8 bits with a scale per 32 values."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        groups = x.reshape(*x.shape[:-1], -1, 32)
        scale = groups.abs().amax(-1, keepdim=True).clamp_min(1e-30) / 127
        return self.linear((torch.round(groups / scale) * scale).reshape(x.shape))


def int8_activations(model):
    model = copy.deepcopy(model)
    linear = [(parent, name, child) for parent in model.modules()
              for name, child in parent.named_children() if isinstance(child, torch.nn.Linear)]
    for parent, name, child in linear:
        setattr(parent, name, RoundedInput(child))
    return model
