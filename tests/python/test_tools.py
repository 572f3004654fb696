# SPDX-License-Identifier: Apache-2.0
"""Tools that a model calls."""

import pytest

hob = pytest.importorskip("hob", reason="the package needs HOB_SHARED_LIBRARY and cffi")

from conftest import FIXTURES

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "f",
            "parameters": {
                "type": "object",
                "properties": {"a": {"enum": [1, 2]}},
                "required": ["a"],
                "additionalProperties": False,
            },
        },
    }
]


@pytest.fixture(scope="module")
def tool_model(tmp_path_factory, runtime):
    """The fixture with a longer context: its vocabulary has few words, so that tools take many tokens."""
    data = bytearray((FIXTURES / "smollm-q4_1.gguf").read_bytes())
    key = b"llama.context_length"
    at = data.index(key) + len(key) + 4
    data[at : at + 4] = (2048).to_bytes(4, "little")
    path = tmp_path_factory.mktemp("tools") / "long.gguf"
    path.write_bytes(data)
    with hob.Model(path, runtime=runtime) as model:
        yield model


def test_a_call_and_what_came_of_it(tool_model):
    with hob.Tools(tool_model, TOOLS) as tools, tool_model.session() as session:
        session.set_tools(tools, choice="required", parallel=False)
        assert session.generate("hi", max_tokens=400).finish_reason == hob.FinishReason.TOOL_CALLS
        (call,) = session.tool_calls
        assert call.name == "f"
        assert call.arguments["a"] in (1, 2)
        made = session.fields(1)["tool_calls"][0]
        assert made["function"] == {"name": "f", "arguments": call.arguments}
        session.add_fields("tool", "3", {"tool_call_id": call.id, "name": call.name})
        session.set_tools(tools, choice="none")
        assert session.generate(max_tokens=4).finish_reason != hob.FinishReason.TOOL_CALLS
        assert session.tool_calls == []
        assert [message["role"] for message in session.messages] == ["user", "assistant", "tool", "assistant"]


def test_one_tool_by_name(tool_model):
    with hob.Tools(tool_model, TOOLS, style="llama3") as tools, tool_model.session() as session:
        session.set_tools(tools, choice="f", parallel=False)
        session.generate("hi", max_tokens=400)
        assert [call.name for call in session.tool_calls] == ["f"]
        with pytest.raises(hob.NotFound):
            session.set_tools(tools, choice="g")
        session.set_tools(None)


def test_errors(tool_model):
    with pytest.raises(hob.InvalidArgument, match="1 to 128"):
        hob.Tools(tool_model, [])
    with pytest.raises(hob.InvalidArgument, match="style"):
        hob.Tools(tool_model, TOOLS, style="other")
    with tool_model.session() as session, pytest.raises(hob.InvalidArgument, match="tool_calls"):
        session.add_fields("assistant", "", {"tool_calls": []})
