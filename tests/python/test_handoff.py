# SPDX-License-Identifier: Apache-2.0
"""hob.Handoff against a server on this computer; what endpoints may do wrong is tested in C++ (tests/handoff)."""

import contextlib
import http.server
import json
import threading

import pytest

hob = pytest.importorskip("hob", reason="hob cannot be imported")


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in self.server.pieces:
            self.wfile.write(f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n".encode())
        if self.server.whole:
            self.wfile.write(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def endpoint(*pieces, status=200, whole=True):
    server = http.server.HTTPServer(("127.0.0.1", 0), Endpoint)
    server.requests, server.pieces, server.status, server.whole = [], pieces, status, whole
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_endpoint_answers(runtime, model):
    seen = []
    with endpoint("Über ", "all") as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", api_key="key-1", consent=True)
        session = model.session(system="Be brief.")
        report = handoff.answer(session, "Where?", mode=hob.HandoffMode.REMOTE, on_text=seen.append, max_tokens=9)
    assert str(report) == "Über all" == session.reply == "".join(seen)
    assert report.source is hob.AnswerSource.REMOTE
    assert report.reason is hob.HandoffReason.REQUESTED
    assert report.fallback is hob.HandoffFallback.NONE
    assert report.remote_status is hob.Status.OK
    assert report.finish_reason is hob.FinishReason.END
    assert (report.http_status, report.attempts, report.remote_message) == (200, 1, "")
    assert [message["role"] for message in session.messages] == ["system", "user", "assistant"]
    headers, body = server.requests[0]
    assert headers["Authorization"] == "Bearer key-1"
    assert (body["model"], body["max_tokens"], body["stream"]) == ("big", 9, True)
    assert body["messages"][1] == {"role": "user", "content": "Where?"}
    metrics = handoff.metrics
    assert metrics.answers_remote == metrics.attempts == metrics.reasons[hob.HandoffReason.REQUESTED] == 1
    assert metrics.breaker is hob.BreakerState.CLOSED


def test_consent(runtime, model):
    with endpoint("far") as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", max_prompt_tokens=1)
        report = handoff.answer(model.session(), "Where?", max_tokens=4)
        assert report.source is hob.AnswerSource.LOCAL
        assert report.fallback is hob.HandoffFallback.CONSENT
        assert report.text == model.session().generate("Where?", max_tokens=4).text
        assert server.requests == []
        handoff.set_consent(True)
        assert handoff.answer(model.session(), "Where?").reason is hob.HandoffReason.PROMPT
        handoff.set_consent(False)
        assert handoff.answer(model.session(), "Where?", max_tokens=1).source is hob.AnswerSource.LOCAL
        assert len(server.requests) == 1


def test_redaction(runtime, model):
    def redact(role, text):
        if text == "raise":
            raise KeyError(role)
        return None if text == "keep" else text.replace("Zoë", "[name]")

    with endpoint("far") as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", consent=True, redact=redact)
        remote = {"mode": hob.HandoffMode.REMOTE, "max_tokens": 2}
        session = model.session()
        assert handoff.answer(session, "Where is Zoë?", **remote).text == "far"
        assert server.requests[0][1]["messages"][0]["content"] == "Where is [name]?"
        assert session.messages[0]["content"] == "Where is Zoë?"
        assert handoff.answer(model.session(), "keep", **remote).fallback is hob.HandoffFallback.REDACTION
        with pytest.raises(KeyError):
            handoff.answer(model.session(), "raise", **remote)
        assert len(server.requests) == 1


def test_battery(runtime, model):
    charge = [50]
    with endpoint("far") as server:
        handoff = hob.Handoff(
            runtime, url=server.url, model="big", consent=True, min_battery_percent=20, battery=lambda: charge[0]
        )
        for percent, reason in ((50, "NONE"), (19, "BATTERY"), (None, "NONE")):
            charge[0] = percent
            assert handoff.answer(model.session(), "Where?", max_tokens=1).reason.name == reason


def test_an_unsure_answer_is_handed_over(runtime, model):
    with endpoint("far") as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", consent=True, max_mean_entropy=0.01, judge_tokens=3)
        report = handoff.answer(model.session(), "Where?", max_tokens=8)
    assert report.text == "far"
    assert report.reason is hob.HandoffReason.ENTROPY
    assert report.judged_tokens == 3
    assert report.mean_entropy > 0.01


def test_failures(runtime, model):
    session = model.session()
    with endpoint(status=500) as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", consent=True, retries=1, backoff=0.001)
        report = handoff.answer(session, "Where?", mode=hob.HandoffMode.REMOTE, max_tokens=4)
        assert report.fallback is hob.HandoffFallback.REMOTE
        assert report.remote_status is hob.Status.UNAVAILABLE
        assert (report.http_status, report.attempts, len(server.requests)) == (500, 2, 2)
        assert "500" in report.remote_message
        assert report.text == model.session().generate("Where?", max_tokens=4).text
    before, seen = session.message_count, []
    with endpoint("The ", whole=False) as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", consent=True)
        with pytest.raises(hob.Unavailable, match="broke off after 4 bytes"):
            handoff.answer(session, "And?", mode=hob.HandoffMode.REMOTE, on_text=seen.append)
    assert seen == ["The "]
    assert session.message_count == before


def test_pieces_may_end_or_raise(runtime, model):
    with endpoint("one ", "two") as server:
        handoff = hob.Handoff(runtime, url=server.url, model="big", consent=True)
        session = model.session()
        report = handoff.answer(session, "Where?", mode=hob.HandoffMode.REMOTE, on_text=lambda text: False)
        assert report.finish_reason is hob.FinishReason.CANCELLED
        assert report.text == session.reply == "one "

        def fail(text):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            handoff.answer(session, "And?", mode=hob.HandoffMode.REMOTE, on_text=fail)


def test_options(runtime, tmp_path):
    with pytest.raises(hob.FailedPrecondition, match="in the clear"):
        hob.Handoff(runtime, url="http://example.org/v1", model="big")
    with pytest.raises(hob.NotFound, match="key_file"):
        hob.Handoff(runtime, url="https://example.org/v1", model="big", key_file=tmp_path / "none")
    with pytest.raises(hob.InvalidArgument, match="url"):
        hob.Handoff(runtime, url="", model="big")
    with hob.Handoff(runtime, url="https://example.org/v1", model="big", retries=0) as handoff:
        assert handoff.metrics.attempts == 0
    with pytest.raises(hob.FailedPrecondition, match="closed"):
        handoff.set_consent(True)
