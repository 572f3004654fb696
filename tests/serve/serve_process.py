# SPDX-License-Identifier: Apache-2.0
"""`hob serve` as a process, and HTTP over a plain socket, for the tests of this folder.

Environment: HOB_BIN (the command), HOB_MODEL (a real model; tests that need it skip without).
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading

import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
TINY = FIXTURES / "smollm-q4_1.gguf"
BINARY = os.environ.get("HOB_BIN", "")
REAL = os.environ.get("HOB_MODEL", "")


def has_server():
    if not os.path.isfile(BINARY):
        return False
    listed = subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=60, check=False)
    return "serve" in listed.stdout


needs_server = pytest.mark.skipif(not has_server(), reason="HOB_BIN names no command with serve")
needs_model = pytest.mark.skipif(not os.path.isfile(REAL), reason="HOB_MODEL names no model")


def make_long_model(folder):
    """A model with random weights whose answers may be so long that a test can look at them on their way."""
    path = folder / "long.gguf"
    shape = ["--layers", 6, "--width", 256, "--ffn", 512, "--vocab", 400, "--heads", 8, "--kv-heads", 2]
    subprocess.run(
        [sys.executable, FIXTURES.parent / "tools/make_random_llama.py", path, *map(str, shape), "--context", "65536"],
        check=True, capture_output=True, timeout=60)
    return path


class Server:
    """A running server; its log is parsed as it comes."""

    def __init__(self, *options, model=TINY):
        self.process = subprocess.Popen(
            [BINARY, "serve", "--model", str(model), "--port", "0", "--log", "json", *map(str, options)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.log, self.other = [], []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            self.process.wait(30)
            self._reader.join(30)
            raise AssertionError(f"the server did not start: {self.other} {self.log}")
        self.host, port = self.url.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)
        self.model = pathlib.Path(model).stem

    def _read(self):
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.other.append(line)

    def terminate(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=60):
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        return code

    def stop(self):
        if self.process.poll() is None:
            self.terminate()
            self.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self._reader.join(30)
        assert self.other == [], "lines of the log that are not JSON"

    def connect(self, timeout=30):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def requests(self, **wanted):
        return [x for x in self.log if x["event"] == "request" and all(x.get(k) == v for k, v in wanted.items())]


@contextlib.contextmanager
def serving(*options, model=TINY):
    server = Server(*options, model=model)
    try:
        yield server
    finally:
        server.stop()


class Reply:
    def __init__(self, status, headers, body, rest=b""):
        self.status, self.headers, self.body, self.rest = status, headers, body, rest

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


def receive(connection, before=b""):
    """One response; None if the connection ends before one begins."""
    data = before
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            assert not data, data
            return None
        data += piece
    head, _, data = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = int(first.split()[1])

    def more():
        nonlocal data
        piece = connection.recv(65536)
        assert piece, "cut short"
        data += piece

    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            while b"\r\n" not in data:
                more()
            size, _, data = data.partition(b"\r\n")
            size = int(size, 16)
            while len(data) < size + 2:
                more()
            assert data[size:size + 2] == b"\r\n"
            body, data = body + data[:size], data[size + 2:]
            if size == 0:
                return Reply(status, headers, body, data)
    if status == 204:
        return Reply(status, headers, b"", data)
    if "content-length" in headers:
        size = int(headers["content-length"])
        while len(data) < size:
            more()
        return Reply(status, headers, data[:size], data[size:])
    while piece := connection.recv(65536):  # up to the end of the connection
        data += piece
    return Reply(status, headers, data)


def message(method, path, body=b"", headers=(), version="HTTP/1.1"):
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    names = {name.lower() for name, _ in headers}
    lines = [f"{method} {path} {version}"]
    if "host" not in names:
        lines.append("Host: localhost")
    if method == "POST" and "content-type" not in names:
        lines.append("Content-Type: application/json")
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(server, method, path, body=b"", headers=(), version="HTTP/1.1"):
    with server.connect() as connection:
        connection.sendall(message(method, path, body, headers, version))
        return receive(connection)


def chat(server, **more):
    return {"model": server.model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8,
            "temperature": 0, **more}
