# SPDX-License-Identifier: Apache-2.0
"""A Llama model of any shape with random weights, as a GGUF file: for measuring speed and memory.

    python3 tests/tools/make_random_llama.py model.gguf --type Q4_0

Needs numpy alone. Weights are drawn in the block format itself, a piece at a time, so a file of any
size takes seconds and little memory; seed and options determine every byte. Activations stay of
the size that a trained model's have, and logits are spread like those of a model that knows
little. The default is a Llama of 1.3 billion parameters.
"""

import argparse
import contextlib
import itertools
import os
import pathlib
import string
import struct
import sys
import zlib

import numpy as np

ALIGNMENT = 32
PIECE = 1 << 18  # blocks drawn at a time
TYPES = {"F32": 0, "Q4_0": 2, "Q4_1": 3, "Q8_0": 8}  # GGUF's numbers
BLOCK_BYTES = {"Q4_0": 18, "Q4_1": 20, "Q8_0": 34}  # of 32 weights
TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ message['content'] }}{{ eos_token }}"
    "{% else %}[INST] {{ message['content'] }} [/INST]{% endif %}"
    "{% endfor %}"
)


def tensors(o):
    """name → (rows, columns, size): weights have the standard deviation size / √columns; a norm
    has one row and no size."""
    q, kv = o.heads * o.head_dim, o.kv_heads * o.head_dim
    # What a layer adds shrinks with their number, as in GPT-2, so that the sum stays of size 1.
    added = (2 * o.layers) ** -0.5
    yield "token_embd.weight", o.vocab, o.width, o.width**0.5
    for i in range(o.layers):
        p = f"blk.{i}."
        yield p + "attn_norm.weight", 1, o.width, None
        yield p + "attn_q.weight", q, o.width, 1.0
        yield p + "attn_k.weight", kv, o.width, 1.0
        yield p + "attn_v.weight", kv, o.width, 1.0
        yield p + "attn_output.weight", o.width, q, added
        yield p + "ffn_norm.weight", 1, o.width, None
        yield p + "ffn_gate.weight", o.ffn, o.width, 1.0
        yield p + "ffn_up.weight", o.ffn, o.width, 1.0
        yield p + "ffn_down.weight", o.width, o.ffn, added
    yield "output_norm.weight", 1, o.width, None
    if not o.tied:
        yield "output.weight", o.vocab, o.width, 2.0


def type_of(name, size, o):
    if size is None:
        return "F32"
    return o.output_type if name in ("output.weight", "token_embd.weight") else o.type


def tensor_bytes(kind, rows, columns):
    return rows * columns * 4 if kind == "F32" else rows * columns // 32 * BLOCK_BYTES[kind]


def blocks(kind, count, size, rng):
    """`count` blocks of weights with mean 0 and the standard deviation `size`, as bytes."""
    # Blocks differ in size, as they do in trained models; the mean square is 1.
    spread = np.exp(0.3 * rng.standard_normal(count, np.float32) - 0.09)
    out = np.empty((count, BLOCK_BYTES[kind]), np.uint8)
    if kind == "Q8_0":
        quants = rng.integers(-127, 128, (count, 32), np.int8)
        out[:, 2:] = quants.view(np.uint8)
        out[:, :2] = half(size / 73.3 * spread)  # the deviation of −127…127
        return out
    quants = np.frombuffer(rng.bytes(count * 16), np.uint8).reshape(count, 16)
    scale = size / 4.61 * spread  # the deviation of 0…15
    if kind == "Q4_0":  # −8…7 has a mean: scales of both signs, as quantisers make them
        out[:, :2] = half(scale * rng.choice(np.array([-1, 1], np.float32), count))
    else:
        out[:, :2] = half(scale)
        out[:, 2:4] = half(-7.5 * scale)
    out[:, -16:] = quants
    return out


def half(values):
    return values.astype("<f2").view(np.uint8).reshape(-1, 2)


def write_tensor(file, name, kind, rows, columns, size, seed):
    # Of the name, so that a tensor does not depend on those before it.
    rng = np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode())]))
    if kind == "F32":
        file.write((1 + 0.1 * rng.standard_normal(columns, np.float32)).astype("<f4").tobytes())
        return
    count = rows * columns // 32
    for first in range(0, count, PIECE):
        file.write(blocks(kind, min(PIECE, count - first), size / columns**0.5, rng))


def vocabulary(count):
    """SentencePiece with byte fallback: (pieces, scores, types)."""
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    types = [2, 3, 3] + [6] * 256  # unknown, control, byte
    if count < len(pieces):
        sys.exit(f"a vocabulary has at least {len(pieces)} pieces")
    letters = "▁" + string.ascii_lowercase + string.ascii_uppercase + string.digits + ".,!?'-:;"
    words = itertools.chain.from_iterable(
        itertools.product(letters if n == 1 else letters[:27], repeat=n) for n in itertools.count(1))
    pieces += ("".join(w) for w in itertools.islice(words, count - len(pieces)))
    types += [1] * (count - len(types))
    return pieces, [0.0] * 259 + [-float(n) for n in range(1, count - 258)], types


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, value):
    """A key and its value: u32, f32, bool, string or an array of one of them (i32 for types)."""
    def packed(v):
        if isinstance(v, bool):
            return 7, struct.pack("<?", v)
        if isinstance(v, int):
            return 4, struct.pack("<I", v)
        if isinstance(v, float):
            return 6, struct.pack("<f", v)
        return 8, text(v)

    if not isinstance(value, list):
        kind, data = packed(value)
        return text(key) + struct.pack("<I", kind) + data
    kind = 5 if isinstance(value[0], int) else packed(value[0])[0]
    data = b"".join(packed(v)[1] for v in value)
    return text(key) + struct.pack("<IIQ", 9, kind, len(value)) + data


def metadata(o):
    pieces, scores, types = vocabulary(o.vocab)
    return {
        "general.architecture": "llama",
        "general.name": f"random {o.layers}x{o.width} {o.type}",
        "general.alignment": ALIGNMENT,
        "llama.context_length": o.context,
        "llama.embedding_length": o.width,
        "llama.block_count": o.layers,
        "llama.feed_forward_length": o.ffn,
        "llama.attention.head_count": o.heads,
        "llama.attention.head_count_kv": o.kv_heads,
        "llama.attention.key_length": o.head_dim,
        "llama.attention.value_length": o.head_dim,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": o.head_dim,
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": o.vocab,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": TEMPLATE,
    }


def header(plan, o):
    """Everything before the tensors' data, and the offset of each in it."""
    entries = metadata(o)
    data = [struct.pack("<4sIQQ", b"GGUF", 3, len(plan), len(entries))]
    data += (entry(key, value) for key, value in entries.items())
    offset, offsets = 0, []
    for name, kind, rows, columns, size in plan:
        shape = (columns,) if size is None else (columns, rows)  # GGUF: the fastest first
        data.append(text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape) +
                    struct.pack("<IQ", TYPES[kind], offset))
        offsets.append(offset)
        offset += padded(tensor_bytes(kind, rows, columns))
    data = b"".join(data)
    return data + bytes(padded(len(data)) - len(data)), offsets


def padded(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def write(path, o):
    """Writes the model under another name, then renames it: what is there is whole."""
    plan = [(name, type_of(name, size, o), rows, columns, size)
            for name, rows, columns, size in tensors(o)]
    start, offsets = header(plan, o)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(start)
            for (name, kind, rows, columns, size), offset in zip(plan, offsets):
                file.write(bytes(len(start) + offset - file.tell()))
                write_tensor(file, name, kind, rows, columns, size, o.seed)
            file.write(bytes(padded(file.tell()) - file.tell()))
        os.replace(partial, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)
    return sum(rows * columns for _, _, rows, columns, _ in plan)


def options(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    kinds = list(BLOCK_BYTES)
    parser.add_argument("out", type=pathlib.Path, help="the file to write")
    parser.add_argument("--type", choices=kinds, default="Q4_0", help="of the layers' matrices")
    parser.add_argument("--output-type", choices=kinds, default=None,
                        help="of embedding and output matrix (None: as the others)")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--ffn", type=int, default=5504)
    parser.add_argument("--vocab", type=int, default=32000)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--kv-heads", type=int, default=None, help="(None: as many as heads)")
    parser.add_argument("--head-dim", type=int, default=None, help="(None: width / heads)")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--tied", action="store_true", help="the embedding is the output matrix")
    parser.add_argument("--seed", type=int, default=1)
    o = parser.parse_args(arguments)
    o.output_type = o.output_type or o.type
    o.kv_heads = o.kv_heads or o.heads
    o.head_dim = o.head_dim or o.width // o.heads
    if min(o.layers, o.width, o.ffn, o.heads, o.kv_heads, o.head_dim, o.context) < 1:
        parser.error("a dimension is below 1")
    if o.heads % o.kv_heads != 0:
        parser.error("--kv-heads does not divide --heads")
    if o.width % 32 or o.ffn % 32 or o.heads * o.head_dim % 32 or o.head_dim % 2:
        parser.error("--width, --ffn and heads · head-dim must be multiples of 32, head-dim even")
    return o


def main():
    o = options()
    parameters = write(o.out, o)
    print(f"{o.out}: {parameters / 1e6:,.1f} million parameters, "
          f"{o.out.stat().st_size / 1e6:,.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
