# SPDX-License-Identifier: Apache-2.0
"""What Python says of the C interface is what the headers, the manifest and the library say."""

import re
import sys

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")

from conftest import ROOT
from hob import _cffi, _library, model, runtime, session

ffi, lib = _cffi.ffi, _library.lib
HEADERS = "".join(path.read_text() for path in sorted((ROOT / "include/hob").glob("*.h")))
RESERVED = re.compile(r"struct_size|abi_version|reserved\d*|progress(_user)?|user|on_token")


def manifest(kind):
    # A table is a few lines of `key = value`: tomllib came with Python 3.11 only.
    text = (ROOT / "abi/stable_abi.toml").read_text()
    for table in re.findall(rf"^\[\[{kind}\]\]\n((?:\w+ = .*\n)+)", text, re.M):
        yield dict(line.split(" = ", 1) for line in table.splitlines())


def test_every_symbol_is_declared_and_there():
    names = [table["name"].strip('"') for table in manifest("symbol")]
    assert len(names) > 30
    for name in names:
        assert callable(getattr(lib, name)), name


def test_enum_values():
    values = {table["name"].strip('"'): int(table["value"]) for table in manifest("enum")}
    assert len(values) > 40
    for name, value in values.items():
        assert getattr(lib, name) == value, name


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the manifest's sizes are those of 64-bit systems")
def test_struct_sizes():
    tables = list(manifest("struct"))
    assert len(tables) > 10
    for table in tables:
        newest = int(re.findall(r"\d+", table["sizes_64bit"])[-1])
        assert ffi.sizeof(table["name"].strip('"')) == newest, table["name"]


@pytest.mark.parametrize(
    ("ours", "prefix"),
    [
        (hob.Status, "HOB_"),
        (hob.Activations, "HOB_ACTIVATIONS_"),
        (hob.KvType, "HOB_KV_"),
        (hob.RopeScaling, "HOB_ROPE_"),
        (hob.FinishReason, "HOB_FINISH_"),
        (hob.ConvertWeights, "HOB_CONVERT_"),
        (hob.TokenKind, "HOB_TOKEN_"),
        (hob.AnswerSource, "HOB_SOURCE_"),
        (hob.HandoffReason, "HOB_HANDOFF_REASON_"),
        (hob.HandoffFallback, "HOB_FALLBACK_"),
        (hob.BreakerState, "HOB_BREAKER_"),
        (hob.ops.WeightType, "HOB_TYPE_"),
    ],
)
def test_enums_are_whole(ours, prefix):
    for member in ours:
        assert getattr(lib, prefix + member.name) == member.value
    if prefix != "HOB_":
        theirs = set(re.findall(rf"\b{prefix}(\w+) = ", HEADERS))
        assert theirs == {member.name for member in ours}
    else:
        assert {table["name"] for table in manifest("enum")} >= {f'"HOB_{member.name}"' for member in ours}


@pytest.mark.parametrize("ours", [hob.FinishReason, hob.TokenKind, hob.ops.WeightType])
def test_values_of_a_newer_library(ours):
    new = ours(99)
    assert new == 99
    assert isinstance(new, ours)
    assert (new.name, new.value, repr(new)) == ("99", 99, f"<{ours.__name__}.99: 99>")
    assert 99 not in list(ours)
    assert ours(1) is next(member for member in ours if member == 1)
    with pytest.raises(ValueError, match="valid"):
        ours("1")


def fields(struct):
    return [name for name, _ in ffi.typeof(struct).fields if not RESERVED.fullmatch(name)]


@pytest.mark.parametrize(
    ("struct", "names"),
    [
        ("hob_model_info", hob.ModelInfo.__dataclass_fields__),
        ("hob_model_plan_info", hob.ModelPlan.__dataclass_fields__),
        ("hob_runtime_info", hob.RuntimeInfo.__dataclass_fields__),
        ("hob_session_stats", hob.Stats.__dataclass_fields__),
        ("hob_handoff_report", hob.HandoffReport.__dataclass_fields__),
        ("hob_handoff_metrics", hob.HandoffMetrics.__dataclass_fields__),
        ("hob_generate_result", hob.Result.__dataclass_fields__),
        ("hob_tokenizer_info", hob.TokenizerInfo.__dataclass_fields__),
        ("hob_token_info", hob.TokenInfo.__dataclass_fields__),
        ("hob_matrix_info", hob.ops.MatrixInfo.__dataclass_fields__),
        ("hob_sampler_options", hob.Sampler.__dataclass_fields__),
        ("hob_model_options", model.ModelOptions.__annotations__),
        ("hob_session_options", session.SessionOptions.__annotations__),
        ("hob_runtime_options", runtime.Runtime.__init__.__annotations__),
    ],
)
def test_no_field_is_left_out(struct, names):
    ours = set(names) - ({"text", "system", "logger", "return"} - set(fields(struct)))
    # Python has its own memory and logging.
    theirs = set(fields(struct)) - {"allocate", "release", "allocator_user", "log", "log_user"}
    assert ours == theirs


def test_generate_options():
    theirs = set(fields("hob_generate_options")) - {"stops", "stop_count", "max_time_ms"} | {"stop", "max_time"}
    assert set(session.GenerateOptions.__annotations__) == theirs


def test_handoff_options():
    theirs = {name.removesuffix("_ms") for name in fields("hob_handoff_options")}
    assert set(hob.Handoff.__init__.__annotations__) - {"runtime", "return"} == theirs - {"redact_user", "battery_user"}


def init_values(name):
    """The values of a HOB_..._INIT after struct_size, as texts."""
    found = re.search(rf"#define {name}\s+((?:.*\\\n)*.*\n)", HEADERS)
    text = found[1].replace("\\\n", " ").strip()[1:-1]
    return [value.strip() for value in re.sub(r"\{[^}]*\}", "0", text).split(",")]


def test_defaults_of_options_are_zero_or_known():
    number = {"NULL": 0.0, "HOB_NO_TOKEN": -1.0}
    for struct in ("model", "generate", "convert"):
        for value in init_values(f"HOB_{struct.upper()}_OPTIONS_INIT")[1:]:
            assert number.get(value, getattr(lib, value, None) if value.startswith("HOB_") else value) in (0, 0.0, "0")
    ours = session._session_options({})[0]
    names = [name for name, _ in ffi.typeof("hob_session_options").fields][1:]
    for name, value in zip(names, init_values("HOB_SESSION_OPTIONS_INIT")[1:]):
        if name != "reserved":
            theirs = ffi.NULL if value == "NULL" else getattr(lib, value) if value.startswith("HOB_") else int(value)
            assert getattr(ours, name) == theirs, name
    values = init_values("HOB_SAMPLER_OPTIONS_INIT")
    names = [name for name, _ in ffi.typeof("hob_sampler_options").fields]
    theirs = {name: float(value.rstrip("f")) for name, value in zip(names[1:], values[1:]) if name != "reserved"}
    ours = hob.Sampler()
    assert theirs == {name: getattr(ours, name) for name in theirs}


def test_a_library_of_another_interface_is_refused(monkeypatch):
    class Other:
        HOB_ABI_VERSION_MAJOR = lib.HOB_ABI_VERSION_MAJOR
        HOB_ABI_VERSION_MINOR = lib.HOB_ABI_VERSION_MINOR + 1

        def hob_abi_version(self):
            return lib.hob_abi_version()

    class Dlopen:
        RTLD_NOW = RTLD_LOCAL = 0

        def dlopen(self, _path, _flags):
            return Other()

    monkeypatch.setattr(_library, "ffi", Dlopen())
    with pytest.raises(ImportError, match="made for 0"):
        _library._load()
