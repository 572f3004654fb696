# SPDX-License-Identifier: Apache-2.0
"""Sessions: answers, streams, cancelling, forks, saving."""

import asyncio
import gc
import math
import os
import signal
import threading
import time

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")

LIMIT = {"max_tokens": 24, "ignore_eos": True}
LONG = {"max_tokens": 4000, "ignore_eos": True}


@pytest.fixture
def rolling(model):
    """One that can answer without end."""
    with model.session(context_tokens=64, roll=True) as session:
        yield session


def test_one_answer_in_every_way(model):
    def texts():
        with model.session() as session:
            yield session("hello", **LIMIT)
        with model.session() as session:
            yield session.generate("hello", **LIMIT).text
        with model.session() as session:
            yield "".join(session.stream("hello", **LIMIT))
        with model.session() as session:
            session.add("user", "hello")
            yield str(session.generate(**LIMIT))
        with model.session() as session:
            yield asyncio.run(session.agenerate("hello", **LIMIT)).text
        with model.session() as session:

            async def collect():
                return "".join([piece async for piece in session.stream("hello", **LIMIT)])

            yield asyncio.run(collect())
        yield model.chat("hello", **LIMIT)
        yield model.chat([{"role": "user", "content": "hello"}], **LIMIT)

    first, *others = texts()
    assert first
    assert others == [first] * len(others)


def test_result_stats_and_messages(session):
    with session.stream("hello", **LIMIT) as stream:
        assert stream.token is None
        pieces, completed = [], []
        for piece in stream:
            pieces.append(piece)
            completed.append(stream.token)
    result = stream.result
    assert all(pieces)
    assert result.text == "".join(pieces) == session.reply
    assert result.finish_reason is hob.FinishReason.LENGTH
    assert result.generated_tokens == 24
    assert result.stop_index == -1
    assert session.stats.generated_tokens == 24
    assert session.stats.decode_ns > 0
    assert session.messages == [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": result.text},
    ]
    assert session.message_count == 2
    assert len(session.tokens) == result.prompt_tokens + 24
    # Each piece names the token that completed it; what was held back until the end has none.
    chosen, known = iter(session.tokens[-24:]), [token for token in completed if token is not None]
    assert known
    assert all(token in chosen for token in known)
    session.keep_messages(0)
    assert session.messages == []


def test_system_and_sampler(model):
    options = {"sampler": hob.Sampler(temperature=1.5, seed=7), "system": "Be brief."}
    with model.session(**options) as one, model.session(**options) as two:
        assert one.messages[0] == {"role": "system", "content": "Be brief."}
        answer = one("hello", **LIMIT)
        assert two("hello", **LIMIT) == answer
        two.reset()
        assert two.message_count == 0
        two.set_sampler(hob.Sampler(temperature=1.5, seed=8))
        two.add("system", "Be brief.")
        assert two("hello", **LIMIT) != answer


def test_raw_text(model):
    text = model.complete("Once upon a time", **LIMIT)
    with model.session() as session:
        session.add_tokens(model.tokenize("Once upon a time", add_special=True))
        assert session.generate(**LIMIT).text == text
        with pytest.raises(hob.FailedPrecondition):
            session.stream("a message in raw text")


def test_stops(model):
    whole = model.complete("Once", **LIMIT)
    stop = whole[4:6]
    for given in (stop, ["never in there", stop]):
        with model.session() as session:
            session.add_text("Once", add_special=True)
            result = session.generate(**LIMIT, stop=given)
        assert result.finish_reason is hob.FinishReason.STOP
        assert result.stop_index == (0 if given == stop else 1)
        assert result.text == whole[: whole.index(stop)]


def test_time(rolling):
    result = rolling.generate("hello", ignore_eos=True, max_time=0.05)
    assert result.finish_reason is hob.FinishReason.TIME
    assert rolling.generate("again", ignore_eos=True, max_time=0).finish_reason is hob.FinishReason.TIME
    assert rolling.generate("again", **LIMIT, max_time=math.inf).finish_reason is hob.FinishReason.LENGTH
    with pytest.raises(ValueError, match="NaN"):
        rolling.generate("again", **LIMIT, max_time=math.nan)


def test_leaving_a_loop_cancels(rolling):
    for piece in rolling.stream("hello", **LONG):
        first = piece
        break
    gc.collect()  # where references are not counted at once
    assert rolling.messages[1]["content"].startswith(first)
    assert rolling.generate("again", **LIMIT).generated_tokens == 24


def test_closing_a_stream(rolling):
    stream = rolling.stream("hello", **LONG)
    next(stream)
    with pytest.raises(hob.FailedPrecondition):
        rolling.add("user", "now?")
    stream.close()
    stream.close()
    assert list(stream) == []
    assert stream.result.finish_reason is hob.FinishReason.CANCELLED
    with rolling.stream("hello", **LONG) as other:
        next(other)
    assert other.result.finish_reason is hob.FinishReason.CANCELLED


def test_an_answer_that_does_not_begin_leaves_no_prompt(model):
    with model.session(context_tokens=64) as session:
        session("hello", max_tokens=4)
        before = session.messages
        with pytest.raises(hob.OutOfRange):
            session.generate("far too long " * 100)
        assert session.messages == before
        session.stream("hello again").close()
        assert session.messages == before or session.message_count == 4


def test_cancelling_from_another_thread(rolling):
    timer = threading.Timer(0.2, rolling.cancel)
    timer.start()
    result = rolling.generate("hello", ignore_eos=True)
    timer.join()
    assert result.finish_reason is hob.FinishReason.CANCELLED
    assert rolling.message_count == 2


def test_closing_from_another_thread(model):
    session = model.session(context_tokens=64, roll=True)
    timer = threading.Timer(0.2, session.close)
    timer.start()
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        for _ in session.stream("hello", ignore_eos=True):
            pass
    timer.join()


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_keyboard_interrupt(rolling):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        rolling.generate("hello", ignore_eos=True)
    timer.join()
    assert time.monotonic() - begin < 5
    assert rolling.message_count == 2
    assert rolling.generate("again", **LIMIT).generated_tokens == 24


def test_the_interpreter_runs_meanwhile(rolling):
    done = threading.Event()
    counted = 0

    def count():
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    rolling.generate("hello", ignore_eos=True, max_time=0.3)
    done.set()
    thread.join()
    assert counted > 20


def test_many_streams_of_one_loop(model):
    expected = model.chat("hello", **LIMIT)

    async def ask():
        with model.session() as session:
            return (await session.agenerate("hello", **LIMIT)).text

    async def all_of_them():
        return await asyncio.gather(*(ask() for _ in range(12)))

    assert asyncio.run(all_of_them()) == [expected] * 12


def test_the_loop_runs_meanwhile(rolling):
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.002)

        ticking = asyncio.create_task(tick())
        result = await rolling.agenerate("hello", ignore_eos=True, max_time=0.4)
        ticking.cancel()
        return ticks, result

    ticks, result = asyncio.run(main())
    assert result.finish_reason is hob.FinishReason.TIME
    assert ticks > 3  # a loop that was held up would have come round once or twice


def test_cancelling_a_task(rolling):
    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(rolling.agenerate("hello", ignore_eos=True), 0.2)
        assert rolling.message_count == 2
        result = await rolling.agenerate("again", **LIMIT)
        assert result.generated_tokens == 24
        async with rolling.stream("more", **LONG) as stream:
            async for _ in stream:
                break
        assert stream.result.finish_reason is hob.FinishReason.CANCELLED

    asyncio.run(main())


def test_forks(session):
    session("hello", **LIMIT)
    with session.fork() as other:
        assert other.messages == session.messages
        assert other("and then?", **LIMIT) == session("and then?", **LIMIT)
        assert other.model is session.model


@pytest.mark.parametrize("way", ["file", "memory"])
def test_saving(model, tmp_path, way):
    with model.session(sampler=hob.Sampler(temperature=1, seed=3)) as session, model.session() as other:
        session("hello", **LIMIT)
        if way == "file":
            session.save(tmp_path / "kept")
            other.restore(tmp_path / "kept")
        else:
            saved = session.save_buffer()
            assert len(saved) > 100
            other.restore_buffer(bytes(saved))
            other.restore_buffer(saved)
        assert other.messages == session.messages
        assert other("and then?", **LIMIT) == session("and then?", **LIMIT)
        with pytest.raises(hob.HobError):
            other.restore_buffer(b"nothing of the kind")
        with pytest.raises(FileNotFoundError):
            other.restore(tmp_path / "none")


def test_plain_callables(model):
    """What LangChain's RunnableLambda and its like take: text in, text out."""

    def apply(function, text, **options):
        return function(text, **options)

    with model.session() as session:
        for function in (session, model.complete, model.chat):
            assert isinstance(apply(function, "hello", max_tokens=4), str)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_fork(session):
    session("hello", **LIMIT)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            session.generate("again")
        except hob.FailedPrecondition:
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_logprobs(session):
    stream = session.stream("hello", logprobs=True, top_logprobs=3, **LIMIT)
    text = "".join(stream)
    told = stream.logprobs
    assert len(told) == stream.result.generated_tokens == LIMIT["max_tokens"]
    assert session.model.detokenize([each.token for each in told]) == text
    for each in told:
        assert each.logprob < 0
        assert len(each.likeliest) == 3
        assert each.likeliest[0] == (each.token, each.logprob)  # greedy
        assert sum(math.exp(logprob) for _, logprob in each.likeliest) <= 1
    assert session.stream("again", **LIMIT).logprobs == []
    with session.model.session() as other, pytest.raises(hob.InvalidArgument, match="top_logprobs"):
        other.generate("hello", top_logprobs=3)
