# SPDX-License-Identifier: Apache-2.0
"""Tools of hob serve, as the `openai` package asks for them."""

import json

import pytest
from serve_process import REAL, needs_model, needs_server, serving

openai = pytest.importorskip("openai")
jsonschema = pytest.importorskip("jsonschema")

pytestmark = [needs_server, needs_model]

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [
    {
        "type": "function",
        "function": {"name": "get_weather", "description": "The weather in a city.", "parameters": PARAMETERS},
    },
    {"type": "function", "function": {"name": "get_time", "description": "The time of day."}},
]
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


@pytest.fixture(scope="module")
def server():
    with serving("--threads", 2, model=REAL) as s:
        yield s


@pytest.fixture(scope="module")
def create(server):
    api = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=120)

    def ask(**more):
        given = {"messages": QUESTION, "tools": TOOLS, "temperature": 0, "max_tokens": 100, **more}
        return api.chat.completions.create(model=server.model, **given)

    return ask


NAMED = {"type": "function", "function": {"name": "get_weather"}}


def test_a_call_its_result_and_words(create):
    choice = create(tool_choice=NAMED, parallel_tool_calls=False).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    arguments = json.loads(call.function.arguments)
    jsonschema.validate(arguments, PARAMETERS)
    assert arguments["city"] == "Paris"
    messages = [
        *QUESTION,
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'},
    ]
    words = create(messages=messages, tool_choice="none").choices[0]
    assert words.message.tool_calls is None
    assert words.message.content
    again = create(messages=messages, tool_choice="required", parallel_tool_calls=False).choices[0]
    assert again.message.tool_calls[0].id != call.id


def test_a_stream_has_the_same_call(create):
    whole = create(tool_choice="required", parallel_tool_calls=False).choices[0]
    calls, text, reason = [], "", None
    for chunk in create(tool_choice="required", parallel_tool_calls=False, stream=True):
        (choice,) = chunk.choices
        text += choice.delta.content or ""
        calls += choice.delta.tool_calls or []
        reason = choice.finish_reason or reason
    assert reason == "tool_calls"
    assert text == ""
    assert [(c.index, c.id, c.function.name, c.function.arguments) for c in calls] == [
        (i, c.id, c.function.name, c.function.arguments) for i, c in enumerate(whole.message.tool_calls)
    ]


def test_words_where_nothing_may_be_called(create):
    assert create(tool_choice="none", max_tokens=8).choices[0].message.tool_calls is None


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("tools", {"tools": [{"type": "function", "function": {"name": "a b"}}]}),
        ("tools", {"tools": {"a": 1}}),
        ("tools", {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]}),
        ("tool_choice", {"tool_choice": "required", "tools": []}),
        ("tool_choice", {"tool_choice": "always"}),
        ("tool_choice", {"tool_choice": {"type": "function", "function": {"name": "other"}}}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("messages", {"messages": [*QUESTION, {"role": "tool", "content": "x"}]}),
        ("messages", {"messages": [{"role": "user", "content": "x", "tool_calls": [{"id": "a"}]}]}),
    ],
)
def test_what_is_not_possible_is_said(create, field, given):
    with pytest.raises(openai.BadRequestError) as error:
        create(**given)
    assert error.value.param.split("[")[0].split(".")[0] == field


def test_a_call_without_a_name_is_refused(create):
    with pytest.raises(openai.BadRequestError, match="tool_calls"):
        create(messages=[*QUESTION, {"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]}])
