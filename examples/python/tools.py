# SPDX-License-Identifier: Apache-2.0
"""An answer that asks the app: tools.py MODEL."""

import sys

import hob

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city, now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 40}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

model = hob.Model(sys.argv[1])
session = model.session()
session.set_tools(hob.Tools(model, [WEATHER]), choice="get_weather")
session.generate("What is the weather in Paris?", max_tokens=100)
for call in session.tool_calls:
    print(call.name, call.arguments)
    session.add_fields("tool", '{"sky": "clear", "celsius": 21}', {"tool_call_id": call.id, "name": call.name})
session.set_tools(None)
print(session.generate(max_tokens=40).text)
