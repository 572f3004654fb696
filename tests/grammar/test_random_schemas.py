# SPDX-License-Identifier: Apache-2.0
"""What a JSON Schema's grammar accepts is valid under the schema, as PyPI's jsonschema judges it.

jsonschema and what its formats need come with cyclonedx-python-lib[json-validation].
"""

import collections
import json

import pytest
from grammar_oracle import GrammarError, oracle  # noqa: F401
from random_schemas import FORMATS, RandomSchema

jsonschema = pytest.importorskip("jsonschema", reason="PyPI's jsonschema is not installed")
Validator = jsonschema.Draft202012Validator

SCHEMAS, TEXTS = 700, 4


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


def check(schema, texts):
    """The documents, each of which must be valid."""
    validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
    documents = []
    for text in texts:
        document = json.loads(text.decode("utf-8", "strict"), parse_constant=refuse_constant)
        json.dumps(document, ensure_ascii=False).encode()  # no half of a surrogate pair
        errors = [error.message for error in validator.iter_errors(document)]
        assert not errors, f"{errors}\nschema: {json.dumps(schema)}\ntext: {text!r}"
        documents.append(document)
    return documents


def test_random_schemas(oracle):  # noqa: F811
    keywords = collections.Counter()
    refused = collections.Counter()
    accepted = kinds = 0

    def count(schema):
        if isinstance(schema, dict):
            keywords.update(list(schema))
            for child in schema.values():
                count(child)
        elif isinstance(schema, list):
            for child in schema:
                count(child)

    for seed in range(SCHEMAS):
        schema = RandomSchema(seed).schema()
        Validator.check_schema(schema)
        try:
            texts = oracle.sample("schema", json.dumps(schema), TEXTS, seed)
        except GrammarError as error:
            message = str(error)
            # Random parts may exclude each other, or be what hob says that it lacks.
            assert error.code == 12 or "no document" in message or "no text" in message, (message, schema)
            refused[message.split(": ")[-1]] += 1
            continue
        documents = check(schema, texts)
        accepted += 1
        kinds += len({type(document) for document in documents}) > 1 or len(set(texts)) > 1
        count(schema)
    print(f"{accepted} schemas, {accepted * TEXTS} documents; refused: {refused}")
    assert accepted >= 500, refused
    assert kinds > accepted / 2  # the texts are not all the same
    for keyword in ("pattern", "format", "oneOf", "allOf", "anyOf", "$ref", "patternProperties", "prefixItems"):
        assert keywords[keyword] >= 20, keyword


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_checked(oracle, name):  # noqa: F811
    """A format that jsonschema does not look at would prove nothing."""
    schema = {"type": "string", "format": name}
    validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
    if not list(validator.iter_errors("\\ no such thing %")):
        pytest.skip(f"jsonschema does not check {name} here")
    assert len(set(check(schema, oracle.sample("schema", json.dumps(schema), 300, 1)))) > 100


def test_bounds(oracle):  # noqa: F811
    """Bounds of numbers, tight and of any sign; nothing outside, and both ends are reached."""
    for seed in range(60):
        for kind in ("integer", "number"):
            made = RandomSchema(seed)
            schema = getattr(made, kind)()
            try:
                check(schema, oracle.sample("schema", json.dumps(schema), 25, seed))
            except GrammarError as error:
                assert "no document" in str(error) or error.code == 12, (str(error), schema)
    for low in range(-12, 13):
        for high in range(low, 13):
            schema = {"type": "integer", "minimum": low, "maximum": high}
            seen = set(check(schema, oracle.sample("schema", json.dumps(schema), 40 * (high - low + 1), 7)))
            assert seen == set(range(low, high + 1))
