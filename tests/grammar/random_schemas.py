# SPDX-License-Identifier: Apache-2.0
"""Random JSON Schemas of all the keywords that docs/reference/grammars.md names as supported."""

import random

NAMES = ["a", "b", "ab", "abc", "name", "größe", "", "x-1", 'q"uote', "back\\slash", "日本", "id"]
STRINGS = ["", "a", "hello world", "größer", "tab\t", 'say "hi"', "back\\slash", "😀", "line\nend"]
PATTERNS = [
    "^[a-z]{2,5}$",
    "b+",
    "^x",
    "[0-9]$",
    "^(foo|ba[rz])$",
    '^["\\\\/]*$',
    "^\\d{3}-\\d{4}$",
    "^[^a-c]+$",
    "^(?:ab?)*$|z",
    "^\\u00e9{1,3}\\x41$",
    "^.{2,4}$",
    "([12]\\d{3})",
]
FORMATS = [
    "date",
    "time",
    "date-time",
    "duration",
    "uuid",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "json-pointer",
]
NOTES = [
    ("title", "A title"),
    ("description", "What it is"),
    ("default", {"type": 3}),
    ("examples", [1, "two"]),
    ("deprecated", True),
    ("readOnly", False),
    ("$comment", "enum const not"),
]


class RandomSchema:
    """schema() is a random schema that, now and then, refers to parts of itself."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0
        self.definitions = []

    def maybe(self, chance=0.5):
        return self.random.random() < chance

    def pick(self, choices):
        return self.random.choice(choices)

    def schema(self):
        count = self.random.randrange(4)
        # Definitions refer to those behind them, and by way of objects and lists to all.
        self.definitions = [self.pick(["node", "T", "a/b", "c~d", "per%cent"]) + str(i) for i in range(count)]
        defs = {}
        for name in self.definitions:
            defs[name] = self.pick([self.object, self.array, self.leaf])()
            if self.maybe(0.2) and isinstance(defs[name], dict):
                defs[name]["$anchor"] = "anchor" + str(len(defs))
        root = self.value()
        if not isinstance(root, dict):
            root = {"allOf": [root]} if root is not True else {}
        if defs:
            root[self.pick(["$defs", "definitions"])] = defs
            self.fix_references(root, "$defs" if "$defs" in root else "definitions")
        if self.maybe(0.3):
            root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        if self.maybe(0.1):
            root["$id"] = "https://example.com/schema.json"
        return root

    def fix_references(self, node, where):
        if isinstance(node, dict):
            ref = node.get("$ref")
            if isinstance(ref, str):
                node["$ref"] = ref.replace("#DEFS", "#/" + where)
            for child in node.values():
                self.fix_references(child, where)
        elif isinstance(node, list):
            for child in node:
                self.fix_references(child, where)

    def value(self):
        """A schema of anything."""
        self.depth += 1
        if self.depth > 4:
            schema = self.leaf()
        else:
            kinds = [self.leaf] * 5 + [self.object] * 4 + [self.array] * 3
            kinds += [self.any_of, self.one_of, self.all_of, self.types, self.reference, self.untyped]
            schema = self.pick(kinds)()
        self.depth -= 1
        if isinstance(schema, dict) and self.maybe(0.2):
            key, value = self.pick(NOTES)
            schema[key] = value
        return schema

    def leaf(self):
        kinds = [self.string, self.string, self.integer, self.number, self.values]
        return self.pick([*kinds, lambda: {"type": self.pick(["null", "boolean"])}, lambda: self.pick([True, {}])])()

    def string(self):
        schema = {"type": "string"}
        kind = self.random.randrange(4)
        if kind == 0:
            schema["pattern"] = self.pick(PATTERNS)
        elif kind == 1:
            schema["format"] = self.pick(FORMATS)
        elif kind == 2:
            if self.maybe():
                schema["minLength"] = self.random.randrange(6)
            if self.maybe():
                schema["maxLength"] = schema.get("minLength", 0) + self.random.randrange(20)
        return schema

    def bound(self):
        kind = self.random.randrange(6)
        if kind == 0:
            return 0
        if kind == 1:
            return self.random.randrange(-(2**63), 2**63)
        if kind == 2:
            return self.random.randrange(-12, 12) / 4
        if kind == 3:
            return round(self.random.uniform(-1000, 1000), self.random.randrange(6))
        if kind == 4:
            return float(self.pick(["1e5", "-1e-3", "2.5e2", "0.1", "1e20"]))
        return self.random.randrange(-1200, 1200)

    def bounds(self, schema):
        low, high = sorted([self.bound(), self.bound()])
        if self.maybe(0.7):
            # Bounds that exclude decimals are those that doubles tell apart from their neighbours.
            exact = abs(low) < 10**9
            schema[self.pick(["minimum", "exclusiveMinimum"]) if exact else "minimum"] = low
        if self.maybe(0.7) and high - low >= 4:
            exact = abs(high) < 10**9
            schema[self.pick(["maximum", "exclusiveMaximum"]) if exact else "maximum"] = high
        if self.maybe(0.1):
            schema["multipleOf"] = 1
        return schema

    def integer(self):
        return self.bounds({"type": "integer"})

    def number(self):
        return self.bounds({"type": "number"})

    def constant(self, depth=0):
        kind = self.random.randrange(8 if depth < 3 else 6)
        if kind == 6:
            return [self.constant(depth + 1) for _ in range(self.random.randrange(4))]
        if kind == 7:
            return {self.pick(NAMES): self.constant(depth + 1) for _ in range(self.random.randrange(4))}
        if kind == 3:
            return self.bound()
        return self.pick([None, True, False, self.pick(STRINGS), 0, -1.5, self.pick(STRINGS)])

    def values(self):
        if self.maybe():
            return {"const": self.constant()}
        values = [self.constant() for _ in range(1 + self.random.randrange(5))]
        schema = {"enum": values}
        if self.maybe(0.3):
            texts = [value for value in values if isinstance(value, str)]
            if texts:
                schema["type"] = "string"
        return schema

    def types(self):
        return {"type": self.random.sample(["null", "boolean", "integer", "number", "string", "array", "object"], 2)}

    def untyped(self):
        """Keywords alone, of one type or of several."""
        schema = {}
        for part in (self.string, self.integer, self.object, self.array):
            if self.maybe(0.4):
                schema.update(part())
        schema.pop("type", None)
        return schema

    def object(self):
        self.depth += 1
        schema = {"type": "object"}
        kind = self.random.randrange(8)
        if kind == 0:
            schema["patternProperties"] = {self.pick(PATTERNS): self.value()}
            if self.maybe():
                schema["additionalProperties"] = self.pick([False, True, {"type": "string"}])
        elif kind == 1:
            schema["propertyNames"] = self.pick(
                [{"pattern": "^[a-z]+$"}, {"enum": ["a", "b", 3]}, {"maxLength": 3}, {"format": "uuid"}]
            )
            schema["additionalProperties"] = self.value()
        elif kind == 2:
            if self.maybe():
                schema["additionalProperties"] = self.value()
            if self.maybe():
                schema["minProperties"] = self.random.randrange(2)
            if self.maybe():
                schema["maxProperties"] = 1 + self.random.randrange(4)
        else:
            names = self.random.sample(NAMES, self.random.randrange(6))
            if self.maybe(0.05):
                names = [f"p{i}" for i in range(60)]
            schema["properties"] = {name: self.value() for name in names}
            required = [name for name in names if self.maybe(0.4)]
            if self.maybe(0.5):
                schema["additionalProperties"] = self.pick([False, True, self.value()])
            if self.maybe(0.15) and schema.get("additionalProperties") is not False:
                required.append("other")
            if required or self.maybe(0.2):
                schema["required"] = required
            if self.maybe(0.1):
                schema["minProperties"] = 1
        self.depth -= 1
        return schema

    def array(self):
        self.depth += 1
        schema = {"type": "array"}
        if self.maybe(0.3):
            schema["prefixItems"] = [self.value() for _ in range(1 + self.random.randrange(3))]
        if self.maybe(0.8):
            schema["items"] = self.value() if self.maybe(0.9) else False
        if self.maybe(0.4) and schema.get("items") is not False:
            schema["minItems"] = self.random.randrange(4)
        if self.maybe(0.5):
            schema["maxItems"] = schema.get("minItems", 0) + self.random.randrange(5)
        if self.maybe(0.1):
            schema["uniqueItems"] = False
        self.depth -= 1
        return schema

    def any_of(self):
        return {"anyOf": [self.value() for _ in range(1 + self.random.randrange(3))]}

    def one_of(self):
        kind = self.random.randrange(3)
        if kind == 0:
            types = self.random.sample([self.string, self.integer, self.object, self.array], 3)
            return {"oneOf": [make() for make in types]}
        if kind == 1:
            return {"oneOf": [{"const": value, "title": str(value)} for value in self.random.sample(STRINGS, 3)]}
        branches = []
        for tag in ("circle", "square", 3):
            branch = {"type": "object", "properties": {"kind": {"const": tag}, "size": self.value()}}
            branch["required"] = ["kind"]
            if self.maybe():
                branch["additionalProperties"] = self.maybe()
            branches.append(branch)
        schema = {"oneOf": branches}
        if self.maybe(0.3):
            schema["properties"] = {"note": self.value()}
        return schema

    def all_of(self):
        if self.maybe(0.3):
            return {"type": "integer", "allOf": [{"minimum": self.random.randrange(5)}, {"maximum": 99}]}
        first = {"type": "object", "properties": {"a": self.value()}, "required": ["a"]}
        second = {"properties": {"b": self.value()}}
        if self.maybe():
            second["additionalProperties"] = self.pick([True, {"type": ["string", "integer", "object"]}])
        schema = {"allOf": [first, second]}
        if self.maybe():
            schema["anyOf"] = [{"required": ["b"]}, {"properties": {"c": self.leaf()}}]
        return schema

    def reference(self):
        """Behind an optional property or item, so that documents end."""
        if not self.definitions or self.maybe(0.2):
            if self.maybe():
                return {"type": "object", "properties": {"next": {"$ref": "#"}}}
            return {"type": "array", "items": {"$ref": "#"}}
        name = self.pick(self.definitions)
        escaped = name.replace("~", "~0").replace("/", "~1").replace("%", "%25")
        ref = {"$ref": f"#DEFS/{escaped}"}
        if self.maybe():
            return {"type": "object", "properties": {"value": ref}}
        return {"type": "array", "items": ref, "maxItems": 3}
