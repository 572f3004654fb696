# SPDX-License-Identifier: Apache-2.0
"""The hob command with the default model against the golden reference (transformers in f32).

Environment: HOB_BIN (the command), HOB_MODEL (SmolLM2-135M-Instruct.Q4_1.gguf; else where ./dev
keeps it), HOB_SHARED_DIR (holds golden/ and data/; else ../shared beside the source tree).
"""

import json
import os
import pathlib
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
SHARED = pathlib.Path(os.environ.get("HOB_SHARED_DIR") or ROOT.parent / "shared")
MODEL = pathlib.Path(
    os.environ.get("HOB_MODEL") or CACHE / "hob/models/SmolLM2-135M-Instruct.Q4_1.gguf"
)
BINARY = os.environ.get("HOB_BIN", "")
GOLDEN = SHARED / "golden"
WIKITEXT = SHARED / "data/text/wikitext-2-test.txt"

pytestmark = [
    pytest.mark.skipif(not os.path.isfile(BINARY), reason="HOB_BIN names no command"),
    pytest.mark.skipif(not MODEL.is_file(), reason=f"the model {MODEL} is absent"),
]
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"{GOLDEN} is absent")
needs_wikitext = pytest.mark.skipif(
    not (GOLDEN.is_dir() and WIKITEXT.is_file()), reason=f"{GOLDEN} or {WIKITEXT} is absent"
)

PROMPTS = ["capital", "prompt512"]
CLEAR_MARGIN = 0.5  # of the best logit over the second: not to be flipped by int8 activations


def hob(*arguments, timeout=600):
    """Standard output of the command; its errors and progress must go elsewhere."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def reference(name):
    return dict(np.load(GOLDEN / f"{name}.npz"))


def teacher_forced(name, folder, *options):
    """Logits after each prompt token and each of the reference's own answers but the last."""
    expected = reference(name)
    ids = [*expected["prompt_ids"].tolist(), *expected["greedy_ids"][:-1].tolist()]
    (folder / "ids.json").write_text(json.dumps(ids))
    out = folder / "logits.npy"
    hob("logits", "--model", MODEL, "--tokens", folder / "ids.json", "--out", out, *options)
    logits = np.load(out)
    out.unlink()
    assert logits.dtype == np.float32
    assert logits.shape == (len(ids), expected["step_logits"].shape[1])
    assert np.isfinite(logits).all()
    return expected, logits, logits[len(expected["prompt_ids"]) - 1 :]


@needs_golden
@pytest.mark.parametrize("name", PROMPTS)
def test_default_activations(name, tmp_path):
    """int16: every argmax as in f32, logits near."""
    expected, logits, generated = teacher_forced(name, tmp_path)
    assert (generated.argmax(1) == expected["greedy_ids"]).all()
    prompt = logits[: len(expected["prompt_ids"])].argmax(1)
    assert (prompt == expected["logits_all_argmax"]).all()
    difference = np.abs(generated[: len(expected["step_logits"])] - expected["step_logits"]).max()
    print(f"{name}: logits differ by {difference:.4f} at most")
    assert difference <= 0.05


@needs_golden
@pytest.mark.parametrize("name", PROMPTS)
def test_int8_activations(name, tmp_path):
    expected, logits, generated = teacher_forced(name, tmp_path, "--activations", "int8")
    clear = expected["margin"] >= CLEAR_MARGIN
    wrong = clear & (generated.argmax(1) != expected["greedy_ids"])
    assert not wrong.any(), f"generated positions {np.flatnonzero(wrong).tolist()} differ"
    prompt = logits[: len(expected["prompt_ids"])].argmax(1)
    agree = float(np.mean(prompt == expected["logits_all_argmax"]))
    difference = np.abs(generated[: len(expected["step_logits"])] - expected["step_logits"])
    print(f"{name}: {agree:.2%} of prompt positions agree, logits differ by {difference.max():.3f} "
          f"at most, RMS {np.sqrt(np.mean(difference**2)):.4f}")
    if name == "prompt512":
        assert agree >= 0.95


@needs_golden
@pytest.mark.parametrize("name", PROMPTS)
def test_precise_activations(name, tmp_path):
    expected, logits, generated = teacher_forced(name, tmp_path, "--precise")
    assert (generated.argmax(1) == expected["greedy_ids"]).all()
    prompt = logits[: len(expected["prompt_ids"])].argmax(1)
    assert (prompt == expected["logits_all_argmax"]).all()
    difference = np.abs(generated[: len(expected["step_logits"])] - expected["step_logits"]).max()
    print(f"{name}: logits differ by {difference:.2e} at most")
    assert difference <= 2e-3
    assert np.abs(generated[0] - expected["logits_last"]).max() <= 2e-3


def perplexity(*options):
    arguments = ["--model", MODEL, "--file", WIKITEXT, "--window", 512, "--tokens", 8192, "--json"]
    return json.loads(hob("perplexity", *arguments, *options, timeout=1200))


@needs_wikitext
@pytest.mark.parametrize(
    ("options", "whole", "window"),
    [
        pytest.param([], 5e-4, 5e-4, id="default"),
        pytest.param(["--activations", "int8"], 0.005, 0.01, id="int8"),
        pytest.param(["--precise"], 1e-4, 1e-4, id="precise"),
    ],
)
def test_perplexity(options, whole, window):
    expected = json.loads((GOLDEN / "perplexity.json").read_text())
    got = perplexity(*options)
    print(f"perplexity {got['perplexity']:.4f}, reference {expected['ppl']:.4f}")
    assert got["tokens"] == expected["tokens"]
    assert got["scored"] == expected["scored"]
    assert got["perplexity"] == pytest.approx(expected["ppl"], rel=whole)
    assert got["window_nll"] == pytest.approx(expected["window_nll"], rel=window)


@needs_golden
@pytest.mark.parametrize(("name", "options"), [("capital", ["--special"]), ("prompt512", [])])
def test_tokenize_gives_the_prompt(name, options, tmp_path):
    expected = json.loads((GOLDEN / "golden.json").read_text())[name]
    text = tmp_path / "text"
    text.write_text(expected["text"], encoding="utf-8", newline="")
    got = json.loads(hob("tokenize", "--model", MODEL, "--file", text, "--json", *options))
    assert got == expected["prompt_ids"]


@needs_wikitext
def test_tokenize_gives_the_first_ids_of_wikitext():
    expected = json.loads((GOLDEN / "perplexity.json").read_text())["first_ids"]
    got = json.loads(hob("tokenize", "--model", MODEL, "--file", WIKITEXT, "--json"))
    assert got[: len(expected)] == expected


def test_run_answers():
    question = "What is the capital of France?"
    arguments = ["run", "--model", MODEL, "--greedy", "--max-tokens", 32, question]
    answer = hob(*arguments)
    assert "Paris" in answer
    assert hob(*arguments) == answer
