# SPDX-License-Identifier: Apache-2.0
"""Writes tests/format/data/dequantize.gguf: for each block format a tensor `<type>` of random blocks
and a tensor `<type>.values` with what gguf-py's own dequantisation makes of it (f32).

    pip install gguf==0.19.0
    python tests/tools/make_dequantize_fixture.py
"""

from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, quants

TYPES = ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K")
HALVES = {  # byte offsets of the f16 scales in a block
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
}
COLUMNS = 512
ROWS = 2


def random_blocks(name: str, rng: np.random.Generator) -> np.ndarray:
    """Any bit pattern, except that scales are finite (of either sign, some subnormal)."""
    kind = GGMLQuantizationType[name]
    elements, size = GGML_QUANT_SIZES[kind]
    if name in ("F16", "BF16"):
        values = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32)
        return quants.quantize(values, kind).view(np.uint8).reshape(ROWS, -1)
    blocks = rng.integers(0, 256, size=(ROWS * COLUMNS // elements, size), dtype=np.uint8)
    for offset in HALVES[name]:
        scale = (rng.normal(size=len(blocks)) * 10.0 ** rng.integers(-7, 1, len(blocks)))
        blocks[:, offset:offset + 2] = scale.astype(np.float16).view(np.uint8).reshape(-1, 2)
    return blocks.reshape(ROWS, -1)


def main() -> None:
    rng = np.random.default_rng(20241108)
    path = Path(__file__).resolve().parent.parent / "format" / "data" / "dequantize.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, "test")
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        blocks = random_blocks(name, rng)
        values = quants.dequantize(blocks, kind).astype(np.float32).reshape(ROWS, COLUMNS)
        writer.add_tensor(name, blocks, raw_dtype=kind)
        writer.add_tensor(f"{name}.values", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
