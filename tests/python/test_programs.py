# SPDX-License-Identifier: Apache-2.0
"""Programs over the package: the examples, the benchmark, the type checker, the linter; leaving Python in any state."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")

from conftest import LIBRARY, ROOT, run

EXAMPLES = ROOT / "examples/python"
BINDING = ROOT / "bindings/python"


def needs(module):
    return pytest.mark.skipif(not importlib.util.find_spec(module), reason=f"{module} is not installed")


def test_chat(program_environment, real_model_path):
    said = run(
        sys.executable, EXAMPLES / "chat.py", real_model_path, "What is the capital of France?", env=program_environment
    ).stdout
    assert "Paris" in said
    lines = run(
        sys.executable,
        EXAMPLES / "chat.py",
        real_model_path,
        env=program_environment,
        input="What is the capital of France?\nAnd of Italy?\n",
    ).stdout
    assert [word in line for word, line in zip(("Paris", "Rome"), lines.splitlines())] == [True, True]


def test_structured(program_environment, real_model_path):
    said = run(sys.executable, EXAMPLES / "structured.py", real_model_path, env=program_environment).stdout
    assert re.fullmatch(r"(.+ [0-9]+\n)?", said)


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_chat_interrupted(program_environment, real_model_path):
    chat = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "chat.py"), real_model_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=program_environment,
    )
    chat.stdin.write(b"Count to a thousand in words.\n")
    chat.stdin.flush()
    begin = chat.stdout.read(1)
    chat.send_signal(signal.SIGINT)
    rest, _ = chat.communicate(b"What is the capital of France?\n", timeout=60)
    assert chat.returncode == 0
    first, second = (begin + rest).decode().strip().split("\n", 1)[0], rest.decode()
    assert first
    assert " …\n" in second
    assert "Paris" in second


@needs("ray")
def test_ray(program_environment, real_model_path, tmp_path):
    questions = ["What is the capital of France?", "What colour is the sky?"]
    rows = [json.dumps({"id": i, "prompt": prompt}) for i, prompt in enumerate(questions * 10)]
    (tmp_path / "in.jsonl").write_text("\n".join(rows))
    # Ray keeps sockets, whose paths are to be short, in its own folder, and a token in the home folder.
    work = tempfile.mkdtemp(prefix="ray")
    environment = {
        **program_environment,
        "HOME": str(tmp_path),
        "TMPDIR": work,
        "RAY_TMPDIR": work,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    }
    try:
        run(
            sys.executable,
            EXAMPLES / "batch_ray.py",
            real_model_path,
            tmp_path / "in.jsonl",
            tmp_path / "out",
            "2",
            "1",
            env=environment,
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    answers = [json.loads(line) for path in (tmp_path / "out").glob("*.json") for line in path.read_text().splitlines()]
    assert sorted(row["id"] for row in answers) == list(range(20))
    with hob.Model(real_model_path) as model:
        for row in answers:
            with model.session(system="Answer in one sentence.") as session:
                result = session.generate(row["prompt"], max_tokens=64)
            assert (row["answer"], row["tokens"]) == (result.text, result.generated_tokens)


def test_the_reference_is_that_of_the_package(program_environment):
    run(sys.executable, BINDING / "tools/reference.py", "--check", env=program_environment)


@needs("mypy")
def test_types(tmp_path):
    environment = {**os.environ, "MYPYPATH": str(BINDING / "src")}
    config = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        BINDING / "pyproject.toml",
        "--cache-dir",
        tmp_path / "cache",
    ]
    run(*config, BINDING / "src/hob", env=environment)
    (tmp_path / "user.py").write_text(
        "import hob\n"
        "def ask(model: hob.Model) -> str:\n"
        "    with model.session(system='x', sampler=hob.Sampler(top_k=3)) as session:\n"
        "        for piece in session.stream('hello', max_tokens=3, stop=['x']):\n"
        "            piece.upper()\n"
        "        return session('hello', max_time=1.0)\n"
    )
    run(*config, tmp_path / "user.py", EXAMPLES / "chat.py", env=environment)
    (tmp_path / "wrong.py").write_text("import hob\nhob.Model('x', threads=3).session(max_tokens='3')\n")
    said = run(*config, tmp_path / "wrong.py", env=environment, code=1).stdout
    assert said.count("error:") >= 2


@needs("ruff")
def test_style():
    ruff, config = [sys.executable, "-m", "ruff"], ["-q", "--no-cache", "--config", BINDING / "pyproject.toml"]
    # Patterns in the configuration are read from where ruff runs.
    run(*ruff, "check", *config, BINDING, cwd=ROOT)
    run(*ruff, "check", *config, "--ignore", "ANN,D1", EXAMPLES, cwd=ROOT)
    run(*ruff, "check", *config, "--ignore", "ANN,ARG,D1,E402", ROOT / "tests/python", cwd=ROOT)


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_a_token_in_python_costs_little_more_than_in_c(program_environment, model_path, tmp_path):
    program = tmp_path / "stream_overhead"
    run(
        "cc",
        "-O2",
        "-std=c99",
        f"-I{ROOT / 'include'}",
        BINDING / "bench/stream_overhead.c",
        "-o",
        program,
        LIBRARY,
        f"-Wl,-rpath,{pathlib.Path(LIBRARY).parent}",
    )
    said = run(
        sys.executable, BINDING / "bench/stream_overhead.py", model_path, program, "100", "9", env=program_environment
    ).stdout
    print(said)
    measured = json.loads(said)
    # A benchmark that runs, not a limit on a busy machine: about 3.
    assert max(measured["over_c_callback"].values()) < 500


@pytest.mark.parametrize(
    "ending",
    [
        "",  # all open
        "stream = session.stream('hello', **options); next(stream)",
        "for piece in session.stream('hello', **options): sys.exit(0)",
        "threading.Thread(target=session, args=['hello'], kwargs=options, daemon=True).start(); time.sleep(0.1)",
        "keep = [session.stream('hello', **options)]; keep.append(keep); next(keep[0])",
        "pool = concurrent.futures.ThreadPoolExecutor(); pool.submit(session.generate, 'hello', **options)\n"
        "time.sleep(0.1); session.cancel()",
    ],
)
def test_leaving_python(program_environment, model_path, ending):
    """Whatever is open, or on its way on a daemon's thread, the process ends at once, well and silently."""
    program = f"""
import concurrent.futures, sys, threading, time, hob
session = hob.Model({str(model_path)!r}).session(context_tokens=64, roll=True)
options = {{"ignore_eos": True}}
{ending}
"""
    begin = time.monotonic()
    done = run(sys.executable, "-c", program, env=program_environment)
    assert (done.stdout, done.stderr) == ("", "")
    assert time.monotonic() - begin < 20
