# SPDX-License-Identifier: Apache-2.0
"""The hob command with folders that transformers has just saved: logits, ids, conversion, an answer.

Environment: HOB_BIN (the command), HOB_REFERENCE_PYTHON (a Python with torch and transformers; else
~/.cache/hob/venv-ref).
"""

import json
import os
import pathlib
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("HOB_BIN", "")
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
PYTHON = pathlib.Path(os.environ.get("HOB_REFERENCE_PYTHON") or CACHE / "hob/venv-ref/bin/python")
NAMES = ["llama", "llama3", "smollm", "mistral", "mistral-first", "qwen2", "qwen3", "gemma3"]

pytestmark = [
    pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command"),
    pytest.mark.skipif(not PYTHON.is_file(), reason=f"{PYTHON} (torch and transformers) is absent"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("hf")
    made = subprocess.run([PYTHON, ROOT / "tests/tools/make_hf_models.py", out],
                          capture_output=True, timeout=300, check=False)
    assert made.returncode == 0, made.stderr.decode(errors="replace")
    return out


def hob(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def logits(model, folder, out, *options):
    hob("logits", "--model", model, "--tokens", folder / "ids.json", "--out", out, *options)
    return np.load(out)


def rms(values):
    return np.sqrt(np.mean(np.square(values, dtype=np.float64)))


@pytest.mark.parametrize("name", NAMES)
def test_logits(folders, name, tmp_path):
    folder = folders / name
    expected = np.load(folder / "logits.npy")
    precise = logits(folder, folder, tmp_path / "l.npy", "--precise")
    assert precise.shape == expected.shape
    difference = np.abs(precise - expected).max()
    print(f"{name}: logits up to {np.abs(expected).max():.3g} differ by {difference:.2e}")
    assert difference <= 1e-4 * max(1.0, float(np.abs(expected).max()))
    usual = logits(folder, folder, tmp_path / "l.npy")
    assert rms(usual - expected) / rms(expected) <= 1.5e-3


@pytest.mark.parametrize("name", NAMES)
def test_ids(folders, name, tmp_path):
    for entry in json.loads((folders / name / "texts.json").read_text()):
        text = tmp_path / "text"
        text.write_text(entry["text"], encoding="utf-8", newline="")
        got = json.loads(hob("tokenize", "--model", folders / name, "--file", text, "--json", "--special"))
        # transformers puts the beginning of a sequence before it, hob tokenize does not.
        assert got in (entry["plain"], entry["ids"]), entry["text"]


@pytest.mark.parametrize("name", ["smollm", "gemma3"])
def test_conversion(folders, name, tmp_path):
    folder = folders / name
    hob("convert", folder, tmp_path / "same.hob")
    assert logits(tmp_path / "same.hob", folder, tmp_path / "a.npy").tobytes() == logits(
        folder, folder, tmp_path / "b.npy").tobytes()
    hob("convert", "--weights", "int8", folder, tmp_path / "int8.hob")
    expected = np.load(folder / "logits.npy")
    assert rms(logits(tmp_path / "int8.hob", folder, tmp_path / "a.npy") - expected) / rms(expected) <= 0.1


def test_inspect_and_run(folders):
    described = json.loads(hob("inspect", "--json", folders / "smollm"))
    assert described["container"] == "Hugging Face"
    assert described["architecture"] == "llama"
    assert any((folders / "smollm").glob("model-0*.safetensors")), "the model has to be sharded"
    answer = hob("run", "--model", folders / "qwen3", "--greedy", "--max-tokens", 4, "--raw", "hello")
    answer.decode()
