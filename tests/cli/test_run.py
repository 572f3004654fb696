# SPDX-License-Identifier: Apache-2.0
"""hob run --draft and hob --version.

Environment: HOB_BIN (the command).
"""

import json
import os
import pathlib
import subprocess

import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
MODEL = FIXTURES / "smollm-q4_1.gguf"
BINARY = os.environ.get("HOB_BIN", "")

pytestmark = pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command")


def hob(*arguments, code=0):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout if code == 0 else done.stderr


def test_a_draft_model_gives_the_same_answer():
    run = ["run", "--model", MODEL, "--max-tokens", 24, "--json"]
    plain = json.loads(hob(*run, "hello, world"))
    drafted = json.loads(hob(*run, "--draft", MODEL, "hello, world"))
    assert drafted["tokens"] == plain["tokens"]
    assert plain["guessed_tokens"] == 0
    assert drafted["right_tokens"] <= drafted["guessed_tokens"]


@pytest.mark.parametrize(("draft", "said"), [
    ("none.gguf", "none.gguf"),
    (__file__, "test_run.py"),
    (FIXTURES / "llama-q4_0.gguf", "vocabulary"),
])
def test_what_is_no_draft_model_is_refused(draft, said):
    assert said in hob("run", "--model", MODEL, "--draft", draft, "hello", code=1)


def test_the_version_tells_what_the_build_has():
    lines = hob("--version").splitlines()
    assert lines[0].startswith("hob ")
    assert [line.split()[0] for line in lines[1:]] == ["interface", "kernels", "processor", "build", "features"]
    assert "scalar" in lines[2]
