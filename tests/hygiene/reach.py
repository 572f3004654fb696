# SPDX-License-Identifier: Apache-2.0
"""Which functions of a linked library are reached from its exported ones, and by which way.

The library is linked with --emit-relocs: each reference that the linker resolved is still written down. A function or
an object (a table of functions, a class's virtual functions) that refers to another reaches it. That is more than what
ever runs, never less: who takes a function's address counts as calling it.
"""

import bisect
import collections
import re
import subprocess

_SYMBOL = re.compile(r"\s*\d+: ([0-9a-f]+)\s+(\S+) (\S+)\s+(\S+)\s+\S+\s+(\S+) ?(\S*)")
_RELOCATION = re.compile(r"([0-9a-f]{16})\s+[0-9a-f]+ (R_\S+)\s+([0-9a-f]{16}) (\S+)(?: ([+-]) ([0-9a-f]+))?")


def _readelf(*args):
    return subprocess.run(["readelf", "-W", *args], capture_output=True, text=True, check=True).stdout.splitlines()


class Library:
    def __init__(self, path):
        spans, self.exports = {}, set()
        table = ""
        for line in _readelf("-s", path):
            if line.startswith("Symbol table"):
                table = line.split("'")[1]
                continue
            match = _SYMBOL.match(line)
            if not match:
                continue
            address, size, kind, _, section, name = match.groups()
            if section in ("UND", "ABS") or kind not in ("FUNC", "OBJECT", "GNU_IFUNC", "NOTYPE"):
                continue
            if table == ".dynsym":
                self.exports.add(name.split("@")[0])
            elif int(size, 0) > 0 and kind != "NOTYPE":
                spans.setdefault(int(address, 16), (int(size, 0), name))
        references = self._relocations(path)
        sections = {int(address, 16) for address in re.findall(r"\] \S+ +[A-Z_]+ +([0-9a-f]{16}) ", "\n".join(_readelf("-S", path)))}
        # What has no name (constants) reaches from where something refers to it to where the next thing begins.
        starts = set(spans) | sections | {target for _, target, _ in references if target}
        self._starts = sorted(starts)
        self._spans = spans
        self.calls = collections.defaultdict(set)  # name → names
        self.outside = collections.defaultdict(set)  # name → undefined names
        for at, target, symbol in references:
            source = self._node(at)
            if symbol:
                self.outside[source].add(symbol)
            else:
                self.calls[source].add(self._node(target))

    @staticmethod
    def _relocations(path):
        found, wanted = [], False
        for line in _readelf("-r", path):
            if line.startswith("Relocation section"):
                name = line.split("'")[1]
                wanted = name.startswith(".rela") and not re.match(r"\.rela\.(dyn|plt|debug|eh_frame|gcc_except)", name)
                continue
            match = wanted and _RELOCATION.match(line)
            if not match:
                continue
            at, kind, value, symbol, sign, addend = match.groups()
            value, addend = int(value, 16), int(addend or "0", 16) * (-1 if sign == "-" else 1)
            if value == 0 and not symbol.startswith("."):
                if not kind.startswith(("R_X86_64_TPOFF", "R_X86_64_TLS", "R_X86_64_DTPOFF")):
                    found.append((int(at, 16), 0, symbol.split("@")[0]))
                continue
            # Relative ones count from the end of the instruction, 4 bytes on.
            relative = "PC" in kind or "PLT" in kind or "GOT" in kind
            found.append((int(at, 16), value + addend + (4 if relative else 0), ""))
        return found

    def _node(self, address):
        i = bisect.bisect_right(self._starts, address) - 1
        j = i  # a named thing may hold places that others refer to
        while j >= 0 and self._starts[j] not in self._spans:
            j -= 1
        if j >= 0 and address < self._starts[j] + self._spans[self._starts[j]][0]:
            return self._spans[self._starts[j]][1]
        return f"@{self._starts[i] if i >= 0 else address:x}"

    def ways(self, roots):
        """Name → the way there, for all that is reached from `roots`, shortest first."""
        way = {root: (root,) for root in roots}
        queue = collections.deque(way)
        while queue:
            name = queue.popleft()
            for called in sorted(self.calls.get(name, ())):
                if called not in way:
                    way[called] = (*way[name], called)
                    queue.append(called)
        return way
