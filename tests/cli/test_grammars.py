# SPDX-License-Identifier: Apache-2.0
"""The forms of answers that hob run and hob chat promise, and what they say of forms that are wrong.

Environment: HOB_BIN (the command).
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "smollm-q4_1.gguf"
BINARY = os.environ.get("HOB_BIN", "")
SCHEMA = '{"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}'
GBNF = 'root ::= "<" [a-c]{2} ">"'

pytestmark = pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command")


def hob(*arguments, **more):
    return subprocess.run([BINARY, *arguments, "--model", str(MODEL)], capture_output=True, text=True, timeout=60,
                          check=False, **more)


def answer(command, *form):
    prompt = ["hello"] if command == "run" else ["-p", "hello"]
    done = hob(command, *form, "--temperature", "1.5", "--seed", "5", *prompt)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize("command", ["run", "chat"])
def test_answers_have_their_form(command, tmp_path):
    assert answer(command, "--choice", "yes", "--choice", "no") in ("yes", "no")
    assert re.fullmatch("[0-9]{3}", answer(command, "--regex", "[0-9]{3}"))
    (tmp_path / "schema.json").write_text(SCHEMA)
    (tmp_path / "form.gbnf").write_text(GBNF)
    for schema in (SCHEMA, str(tmp_path / "schema.json")):
        assert json.loads(answer(command, "--json-schema", schema))["ok"] in (True, False)
    for grammar in (GBNF, str(tmp_path / "form.gbnf")):
        assert re.fullmatch("<[a-c]{2}>", answer(command, "--gbnf", grammar))


@pytest.mark.parametrize(("arguments", "code", "part"), [
    (["--json-schema", '{"not": {}}'], 1, '"not" is not supported'),
    (["--json-schema", "{"], 1, "JSON Schema"),
    (["--json-schema", "/nowhere/schema.json"], 1, "/nowhere/schema.json"),
    (["--regex", "(a"], 1, "line 1, column"),
    (["--gbnf", 'root ::= root "a" | "b"'], 1, "begins with itself"),
    (["--regex", "a", "--choice", "b"], 2, "--regex"),
    (["--record", "x.json", "--choice", "b"], 2, "--record"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_a_form_that_is_wrong_is_told(arguments, code, part, tmp_path):
    done = hob("run", *arguments, "hello", cwd=tmp_path)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert part in done.stderr
    assert list(tmp_path.iterdir()) == []
