# SPDX-License-Identifier: Apache-2.0
"""The simple questions of the Berkeley Function-Calling Leaderboard: bfcl.py MODEL QUESTIONS ANSWERS [--count N].

Each question comes with one function; the model has to call it. With the grammar and without it: how many answers are one
call that is valid under the schema, and how many are a call that the answers accept (every argument among those listed, and
none missing that must be there). Greedy.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import hob
import jsonschema

# The types that the questions name, in JSON Schema's words.
TYPES = {"dict": "object", "float": "number", "tuple": "array"}


def schema(value: Any) -> Any:
    """The schema of a function of the questions. Texts and lists are bounded: a greedy model repeats itself."""
    if isinstance(value, list):
        return [schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    out = {key: schema(item) for key, item in value.items() if key not in ("default", "optional")}
    kind = out.get("type")
    if isinstance(kind, str):
        out["type"] = TYPES.get(kind, kind)
        if kind == "any":
            del out["type"]
        if out.get("type") == "object" and "properties" in out:
            out["additionalProperties"] = False
        if out.get("type") == "string" and "enum" not in out:
            out["maxLength"] = 80
        if out.get("type") == "array":
            out["maxItems"] = 8
    return out


def same(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return "".join(c for c in given.lower() if c.isalnum()) == "".join(c for c in wanted.lower() if c.isalnum())
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(same(g, w) for g, w in zip(given, wanted))
    return bool(given == wanted)


def right(call: hob.ToolCall, truth: dict[str, Any]) -> bool:
    ((name, arguments),) = truth.items()
    if call.name != name or any(key not in arguments for key in call.arguments):
        return False
    return all(
        any(same(call.arguments[key], value) for value in values) if key in call.arguments else "" in values
        for key, values in arguments.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("questions")
    parser.add_argument("answers")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--style", default="")
    given = parser.parse_args()
    with open(given.questions) as questions, open(given.answers) as answers:
        pairs = [(json.loads(q), json.loads(a)) for q, a in zip(questions, answers)][: given.count]
    model = hob.Model(given.model)
    counts = {True: [0, 0, 0.0], False: [0, 0, 0.0]}
    for question, answer in pairs:
        (function,) = question["function"]
        function = {**function, "parameters": schema(function["parameters"])}
        tools = hob.Tools(model, [{"type": "function", "function": function}], style=given.style)
        for constrain, count in counts.items():
            session = model.session()
            session.set_tools(
                tools,
                choice="required" if constrain else "auto",
                parallel=not constrain,
                constrain=constrain,
            )
            began = time.perf_counter()
            for message in question["question"][0]:
                session.add(message["role"], message["content"])
            session.generate(max_tokens=600)
            count[2] += time.perf_counter() - began
            calls = session.tool_calls
            valid = len(calls) == 1 and calls[0].name == function["name"]
            if valid:
                validator = jsonschema.Draft202012Validator(function["parameters"])
                valid = validator.is_valid(calls[0].arguments)
            count[0] += valid
            if constrain and not valid:
                print(f"{question['id']}: no valid call: {session.reply!r} {calls}")
            count[1] += valid and right(calls[0], answer["ground_truth"][0])
    for constrain, (valid, accepted, seconds) in counts.items():
        name = "with the grammar" if constrain else "without"
        print(f"{name}: {valid}/{len(pairs)} valid, {accepted}/{len(pairs)} accepted, {seconds:.0f} s")


if __name__ == "__main__":
    main()
