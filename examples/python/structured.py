# SPDX-License-Identifier: Apache-2.0
"""An answer as JSON of a schema: structured.py MODEL."""

import json
import sys

import hob

model = hob.Model(sys.argv[1])
grammar = hob.Grammar(
    model,
    json_schema={
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 40}, "population": {"type": "integer", "minimum": 0}},
        "required": ["city", "population"],
    },
)
result = model.session().generate("Describe the capital of France, as JSON.", grammar=grammar, max_tokens=100)
if result.finish_reason == hob.FinishReason.END:
    answer = json.loads(result.text)
    print(answer["city"], answer["population"])
