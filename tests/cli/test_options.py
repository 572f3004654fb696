# SPDX-License-Identifier: Apache-2.0
"""Options of the hob command that are wrong: exit code 2, and the option's name.

Environment: HOB_BIN (the command).
"""

import os
import pathlib
import subprocess

import pytest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "smollm-q4_1.gguf"
BINARY = os.environ.get("HOB_BIN", "")

pytestmark = pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command")


@pytest.mark.parametrize("arguments", [
    ["run", "--kv", "int4", "hello"],
    ["run", "--rope", "spiral:2", "hello"],
    ["run", "--rope", "yarn:many", "hello"],
    ["run", "--keep", "4", "hello"],
    ["run", "--replay", "record.json", "--draft", "small.gguf"],
    ["run", "--replay", "record.json", "--speculate"],
    ["run", "--replay", "record.json", "--max-tokens", "3"],
    ["chat", "--context", "-1", "-p", "hello"],
    ["bench", "--join", "64"],
    ["bench", "--sessions", "0"],
    ["bench", "--reply", "--sessions", "4"],
    ["bench", "--reply", "--restore"],
], ids=" ".join)
def test_a_wrong_option_is_named(arguments):
    done = subprocess.run([BINARY, *arguments, "--model", str(MODEL)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert any(a in done.stderr for a in arguments if a.startswith("--")), done.stderr
