# SPDX-License-Identifier: Apache-2.0
"""Which functions of a linked library call themselves, directly or by others: by the calls in its machine code.

Calls by pointer (virtual functions, tables) are not followed.
"""

import collections
import re
import subprocess

_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_CALL = re.compile(r"\t(?:call|jmp|bl|b|j[a-z]{1,3}|b\.[a-z]+)q?\s+(?:0x)?[0-9a-f]+ <([^>+]+)(\+0x[0-9a-f]+)?>")


def calls_of(path):
    """Function → functions that it calls; a part of a function that was moved away counts as the function."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True)
    calls, name = collections.defaultdict(set), ""
    for line in text.stdout.splitlines():
        match = _FUNCTION.match(line)
        if match:
            name = _whole(match[1])
            continue
        match = _CALL.search(line)
        if match and not match[2]:  # to where a function begins
            target = _whole(match[1])
            if target != name or "\tcall" in line or "\tbl\t" in line:
                calls[name].add(target)
    return calls


def _whole(name):
    return re.sub(r"(\.cold|\.part\.\d+|@plt)+$", "", name)


def cycles(calls):
    """Sets of functions that reach each other (Tarjan's strongly connected components, without recursion)."""
    order, low, on, stack, found = {}, {}, set(), [], []
    for root in list(calls):
        if root in order:
            continue
        work = [(root, iter(sorted(calls.get(root, ()))))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on.add(root)
        while work:
            name, more = work[-1]
            for called in more:
                if called not in order:
                    order[called] = low[called] = len(order)
                    stack.append(called)
                    on.add(called)
                    work.append((called, iter(sorted(calls.get(called, ())))))
                    break
                if called in on:
                    low[name] = min(low[name], order[called])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == order[name]:
                    group = set()
                    while True:
                        member = stack.pop()
                        on.discard(member)
                        group.add(member)
                        if member == name:
                            break
                    if len(group) > 1 or name in calls.get(name, ()):
                        found.append(group)
    return found
