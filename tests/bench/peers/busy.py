# SPDX-License-Identifier: Apache-2.0
"""Processes of ours that keep cores busy, as an app would that shares them with hob."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

# Ends by itself when the harness is gone.
LOOP = """
import os
parent = os.getppid()
print(flush=True)
while os.getppid() == parent:
    for _ in range(1000000):
        pass
"""


@contextlib.contextmanager
def busy(count: int) -> Iterator[list[int]]:
    """`count` busy processes at our own priority; ended, each by its id, when the block is left."""
    processes: list[subprocess.Popen] = []
    try:
        for _ in range(count):
            processes.append(
                subprocess.Popen([sys.executable, "-c", LOOP], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            )
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()  # it runs
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
