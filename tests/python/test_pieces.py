# SPDX-License-Identifier: Apache-2.0
"""Tokenizer, chat template and sampler on their own."""

import gc
import threading

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")
np = pytest.importorskip("numpy", reason="numpy is not installed")

TEXT = "Hello, wörld! 你好 🙂"


@pytest.fixture(scope="module")
def tokenizer(model_path):
    with hob.Tokenizer(model_path) as tokenizer:
        yield tokenizer


def test_tokens(tokenizer, model):
    tokens = tokenizer.encode(TEXT)
    assert tokens == model.tokenize(TEXT) == model.tokenizer.encode(TEXT)
    assert tokenizer.encode("") == []
    assert tokenizer.decode(tokens) == TEXT
    assert b"".join(map(tokenizer.token_bytes, tokens)) == TEXT.encode()
    end = tokenizer.find("<|im_end|>")
    assert tokenizer.encode("<|im_end|>", parse_special=True) == [end]
    assert tokenizer.encode("<|im_end|>") != [end]
    assert (tokenizer.decode([end]), tokenizer.decode([end], show_special=True)) == ("", "<|im_end|>")
    assert tokenizer.token(end) == hob.TokenInfo(hob.TokenKind.CONTROL, "<|im_end|>", True)
    assert tokenizer.token(tokens[0]).kind is hob.TokenKind.NORMAL
    info = tokenizer.info
    assert (len(tokenizer), info.bos_token, info.eos_token) == (
        model.info.vocabulary_size,
        model.info.bos_token,
        model.info.eos_token,
    )
    assert (
        tokenizer.encode("x", add_special=True)
        == [info.bos_token] * info.adds_bos + tokenizer.encode("x") + [info.eos_token] * info.adds_eos
    )
    for wrong in (lambda: tokenizer.decode([10**6]), lambda: tokenizer.token(-1)):
        with pytest.raises(hob.InvalidArgument):
            wrong()
    with pytest.raises(hob.NotFound):
        tokenizer.find("no such token")
    with pytest.raises(FileNotFoundError):
        hob.Tokenizer("/no/such/file.gguf")


def test_token_arrays(tokenizer):
    array = tokenizer.encode_array(TEXT)
    assert (array.dtype, array.flags.owndata, array.tolist()) == (np.int32, False, tokenizer.encode(TEXT))
    part = array[1:]
    del array
    gc.collect()
    assert tokenizer.decode(part) == tokenizer.decode(part.tolist())


def test_a_stream_of_tokens(model_path):
    with hob.Tokenizer(model_path) as tokenizer:
        tokens, detokenizer = tokenizer.encode(TEXT), tokenizer.detokenizer()
    pieces = [detokenizer.push(token) for token in tokens]
    assert "".join(pieces) == TEXT
    assert detokenizer.finish() == ""
    assert list(detokenizer.pieces(tokens)) == [piece for piece in pieces if piece]
    begun = next(i for i, piece in enumerate(pieces) if not piece)
    assert list(detokenizer.pieces(tokens[begun : begun + 1])) == ["\ufffd"]
    with pytest.raises(hob.InvalidArgument):
        detokenizer.push(10**6)
    detokenizer.close()
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        detokenizer.finish()


def test_what_outlives_its_model(model_path):
    with hob.Model(model_path, vocabulary_only=True) as model:
        tokenizer, template, kind = model.tokenizer, model.template, model.tokenizer_kind
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT
    assert "hello" in template.render([{"role": "user", "content": "hello"}])
    assert kind
    for use in (lambda: model.tokenizer, lambda: model.template):
        with pytest.raises(hob.FailedPrecondition, match="closed"):
            use()


def test_chat_template(model):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": TEXT}]
    info = model.info
    template = hob.ChatTemplate(
        model.chat_template,
        bos=model.detokenize([info.bos_token], show_special=True),
        eos=model.detokenize([info.eos_token], show_special=True),
    )
    for prompt in (True, False):
        expected = model.render_chat(messages, add_generation_prompt=prompt)
        assert template.render(messages, add_generation_prompt=prompt) == expected
        assert model.template.render(iter(messages), add_generation_prompt=prompt) == expected


def test_variables_of_a_template():
    source = "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}{{ m.name }};{% endfor %}{{ mood }}"
    with hob.ChatTemplate(source, bos="<s>") as template:
        assert template.render([]) == "<s>"
        assert template.render([{"role": "a", "content": "é\0"}], mood="froh 🙂") == "<s>a:é\0;froh 🙂"
        assert template.render([{"role": "a", "content": "b", "name": "c"}], mood=[1, None])[:9] == "<s>a:bc;["
        with pytest.raises(ValueError, match="JSON"):
            template.render([], mood=float("nan"))
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        template.render([])
    with pytest.raises(hob.InvalidArgument, match="2"):
        hob.ChatTemplate("one\n{% fxr %}")
    with hob.ChatTemplate("{{ raise_exception('not so') }}") as template, pytest.raises(ValueError, match="not so"):
        template.render([])


def test_sampling():
    logits = np.array([0.0, 3.0, 1.0, 2.5], np.float32)
    greedy = hob.SamplerChain()
    for given in (logits, logits.astype(np.float64), logits.tolist(), np.repeat(logits, 2)[::2]):
        assert greedy.sample(given) == 1
    assert greedy.probabilities(logits).tolist() == [0, 1, 0, 0]
    chain = hob.SamplerChain(hob.Sampler(temperature=1, top_k=3, seed=5))
    probabilities = chain.probabilities(logits)
    assert probabilities.dtype == np.float32
    expected = np.exp(logits[1:]) / np.exp(logits[1:]).sum()
    np.testing.assert_allclose(probabilities, [0, *expected], rtol=1e-5)
    assert chain.drawn == 0
    drawn = [chain.sample(logits) for _ in range(400)]
    assert chain.drawn == 400
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 400, probabilities, atol=0.08)
    chain.reset()
    assert [chain.sample(logits) for _ in range(9)] == drawn[:9]
    chain.drawn = 100
    assert [chain.sample(logits) for _ in range(9)] == drawn[100:109]

    wary = hob.SamplerChain(hob.Sampler(repetition_penalty=3))
    wary.accept(1)
    assert wary.sample(logits) == 3
    wary.accept(np.array([3], np.int32))
    assert wary.sample(logits) == 1


def test_probabilities_where_the_logits_lie():
    chain = hob.SamplerChain(hob.Sampler(temperature=1))
    logits = np.linspace(-1, 1, 50, dtype=np.float32)
    expected = chain.probabilities(logits)
    assert chain.probabilities(logits, out=logits) is logits
    assert np.array_equal(logits, expected)
    logits.flags.writeable = False
    for wrong in (logits, np.empty(3, np.float32), np.empty(50), np.empty(100, np.float32)[::2]):
        with pytest.raises(ValueError, match="out"):
            chain.probabilities(logits, out=wrong)


def test_what_cannot_be_sampled():
    chain = hob.SamplerChain()
    for wrong in ([], [np.nan], [np.inf, 0], [-np.inf], [[1.0]]):
        with pytest.raises(ValueError, match=r"."):
            chain.sample(wrong)
    with pytest.raises(hob.InvalidArgument, match="top_p"):
        hob.SamplerChain(hob.Sampler(temperature=1, top_p=2))
    chain.close()
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        chain.sample([1.0])


def test_pieces_from_many_threads(tokenizer):
    chain, detokenizer = hob.SamplerChain(hob.Sampler(temperature=1)), tokenizer.detokenizer()
    logits, tokens = np.zeros(1000, np.float32), tokenizer.encode("plain words")
    failed = []

    def work():
        try:
            for _ in range(100):
                chain.accept([chain.sample(logits)])
                assert tokenizer.decode(tokens) == "plain words"
                detokenizer.push(tokens[0])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert chain.drawn == 400
