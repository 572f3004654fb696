# SPDX-License-Identifier: Apache-2.0
"""Models: what they are, text and tokens, arrays without copies, conversion, the log."""

import array
import gc
import json
import logging
import threading
import weakref

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")
np = pytest.importorskip("numpy", reason="numpy is not installed")

from conftest import FIXTURES

FIXTURE = next(
    fixture
    for fixture in json.loads((FIXTURES / "manifest.json").read_text())["fixtures"]
    if fixture["file"] == "smollm-q4_1.gguf"
)


def test_what_it_is(model, model_path):
    assert model.architecture == "llama"
    assert model.path == str(model_path)
    assert model.container.startswith("GGUF")
    assert len(model.hash) == 32
    assert model.chat_template
    assert model.tokenizer_kind
    info = model.info
    assert info.vocabulary_size == FIXTURE["vocabulary"]
    assert info.has_chat_template is True
    described = model.describe()
    assert described["architecture"] == "llama"
    assert len(described["tensors"]) > 3


def test_plan_holds(model_path):
    plan = hob.Model.plan(model_path, hob.Runtime(threads=1), max_batch_rows=64)
    with hob.Model(model_path, hob.Runtime(threads=1), max_batch_rows=64) as model:
        assert model.info.weight_bytes == plan.weight_bytes
        assert model.runtime.info.bytes_in_use == plan.weight_bytes + plan.scratch_bytes
        assert plan.max_batch_rows == 64


def test_text_and_tokens(model):
    text = "Hello, wörld! 你好"
    tokens = model.tokenize(text)
    assert tokens
    assert model.detokenize(tokens) == text
    assert b"".join(model.token_bytes(token) for token in tokens) == text.encode()
    assert model.tokenize("") == []
    end = model.find_token("<|im_end|>")
    assert model.is_end_token(end)
    assert model.tokenize("<|im_end|>", parse_special=True) == [end]
    assert model.tokenize("<|im_end|>") != [end]
    assert model.detokenize([end]) == ""
    assert model.detokenize([end], show_special=True) == "<|im_end|>"
    with pytest.raises(hob.NotFound):
        model.find_token("no such token")
    with pytest.raises(ValueError, match="vocabulary"):
        model.detokenize([10**6])


def test_tokens_as_arrays(model):
    tokens = model.tokenize("the quick brown fox")
    owned = model.tokenize_array("the quick brown fox")
    assert owned.dtype == np.int32
    assert not owned.flags.owndata  # the library's memory, kept by the array's base
    part = owned[1:]
    del owned
    gc.collect()
    assert part.tolist() == tokens[1:]
    assert model.tokenize_array("").shape == (0,)
    for given in (
        np.array(tokens, np.int32),
        np.array(tokens, np.int64),
        np.array(tokens, np.int32)[:],
        array.array("i", tokens),
        tuple(tokens),
        iter(tokens),
    ):
        assert model.detokenize(given) == "the quick brown fox"
    assert model.detokenize(np.repeat(np.array(tokens, np.int32), 2)[::2]) == "the quick brown fox"
    for wrong in (np.ones(3, np.float32), np.ones((2, 2), np.int32), "123", ["40"], [1.5]):
        with pytest.raises(TypeError):
            model.detokenize(wrong)


def test_chat_template(model):
    text = model.render_chat([{"role": "user", "content": "hello"}])
    assert text.endswith("assistant\n")
    assert "hello" in text
    assert model.render_chat([{"role": "user", "content": "hello"}], add_generation_prompt=False) in text
    assert model.render_chat([{"role": "user", "content": ""}])


def test_logits(model):
    expected = np.load(FIXTURES / FIXTURE["logits"])
    with model.session() as session:
        logits = session.evaluate(np.array(FIXTURE["tokens"], np.int32))
        assert logits.shape == expected.shape
        rms = np.sqrt(np.mean(np.square(logits - expected, dtype=np.float64)))
        assert rms <= 1.5e-3 * np.sqrt(np.mean(np.square(expected, dtype=np.float64)))

        out = np.empty_like(expected)
        assert session.evaluate(FIXTURE["tokens"], out=out) is out
        assert np.array_equal(out, logits)
        with pytest.raises(ValueError, match="shape"):
            session.evaluate(FIXTURE["tokens"], out=np.empty((3, 3), np.float32))
        fixed = np.empty_like(expected)
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match="writable"):
            session.evaluate(FIXTURE["tokens"], out=fixed)

        seen = np.zeros_like(expected)

        def chunk(first, values):
            assert not values.flags.writeable
            assert not values.flags.owndata
            seen[first : first + len(values)] = values

        assert session.evaluate(FIXTURE["tokens"], chunk).shape[0] == 0
        assert np.array_equal(seen, logits)
        with pytest.raises(ValueError, match="not both"):
            session.evaluate(FIXTURE["tokens"], chunk, out=out)


def test_a_logits_callback_that_fails(model):
    with model.session() as session:

        def fail(first, values):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            session.evaluate(FIXTURE["tokens"], fail)
        with pytest.raises(hob.Cancelled):
            session.evaluate(FIXTURE["tokens"], lambda first, values: False)

        def reenter(first, values):
            session.reset()

        with pytest.raises(hob.FailedPrecondition):
            session.evaluate(FIXTURE["tokens"], reenter)
        assert session.evaluate(FIXTURE["tokens"]).any()


def test_conversion(model, model_path, tmp_path):
    target = tmp_path / "small.hob"
    seen = []
    hob.convert(model_path, target, progress=lambda done, total: seen.append((done, total)))
    assert seen
    assert seen[-1][0] == seen[-1][1]
    with hob.Model(target) as converted:
        options = {"max_tokens": 12, "ignore_eos": True}
        assert converted.chat("hello", **options) == model.chat("hello", **options)
    hob.convert(model_path, target, weights=hob.ConvertWeights.INT8)
    with pytest.raises(hob.Cancelled):
        hob.convert(model_path, tmp_path / "no.hob", progress=lambda done, total: False)
    assert not (tmp_path / "no.hob").exists()


def test_progress_of_opening(model_path):
    seen = []
    hob.Model(model_path, progress=lambda done, total: seen.append(done / total)).close()
    assert seen == sorted(seen)
    with pytest.raises(hob.Cancelled):
        hob.Model(model_path, progress=lambda done, total: False)

    def fail(done, total):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        hob.Model(model_path, progress=fail)


def test_what_a_callback_raises_goes_at_once(model, model_path, tmp_path):
    """Without the garbage collector, and what its traceback holds with it."""

    class Mine(Exception):
        pass

    def fail(*_):
        raise Mine

    gone = []
    gc.collect()
    gc.disable()
    try:
        with model.session() as session:
            for use in (
                lambda: hob.Model(model_path, progress=fail),
                lambda: hob.convert(model_path, tmp_path / "no.hob", progress=fail),
                lambda: session.evaluate(FIXTURE["tokens"], fail),
            ):
                try:
                    use()
                except Mine as error:
                    gone.append(weakref.ref(error))
        assert [error() for error in gone] == [None, None, None]
    finally:
        gc.enable()


@pytest.fixture
def odd_model_path(model_path, tmp_path):
    """One whose chat template hob cannot read, of which it warns."""
    data = model_path.read_bytes()
    assert data.count(b"{% for ") == 1
    (tmp_path / "odd.gguf").write_bytes(data.replace(b"{% for ", b"{% fir "))
    return tmp_path / "odd.gguf"


def test_log(odd_model_path, caplog):
    before = set(hob.runtime._loggers)
    with hob.Runtime() as runtime:
        hob.Model(odd_model_path, runtime).close()
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("hob", "WARNING")
    assert "odd.gguf" in record.getMessage()
    caplog.clear()
    with hob.Runtime(logger=logging.getLogger("test.own")) as runtime:
        model = hob.Model(odd_model_path, runtime)
        runtime.close()
        model.close()
        del model
    assert [record.name for record in caplog.records] == ["test.own"]
    caplog.clear()
    for options in ({"logger": False}, {"log_level": logging.ERROR}):
        with hob.Runtime(**options) as runtime:
            hob.Model(odd_model_path, runtime).close()
    with caplog.at_level(logging.ERROR, "hob"), hob.Runtime() as runtime:
        hob.Model(odd_model_path, runtime).close()
    assert not caplog.records
    del runtime
    gc.collect()
    assert set(hob.runtime._loggers) <= before


@pytest.mark.filterwarnings("error")
def test_a_log_handler_that_fails(odd_model_path, capfd):
    class Broken(logging.Logger):
        def log(self, *args, **kwargs):
            raise ValueError("broken")

    with hob.Runtime(logger=Broken("broken"), log_level=logging.DEBUG) as runtime:
        hob.Model(odd_model_path, runtime).close()
    assert capfd.readouterr() == ("", "")


def test_closing_in_any_order(model_path):
    runtime = hob.Runtime(threads=1)
    model = hob.Model(model_path, runtime)
    session = model.session()
    runtime.close()
    model.close()
    model.close()
    assert model.closed
    assert session.generate("hello", max_tokens=3).generated_tokens == 3
    session.close()
    for use in (
        lambda: session.reply,
        lambda: session("x"),
        lambda: model.name,
        lambda: model.session(),
        lambda: runtime.info,
        session.fork,
        lambda: session.stream("x"),
        model.__enter__,
    ):
        with pytest.raises(hob.FailedPrecondition, match="closed"):
            use()
    session.cancel()


def test_memory_goes_with_the_last_handle(model_path):
    runtime = hob.Runtime(threads=1)
    for _ in range(3):
        with hob.Model(model_path, runtime, shared_cache_tokens=-1) as model, model.session() as session:
            session.generate("hello", max_tokens=3)
            try:
                session.evaluate([])
            except ValueError as error:
                kept = error  # a traceback keeps no handle
        del model, session
        assert runtime.info.bytes_in_use == 0
    assert kept


def test_a_model_from_many_threads(model):
    expected = model.chat("hello", max_tokens=16, ignore_eos=True)
    answers = []

    def ask():
        answers.append(model.chat("hello", max_tokens=16, ignore_eos=True))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 8
