# SPDX-License-Identifier: Apache-2.0
"""The quantised matrix product over numpy's arrays, without copies."""

import tracemalloc

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")
np = pytest.importorskip("numpy", reason="numpy is not installed")

from hob.ops import Matrix, WeightType, quantize, type_bytes

W = np.random.default_rng(1).standard_normal((48, 64)).astype(np.float32)
X = np.random.default_rng(2).standard_normal((5, 64)).astype(np.float32)
MADE = [kind for kind in WeightType if not kind.name.endswith("_K")]


def close(ours, theirs, tolerance):
    return np.sqrt(np.mean((ours - theirs) ** 2)) <= tolerance * np.sqrt(np.mean(theirs**2))


@pytest.mark.parametrize("kind", [WeightType.F32, WeightType.Q4_1, WeightType.Q8_0, WeightType.INT8])
def test_products(runtime, kind):
    with Matrix(W, kind, runtime) as matrix:
        assert matrix.shape == W.shape
        info = matrix.info
        assert (info.type, info.rows, info.columns) == (kind, *W.shape)
        assert info.provider
        rows = matrix.multiply(X)
        assert close(rows, X @ W.T, 0.1 if kind == WeightType.Q4_1 else 0.02)
        assert (rows.shape, rows.dtype) == ((5, 48), np.float32)
        # A row alone has the same bits, and @ means what numpy means by it.
        assert all(np.array_equal(matrix @ x, row) for x, row in zip(X, rows))
        assert np.array_equal(matrix @ X.T, rows.T)
        assert np.array_equal(matrix @ np.ascontiguousarray(X.T), rows.T)
        for given in (X.astype(np.float64), X.tolist(), np.repeat(X, 2, axis=1)[:, ::2]):
            assert np.array_equal(matrix.multiply(given), rows)
        out = np.full((5, 48), np.nan, np.float32)
        assert matrix.multiply(X, out=out) is out
        assert np.array_equal(out, rows)
        assert matrix.multiply(X[:0]).shape == (0, 48)


@pytest.mark.parametrize("kind", MADE)
def test_blocks(runtime, kind):
    blocks = quantize(W, kind)
    assert len(blocks) == type_bytes(kind, *W.shape)
    if kind == WeightType.F32:
        assert blocks == W.tobytes()
    try:
        whole = Matrix(W, kind, runtime, max_rows=2)
    except hob.Unimplemented:
        with pytest.raises(hob.Unimplemented):
            Matrix.from_blocks(blocks, kind, *W.shape, runtime)
        return
    for data in (blocks, bytes(blocks), np.frombuffer(blocks, np.uint8)):
        with Matrix.from_blocks(data, kind, *W.shape, runtime) as matrix:
            assert np.array_equal(matrix.multiply(X), whole.multiply(X))


def test_nothing_is_copied(runtime):
    big = np.zeros((512, 1024), np.float32)
    x, out = np.zeros((64, 1024), np.float32), np.empty((64, 512), np.float32)
    matrix = Matrix(big, WeightType.Q8_0, runtime)
    matrix.multiply(x, out=out)
    tracemalloc.start()
    try:
        matrix.multiply(x, out=out)
        matrix.multiply(x.T.T, out=out)
        Matrix(big, WeightType.Q8_0, runtime).close()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        again = matrix @ x.T
        assert again.shape == (512, 64)
        assert not again.flags.owndata
        result = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # numpy tells tracemalloc of its arrays: a copy of x would be 256 KiB, one of the matrix 2 MiB.
    assert peak < 50_000
    assert out.nbytes <= result < out.nbytes + 50_000


def test_what_is_refused(runtime):
    with pytest.raises(hob.InvalidArgument, match="column"):
        quantize(np.array([[1.0, np.nan] * 16]), WeightType.Q8_0)
    with pytest.raises(hob.HobError):
        quantize(np.zeros((1, 31)), WeightType.Q4_0)
    with pytest.raises(hob.Unimplemented):
        quantize(np.zeros((1, 256)), WeightType.Q4_K)
    with pytest.raises(ValueError, match="two dimensions"):
        Matrix(W[0], WeightType.F32, runtime)
    with pytest.raises(hob.InvalidArgument):
        Matrix.from_blocks(bytes(10), WeightType.Q8_0, 48, 64, runtime)
    with pytest.raises(hob.InvalidArgument):
        Matrix(W, WeightType.Q8_0, runtime, max_rows=70000)
    matrix = Matrix(W, WeightType.Q8_0, runtime)
    for x in (X[:, :63], X[0, 0], X[None]):
        with pytest.raises(ValueError, match="shape"):
            matrix.multiply(x)
    fixed = np.empty((5, 48), np.float32)
    fixed.flags.writeable = False
    for out in (fixed, np.empty((4, 48), np.float32), np.empty((5, 48)), np.empty((48, 5), np.float32).T):
        with pytest.raises(ValueError, match="out"):
            matrix.multiply(X, out=out)
    both = np.zeros(5 * 64 + 5 * 48, np.float32)
    with pytest.raises(ValueError, match="overlap"):
        matrix.multiply(both[: 5 * 64].reshape(5, 64), out=both[8 : 8 + 5 * 48].reshape(5, 48))
    with pytest.raises(TypeError):
        X @ matrix
    matrix.close()
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        matrix @ X[0]


def test_memory_goes_with_the_matrix():
    runtime = hob.Runtime(threads=1)
    matrix = Matrix(W, WeightType.Q8_0, runtime)
    assert runtime.info.bytes_in_use == matrix.info.weight_bytes + matrix.info.scratch_bytes
    matrix.close()
    assert runtime.info.bytes_in_use == 0
    alone = Matrix(W, WeightType.Q8_0)
    alone.runtime.close()
    assert alone.multiply(X).shape == (5, 48)
