# SPDX-License-Identifier: Apache-2.0
"""Where peers and their models are kept, and how commands are run: logged, resumable, measured."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


class Unavailable(Exception):
    """A peer, or a form of the model, that cannot be had here; the text says why."""


class Failed(Exception):
    """One measurement that did not work; the text says why."""


def cache_folder() -> pathlib.Path:
    """${XDG_CACHE_HOME:-~/.cache}/hob, which ./dev uses too."""
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "hob"


def last_words(text: str, lines: int = 3) -> str:
    """The end of a program's output, as one line."""
    kept = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(kept[-lines:])[-400:]


@dataclass
class Finished:
    stdout: str
    seconds: float
    peak_rss_bytes: int  # of the process itself, not of its children


def run_measured(argv: Sequence[str | os.PathLike], timeout: float, env: dict | None = None) -> Finished:
    """Runs a program to its end. Failed where it exits with another code than 0 or takes too long."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(
            [os.fspath(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
        too_long = threading.Event()

        def stop() -> None:
            too_long.set()
            process.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text = out.read().decode(errors="replace")
        if too_long.is_set():
            raise Failed(f"took longer than {timeout:.0f} s")
        if process.returncode != 0:
            raise Failed(f"exit code {process.returncode}: {last_words(err.read().decode(errors='replace'))}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Finished(text, seconds, usage.ru_maxrss * unit)


class Kit:
    """The folder where everything is made once: virtual environments, llama.cpp, models."""

    def __init__(self, folder: pathlib.Path | None = None, quiet: bool = False):
        self.folder = folder or cache_folder() / "peers"
        self.logs = self.folder / "logs"
        self.quiet = quiet
        self.logs.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        if not self.quiet:
            print(f"· {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """One process at a time; the one that waited finds the work done."""
        with open(self.folder / f".lock-{name}", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def logged(self, name: str, argv: Sequence[str | os.PathLike], cwd: pathlib.Path | None = None,
               env: dict | None = None) -> None:  # fmt: skip
        """Runs a command with its output in a log; Unavailable with the log's end where it fails."""
        log = self.logs / f"{name}.log"
        try:
            with open(log, "wb") as file:
                code = subprocess.run(
                    [os.fspath(a) for a in argv], check=False, stdin=subprocess.DEVNULL, stdout=file,
                    stderr=subprocess.STDOUT, cwd=cwd, env={**os.environ, **(env or {})},
                ).returncode  # fmt: skip
        except OSError as error:
            raise Unavailable(f"{argv[0]}: {error.strerror}") from error
        if code != 0:
            raise Unavailable(f"{last_words(log.read_text(errors='replace'))} (log: {log})")

    def once(self, path: pathlib.Path, message: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
        """The file or folder `path`; made beside it first, so that what is there is whole."""
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.lock(path.name):
            if path.exists():
                return path
            self.say(message)
            partial = path.with_name(f".partial-{path.name}")
            if partial.is_dir():
                shutil.rmtree(partial)
            else:
                partial.unlink(missing_ok=True)
            make(partial)
            if not partial.exists():
                raise Unavailable(f"{path.name} was not made and no error was said")
            partial.rename(path)
        return path

    def venv(self, name: str, requirements: Sequence[str]) -> pathlib.Path:
        """The Python of a virtual environment that has `requirements`; a changed list makes it anew."""
        folder = self.folder / f"venv-{name}"
        done = folder / ".requirements"
        wanted = "\n".join(requirements)
        python = folder / "bin" / "python"
        with self.lock(folder.name):
            if done.is_file() and done.read_text() == wanted and python.exists():
                return python
            self.say(f"Installing {', '.join(requirements)}")
            shutil.rmtree(folder, ignore_errors=True)
            try:
                self.logged(f"venv-{name}", [sys.executable, "-m", "venv", folder])
                self.logged(f"pip-{name}", [python, "-m", "pip", "install", "-q",
                                            "--disable-pip-version-check", *requirements])  # fmt: skip
            except Unavailable:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            done.write_text(wanted)
        return python
