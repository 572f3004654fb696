# SPDX-License-Identifier: Apache-2.0
"""Tiny random models as GGUF files, with the logits that transformers computes from them.

    pip install -r tests/tools/requirements.txt
    python tests/tools/make_fixtures.py [--out tests/fixtures] [--only NAME]

The logits are f32 results of the weights as they stand in the written file (dequantised), so that
they judge a runtime and not a quantiser. manifest.json lists all files. Same versions and seeds
give the same models; the last bits of the logits depend on the CPU.
"""

import argparse
import importlib.metadata
import json
import pathlib
import re
import sys

import gguf
import numpy as np
import torch
import transformers
from gguf.quants import dequantize

import kquants
from fixture_variants import VARIANTS
from reference_model import build_reference, int8_activations

PERMUTED = ("llama",)  # architectures whose q and k rows GGUF stores for interleaved rope


def tensor_shapes(v):
    """GGUF tensors of a variant: name → (shape, gain)."""
    q, kv = v.heads * v.head_dim, v.kv_heads * v.head_dim
    shapes = {"token_embd.weight": ((v.vocab, v.width), None)}
    for i in range(v.layers):
        p = f"blk.{i}."
        shapes |= {
            p + "attn_norm.weight": ((v.width,), None),
            p + "attn_q.weight": ((q, v.width), 1.6),
            p + "attn_k.weight": ((kv, v.width), 1.6),
            p + "attn_v.weight": ((kv, v.width), 1.2),
            p + "attn_output.weight": ((v.width, q), 1.2),
            p + "ffn_norm.weight": ((v.width,), None),
            p + "ffn_gate.weight": ((v.ffn, v.width), 1.2),
            p + "ffn_up.weight": ((v.ffn, v.width), 1.2),
            p + "ffn_down.weight": ((v.width, v.ffn), 1.2),
        }
        if v.qkv_bias:
            shapes |= {p + "attn_q.bias": ((q,), None), p + "attn_k.bias": ((kv,), None),
                       p + "attn_v.bias": ((kv,), None)}
        if v.family == "gemma3":
            shapes |= {p + "post_attention_norm.weight": ((v.width,), None),
                       p + "post_ffw_norm.weight": ((v.width,), None)}
        if v.qk_norm:
            shapes |= {p + "attn_q_norm.weight": ((v.head_dim,), None),
                       p + "attn_k_norm.weight": ((v.head_dim,), None)}
    shapes["output_norm.weight"] = ((v.width,), None)
    if not v.tied:
        shapes["output.weight"] = ((v.vocab, v.width), 3.0)
    return shapes


def random_tensor(name, shape, gain, rng):
    if name.endswith("norm.weight"):
        return (1 + 0.25 * rng.standard_normal(shape)).astype(np.float32)
    if name.endswith(".bias"):
        return (0.5 * rng.standard_normal(shape)).astype(np.float32)
    # Groups of 32 differ in size, so that a wrong scale is seen.
    size = np.exp(0.5 * rng.standard_normal((shape[0], shape[1] // 32)))
    size *= np.exp(-0.25)  # mean square 1
    weight = rng.standard_normal(shape) * np.repeat(size, 32, axis=1)
    scale = 0.35 if gain is None else gain / np.sqrt(shape[1])
    return (scale * weight).astype(np.float32)


def type_of(variant, name):
    """The type of a matrix: the first rule of the variant's mixture whose pattern occurs in it."""
    for pattern, kind in variant.types:
        if pattern in name:
            return kind
    raise ValueError(f"{variant.name}: no type for {name}")


def encode(weight, kind):
    """(array to write, GGUF type)."""
    t = gguf.GGMLQuantizationType[kind]
    if kind == "F32":
        return weight, t
    if kind == "F16":
        return weight.astype(np.float16), t
    if kind in kquants.QUANTIZERS:
        return kquants.quantize(weight, kind), t
    return gguf.quants.quantize(weight, t), t


def write_metadata(writer, v):
    writer.add_name(f"hob fixture {v.name}")
    writer.add_context_length(v.context)
    writer.add_embedding_length(v.width)
    writer.add_block_count(v.layers)
    writer.add_feed_forward_length(v.ffn)
    writer.add_head_count(v.heads)
    writer.add_layer_norm_rms_eps(v.epsilon)
    if not v.sparse_metadata:  # otherwise the defaults of the format must do
        writer.add_vocab_size(v.vocab)
        writer.add_head_count_kv(v.kv_heads)
        writer.add_rope_dimension_count(v.head_dim)
        writer.add_rope_freq_base(v.rope_base)
    if v.explicit_head_dim:
        writer.add_key_length(v.head_dim)
        writer.add_value_length(v.head_dim)
    if v.window:
        writer.add_sliding_window(v.window)
    if v.window_period:
        writer.add_sliding_window_pattern(v.window_period)
    if v.rope_base_local != 10000.0:
        writer.add_rope_freq_base_swa(v.rope_base_local)
    if v.rope_linear:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(v.rope_linear)
    if v.rope_yarn:
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(v.rope_yarn["factor"])
        writer.add_rope_scaling_orig_ctx_len(v.rope_yarn["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(v.rope_yarn["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(v.rope_yarn["beta_slow"])
        writer.add_rope_scaling_yarn_attn_factor(v.rope_yarn["attention_factor"])
    t = v.vocabulary
    writer.add_tokenizer_model(t.model)
    writer.add_tokenizer_pre(t.pre)
    writer.add_token_list(t.tokens)
    if t.scores:
        writer.add_token_scores(t.scores)
    writer.add_token_types(t.types)
    if t.merges:
        writer.add_token_merges(t.merges)
    writer.add_bos_token_id(t.bos)
    writer.add_eos_token_id(t.eos)
    if t.eot >= 0:
        writer.add_eot_token_id(t.eot)
    if t.unknown >= 0:
        writer.add_unk_token_id(t.unknown)
    if t.padding >= 0:
        writer.add_pad_token_id(t.padding)
    writer.add_add_bos_token(t.add_bos)
    if t.add_space_prefix is not None:
        writer.add_add_space_prefix(t.add_space_prefix)
    writer.add_chat_template(t.template)


def permute_rope(weight, heads):
    """Rows of halves (i, i + d/2) become neighbours (2i, 2i+1), as llama-arch files have them."""
    rows = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(rows.swapaxes(1, 2)).reshape(weight.shape)


def unpermute_rope(weight, heads):
    rows = weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:])
    return np.ascontiguousarray(rows.swapaxes(1, 2)).reshape(weight.shape)


def heads_of(v, name):
    return {"attn_q.weight": v.heads, "attn_k.weight": v.kv_heads}.get(name.split(".", 2)[-1])


def write_gguf(v, path):
    rng = np.random.default_rng(v.seed)
    writer = gguf.GGUFWriter(path, v.architecture)
    write_metadata(writer, v)
    for name, (shape, gain) in tensor_shapes(v).items():
        weight = random_tensor(name, shape, gain, rng)
        if v.architecture in PERMUTED and heads_of(v, name):
            weight = permute_rope(weight, heads_of(v, name))
        kind = "F32" if weight.ndim == 1 else type_of(v, name)
        data, kind = encode(weight, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        if name == "token_embd.weight" and v.rope_llama3:
            writer.add_tensor("rope_freqs.weight", rope_factors(v))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def rope_factors(v):
    """Llama 3.1's frequency divisors, as convert_hf_to_gguf writes them into rope_freqs.weight."""
    s = v.rope_llama3
    original = s["original_max_position_embeddings"]
    low, high = original / s["low_freq_factor"], original / s["high_freq_factor"]
    factors = []
    for i in range(0, v.head_dim, 2):
        wavelength = 2 * np.pi * v.rope_base ** (i / v.head_dim)
        if wavelength < high:
            factors.append(1.0)
        elif wavelength > low:
            factors.append(s["factor"])
        else:
            smooth = (original / wavelength - s["low_freq_factor"]) / (
                s["high_freq_factor"] - s["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / s["factor"] + smooth))
    return np.array(factors, np.float32)


def read_weights(v, path):
    """Tensors of the file as f32, with q and k as transformers orders them; and the types seen."""
    weights, types = {}, set()
    for tensor in gguf.GGUFReader(path).tensors:
        types.add(tensor.tensor_type.name)
        values = np.array(dequantize(tensor.data, tensor.tensor_type), np.float32)
        if v.architecture in PERMUTED and heads_of(v, tensor.name):
            values = unpermute_rope(values, heads_of(v, tensor.name))
        weights[tensor.name] = values
    return weights, types


def rms(values):
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def make(v, out):
    path = out / f"{v.name}.gguf"
    write_gguf(v, path)
    weights, types = read_weights(v, path)
    tokens = np.random.default_rng(v.seed + 1).integers(0, v.vocab, v.positions)
    ids = torch.tensor(tokens)[None]
    model = build_reference(v, weights)
    with torch.inference_mode():
        logits = model(ids).logits[0].numpy()
        rough = int8_activations(model)(ids).logits[0].numpy()
        exact = build_reference(v, weights).double()(ids).logits[0].numpy()
    assert logits.dtype == np.float32 and logits.shape == (v.positions, v.vocab)
    np.save(out / f"{v.name}.logits.npy", logits)
    top = np.sort(logits, axis=1)
    scale = float(np.abs(logits).max())
    expected = rms(rough - logits) / rms(logits)
    return {
        "name": v.name,
        "file": path.name,
        "logits": f"{v.name}.logits.npy",
        "architecture": v.architecture,
        "chat": v.vocabulary.model == "gpt2",
        "types": sorted(types),
        "vocabulary": v.vocab,
        "layers": v.layers,
        "width": v.width,
        "heads": v.heads,
        "kv_heads": v.kv_heads,
        "head_dim": v.head_dim,
        "context": v.context,
        **({"rope": ":".join(map(str, v.rope_option))} if v.rope_option else {}),
        "tokens": tokens.tolist(),
        "logits_rms": round(rms(logits), 4),
        "median_margin": round(float(np.median(top[:, -1] - top[:, -2])), 4),
        # Largest |difference| between this f32 run and one in f64.
        "f32_noise": float(f"{np.abs(logits - exact).max():.2g}"),
        # RMS of the difference over RMS of the logits when every product's input is rounded to
        # 8 bits per 32 values, as measured with transformers.
        "int8_expected": round(expected, 5),
        "tolerance": {
            "precise_abs": float(f"{3e-5 * scale:.2g}"),
            "int8_rms": float(f"{1.5 * expected:.2g}"),
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--out", type=pathlib.Path, default=here.parent / "fixtures")
    parser.add_argument("--only", nargs="+", default=[],
                        help="make these; the others' entries of the manifest stay")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    entries, old = [], {}
    if args.only:
        old = json.loads((args.out / "manifest.json").read_text())["fixtures"]
        old = {entry["name"]: entry for entry in old}
    for variant in VARIANTS:
        if args.only and variant.name not in args.only:
            entries.append(old[variant.name])
        else:
            entries.append(make(variant, args.out))
            e = entries[-1]
            size = (args.out / e["file"]).stat().st_size
            print(f"{e['name']:14} {size:7} B  rms {e['logits_rms']:<7} int8 "
                  f"{e['int8_expected']:<8} f32 noise {e['f32_noise']:<8} {' '.join(e['types'])}",
                  file=sys.stderr)
    manifest = {
        "made_by": "tests/tools/make_fixtures.py",
        "versions": {"python": ".".join(map(str, sys.version_info[:3])), "torch": torch.__version__,
                     "transformers": transformers.__version__, "numpy": np.__version__,
                     "gguf": importlib.metadata.version("gguf")},
        "fixtures": entries,
    }
    text = json.dumps(manifest, indent=1)
    text = re.sub(r"\[[^\[\]{}]*\]", lambda m: re.sub(r"\s+(?=\d|\"|\])", " ", m[0]), text)
    text = text.replace("[ ", "[").replace(" ]", "]")
    (args.out / "manifest.json").write_text(text + "\n")
    total = sum(f.stat().st_size for f in args.out.iterdir())
    print(f"{total} bytes in all", file=sys.stderr)


if __name__ == "__main__":
    main()
