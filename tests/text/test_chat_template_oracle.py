# SPDX-License-Identifier: Apache-2.0
"""Renders conversations through hob and through jinja2 and compares the texts.

The templates are hob's own (tests/text/data/templates) and, when they can be fetched, all that
llama.cpp carries, from PyPI's source package of llama-cpp-python. Those belong to others: they stay
in a cache outside the repository.
"""

import copy
import hashlib
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest
from template_oracle import env, hob, render_jinja  # noqa: F401

SDIST = "llama_cpp_python-0.3.36.tar.gz"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
OWN = pathlib.Path(__file__).parent / "data" / "templates"


def fetch_templates():
    """The folder of llama.cpp's templates, or (None, why not)."""
    folder = CACHE / "hob" / "oracle"
    out = folder / "llama-cpp-python-0.3.36-templates"
    if out.is_dir():
        return out, ""
    if os.environ.get("HOB_OFFLINE"):
        return None, "HOB_OFFLINE is set"
    folder.mkdir(parents=True, exist_ok=True)
    sdist = folder / SDIST
    if not sdist.exists():
        pip = [sys.executable, "-m", "pip", "-q"]
        # pip asks the package for its metadata, which takes its build backend.
        work = folder / f"build-{os.getpid()}"
        commands = [
            [*pip, "install", "--target", str(work), "scikit-build-core", "pathspec"],
            [
                *pip,
                "download",
                "--no-binary",
                ":all:",
                "--no-deps",
                "--no-build-isolation",
                "llama-cpp-python==0.3.36",
                "-d",
                str(folder),
            ],
        ]
        try:
            for command in commands:
                subprocess.run(
                    command,
                    check=True,
                    capture_output=True,
                    timeout=600,
                    env={**os.environ, "PYTHONPATH": str(work)},
                )
        except (subprocess.SubprocessError, OSError) as error:
            return None, f"{SDIST} could not be fetched: {error}"
        finally:
            subprocess.run(["rm", "-rf", str(work)], check=False)
    partial = folder / f"templates-{os.getpid()}"
    partial.mkdir(exist_ok=True)
    try:
        with tarfile.open(sdist) as archive:
            for member in archive:
                name = pathlib.PurePosixPath(member.name)
                if name.parent.match("models/templates") and name.suffix == ".jinja":
                    (partial / name.name).write_bytes(archive.extractfile(member).read())
    except (tarfile.TarError, OSError, EOFError) as error:
        sdist.unlink(missing_ok=True)
        return None, f"{SDIST} could not be read: {error}"
    try:
        partial.rename(out)
    except OSError:  # another run was faster
        subprocess.run(["rm", "-rf", str(partial)], check=False)
    return out, ""


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": 'The weather in a place — <now> & "later".',
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "A city, e.g. Zürich"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                    "days": {"type": ["integer", "null"], "default": 3, "minimum": 1},
                    "options": {
                        "type": "object",
                        "properties": {"hourly": {"type": "boolean", "default": False}},
                        "required": ["hourly"],
                    },
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["place"],
            },
            "return": {"type": "string"},
        },
    },
    {
        "type": "function",
        "function": {"name": "now", "description": "The time", "parameters": {}},
    },
]

SIMPLE_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds two numbers",
            "parameters": {
                "type": "object",
                "properties": {
                    "a": {"type": "integer", "description": "The first"},
                    "b": {"type": "integer", "description": "The second"},
                },
                "required": ["a", "b"],
            },
        },
    }
]


def call(name, arguments, identifier="abcdefghi"):
    return {
        "id": identifier,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def conversations():
    user = {"role": "user", "content": "What is the capital of France?"}
    system = {"role": "system", "content": "You are a terse helper."}
    answer = {"role": "assistant", "content": "Paris."}
    weather = {"place": "Genève", "days": 2, "exact": 1.5, "ok": True, "none": None}
    yield "user", [user]
    yield "system", [system, user]
    yield "turns", [system, user, answer, {"role": "user", "content": "And of Spain?"}]
    yield "turns_no_system", [user, answer, {"role": "user", "content": "And of Spain?"}]
    yield "ends_with_assistant", [user, answer]
    yield (
        "unicode",
        [
            {"role": "system", "content": "Sprich Deutsch. 请说中文。"},
            {"role": "user", "content": "Größe? 你好 👋🏽 <|im_end|> {{ 1 }} {% raw %} ﬁ İ"},
            {"role": "assistant", "content": "  \n\tJa — 好的。\u3000\n"},
            {"role": "user", "content": "\n  noch eins  \n"},
        ],
    )
    yield "empty_content", [{"role": "system", "content": ""}, {"role": "user", "content": ""}]
    yield "no_messages", []
    yield (
        "thinking",
        [
            user,
            {"role": "assistant", "content": "<think>\nlet me see\n</think>\n\nParis."},
            {"role": "user", "content": "Sure?"},
            {"role": "assistant", "content": "Yes.", "reasoning_content": "It is.\n"},
            {"role": "user", "content": "Good. </think> ok"},
        ],
    )
    yield "wrong_order", [user, user, answer, answer]
    yield "system_late", [user, system, answer]
    yield "unknown_role", [{"role": "critic", "content": "Hm."}, user]
    yield (
        "parts",
        [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": " there"}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]},
        ],
    )
    yield (
        "tool_call",
        [
            system,
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": None, "tool_calls": [call("get_weather", weather)]},
            {
                "role": "tool",
                "name": "get_weather",
                "content": '{"t": 21.5}',
                "tool_call_id": "abcdefghi",
            },
            {"role": "assistant", "content": "It is 21.5 °C."},
            {"role": "user", "content": "Thanks"},
        ],
    )
    yield (
        "tool_call_text",
        [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": "Let me look.",
                "tool_calls": [call("get_weather", '{"place": "Rome"}')],
            },
            {
                "role": "tool",
                "name": "get_weather",
                "content": {"t": 1, "list": [1, 2.0, "x"]},
                "tool_call_id": "abcdefghi",
            },
        ],
    )
    yield (
        "tool_calls_two",
        [
            {"role": "user", "content": "Weather and time?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    call("get_weather", weather, "aaaaaaaaa"),
                    call("now", {}, "bbbbbbbbb"),
                ],
            },
            {"role": "tool", "name": "get_weather", "content": "21.5", "tool_call_id": "aaaaaaaaa"},
            {"role": "tool", "name": "now", "content": "noon", "tool_call_id": "bbbbbbbbb"},
        ],
    )
    yield "developer", [{"role": "developer", "content": "Obey."}, user]
    yield "no_content_key", [{"role": "user"}, {"role": "assistant", "tool_calls": []}]


def contexts():
    for name, messages in conversations():
        for generate in (False, True):
            plain = name in ("no_messages", "unknown_role")
            for tools in [None] if plain else [None, SIMPLE_TOOLS, TOOLS]:
                for extra in (
                    {},
                    {"enable_thinking": False},
                    {"enable_thinking": True, "date_string": "01 Jan 2025"},
                ):
                    if extra and name not in ("user", "thinking", "turns", "tool_call"):
                        continue
                    yield (
                        f"{name} generate={generate} tools={len(tools or [])} {extra}",
                        {
                            "messages": copy.deepcopy(messages),
                            "tools": tools,
                            "documents": None,
                            "bos_token": "<s>",
                            "eos_token": "</s>",
                            "add_generation_prompt": generate,
                            "functions": "[]",
                            "datetime": "today",
                            **extra,
                        },
                    )


CONTEXTS = list(contexts())


def compare(env, hob, source):  # noqa: F811
    equal = errors = 0
    different = []
    for name, context in CONTEXTS:
        expected, error = render_jinja(env, source, context)
        text, message = hob.render(source, context)
        if expected is None and text is None:
            errors += 1
        elif expected != text:
            different.append(f"{name}\n jinja2: {expected!r} {error}\n hob:    {text!r} {message}")
        else:
            equal += 1
    return equal, errors, different


def paths(folder):
    return sorted(folder.glob("*.jinja")) if folder else []


@pytest.mark.parametrize("path", paths(OWN), ids=lambda path: path.stem)
def test_own_templates(path, env, hob):  # noqa: F811
    equal, _, different = compare(env, hob, path.read_text(encoding="utf-8"))
    assert not different, "\n".join(different[:3])
    assert equal > 0


def test_llama_cpp_templates(env, hob, record_property):  # noqa: F811
    folder, reason = fetch_templates()
    if folder is None:
        pytest.skip(reason)
    seen = set()
    total_equal = total_errors = 0
    failures = []
    for path in paths(folder):
        source = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(source.encode()).hexdigest()
        if digest in seen:
            continue
        seen.add(digest)
        equal, errors, different = compare(env, hob, source)
        total_equal += equal
        total_errors += errors
        if different:
            failures.append(f"{path.name}: {len(different)} differ, the first: {different[0]}")
    summary = f"{len(seen)} templates: {total_equal} texts equal, {total_errors} errors in both"
    record_property("summary", summary)
    print(summary)
    assert not failures, summary + "\n" + "\n".join(failures)
    assert len(seen) > 40
