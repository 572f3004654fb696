# SPDX-License-Identifier: Apache-2.0
"""Random texts of grammars, by tests/support/grammar_oracle.cc."""

import os
import subprocess

import pytest


class GrammarError(Exception):
    """What hob refuses; `code` as absl has them: 3 is INVALID_ARGUMENT, 12 UNIMPLEMENTED."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


class GrammarOracle:
    def __init__(self):
        path = os.environ.get("HOB_GRAMMAR_ORACLE")
        if not path:
            pytest.skip("HOB_GRAMMAR_ORACLE does not name the executable hob_grammar_oracle")
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def sample(self, kind, source, count, seed):
        """`count` texts of a grammar, as bytes. `kind`: schema, regex or gbnf."""
        data = source.encode()
        self.process.stdin.write(b"%s %d %d %d\n" % (kind.encode(), len(data), count, seed) + data)
        self.process.stdin.flush()
        out = self.process.stdout
        head = out.readline().split()
        assert head, f"hob_grammar_oracle ended with {self.process.wait()}"
        if head[0] == b"error":
            raise GrammarError(out.read(int(head[1])).decode(), int(head[2]))
        return [out.read(int(out.readline())) for _ in range(int(head[1]))]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


@pytest.fixture(scope="module")
def oracle():
    oracle = GrammarOracle()
    yield oracle
    oracle.close()
