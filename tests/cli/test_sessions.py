# SPDX-License-Identifier: Apache-2.0
"""hob chat --session and hob run --record, --replay, with the small models of tests/fixtures.

Environment: HOB_BIN (the command).
"""

import json
import os
import pathlib
import subprocess

import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
MODEL = FIXTURES / "smollm-q4_1.gguf"
OTHER = FIXTURES / "llama-q4_0.gguf"
BINARY = os.environ.get("HOB_BIN", "")

pytestmark = pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command")


def hob(*arguments, model=MODEL, code=0, text=None):
    done = subprocess.run(
        [BINARY, arguments[0], "--model", str(model), *map(str, arguments[1:])],
        input=None if text is None else text.encode(),
        capture_output=True, timeout=120, check=False,
    )
    assert done.returncode == code, (done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout.decode() if code == 0 else done.stderr.decode()


@pytest.mark.parametrize("sampling", [[], ["--temperature", "1", "--top-p", "0.9", "--seed", "5"]])
def test_a_chat_goes_on_where_it_was(sampling, tmp_path):
    limit = ["--max-tokens", 12]
    whole = hob("chat", *sampling, *limit, text="hello\nand then?\nwhy?\n/history\n")
    saved = tmp_path / "conversation"
    parts = hob("chat", *sampling, *limit, "--session", saved, text="hello\n")
    assert saved.exists()
    parts += hob("chat", *limit, "--session", saved, "-p", "and then?")
    parts += hob("chat", *limit, "--session", saved, text="why?\n/history\n")
    assert parts == whole
    assert [path.name for path in tmp_path.iterdir()] == ["conversation"]


def test_a_session_of_another_model_is_refused_and_kept(tmp_path):
    saved = tmp_path / "conversation"
    hob("chat", "--session", saved, "--max-tokens", 3, "-p", "hello")
    before = saved.read_bytes()
    said = hob("chat", "--session", saved, "-p", "hello", model=FIXTURES / "llama3-q8_0.gguf", code=1)
    assert "hash" in said
    assert saved.read_bytes() == before
    saved.write_bytes(before[:-100])
    assert "ends early" in hob("chat", "--session", saved, "-p", "hello", code=1)


def record(tmp_path, *options):
    path = tmp_path / "record.json"
    hob("run", "--record", path, "--max-tokens", 16, *options, "hello, world")
    return path


@pytest.mark.parametrize(
    "options",
    [[], ["--temperature", "0.8", "--top-k", "20", "--seed", "3"], ["--activations", "int8"],
     ["--precise"], ["--raw", "--threads", "1"], ["--kv", "int8"], ["--rope", "linear:2"],
     ["--raw", "--context", "14"], ["--speculate"]],
)
def test_a_replay_is_identical(options, tmp_path):
    path = record(tmp_path, *options)
    said = hob("run", "--replay", path)
    written = json.loads(path.read_text())
    assert said.startswith("identical")
    assert len(written["logits"]) in (len(written["answer"]), len(written["answer"]) + 1)
    assert len(written["model"]) == 32
    assert written["kernels"]["matmul"]
    assert hob("run", "--replay", path, "--threads", 2) == said


def test_a_replay_says_where_it_differs(tmp_path):
    path = record(tmp_path)
    good = json.loads(path.read_text())
    assert len(good["answer"]) > 5

    def altered(**fields):
        path.write_text(json.dumps({**good, **fields}))
        return hob("run", "--replay", path, code=1)

    answer = list(good["answer"])
    answer[4] += 1
    assert "differs at token 4" in altered(answer=answer)
    assert "differs at token 5" in altered(answer=good["answer"][:5])
    logits = list(good["logits"])
    logits[3] = "0" * 16
    assert "logits of token 3" in altered(logits=logits)
    assert "another model" in altered(model="0" * 32)
    assert "not a record" in altered(sampler={})
    assert "not a record" in altered(prompt="text")
    assert "--kv" in altered(kv="int4")
    assert "hob record 2" in altered(format="hob record 2")
    path.write_text("{}")
    assert "not a record" in hob("run", "--replay", path, code=1)
    assert hob("run", "--replay", tmp_path / "none", code=1)


def test_another_model_is_refused(tmp_path):
    path = record(tmp_path)
    assert "another model" in hob("run", "--replay", path, model=OTHER, code=1)


def test_options_that_exclude_each_other(tmp_path):
    path = record(tmp_path)
    hob("run", "--replay", path, "hello", code=2)
    hob("run", "--replay", path, "--record", path, code=2)
    hob("run", "--record", path, "--roll", "hello", code=2)
    hob("run", code=2)
