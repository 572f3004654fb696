# SPDX-License-Identifier: Apache-2.0
"""What hob serve tells Prometheus, and what Debian's Prometheus makes of the alert rules.

Programs `prometheus` and `promtool` (package prometheus); the tests that need them skip without.
"""

import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from serve_process import ask, chat, make_long_model, needs_server, serving

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packaging/monitoring"
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(not (PROMETHEUS and PROMTOOL), reason="prometheus is not installed")
SAMPLE = re.compile(r'([a-z_:]+)(?:\{(.*)\})? ([-+0-9.e]+|\+Inf)$')


def scrape(server):
    """Samples by name and labels as they are written."""
    reply = ask(server, "GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {}
    for line in reply.body.decode().splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            assert (name, labels) not in samples
            samples[name, labels] = float(value)
    return samples


def promtool(*arguments, text=None):
    done = subprocess.run([PROMTOOL, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout + done.stderr


@needs_server
def test_metrics_count_what_was_done():
    with serving() as server:
        before = scrape(server)
        assert before["hob_answers_started_total", None] == 0
        body = chat(server, max_tokens=9, ignore_eos=True)
        for _ in range(3):
            assert ask(server, "POST", "/v1/chat/completions", body).status == 200
        assert ask(server, "POST", "/v1/chat/completions", {}).status == 400
        assert ask(server, "GET", "/x").status == 404
        after = scrape(server)
        assert after["hob_answers_ended_total", 'reason="length"'] == 3
        assert after["hob_generated_tokens_total", None] == 27
        assert after["hob_prompt_tokens_total", None] > 30
        assert after["hob_http_requests_total", 'path="/v1/chat/completions",code="200"'] == 3
        assert after["hob_http_requests_total", 'path="/v1/chat/completions",code="400"'] == 1
        assert after["hob_http_requests_total", 'path="other",code="404"'] == 1
        assert after["hob_time_to_first_token_seconds_count", None] == 3
        assert after["hob_time_between_tokens_seconds_count", None] == 24
        assert after["hob_time_between_tokens_seconds_bucket", 'le="+Inf"'] == 24
        assert after["hob_steps_total", None] == after["hob_step_answers_count", None] >= 27
        assert after["hob_answers_running", None] == after["hob_answers_waiting", None] == 0
        assert after["hob_memory_bytes", None] > 0 and after["hob_kv_pages", None] >= 0
        assert after["hob_http_connections", None] >= 1
        counts = [v for (n, _), v in after.items() if n == "hob_time_to_first_token_seconds_bucket"]
        assert counts == sorted(counts)


@needs_server
def test_metrics_need_a_key(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("k" * 20)
    keys.chmod(0o600)
    with serving("--api-keys", keys) as server:
        assert ask(server, "GET", "/metrics").status == 401
        assert ask(server, "GET", "/metrics", headers=[("Authorization", "Bearer " + "k" * 20)]).status == 200


@needs_server
@needs_prometheus
def test_promtool_finds_no_fault():
    with serving() as server:
        ask(server, "POST", "/v1/chat/completions", chat(server))
        code, said = promtool("check", "metrics", text=ask(server, "GET", "/metrics").body.decode())
    assert code == 0, said
    for kind, name in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        code, said = promtool("check", kind, FOLDER / name)
        assert code == 0, said


@needs_server
def test_the_dashboard_and_the_alerts_ask_for_what_there_is():
    with serving() as server:
        ask(server, "POST", "/v1/chat/completions", chat(server))
        known = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in scrape(server)}
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    asked = " ".join(t["expr"] for p in dashboard["panels"] for t in p["targets"])
    asked += (FOLDER / "alerts.yml").read_text().replace("hob_serve", "")
    names = {re.sub("_(bucket|sum|count)$", "", n) for n in re.findall(r"\b(?:hob|process)_[a-z_]+\b", asked)}
    assert len(names) > 15
    assert names <= known, names - known


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prometheus:
    """Debian's own, with our rules, in a hurry: every `for` is a second."""

    def __init__(self, folder, target):
        rules = re.sub(r"for: \S+", "for: 1s", (FOLDER / "alerts.yml").read_text()).replace("[5m]", "[4s]")
        (folder / "alerts.yml").write_text(rules)
        config = (FOLDER / "prometheus.yml").read_text().replace("15s", "500ms").replace("127.0.0.1:8080", target)
        (folder / "prometheus.yml").write_text(config)
        self.port = free_port()
        self.process = subprocess.Popen(
            [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)["data"]

    def value(self, query):
        try:
            result = self.get("query", query=query)["result"]
        except OSError:
            return None  # not up yet
        return float(result[0]["value"][1]) if result else None

    def firing(self):
        return {a["labels"]["alertname"] for a in self.get("alerts")["alerts"] if a["state"] == "firing"}

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def wait_for(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)


@needs_server
@needs_prometheus
def test_alerts_fire(tmp_path):
    """Prometheus scrapes a server that is well; then requests fail, then it is stopped dead, and each is noticed."""
    model = make_long_model(tmp_path)
    with serving("--parallel", 1, "--queue", 0, "--answer-seconds", 0, model=model) as server:
        prometheus = Prometheus(tmp_path, f"127.0.0.1:{server.port}")
        try:
            wait_for(lambda: prometheus.value('up{job="hob"}') == 1)
            assert ask(server, "POST", "/v1/chat/completions", chat(server)).status == 200
            wait_for(lambda: prometheus.value("hob_generated_tokens_total") == 8)
            assert prometheus.firing() == set()
            # One answer takes the only place; what comes meanwhile is refused.
            with server.connect() as holder:
                body = json.dumps(chat(server, stream=True, max_tokens=60000, ignore_eos=True)).encode()
                holder.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                               b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                holder.recv(1000)

                def refused():
                    ask(server, "POST", "/v1/chat/completions", chat(server))
                    return "HobRefuses" in prometheus.firing()

                wait_for(refused)
            # The process hangs: it is there and does not answer.
            server.terminate(signal.SIGSTOP)
            try:
                wait_for(lambda: "HobDown" in prometheus.firing())
            finally:
                server.terminate(signal.SIGCONT)
            wait_for(lambda: "HobDown" not in prometheus.firing())
        finally:
            prometheus.stop()
