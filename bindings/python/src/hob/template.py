# SPDX-License-Identifier: Apache-2.0
"""Chat templates: what makes one text of a conversation, without a model and without a runtime."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ._handle import Handle
from ._library import ffi, lib, take_text
from ._structs import new_struct
from .errors import check, new_error

__all__ = ["ChatTemplate"]


def _plain(message: Mapping[str, Any]) -> bool:
    return message.keys() == {"role", "content"} and all(isinstance(text, str) for text in message.values())


def _messages_in(messages: Iterable[Mapping[str, Any]]) -> tuple[Any, Any]:
    """(hob_chat_message[], what it points to)."""
    texts = [(message["role"].encode(), message["content"].encode()) for message in messages]
    keep = [tuple(ffi.from_buffer("char[]", text) for text in pair) for pair in texts]
    return ffi.new("hob_chat_message[]", [tuple((view, len(view)) for view in pair) for pair in keep]), keep


class ChatTemplate(Handle):
    """Jinja as model files carry it, run in a sandbox of bounded time and memory. Immutable; any number of threads may
    use one. `bos` and `eos` are what it has as bos_token and eos_token. Model.template gives the one of an open model.

    A source that is no Jinja is InvalidArgument, with line and column; what hob's Jinja lacks, Unimplemented.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        data = source.encode()
        options, keep = new_struct("hob_chat_template_options"), []
        for field, text in ((options.bos_text, bos.encode()), (options.eos_text, eos.encode())):
            keep.append(ffi.from_buffer("char[]", text))
            field.data, field.size = keep[-1], len(text)
        out, error = ffi.new("hob_chat_template**"), new_error()
        check(lib.hob_chat_template_create(out, data, len(data), options, error), error)
        self._own(out[0], lib.hob_chat_template_destroy)

    def render(
        self, messages: Iterable[Mapping[str, Any]], *, add_generation_prompt: bool = True, **variables: Any
    ) -> str:
        """The text of messages. They have a "role" and a "content", and what else the template knows ("tool_calls").
        variables: whatever JSON can hold (`tools=[…]`, `enable_thinking=False`); they win over those that hob sets.
        add_generation_prompt: the text ends where the assistant is to speak."""
        messages = list(messages)
        if not all(map(_plain, messages)):
            variables = {"messages": [dict(message) for message in messages], **variables}
            messages = []
        more = json.dumps(variables, allow_nan=False).encode() if variables else b""
        options = new_struct("hob_render_options")
        options.add_generation_prompt = add_generation_prompt
        view = ffi.from_buffer("char[]", more)
        options.variables.data, options.variables.size = view, len(more)
        array, keep = _messages_in(messages)
        out, size, error = ffi.new("char**"), ffi.new("size_t*"), new_error()
        status = lib.hob_chat_template_render(out, size, self._pointer, array, len(messages), options, error)
        del keep
        check(status, error)
        return take_text(out[0], size[0]).decode("utf-8", "replace")
