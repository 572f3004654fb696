# SPDX-License-Identifier: Apache-2.0
"""The hob command with the small models of tests/fixtures: logits, conversion, an answer.

Environment: HOB_BIN (the command).
"""

import json
import os
import pathlib
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
MANIFEST = json.loads((FIXTURES / "manifest.json").read_text())["fixtures"]
BINARY = os.environ.get("HOB_BIN", "")

pytestmark = pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command")
each_fixture = pytest.mark.parametrize("fixture", MANIFEST, ids=lambda f: f["name"])


def hob(*arguments):
    done = subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def rope(fixture):
    return ["--rope", fixture["rope"]] if "rope" in fixture else []


def logits(model, fixture, folder, *options):
    ids, out = folder / "ids.json", folder / "logits.npy"
    ids.write_text(json.dumps(fixture["tokens"]))
    hob("logits", "--model", model, "--tokens", ids, "--out", out, *rope(fixture), *options)
    got = np.load(out)
    assert got.dtype == np.float32
    assert got.shape == (len(fixture["tokens"]), fixture["vocabulary"])
    return got


def rms(values):
    return np.sqrt(np.mean(np.square(values, dtype=np.float64)))


@each_fixture
def test_logits(fixture, tmp_path):
    expected = np.load(FIXTURES / fixture["logits"])
    tolerance = fixture["tolerance"]
    precise = logits(FIXTURES / fixture["file"], fixture, tmp_path, "--precise")
    assert np.abs(precise - expected).max() <= tolerance["precise_abs"]
    default = logits(FIXTURES / fixture["file"], fixture, tmp_path)
    assert rms(default - expected) / rms(expected) <= 1.5e-3
    fast = logits(FIXTURES / fixture["file"], fixture, tmp_path, "--activations", "int8")
    assert rms(fast - expected) / rms(expected) <= tolerance["int8_rms"]


@each_fixture
def test_a_converted_model_gives_the_same_logits(fixture, tmp_path):
    original, converted = FIXTURES / fixture["file"], tmp_path / "model.hob"
    hob("convert", original, converted)
    assert logits(converted, fixture, tmp_path).tobytes() == logits(
        original, fixture, tmp_path).tobytes()


@each_fixture
def test_run_answers(fixture):
    model = FIXTURES / fixture["file"]
    arguments = ["run", "--model", model, "--greedy", "--max-tokens", 8, *rope(fixture), "hello"]
    answer = hob(*arguments)
    answer.decode()  # UTF-8, whatever bytes the model chose
    assert hob(*arguments) == answer


def named(name):
    return next(fixture for fixture in MANIFEST if fixture["name"] == name)


def test_scaling_by_the_file_and_by_an_option_is_the_same(tmp_path):
    fixture = named("llama-q4_0")  # linear by 2
    by_file = logits(FIXTURES / fixture["file"], fixture, tmp_path)
    for option, same in (("linear:2:128", True), ("linear:4:64", False), ("none:1:256", False)):
        got = logits(FIXTURES / fixture["file"], fixture, tmp_path, "--rope", option)
        assert (got.tobytes() == by_file.tobytes()) == same, option


@pytest.mark.parametrize(
    ("option", "code", "word"),
    [
        ("longrope:4", 2, "yarn"),
        ("yarn:four", 2, "four"),
        ("yarn:4:24:1", 2, "ORIGINAL"),
        ("yarn:4:-1", 2, "-1"),
        ("yarn", 1, "factor"),
        ("yarn:0.5", 1, "factor"),
        ("yarn:nan", 1, "factor"),
        ("linear:2:60000000", 1, "context"),
        ("none:2", 1, "none"),
    ],
)
def test_a_wrong_scaling_is_refused(option, code, word):
    model = FIXTURES / "llama-float.gguf"
    done = subprocess.run([BINARY, "run", "--model", model, "--rope", option, "hello"],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert word in done.stderr.decode()
