# SPDX-License-Identifier: Apache-2.0
"""Answers that `hob run` and `hob chat` hand over to `hob serve`.

Environment: HOB_BIN (the command).
"""

import json
import socket
import subprocess

import pytest
from serve_process import BINARY, TINY, needs_server, serving

pytestmark = needs_server


def hob(*arguments, code=0):
    done = subprocess.run([BINARY, *map(str, arguments), "--model", str(TINY)], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == code, done.stderr
    return done


def test_a_server_of_hob_answers(tmp_path):
    (tmp_path / "key").write_text("secret-4711-and-more\n")
    (tmp_path / "keys").write_text("secret-4711-and-more\n")
    (tmp_path / "keys").chmod(0o600)
    with serving("--api-keys", tmp_path / "keys", "--greedy") as server:
        far = ["--handoff-url", server.url + "/v1", "--handoff-model", server.model, "--handoff-key-file", tmp_path / "key"]
        alone = json.loads(hob("run", "hello", "-n", "8", "--json").stdout)
        assert "source" not in alone

        local = json.loads(hob("run", "hello", "-n", "8", "--json", *far, "--handoff-always").stdout)
        assert (local["source"], local["handoff_fallback"], local["text"]) == ("local", "consent", alone["text"])
        assert server.requests() == []

        remote = json.loads(hob("run", "hello", "-n", "8", "--json", *far, "--handoff-always", "--handoff-consent").stdout)
        assert remote["source"] == "remote"
        assert remote["handoff_reason"] == "requested"
        assert remote["handoff_attempts"] == 1
        # The same model at the other end, asked the same in the same way.
        assert remote["text"] == alone["text"]
        assert remote["prompt_tokens"] == alone["prompt_tokens"]
        assert remote["generated_tokens"] == alone["generated_tokens"]

        unsure = hob("chat", "-p", "hello", "-n", "20", *far, "--handoff-consent", "--handoff-entropy", "0.01")
        assert "[remote (it was unsure)]" in unsure.stderr
        long = hob("run", "hello", "-n", "8", *far, "--handoff-consent", "--handoff-prompt", "2")
        assert "[remote (the prompt is long)]" in long.stderr

        (tmp_path / "key").write_text("wrong-4712\n")
        refused = hob("run", "hello", "-n", "8", *far, "--handoff-consent", "--handoff-always")
        assert "does not know the API key" in refused.stderr
        assert "4712" not in refused.stderr
        assert refused.stdout == alone["text"] + "\n"


def test_nobody_is_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        done = hob("run", "hello", "-n", "8", "--handoff-url", url, "--handoff-model", "x", "--handoff-consent",
                   "--handoff-always")
    assert "[local (as asked, but the endpoint failed: 127.0.0.1:" in done.stderr
    assert done.stdout == hob("run", "hello", "-n", "8").stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--handoff-consent"], "--handoff-url"),
        (["--handoff-url", "https://example.org/v1"], "--handoff-model"),
        (["--handoff-url", "http://example.org/v1", "--handoff-model", "x"], "in the clear"),
        (["--handoff-url", "https://example.org/v1", "--handoff-model", "x", "--record", "r.json"], "--handoff-url"),
    ],
)
def test_options_that_are_wrong(options, says):
    done = subprocess.run([BINARY, "run", "hello", "--model", str(TINY), *options], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode != 0
    assert says in done.stderr
