# SPDX-License-Identifier: Apache-2.0
"""Where the reference says that a keyword is exact, each valid document, as json.dumps writes it, is in the grammar."""

import itertools
import json

import pytest
from grammar_oracle import oracle  # noqa: F401

jsonschema = pytest.importorskip(
    "jsonschema", reason="PyPI's jsonschema is not installed"
)

SCALARS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    7,
    12,
    -30,
    0.5,
    -0.5,
    1.25,
    99.5,
    "",
    "a",
    "ab",
    "abc",
    "é😀",
    'q"\\\n',
]
ARRAYS = [
    list(items)
    for length in range(4)
    for items in itertools.product([None, 1, "a"], repeat=length)
]
OBJECTS = [
    dict(zip(keys, values, strict=True))
    for keys in [
        (),
        ("a",),
        ("b",),
        ("a", "b"),
        ("a", "c"),
        ("a", "b", "c"),
        ("ab",),
        ("b", "x"),
    ]
    for values in itertools.product([None, 1, "a"], repeat=len(keys))
]
DOCUMENTS = SCALARS + ARRAYS + OBJECTS

SCHEMAS = [
    True,
    {},
    *({"type": name} for name in ("null", "boolean", "integer", "number", "string", "array", "object")),
    {"type": ["integer", "string", "null"]},
    {"enum": [None, 1, "a", ["a", 1], {"a": 1, "b": None}]},
    {"const": 'q"\\\n'},
    {"type": "integer", "minimum": -1, "maximum": 11},
    {"type": "integer", "exclusiveMinimum": -1, "exclusiveMaximum": 12},
    {"type": "number", "minimum": -0.5, "exclusiveMaximum": 99.5},
    {"type": "number", "exclusiveMinimum": 0.5},
    {"type": "string", "minLength": 1, "maxLength": 2},
    {"type": "string", "minLength": 3},
    {"type": "string", "pattern": "^a.*c?$|\\\\"},
    {"type": "array", "items": {"type": ["integer", "null"]}, "minItems": 1},
    {"type": "array", "maxItems": 2},
    {"type": "array", "prefixItems": [{"type": "null"}, {"const": 1}], "items": {"type": "string"}},
    {"type": "array", "prefixItems": [{"type": "null"}], "items": True, "minItems": 2, "maxItems": 3},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": False},
    {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"], "additionalProperties": True},
    {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"], "additionalProperties": {"const": 1}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 2},
    {"type": "object", "minProperties": 1},
    {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False, "minProperties": 1},
    {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False, "maxProperties": 1},
    {"anyOf": [{"type": "integer", "minimum": 2}, {"type": "string", "maxLength": 1}, {"type": "array"}]},
    {"oneOf": [{"type": "number", "maximum": 0}, {"type": "number", "exclusiveMinimum": 0}, {"const": "a"}]},
    {"allOf": [{"type": "number"}, {"minimum": 0}, {"maximum": 50}]},
    {"type": ["integer", "string"], "minimum": 1, "minLength": 2},
    {"$defs": {"x": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/y"}]}, "y": {"items": {"$ref": "#/$defs/x"},
     "type": "array"}}, "$ref": "#/$defs/x"},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_valid_documents(oracle, schema):  # noqa: F811
    validator = jsonschema.Draft202012Validator(schema)
    seen = set()
    for document in DOCUMENTS:
        valid = validator.is_valid(document)
        for text in (
            json.dumps(document, ensure_ascii=False),
            json.dumps(document, ensure_ascii=False, separators=(",", ":")),
            json.dumps(document, ensure_ascii=False, indent=2),
        ):
            assert oracle.has("schema", json.dumps(schema), text) == valid, text
        seen.add(valid)
    assert True in seen
