# SPDX-License-Identifier: Apache-2.0
"""hob serve as the `openai` package sees it, unmodified, with the small models of tests/fixtures."""

import asyncio
import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest
from serve_process import (
    BINARY,
    FIXTURES,
    REAL,
    TINY,
    ask,
    chat,
    make_long_model,
    message,
    needs_model,
    needs_server,
    receive,
    serving,
)

openai = pytest.importorskip("openai")

ENCODER = os.environ.get("HOB_EMBED_MODEL") or os.path.join(os.path.dirname(REAL), "all-MiniLM-L6-v2")

pytestmark = needs_server


def client(server, key="none", **more):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0, timeout=60, **more)


@pytest.fixture(scope="module")
def server():
    with serving("--threads", 2) as s:
        yield s


@pytest.fixture(scope="module")
def long_model(tmp_path_factory):
    return make_long_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def api(server):
    return client(server)


def say(text="hello"):
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def create(api, server, **more):
    more = {"messages": say(), "max_tokens": 16, "temperature": 0, **more}
    return api.chat.completions.create(model=server.model, **more)


def streamed(chunks):
    """The texts by choice, their reasons to end, and the usage."""
    texts, reasons, usage = {}, {}, None
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            assert choice.index not in reasons, "a piece after the end"
            texts[choice.index] = texts.get(choice.index, "") + (choice.delta.content or "")
            if choice.finish_reason:
                reasons[choice.index] = choice.finish_reason
    return texts, reasons, usage


def test_models(api, server):
    (model,) = api.models.list().data
    assert model.id == server.model and model.owned_by == "hob"
    assert api.models.retrieve(server.model).id == server.model
    with pytest.raises(openai.NotFoundError) as error:
        api.models.retrieve("other")
    assert error.value.code == "model_not_found"


def test_chat(api, server):
    done = create(api, server)
    assert done.object == "chat.completion" and done.id.startswith("chatcmpl-")
    (choice,) = done.choices
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("length", "stop")
    usage = done.usage
    assert 0 < usage.completion_tokens <= 16 and usage.prompt_tokens > 10
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert abs(done.created - time.time()) < 60


def test_a_stream_says_the_same(api, server):
    whole = create(api, server)
    chunks = list(create(api, server, stream=True, stream_options={"include_usage": True}))
    texts, reasons, usage = streamed(chunks)
    assert texts == {0: whole.choices[0].message.content}
    assert reasons == {0: whole.choices[0].finish_reason}
    assert usage.completion_tokens == whole.usage.completion_tokens
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == [] and all(c.usage is None for c in chunks[:-1])
    assert len({c.id for c in chunks}) == 1
    # Without the option, none has usage.
    assert streamed(create(api, server, stream=True))[2] is None


def test_the_answer_is_that_of_the_command(api, server):
    """The same prompt and options through `hob run` give the same text."""
    for more, options in (({}, []), ({"temperature": 0.9, "seed": 5, "top_p": 0.8},
                                     ["--temperature", "0.9", "--seed", "5", "--top-p", "0.8"])):
        out = subprocess.run(
            [BINARY, "run", "--json", "-m", TINY, "-n", "16", *options, "--system", "Be brief.", "hello"],
            capture_output=True, text=True, check=True, timeout=60).stdout
        assert create(api, server, **more).choices[0].message.content == json.loads(out)["text"]


def test_a_conversation_goes_on(api, server):
    first = create(api, server, messages=say("tell me something " * 5))
    messages = say("tell me something " * 5)
    messages.append(first.choices[0].message.model_dump())
    messages.append({"role": "user", "content": [{"type": "text", "text": "and "}, {"type": "text", "text": "then?"}]})
    second = create(api, server, messages=messages)
    # Whole pages of the first prompt were there already.
    assert second.usage.prompt_tokens_details.cached_tokens >= 64
    assert second.usage.prompt_tokens > first.usage.total_tokens
    joined = messages[:-1] + [{"role": "user", "content": "and then?"}]
    assert create(api, server, messages=joined).choices[0].message.content == second.choices[0].message.content


def test_seeds(api, server):
    def drawn(seed):
        return create(api, server, temperature=1.5, seed=seed).choices[0].message.content

    assert drawn(7) == drawn(7)
    assert len({drawn(seed) for seed in (1, 2, 3, -4)}) > 1
    # Without a seed each answer is drawn anew.
    assert len({create(api, server, temperature=1.5).choices[0].message.content for _ in range(6)}) > 1


def test_several_answers(api, server):
    def several(**more):
        return create(api, server, temperature=1.5, seed=3, n=4, **more)

    whole = several()
    texts = [c.message.content for c in whole.choices]
    assert [c.index for c in whole.choices] == [0, 1, 2, 3] and len(set(texts)) > 1
    assert [c.message.content for c in several().choices] == texts
    alone = create(api, server, temperature=1.5, seed=3)
    assert alone.choices[0].message.content == texts[0]
    assert whole.usage.prompt_tokens == alone.usage.prompt_tokens
    got, reasons, _ = streamed(several(stream=True))
    assert [got[i] for i in range(4)] == texts and len(reasons) == 4


def test_stop(api, server):
    text = create(api, server, max_tokens=60, extra_body={"ignore_eos": True}).choices[0]
    stop = text.message.content[5:8]
    stopped = create(api, server, max_tokens=60, stop=["\x01never", stop]).choices[0]
    assert stopped.finish_reason == "stop"
    assert stopped.message.content == text.message.content[: text.message.content.index(stop)]
    got, reasons, _ = streamed(create(api, server, max_tokens=60, stop=stop, stream=True))
    assert got == {0: stopped.message.content} and reasons == {0: "stop"}


def test_lengths(api, server):
    for name in ("max_tokens", "max_completion_tokens"):
        done = api.chat.completions.create(model=server.model, messages=say(), temperature=0,
                                           extra_body={"ignore_eos": True}, **{name: 5})
        assert done.usage.completion_tokens == 5 and done.choices[0].finish_reason == "length"


def test_completions(api, server):
    def complete(prompt, **more):
        return api.completions.create(model=server.model, prompt=prompt, temperature=0, **more)

    one = complete("the cat", max_tokens=8)
    assert one.object == "text_completion" and one.choices[0].text
    assert complete("the cat").usage.completion_tokens <= 16
    two = complete(["the cat", "a dog"], max_tokens=8)
    assert [c.text for c in two.choices] == [one.choices[0].text, complete("a dog", max_tokens=8).choices[0].text]
    tokens = complete([5, 6, 7], max_tokens=4)
    assert tokens.usage.prompt_tokens == 3
    assert complete([[5, 6, 7]], max_tokens=4).choices[0].text == tokens.choices[0].text
    text = "".join(c.choices[0].text for c in complete("the cat", max_tokens=8, stream=True))
    assert text == one.choices[0].text
    with pytest.raises(openai.BadRequestError):
        complete([10**6])


@pytest.mark.parametrize(
    "field, value",
    [("presence_penalty", 0.5), ("frequency_penalty", -0.5), ("logit_bias", {"5": 1}), ("top_logprobs", 2), ("top_logprobs", 21),
     ("temperature", 3), ("top_p", 0), ("n", 0), ("n", 99), ("max_tokens", 0), ("stop", [""]), ("stop", ["a"] * 99),
     ("tools", [{"type": "function", "function": {"name": "f", "parameters": {}}}]),
     ("messages", []), ("messages", [{"role": "wizard", "content": "x"}]),
     ("messages", [{"role": "user", "content": None}]), ("messages", [{"role": "user", "content": "x", "name": "y"}]),
     ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}])],
)
def test_what_is_not_possible_is_said(api, server, field, value):
    with pytest.raises(openai.BadRequestError) as error:
        create(api, server, **{field: value})
    assert error.value.param.split("[")[0].split(".")[0] == field
    assert error.value.type == "invalid_request_error"
    assert field in error.value.body["message"]


def test_neutral_values_are_fine(api, server):
    plain = create(api, server).choices[0].message.content
    done = create(
        api, server, presence_penalty=0, frequency_penalty=0.0, logit_bias={}, logprobs=False, n=1, user="somebody",
        metadata={"a": "b"}, store=False, service_tier="auto", tools=[], tool_choice="none",
        response_format={"type": "text"}, modalities=["text"], top_p=1, seed=1, stop=None, stream=False)
    assert done.choices[0].message.content == plain


def test_logprobs(api, server):
    plain = create(api, server)
    done = create(api, server, logprobs=True, top_logprobs=3)
    assert done.choices[0].message.content == plain.choices[0].message.content
    entries = done.choices[0].logprobs.content
    assert len(entries) in (done.usage.completion_tokens, done.usage.completion_tokens - 1)  # but for an end
    joined = b"".join(bytes(e.bytes) for e in entries)
    assert joined.decode(errors="replace").startswith(done.choices[0].message.content[:5])
    for entry in entries:
        assert len(entry.top_logprobs) == 3
        best = entry.top_logprobs[0]
        assert (best.token, best.logprob) == (entry.token, entry.logprob)  # greedy
        assert 0 >= best.logprob >= entry.top_logprobs[1].logprob >= entry.top_logprobs[2].logprob
    seen = [e for c in create(api, server, logprobs=True, stream=True) for k in c.choices if k.logprobs
            for e in k.logprobs.content]
    assert [(e.token, e.logprob) for e in seen] == [(e.token, e.logprob) for e in entries]
    assert seen[0].top_logprobs == []
    old = api.completions.create(model=server.model, prompt="the cat", temperature=0, max_tokens=6, logprobs=2,
                                 extra_body={"ignore_eos": True}).choices[0].logprobs
    assert len(old.tokens) == len(old.token_logprobs) == len(old.top_logprobs) == len(old.text_offset) == 6
    assert old.text_offset[0] == 0 and old.text_offset == sorted(old.text_offset)


def test_answers_of_a_form(api, server):
    """Whole documents of the schema; what the library cannot do is a 400 that says so."""
    schema = {"type": "object", "properties": {"zebra": {"type": "boolean"}, "ant": {"enum": ["a", "b"]}},
              "required": ["zebra", "ant"], "additionalProperties": False}
    wrapped = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    try:
        done = create(api, server, response_format=wrapped, max_tokens=200)
    except openai.BadRequestError as error:
        assert error.param == "response_format" and error.code == "unsupported"
        pytest.skip("this build reads no schemas")
    value = json.loads(done.choices[0].message.content)
    assert list(value) == ["zebra", "ant"] and isinstance(value["zebra"], bool) and value["ant"] in ("a", "b")
    again = streamed(create(api, server, response_format=wrapped, max_tokens=200, stream=True))[0][0]
    assert again == done.choices[0].message.content
    for bad in ({"type": "nonsense"}, {"type": "object", "properties": 5}, {"type": "string", "unknown-keyword-x": 1}):
        with pytest.raises(openai.BadRequestError):
            create(api, server, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": bad}})
    with pytest.raises(openai.BadRequestError):
        create(api, server, response_format={"type": "yaml"})


def test_another_model(api):
    with pytest.raises(openai.NotFoundError) as error:
        api.chat.completions.create(model="gpt-4o", messages=say())
    assert error.value.code == "model_not_found"


def test_a_prompt_that_is_too_long(api, server):
    with pytest.raises(openai.BadRequestError) as error:
        create(api, server, messages=say("word " * 20000))
    assert error.value.code == "context_length_exceeded"
    with pytest.raises(openai.APIStatusError) as error:
        create(api, server, messages=say("a" * (1 << 20)))
    assert error.value.status_code == 413


def test_a_model_without_a_template():
    with serving(model=FIXTURES / "llama-q4_0.gguf") as server:
        api = client(server)
        assert api.completions.create(model=server.model, prompt="a", max_tokens=4).usage.completion_tokens == 4
        try:
            create(api, server)
        except openai.BadRequestError as error:
            assert "template" in error.message


def test_keys(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("# ours\n" + "a" * 40 + "\n\n" + "b" * 32 + "\n")
    keys.chmod(0o600)
    with serving("--api-keys", keys) as server:
        for key in ("a" * 40, "b" * 32):
            assert client(server, key).models.list().data
        for key in ("a" * 39, "a" * 41, "a" * 80, "b" * 31 + "c", "# ours", "x"):
            with pytest.raises(openai.AuthenticationError) as error:
                create(client(server, key), server)
            assert error.value.code == "invalid_api_key"
        assert ask(server, "GET", "/v1/models").headers["www-authenticate"] == "Bearer"
        assert ask(server, "GET", "/healthz").status == 200
        assert "a" * 40 not in json.dumps(server.log)


def test_keys_that_are_not_kept(tmp_path):
    keys = tmp_path / "keys"
    for text, mode, why in (("a" * 40, 0o644, "everybody"), ("short", 0o600, "bytes"), ("# none", 0o600, "no key")):
        keys.write_text(text)
        keys.chmod(mode)
        with pytest.raises(AssertionError, match=why), serving("--api-keys", keys):
            pass
    with pytest.raises(AssertionError, match="no keys"), serving("--host", "0.0.0.0"):
        pass


def test_too_many_requests(long_model):
    with serving("--parallel", 1, "--queue", 1, model=long_model) as server:
        api = client(server)
        stream = create(api, server, max_tokens=60000, stream=True, extra_body={"ignore_eos": True})
        next(iter(stream))
        with server.connect() as waits:
            waits.sendall(message("POST", "/v1/chat/completions", chat(server)))
            time.sleep(0.5)
            with pytest.raises(openai.RateLimitError) as error:
                create(api, server)
            assert error.value.code == "queue_full"
            assert error.value.response.headers["retry-after"]
            stream.close()  # the one that waits goes on
            assert receive(waits).status == 200


class _quiet:
    """Keeps what was raised."""

    error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.error = value
        return True


def wait_for(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [True, False])
def test_who_goes_cancels(stream, long_model):
    """A client that closes its connection frees the only place at once."""
    with serving("--parallel", 1, "--queue", 4, "--answer-seconds", 0, model=long_model) as server:
        body = json.dumps(chat(server, stream=stream, max_tokens=100000, ignore_eos=True)).encode()
        connection = server.connect()
        connection.sendall(message("POST", "/v1/chat/completions", body))
        if stream:
            connection.recv(1000)
        else:
            time.sleep(0.2)
        connection.close()
        assert ask(server, "POST", "/v1/chat/completions", chat(server)).status == 200
        wait_for(lambda: server.requests(finish="client gone"))


def test_a_client_that_does_not_read_holds_up_nobody(long_model):
    with serving("--parallel", 4, "--write-seconds", 1, model=long_model) as server:
        body = json.dumps(chat(server, stream=True, max_tokens=100000, ignore_eos=True)).encode()
        lazy = server.connect()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(message("POST", "/v1/chat/completions", body))
        for _ in range(5):
            assert ask(server, "POST", "/v1/chat/completions", chat(server)).status == 200
        wait_for(lambda: server.requests(finish="client gone"))
        lazy.close()


def test_many_clients(api, server):
    """32 at once, some streams: each gets the answer that it gets alone."""
    def one(i):
        more = {"messages": say(f"question {i % 8}"), "temperature": 1.0, "seed": i % 8, "max_tokens": 24}
        if i % 2:
            return streamed(create(api, server, stream=True, **more))[0][0]
        return create(api, server, **more).choices[0].message.content

    alone = [one(i) for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        together = list(pool.map(one, range(96)))
    # Streams and whole answers of the same question are the same, too.
    assert together == [alone[i % 8] for i in range(96)]


def test_time_is_limited(long_model):
    with serving("--answer-seconds", 1, model=long_model) as server:
        done = create(client(server), server, max_tokens=10**6, extra_body={"ignore_eos": True})
        assert done.choices[0].finish_reason == "length"


def test_memory_is_limited():
    with serving("--memory-limit", "3M", "--context", 64) as server:
        api = client(server)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            def one(_):
                with _quiet() as seen:
                    create(api, server, max_tokens=30)
                return seen.error
            errors = [e for e in pool.map(one, range(32)) if e is not None]
        assert all(isinstance(e, openai.InternalServerError) and e.status_code == 503 for e in errors)
        assert create(api, server).choices[0].message.content


def test_a_drain(long_model):
    """SIGTERM: the answer on its way ends whole, new ones are refused, then the process ends with 0."""
    with serving("--drain-seconds", 30, model=long_model) as server:
        api = client(server)
        stream = create(api, server, stream=True, max_tokens=3000, extra_body={"ignore_eos": True})
        first = next(iter(stream))
        server.terminate()
        wait_for(lambda: any(x["event"] == "draining" for x in server.log))
        with pytest.raises(openai.InternalServerError) as error:
            create(api, server)
        assert error.value.status_code == 503 and error.value.code == "shutting_down"
        assert ask(server, "GET", "/readyz").status == 503
        assert ask(server, "GET", "/healthz").status == 200
        texts, reasons, _ = streamed([first, *stream])
        assert reasons == {0: "length"} and texts[0]
        assert server.wait() == 0
        assert server.log[-1]["event"] == "stopped"


@pytest.mark.parametrize("how", ["second signal", "time"])
def test_a_drain_that_is_cut_short(how, long_model):
    seconds = 1 if how == "time" else 60
    with serving("--drain-seconds", seconds, "--answer-seconds", 0, model=long_model) as server:
        api = client(server)
        stream = create(api, server, stream=True, max_tokens=10**6, extra_body={"ignore_eos": True})
        next(iter(stream))
        server.terminate(signal.SIGINT)
        if how == "second signal":
            wait_for(lambda: any(x["event"] == "draining" for x in server.log))
            server.terminate()
        with pytest.raises(openai.APIError) as error:
            list(stream)
        assert error.value.code == "shutting_down"
        assert server.wait(20) == 0


def test_async_client(server):
    async def main():
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="x", max_retries=0) as api:
            stream = await api.chat.completions.create(
                model=server.model, messages=say(), temperature=0, max_tokens=16, stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in stream])

    assert asyncio.run(main()) == create(client(server), server).choices[0].message.content


@pytest.mark.skipif(not os.path.isdir(ENCODER), reason="the encoder is not there")
def test_embeddings():
    with serving("--embed-model", ENCODER) as server:
        api = client(server)
        name = os.path.basename(ENCODER)
        assert [m.id for m in api.models.list().data] == [server.model, name]
        texts = ["The cat sleeps.", "A kitten is napping.", "Interest rates rise."]
        done = api.embeddings.create(model=name, input=texts)  # the package asks for base64
        vectors = [d.embedding for d in done.data]
        assert [d.index for d in done.data] == [0, 1, 2]
        assert done.usage.prompt_tokens > 9
        plain = api.embeddings.create(model=name, input=texts[0], encoding_format="float").data[0].embedding
        assert plain == pytest.approx(vectors[0], rel=1e-6)

        def cosine(a, b):
            return sum(x * y for x, y in zip(a, b, strict=True))

        assert cosine(vectors[0], vectors[0]) == pytest.approx(1, abs=1e-4)
        assert cosine(vectors[0], vectors[1]) > cosine(vectors[0], vectors[2]) + 0.2
        for wrong in ({"input": []}, {"input": [[1, 2]]}, {"dimensions": 7}, {"encoding_format": "int8"}):
            with pytest.raises(openai.BadRequestError) as error:
                api.embeddings.create(**{"model": name, "input": "x", **wrong})
            assert error.value.param == next(iter(wrong))
        with pytest.raises(openai.NotFoundError):
            api.embeddings.create(model=server.model, input="x")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:  # beside chats
            chats = [pool.submit(create, api, server) for _ in range(4)]
            many = [pool.submit(api.embeddings.create, model=name, input=texts) for _ in range(4)]
            assert len({c.result().choices[0].message.content for c in chats}) == 1
            assert all(m.result().data[0].embedding == vectors[0] for m in many)


@needs_model
def test_the_real_model():
    with serving(model=pathlib.Path(REAL)) as server:
        api = client(server)
        done = create(api, server, messages=[{"role": "user", "content": "What is the capital of France?"}],
                      max_tokens=40)
        assert "Paris" in done.choices[0].message.content
        with server.connect() as connection:  # and in the words of the wire
            connection.sendall(message("POST", "/v1/chat/completions", chat(server, stream=True)))
            reply = receive(connection)
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.body.endswith(b"data: [DONE]\n\n")
