# SPDX-License-Identifier: Apache-2.0
"""Random models made by make_random_llama.py run, and are the same each time.

Environment: HOB_BIN (the command).
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")

MAKE = pathlib.Path(__file__).with_name("make_random_llama.py")
BINARY = os.environ.get("HOB_BIN", "")
SHAPE = ("--layers", 2, "--width", 64, "--ffn", 96, "--vocab", 400, "--heads", 4, "--kv-heads", 2)


def make(path, *arguments):
    command = [sys.executable, MAKE, path, *SHAPE, *arguments]
    subprocess.run([*map(str, command)], check=True, capture_output=True, timeout=60)
    return path


def hob(*arguments):
    if not os.path.isfile(BINARY):
        pytest.skip("HOB_BIN names no command")
    done = subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q8_0"])
def test_a_random_model_runs(kind, tmp_path):
    model = make(tmp_path / "model.gguf", "--type", kind)
    assert [p.name for p in tmp_path.iterdir()] == ["model.gguf"]
    assert kind in hob("inspect", model).decode()
    result = json.loads(hob("bench", "--model", model, "--prompt", 8, "--gen", 4, "--reps", 1,
                            "--json"))
    assert result["prefill_tps"] > 0 and result["decode_tps"] > 0

    ids, out = tmp_path / "ids.json", tmp_path / "logits.npy"
    ids.write_text(json.dumps([*range(1, 60, 3)]))
    hob("logits", "--model", model, "--tokens", ids, "--out", out)
    logits = np.load(out)
    assert np.isfinite(logits).all()
    assert 0.5 < logits.std() < 8
    assert abs(logits.mean()) < 0.5


def test_text_goes_through_its_vocabulary(tmp_path):
    model, text = make(tmp_path / "model.gguf"), tmp_path / "text"
    text.write_text("hello wörld ♥")
    ids = json.loads(hob("tokenize", "--model", model, "--file", text, "--json"))
    ids = ids["tokens"] if isinstance(ids, dict) else ids
    assert len(ids) >= 3
    assert all(0 < i < 400 for i in ids)


def test_the_seed_decides(tmp_path):
    first, again, other = (make(tmp_path / f"{n}.gguf", "--tied", "--seed", s).read_bytes()
                           for n, s in enumerate((7, 7, 8)))
    assert first == again
    assert len(first) == len(other) and first != other


def test_a_shape_that_cannot_be_is_refused(tmp_path):
    done = subprocess.run([sys.executable, str(MAKE), str(tmp_path / "x.gguf"), "--width", "33"],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())
