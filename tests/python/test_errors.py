# SPDX-License-Identifier: Apache-2.0
"""Errors are exceptions of hob's and builtin ones, with code, message and hint."""

import pickle

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        hob.Model(tmp_path / "none.gguf")
    error = caught.value
    assert isinstance(error, hob.NotFound)
    assert isinstance(error, hob.HobError)
    assert error.code is hob.Status.NOT_FOUND
    assert "none.gguf" in error.message
    assert error.message in str(error)
    assert error.errno == 2


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"not a model" * 100)
    with pytest.raises(ValueError, match=r"x\.gguf"):
        hob.Model(tmp_path / "x.gguf")
    with pytest.raises(hob.InvalidArgument):
        hob.Model.plan(tmp_path / "x.gguf")


def test_memory_limit(model_path):
    with pytest.raises(MemoryError) as caught:
        hob.Model(model_path, hob.Runtime(memory_limit=1000))
    assert isinstance(caught.value, hob.ResourceExhausted)
    assert any(digit.isdigit() for digit in caught.value.message)


def test_options_by_their_names(model, model_path):
    with pytest.raises(TypeError, match="tempo"):
        model.session(tempo=3)
    with pytest.raises(TypeError, match="max_token;"):
        model.chat("hello", max_token=3)
    with pytest.raises(TypeError, match="thread"):
        hob.Model(model_path, thread=3)
    with pytest.raises(ValueError, match="temperature"):
        model.session(sampler=hob.Sampler(temperature=-1))
    with pytest.raises(OverflowError):
        model.session(context_tokens=1 << 40)


def test_longer_than_the_context(model):
    with model.session(context_tokens=16) as session, pytest.raises(hob.OutOfRange) as caught:
        session.add_tokens([1] * 17)
    assert "16" in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_text_that_is_not_unicode(model):
    with pytest.raises(ValueError, match="UTF-8"):
        model.tokenize("a\udcff")
    with pytest.raises(UnicodeEncodeError):
        model.tokenize("a\ud800")


def test_every_code_has_a_class():
    from hob._library import ffi
    from hob.errors import make_error

    for status in hob.Status:
        error = make_error(status, ffi.NULL)
        assert error.message == status.name
        if status not in (hob.Status.OK, hob.Status.UNKNOWN):
            assert error.code is status
            assert type(error) is not hob.HobError
    assert type(make_error(99, ffi.NULL)) is hob.HobError


@pytest.mark.parametrize("kind", [hob.HobError, *hob.HobError.__subclasses__()])
def test_they_travel_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("what", "do this")))
    assert (type(error), error.message, error.hint, str(error)) == (kind, "what", "do this", "what (do this)")


def test_handles_do_not_travel(model, session):
    for handle in (model, session, model.runtime):
        with pytest.raises(TypeError, match="make one in each"):
            pickle.dumps(handle)
