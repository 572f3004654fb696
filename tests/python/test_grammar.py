# SPDX-License-Identifier: Apache-2.0
"""Answers of a promised form."""

import json
import re

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")
np = pytest.importorskip("numpy")

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def ask(model, grammar, **options):
    with model.session(sampler=hob.Sampler(temperature=1.2, seed=3)) as session:
        return session.generate("Please tell me a story.", grammar=grammar, **options)


def test_choices(model):
    with hob.Grammar(model, choices=["yes", "no", "größer"]) as grammar:
        result = ask(model, grammar)
    assert result.text in ("yes", "no", "größer")
    assert result.finish_reason == hob.FinishReason.END


def test_regex(model):
    assert re.fullmatch("[0-9]{4}", ask(model, hob.Grammar(model.tokenizer, regex="[0-9]{4}")).text)


@pytest.mark.parametrize("schema", [SCHEMA, json.dumps(SCHEMA)])
def test_json_schema(model, schema):
    assert json.loads(ask(model, hob.Grammar(model, json_schema=schema)).text)["ok"] in (True, False)


def test_errors(model):
    with pytest.raises(TypeError, match="exactly one"):
        hob.Grammar(model)
    with pytest.raises(TypeError, match="exactly one"):
        hob.Grammar(model, regex="a", choices=["a"])
    with pytest.raises(hob.InvalidArgument, match="begins with itself"):
        hob.Grammar(model, gbnf='root ::= root "a" | "b"')
    with pytest.raises(hob.InvalidArgument):
        hob.Grammar(model, choices=[])
    grammar = hob.Grammar(model, choices=["a"])
    with pytest.raises(hob.InvalidArgument, match="ignore_eos"):
        ask(model, grammar, ignore_eos=True)
    grammar.close()
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        ask(model, grammar)


def test_matcher(model):
    matcher = hob.Grammar(model, gbnf='root ::= "ab" [0-9]').matcher()
    assert matcher.forced_bytes() == b"ab"
    logits = np.zeros(model.info.vocabulary_size, np.float32)
    matcher.mask(logits)
    allowed = [model.tokenizer.token_bytes(int(token)) for token in np.flatnonzero(np.isfinite(logits))]
    assert b"a" in allowed
    assert all(b"ab".startswith(piece) or re.fullmatch(b"ab[0-9]", piece) for piece in allowed)
    with pytest.raises(hob.InvalidArgument, match=r"tokens\[0\]"):
        matcher.accept(model.tokenizer.encode("x"))
    matcher.accept(model.tokenizer.encode("ab7"))
    assert matcher.may_end
    assert matcher.must_end
    matcher.reset()
    assert not matcher.may_end
    with pytest.raises(TypeError):
        matcher.mask(np.zeros(3))
