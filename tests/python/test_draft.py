# SPDX-License-Identifier: Apache-2.0
"""Draft models and cache types of single sessions."""

import gc
import threading

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")

from conftest import FIXTURES

LIMIT = {"max_tokens": 48, "ignore_eos": True}


@pytest.fixture
def draft(model_path, runtime):
    """Of the same vocabulary; it guesses mostly right what the model chooses, but not always."""
    with hob.Model(model_path, runtime, activations=hob.Activations.INT8) as draft:
        yield draft


@pytest.fixture(scope="module")
def expected(model):
    return model.chat("hello", **LIMIT)


def test_a_draft_model_changes_no_answer(model, draft, expected):
    for tokens in (0, 3, 15):
        with model.session(draft=draft, draft_tokens=tokens) as session:
            assert session("hello", **LIMIT) == expected
            stats = session.stats
            # Left to itself it guesses where that pays.
            assert stats.right_tokens > 0 or not tokens
            assert stats.right_tokens <= stats.guessed_tokens
    with model.session(draft=None) as session:
        assert session("hello", **LIMIT) == expected
        assert session.stats.guessed_tokens == session.stats.right_tokens == 0


def test_it_lives_as_long_as_sessions_need_it(model_path, expected):
    runtime = hob.Runtime(threads=1)
    model = hob.Model(model_path, runtime, shared_cache_tokens=-1)
    draft = hob.Model(model_path, runtime, activations=hob.Activations.INT8, shared_cache_tokens=-1)
    alone = hob.Model.plan(model_path, runtime, shared_cache_tokens=-1)
    session = model.session(draft=draft, draft_tokens=3)
    stream = session.stream("hello", **LIMIT)
    draft.close()
    del draft
    gc.collect()
    assert "".join(stream) == expected
    assert session.stats.guessed_tokens > 0
    fork = session.fork()
    session.close()
    del session, stream
    assert fork("and then?", **LIMIT)
    assert fork.stats.guessed_tokens > 0
    fork.close()
    del fork
    # It goes with the last session.
    assert runtime.info.bytes_in_use == alone.weight_bytes + alone.scratch_bytes
    model.close()
    del model
    assert runtime.info.bytes_in_use == 0


def test_what_cannot_be_one(model, model_path, runtime):
    with pytest.raises(hob.InvalidArgument, match="own model"):
        model.session(draft=model)
    with hob.Model(model_path) as stranger, pytest.raises(hob.InvalidArgument, match="runtime"):
        model.session(draft=stranger)
    with hob.Model(FIXTURES / "llama-q4_0.gguf", runtime) as other, pytest.raises(ValueError, match="vocabulary"):
        model.session(draft=other)
    with hob.Model(model_path, runtime, vocabulary_only=True) as words:
        with pytest.raises(hob.FailedPrecondition, match="vocabulary only") as caught:
            model.session(draft=words)
        assert caught.value.hint
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        model.session(draft=words)
    with pytest.raises(hob.InvalidArgument, match="16"):
        model.session(draft_tokens=16)


def test_closing_it_while_sessions_are_made(model, model_path, runtime):
    for _ in range(10):
        draft = hob.Model(model_path, runtime, activations=hob.Activations.INT8)
        made = []

        def make(draft=draft, made=made):
            try:
                made.append(model.session(draft=draft, draft_tokens=2))
            except hob.FailedPrecondition as error:
                made.append(error)

        thread = threading.Thread(target=make)
        thread.start()
        draft.close()
        thread.join()
        if isinstance(made[0], hob.Session):
            assert made[0].generate("hello", max_tokens=4, ignore_eos=True).generated_tokens == 4
            made[0].close()


def test_cache_types(model, model_path, runtime):
    def bytes_of(kv_type):
        with model.session(kv_type=kv_type) as session:
            session("hello", **LIMIT)
            return session.stats.cache_bytes

    sizes = {kv_type: bytes_of(kv_type) for kv_type in hob.KvType}
    assert sizes[hob.KvType.INT8] < sizes[hob.KvType.F16] < sizes[hob.KvType.F32]
    assert sizes[hob.KvType.MODEL] == sizes[hob.KvType.F16]
    with hob.Model(model_path, runtime, kv_type=hob.KvType.INT8) as small, small.session() as session:
        session("hello", **LIMIT)
        assert session.stats.cache_bytes == sizes[hob.KvType.INT8]
        answer = session.reply
    with model.session(kv_type=hob.KvType.INT8) as session:
        assert session("hello", **LIMIT) == answer
    with pytest.raises(hob.InvalidArgument):
        model.session(kv_type=7)
