# SPDX-License-Identifier: Apache-2.0
"""hob.Embedder with the real encoder (HOB_EMBED_MODEL); the rest is tested in C++."""

import os
import threading

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
hob = pytest.importorskip("hob", reason="hob cannot be imported")

FOLDER = os.environ.get("HOB_EMBED_MODEL", "")
needs_model = pytest.mark.skipif(not os.path.isdir(FOLDER), reason="HOB_EMBED_MODEL names no folder")


@pytest.fixture(scope="module")
def encoder(runtime):
    with hob.Model(FOLDER, runtime) as model:
        yield model


@needs_model
def test_vectors(encoder):
    with hob.Embedder(encoder) as embedder:
        assert embedder.info == hob.EmbedderInfo(
            dimension=384, max_tokens=256, pooling=hob.Pooling.MEAN, normalized=True
        )
        texts = ["Paris is the capital of France.", "Bananas are rich in potassium.", ""]
        rows = embedder.embed(texts)
        assert rows.shape == (3, 384)
        assert rows.dtype == np.float32
        one = embedder.embed(texts[0])
        assert one.shape == (embedder.dimension,)
        assert (one == rows[0]).all()
        out = np.empty((3, 384), np.float32)
        assert embedder.embed(iter(texts), out=out) is out
        assert (out == rows).all()
        cosines = rows @ embedder.embed("Which city is the seat of the French government?")
        assert cosines.argmax() == 0
        assert embedder.embed([]).shape == (0, 384)
        assert embedder.count_tokens(texts[0]) == 9
    with pytest.raises(hob.FailedPrecondition):
        embedder.embed("closed")


@needs_model
def test_options(encoder):
    raw = hob.Embedder(encoder, pooling=hob.Pooling.CLS, normalization=hob.Normalization.OFF, max_tokens=8)
    assert raw.info.pooling is hob.Pooling.CLS
    assert raw.info.max_tokens == 8
    assert not raw.info.normalized
    assert abs(np.linalg.norm(raw.embed("hello")) - 1) > 0.1
    strict = hob.Embedder(encoder, max_tokens=8, refuse_longer=True)
    with pytest.raises(hob.OutOfRange, match="text 1"):
        strict.embed(["short", "a text of more tokens than eight, which is refused"])
    with pytest.raises(hob.InvalidArgument, match="max_tokens"):
        hob.Embedder(encoder, max_tokens=10_000)
    with pytest.raises(ValueError, match="out is to be"):
        strict.embed(["short"], out=np.empty((2, 384), np.float32))


@needs_model
def test_threads_share_an_embedder(encoder):
    embedder = hob.Embedder(encoder)
    expected, found = embedder.embed("the same"), []
    threads = [threading.Thread(target=lambda: found.append(embedder.embed("the same"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all((row == expected).all() for row in found)


@needs_model
def test_encoders_do_not_generate(encoder):
    with pytest.raises(hob.FailedPrecondition, match="is an encoder"):
        encoder.session()


def test_decoders_do_not_embed(model):
    with pytest.raises(hob.FailedPrecondition, match="is a decoder"):
        hob.Embedder(model)
