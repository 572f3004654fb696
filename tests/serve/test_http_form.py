# SPDX-License-Identifier: Apache-2.0
"""What hob serve does with requests that no well-meaning client sends, over plain sockets."""

import json
import socket
import time

import pytest
from serve_process import ask, chat, message, needs_server, receive, serving

pytestmark = needs_server


@pytest.fixture(scope="module")
def server():
    with serving("--header-seconds", 1, "--body-seconds", 1, "--idle-seconds", 2, "--max-body", 4096) as s:
        yield s


def alive(server):
    assert ask(server, "GET", "/healthz").json == {"status": "ok"}


def raw(server, data):
    with server.connect() as connection:
        connection.sendall(data)
        return receive(connection)


def test_probes_and_unknown_paths(server):
    assert ask(server, "GET", "/healthz").status == 200
    assert ask(server, "GET", "/readyz").status == 200
    assert ask(server, "GET", "/").status == 404
    reply = ask(server, "GET", "/v1/nothing?x=1")
    assert (reply.status, reply.code) == (404, "unknown_url")
    assert ask(server, "GET", "/v1/chat/completions").status == 405
    assert ask(server, "DELETE", "/v1/models").status == 405
    assert ask(server, "POST", "/v1/embeddings", {}).code == "unsupported"


def test_head_has_no_body(server):
    with server.connect() as connection:
        connection.sendall(message("HEAD", "/healthz", headers=[("Connection", "close")]))
        data = b""
        while piece := connection.recv(4096):
            data += piece
    assert data.startswith(b"HTTP/1.1 200") and data.endswith(b"\r\n\r\n")


def test_a_slow_header_is_given_up(server):
    with server.connect() as connection:
        start = time.monotonic()
        connection.sendall(b"GET /healthz HT")
        reply = None
        for _ in range(30):  # a byte now and then does not move the deadline
            try:
                connection.sendall(b"T")
                connection.settimeout(0.2)
                reply = receive(connection)
                break
            except TimeoutError:
                continue
            except OSError:
                break
        assert time.monotonic() - start < 4
        assert reply is None or reply.status == 408
    alive(server)


def test_a_silent_connection_is_closed(server):
    with server.connect() as connection:
        start = time.monotonic()
        assert receive(connection) is None
        assert time.monotonic() - start < 4


def test_a_slow_body_is_given_up(server):
    with server.connect() as connection:
        connection.sendall(message("POST", "/v1/chat/completions", headers=[("Content-Length", "100")]) + b"{")
        assert receive(connection).status == 408
    alive(server)


def test_an_idle_connection_is_closed(server):
    with server.connect() as connection:
        connection.sendall(message("GET", "/healthz"))
        assert receive(connection).status == 200
        start = time.monotonic()
        assert receive(connection) is None
        assert 1 < time.monotonic() - start < 5


def test_a_header_that_is_too_large(server):
    reply = raw(server, message("GET", "/healthz", headers=[("X-A", "a" * 40000)]))
    assert (reply.status, reply.code) == (431, "header_too_large")
    many = [(f"X-{i}", "b") for i in range(5000)]
    assert raw(server, message("GET", "/healthz", headers=many)).status == 431
    alive(server)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large(server, chunked):
    body = json.dumps(chat(server, messages=[{"role": "user", "content": "a" * 5000}])).encode()
    if chunked:
        data = message("POST", "/v1/chat/completions", headers=[("Transfer-Encoding", "chunked")])
        data += b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        data = message("POST", "/v1/chat/completions", body)
    reply = raw(server, data)
    assert (reply.status, reply.code) == (413, "body_too_large")
    alive(server)


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "2"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked"), ("Content-Length", "2")],
        [("Content-Length", "2"), ("Content-Length", "3")],
        [("Content-Length", "2"), ("Content-Length", "2")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "xchunked")],
        [("Content-Length", "+2")],
        [("Content-Length", "-2")],
        [("Content-Length", "0x2")],
        [("Content-Length", "99999999999999999999999")],
        [("Content-Length ", "2")],
        [("Host", "localhost"), ("Host", "localhost")],
    ],
)
def test_a_length_that_can_be_read_in_two_ways(server, headers):
    """One answer of 400 (413 for an enormous length), and nothing after it: no second request."""
    smuggled = b"0\r\n\r\n" + message("GET", "/v1/models")
    with server.connect() as connection:
        connection.sendall(message("POST", "/v1/chat/completions", headers=headers) + smuggled)
        reply = receive(connection)
        assert reply.status in (400, 413)
        assert reply.headers["connection"] == "close"
        assert reply.rest == b""
        assert connection.recv(100) == b""
    alive(server)


def test_chunks_of_http_1_0(server):
    data = message("POST", "/v1/chat/completions", headers=[("Transfer-Encoding", "chunked")], version="HTTP/1.0")
    assert raw(server, data + b"0\r\n\r\n").status == 400


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"2\r\n{}xx\r\n", b"\r\n"])
def test_a_faulty_chunk(server, chunk):
    data = message("POST", "/v1/chat/completions", headers=[("Transfer-Encoding", "chunked")])
    assert raw(server, data + chunk + b"0\r\n\r\n").status in (400, 413)
    alive(server)


@pytest.mark.parametrize(
    "line", [b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\0\0\0\0\r\n\r\n",
             b"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET http://x/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
             b"GET /healthz HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\nHost: localhost\n\n"]
)
def test_what_is_no_request(server, line):
    with server.connect() as connection:
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        reply = receive(connection)
    assert reply is None or reply.status == 400
    alive(server)


def test_requests_one_behind_the_other(server):
    """Pipelined: answered in order, a chat among them."""
    body = json.dumps(chat(server)).encode()
    data = message("GET", "/v1/models") + message("POST", "/v1/chat/completions", body) + message("GET", "/healthz")
    with server.connect() as connection:
        connection.sendall(data * 3)
        rest = b""
        for _ in range(3):
            replies = []
            for _ in range(3):
                replies.append(receive(connection, rest))
                rest = replies[-1].rest
            assert [r.status for r in replies] == [200] * 3
            assert replies[0].json["object"] == "list"
            assert replies[1].json["object"] == "chat.completion"
            assert replies[2].json == {"status": "ok"}


def test_requests_that_come_while_a_stream_is_sent(server):
    body = json.dumps(chat(server, stream=True, ignore_eos=True, max_tokens=40)).encode()
    with server.connect() as connection:
        connection.sendall(message("POST", "/v1/chat/completions", body))
        time.sleep(0.01)
        connection.sendall(message("GET", "/healthz"))
        first = receive(connection)
        assert first.body.endswith(b"data: [DONE]\n\n")
        assert receive(connection, first.rest).json == {"status": "ok"}


def test_http_1_0(server):
    reply = ask(server, "GET", "/healthz", version="HTTP/1.0")
    assert reply.status == 200 and reply.headers["connection"] == "close"
    streamed = ask(server, "POST", "/v1/chat/completions", chat(server, stream=True), version="HTTP/1.0")
    assert "transfer-encoding" not in streamed.headers
    assert streamed.body.endswith(b"data: [DONE]\n\n")


def test_a_name_that_is_not_ours(server):
    """DNS rebinding: another site's name that leads to 127.0.0.1."""
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", ""):
        reply = ask(server, "POST", "/v1/chat/completions", chat(server), headers=[("Host", host)])
        assert reply.status in (400, 403), host
    for host in ("localhost", "LocalHost:1", f"127.0.0.1:{server.port}", "[::1]:80"):
        assert ask(server, "GET", "/v1/models", headers=[("Host", host)]).status == 200
    with serving("--allowed-host", "hob.example") as other:
        assert ask(other, "GET", "/v1/models", headers=[("Host", "hob.example:443")]).status == 200
        assert ask(other, "GET", "/v1/models", headers=[("Host", "other.example")]).code == "host_not_allowed"


def test_pages_of_other_origins(server):
    evil = [("Origin", "https://evil.example")]
    reply = ask(server, "POST", "/v1/chat/completions", chat(server), headers=evil)
    assert (reply.status, reply.code) == (403, "origin_not_allowed")
    assert ask(server, "OPTIONS", "/v1/chat/completions", headers=evil).status == 403
    # A form cannot send JSON; a page of this server may ask.
    form = [("Content-Type", "text/plain")]
    assert ask(server, "POST", "/v1/chat/completions", chat(server), headers=form).status == 415
    own = [("Origin", f"http://localhost:{server.port}")]
    reply = ask(server, "GET", "/v1/models", headers=own)
    assert reply.status == 200 and "access-control-allow-origin" not in reply.headers
    with serving("--cors-origin", "https://app.example") as other:
        good = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")]
        reply = ask(other, "OPTIONS", "/v1/chat/completions", headers=good)
        assert reply.status == 204
        assert reply.headers["access-control-allow-origin"] == "https://app.example"
        assert "Authorization" in reply.headers["access-control-allow-headers"]
        reply = ask(other, "POST", "/v1/chat/completions", chat(other), headers=good[:1])
        assert reply.headers["access-control-allow-origin"] == "https://app.example"
        assert ask(other, "GET", "/v1/models", headers=evil).status == 403


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"a"', b"{} {}", b'{"model":"\xff"}', b'{"a":1e999}', b"nope",
             b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", b'{"a":' + b'{"a":' * 700, b'{"\\ud800":1}',
             b"{" + b",".join(b'"%d":0' % i for i in range(300)) + b"}"]
)
def test_bodies_that_are_no_objects(server, body):
    for path in ("/v1/chat/completions", "/v1/completions"):
        headers = [("Content-Length", str(len(body)))]
        reply = ask(server, "POST", path, body, headers=headers)
        assert reply.status == 400, reply.body
        assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    alive(server)


@pytest.mark.parametrize(
    "field",
    ["temperature", "top_p", "max_tokens", "n", "seed", "stop", "stream", "messages", "model", "stream_options",
     "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "tools", "response_format",
     "nonsense"],
)
@pytest.mark.parametrize("value", [{"a": 1}, [[]], "x\u0000", -1e300, 10**30, [1], True])
def test_fields_of_wrong_types_and_values(server, field, value):
    if (field, value) in [("logprobs", True), ("stream", True)] or (field == "stop" and isinstance(value, str)):
        return
    reply = ask(server, "POST", "/v1/chat/completions", {**chat(server), field: value})
    if field == "model" and isinstance(value, str):
        assert (reply.status, reply.code) == (404, "model_not_found")
        return
    assert reply.status == 400, reply.body
    assert (reply.json["error"]["param"] or "").split(".")[0].split("[")[0] == field


def test_request_ids_and_traces(server):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = [("X-Request-Id", "my-id.1"), ("traceparent", trace)]
    reply = ask(server, "POST", "/v1/chat/completions", chat(server), headers=headers)
    assert reply.headers["x-request-id"] == "my-id.1"
    for bad in ("a b", "x" * 200, 'a"b', "é"):
        reply = ask(server, "GET", "/healthz", headers=[("X-Request-Id", bad), ("traceparent", "00-zz-zz-01")])
        assert len(reply.headers["x-request-id"]) == 32
    (line,) = server.requests(request_id="my-id.1")
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["parent_id"] == "00f067aa0ba902b7"
    assert line["status"] == 200 and line["completion_tokens"] > 0 and line["path"] == "/v1/chat/completions"
    assert "hello" not in json.dumps(server.log)


def test_continue_is_said_before_the_body(server):
    body = json.dumps(chat(server)).encode()
    headers = [("Content-Length", str(len(body))), ("Expect", "100-continue")]
    with server.connect() as connection:
        connection.sendall(message("POST", "/v1/chat/completions", headers=headers))
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert receive(connection).status == 200


def test_connections_are_counted():
    with serving("--connections", 4) as server:
        held = [server.connect() for _ in range(4)]
        for connection in held:
            connection.sendall(message("GET", "/healthz"))
            assert receive(connection).status == 200
        with server.connect() as more:
            assert receive(more).status == 503
        held.pop().close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with server.connect() as more:
                more.sendall(message("GET", "/healthz"))
                try:
                    if receive(more).status == 200:
                        break
                except ConnectionError:
                    pass
            time.sleep(0.05)
        else:
            raise AssertionError("the place was not given back")
        for connection in held:
            connection.close()
