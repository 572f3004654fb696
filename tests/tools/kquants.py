# SPDX-License-Identifier: Apache-2.0
"""Q4_K, Q5_K and Q6_K blocks: the `gguf` package only reads them. A plain quantiser: each
sub-block by its own range, no search. What the blocks mean is read back with gguf's dequantiser."""

import numpy as np

BLOCK = 256


def _halves(values):
    return values.astype(np.float16).reshape(-1, 1).view(np.uint8)


def _inverse(values):
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)


def _pack_scales(scale, low):
    """Eight 6-bit scales and eight 6-bit mins in 12 bytes."""
    scale, low = scale.astype(np.uint8), low.astype(np.uint8)
    packed = np.zeros((len(scale), 12), np.uint8)
    packed[:, 0:4] = scale[:, :4] | (scale[:, 4:] >> 4 << 6)
    packed[:, 4:8] = low[:, :4] | (low[:, 4:] >> 4 << 6)
    packed[:, 8:12] = (scale[:, 4:] & 15) | ((low[:, 4:] & 15) << 4)
    return packed


def _ranges(blocks, levels):
    """w = d·scale·q − dmin·min over sub-blocks of 32, q in 0 … levels."""
    parts = blocks.reshape(-1, 8, 32)
    low = np.maximum(-parts.min(-1), 0)
    scale = (parts.max(-1) + low) / levels
    d = (scale.max(-1) / 63).astype(np.float16)
    dmin = (low.max(-1) / 63).astype(np.float16)
    d32, dmin32 = d.astype(np.float32)[:, None], dmin.astype(np.float32)[:, None]
    scale = np.clip(np.rint(scale * _inverse(d32)), 0, 63)
    low = np.clip(np.rint(low * _inverse(dmin32)), 0, 63)
    q = np.rint((parts + (dmin32 * low)[..., None]) * _inverse(d32 * scale)[..., None])
    q = np.clip(q, 0, levels).astype(np.uint8)
    return d, dmin, _pack_scales(scale, low), q


def _nibbles(q):
    """Pairs of sub-blocks share 32 bytes: the even one the low nibble, the odd one the high."""
    q = (q & 15).reshape(-1, 4, 2, 32)
    return (q[:, :, 0] | (q[:, :, 1] << 4)).reshape(-1, 128)


def quantize_q4_k(blocks):
    d, dmin, scales, q = _ranges(blocks, 15)
    return np.concatenate([_halves(d), _halves(dmin), scales, _nibbles(q)], axis=1)


def quantize_q5_k(blocks):
    d, dmin, scales, q = _ranges(blocks, 31)
    high = np.zeros((len(q), 32), np.uint8)
    for part in range(8):
        high |= (q[:, part] >> 4) << part
    return np.concatenate([_halves(d), _halves(dmin), scales, high, _nibbles(q)], axis=1)


def quantize_q6_k(blocks):
    parts = blocks.reshape(-1, 16, 16)
    scale = np.abs(parts).max(-1) / 31
    # Signed scales: the sign of each sub-block's first weight, so that both signs occur.
    scale *= np.where(parts[:, :, 0] < 0, -1, 1)
    d = (np.abs(scale).max(-1) / 127).astype(np.float16)
    d32 = d.astype(np.float32)[:, None]
    scale = np.clip(np.rint(scale * _inverse(d32)), -128, 127)
    q = np.rint(parts * _inverse(d32 * scale)[..., None])
    q = (np.clip(q, -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = (q[:, :, 0:2] & 15) | ((q[:, :, 2:4] & 15) << 4)
    high = np.zeros((len(q), 2, 32), np.uint8)
    for part in range(4):
        high |= (q[:, :, part] >> 4) << (2 * part)
    return np.concatenate(
        [low.reshape(-1, 128), high.reshape(-1, 64), scale.astype(np.int8).view(np.uint8),
         _halves(d)], axis=1)


QUANTIZERS = {"Q4_K": quantize_q4_k, "Q5_K": quantize_q5_k, "Q6_K": quantize_q6_k}


def quantize(weight, kind):
    """Bytes of `weight` [rows, columns] as [rows, bytes]."""
    assert weight.shape[-1] % BLOCK == 0
    blocks = weight.reshape(-1, BLOCK).astype(np.float32)
    return np.ascontiguousarray(QUANTIZERS[kind](blocks)).reshape(weight.shape[0], -1)
