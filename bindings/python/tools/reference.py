# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference/python.md from the package's docstrings: reference.py [--check], with hob importable."""

from __future__ import annotations

import enum
import inspect
import operator
import pathlib
import re
import sys
from typing import Any

import hob

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/reference/python.md"
HEAD = """# The Python package

Made from the docstrings by `bindings/python/tools/reference.py`. [hob in a Python app](../howto/embed-python.md) says
how the pieces go together.
"""
GROUPS = {
    "Handles": ["Runtime", "Model", "Session", "Stream", "Grammar", "Tools", "Embedder", "Handoff"],
    "Pieces on their own": ["Tokenizer", "Detokenizer", "ChatTemplate", "SamplerChain", "Matcher", "ops.Matrix"],
    "Options": ["Sampler", "ModelOptions", "SessionOptions", "GenerateOptions", "Message"],
    "What comes back": [
        "Result",
        "TokenLogprob",
        "ToolCall",
        "Stats",
        "ModelInfo",
        "ModelPlan",
        "RuntimeInfo",
        "TokenizerInfo",
        "TokenInfo",
        "EmbedderInfo",
        "HandoffReport",
        "HandoffMetrics",
        "ops.MatrixInfo",
    ],
    "Functions": ["convert", "version", "ops.quantize", "ops.type_bytes"],
    "Enumerations": [
        "FinishReason",
        "Activations",
        "KvType",
        "RopeScaling",
        "ConvertWeights",
        "TokenKind",
        "Pooling",
        "Normalization",
        "HandoffMode",
        "AnswerSource",
        "HandoffReason",
        "HandoffFallback",
        "BreakerState",
        "ops.WeightType",
        "Status",
    ],
}
QUIET = {"__enter__", "__exit__", "__aenter__", "__aexit__", "__init__", "__del__", "__reduce__", "__str__"}


def _text(thing: Any) -> str:
    return re.sub(r"^>>>.*", "", inspect.getdoc(thing) or "", flags=re.S | re.M).strip()


def _signature(name: str, function: Any) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return name
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    text = str(signature.replace(parameters=parameters)).replace("'", "").replace("**options: Unpack", "**options: ")
    return re.sub(r"options: \[(\w+)\]", r"options: \1", f"{name}{text}")


def _fields(kind: type) -> list[str]:
    """Names, types and the `#:` comments behind them."""
    found = re.findall(r"^    (\w+)(?:: ([^=#\n]+?))?(?: = ([^#\n]+?))?(?:  #: (.*))?$", inspect.getsource(kind), re.M)
    lines = ["", "| name | type | default | |", "|---|---|---|---|"]
    if issubclass(kind, enum.Enum):
        lines = ["", "| name | value | |", "|---|---|---|"]
        return lines + [f"| `{name}` | {value} | {note} |" for name, _, value, note in found if value]
    for name, type_, value, note in found:
        if type_:
            lines.append(
                f"| `{name}` | `{type_}` | {value and f'`{value}`'} | {note} |".replace(" | None`", " \\| None`")
            )
    return [line.replace("str | Seq", "str \\| Seq") for line in lines]


def _members(kind: type) -> list[str]:
    lines = []
    for base in (kind, *(b for b in kind.__mro__[1:] if b.__module__.startswith("hob"))):
        for name, member in vars(base).items():
            plain = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
            function = getattr(plain, "fget", None) or getattr(plain, "func", None)
            hidden = name.startswith("_") and (name in QUIET or not name.startswith("__"))
            if hidden or (function is None and not callable(plain)):
                continue
            text = _text(function or plain).replace("\n", " ")
            if not text or any(line.startswith((f"- **`{name}`", f"- **`{name}(")) for line in lines):
                continue
            if function is not None:
                lines.append(f"- **`{name}`**: {text}")
            else:
                lines.append(f"- **`{_signature(name, plain)}`**: {text}")
    return lines


def missing() -> set[str]:
    """Names of the package that the page leaves out; the exceptions find themselves."""
    errors = {kind.__name__ for kind in (hob.HobError, *hob.HobError.__subclasses__())}
    return set(hob.__all__) - {name for names in GROUPS.values() for name in names} - errors - {"ops"}


def page() -> str:
    """The whole page."""
    out = [HEAD]
    for title, names in GROUPS.items():
        out.append(f"## {title}\n")
        for name in names:
            thing = operator.attrgetter(name)(hob)
            if not isinstance(thing, type):
                out.append(f"### {name}\n\n`{_signature(name, thing)}`\n\n{_text(thing)}\n")
                continue
            handle = title in ("Handles", "Pieces on their own")
            head = (
                f"\n`{_signature(name, thing.__init__)}`\n".replace(" -> None", "")
                if handle and name != "Stream"
                else ""
            )
            out.append(f"### {name}\n{head}\n{_text(thing)}")
            out.append("\n".join(["", *_members(thing)] if handle else _fields(thing)) + "\n")
    out.append("## Exceptions\n\n| class | also | when |\n|---|---|---|")
    for kind in (hob.HobError, *hob.HobError.__subclasses__()):
        also = ", ".join(f"`{base.__name__}`" for base in kind.__bases__ if base is not hob.HobError)
        out.append(f"| `{kind.__name__}` | {also} | {_text(kind)} |".replace("\n", " "))
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if missing():
        sys.exit(f"bindings/python/tools/reference.py leaves out {', '.join(sorted(missing()))}")
    if "--check" in sys.argv:
        sys.exit(
            0
            if PAGE.read_text() == page()
            else "docs/reference/python.md is old: run bindings/python/tools/reference.py"
        )
    PAGE.write_text(page())
