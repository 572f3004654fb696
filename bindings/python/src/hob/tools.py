# SPDX-License-Identifier: Apache-2.0
"""Tools that a model may call. Experimental."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._handle import Handle
from ._library import encode, ffi, lib, text_of
from ._structs import new_struct
from .errors import check, new_error
from .model import Model

__all__ = ["ToolCall", "Tools"]

_CHOICES = {"auto": "HOB_TOOL_AUTO", "none": "HOB_TOOL_NONE", "required": "HOB_TOOL_REQUIRED"}


@dataclass(frozen=True)
class ToolCall:
    """A call that the model made. Experimental."""

    id: str  #: its own within the conversation
    name: str
    arguments: dict[str, Any]


class Tools(Handle):
    """What a model can call, as chat APIs define it: [{"type": "function", "function": {"name", "description",
    "parameters"}}], or that as JSON. `style` is how calls are written: "hermes", "llama3", "mistral", "smollm", or as
    the model's chat template does. Any number of sessions and threads may use one. Experimental.

    >>> tools = hob.Tools(model, [{"type": "function", "function": {"name": "now"}}])
    >>> session.set_tools(tools)
    >>> session.generate("What time is it?").finish_reason  # doctest: +SKIP
    <FinishReason.TOOL_CALLS: 7>
    """

    def __init__(self, model: Model, tools: Sequence[Mapping[str, Any]] | str, *, style: str = "") -> None:
        text, name = encode(tools if isinstance(tools, str) else json.dumps(tools)), encode(style)
        options, keep = new_struct("hob_tools_options"), ffi.from_buffer("char[]", name)
        options.style.data, options.style.size = keep, len(name)
        out, error = ffi.new("hob_tools**"), new_error()
        check(lib.hob_tools_create(out, model._pointer, text, len(text), options, error), error)
        self._own(out[0], lib.hob_tools_destroy)


def read_call(call: Any) -> ToolCall:
    """A hob_tool_call."""
    return ToolCall(text_of(call.id), text_of(call.name), json.loads(text_of(call.arguments)))


def tool_use(choice: str, parallel: bool, constrain: bool) -> tuple[Any, Any]:
    """`choice` is "auto", "none", "required", or the name of the one tool to call."""
    if not choice:
        raise ValueError("choice is empty")
    use = new_struct("hob_tool_use")
    only = b"" if choice in _CHOICES else encode(choice)
    keep = ffi.from_buffer("char[]", only)
    use.choice = getattr(lib, _CHOICES.get(choice, "HOB_TOOL_REQUIRED"))
    use.only.data, use.only.size = keep, len(only)
    use.single = not parallel
    use.unconstrained = not constrain
    return use, keep
