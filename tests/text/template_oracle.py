# SPDX-License-Identifier: Apache-2.0
"""hob's chat templates beside jinja2, set up as Hugging Face transformers sets it up."""

import datetime
import functools
import json
import os
import subprocess
import warnings

import pytest

jinja2 = pytest.importorskip("jinja2", reason="PyPI's jinja2 is not installed")
import jinja2.ext  # noqa: E402, F811
import jinja2.sandbox  # noqa: E402

NOW = "2024-07-26T12:34:56"


class Generation(jinja2.ext.Extension):
    """{% generation %}: the text passes unchanged."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_pass"), [], [], body).set_lineno(line)

    def _pass(self, caller):
        return caller()


def make_environment():
    """The environment of transformers' chat templates."""

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    def strftime_now(format):
        return datetime.datetime.fromisoformat(NOW).strftime(format)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    return env


class Hob:
    """Renders through tests/support/template_oracle.cc."""

    def __init__(self):
        path = os.environ.get("HOB_TEMPLATE_ORACLE")
        if not path:
            pytest.skip("HOB_TEMPLATE_ORACLE does not name the executable hob_template_oracle")
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def render(self, template, context):
        """Returns (text, None) or (None, message)."""
        source = template.encode("utf-8", "surrogatepass")
        data = json.dumps({"hob_now": NOW, **context}, ensure_ascii=False).encode()
        self.process.stdin.write(b"%d %d\n" % (len(source), len(data)) + source + data)
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        assert head, f"hob_template_oracle ended on {template!r} with {context!r}"
        text = self.process.stdout.read(int(head[1])).decode("utf-8", "replace")
        return (text, None) if head[0] == b"ok" else (None, text)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="session")
def hob():
    oracle = Hob()
    yield oracle
    oracle.close()


@pytest.fixture(scope="session")
def env():
    return make_environment()


@functools.lru_cache(maxsize=4)
def compile_template(env, template):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, of constants that cannot be called or indexed
        return env.from_string(template)


def render_jinja(env, template, context):
    """Returns (text, None) or (None, message)."""
    try:
        return compile_template(env, template).render(**context), None
    except Exception as error:  # whatever a template can raise, endless recursion included
        return None, f"{type(error).__name__}: {error}"
