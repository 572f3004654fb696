# SPDX-License-Identifier: Apache-2.0
"""hob serve with many clients at once, beside the same answers within one process, in turn.

    python3 tests/bench/serve_load.py --bin build/release/bin/hob --model MODEL [--clients 32] [--tokens 128]

Clients stream over plain sockets from one thread, so that they take little of the processor from the server.
Prints JSON: errors, tokens a second (in all, and while all clients get tokens, as `hob bench --sessions` counts),
time to the first token, the slowest client's time over the fastest's, and what the server adds to a token.
"""

import argparse
import json
import selectors
import socket
import statistics
import subprocess
import time

TOKEN = b'"delta":{"content":'


class Client:
    def __init__(self, port, body):
        self.socket = socket.create_connection(("127.0.0.1", port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" \
               f"Content-Length: {len(body)}\r\n\r\n"
        self.request = head.encode() + body
        self.tail, self.times, self.done, self.ok = b"", [], False, False

    def start(self):
        self.begun = time.perf_counter()
        self.socket.sendall(self.request)

    def read(self):
        data = self.socket.recv(1 << 16)
        now = time.perf_counter()
        if not data:
            self.done = True
            return
        seen = self.tail + data
        # The end of what was seen is looked at again with what follows, and nothing is counted twice.
        self.times += [now] * seen.count(TOKEN)
        last = seen.rfind(TOKEN)
        keep = len(seen) - max(last + len(TOKEN) if last >= 0 else 0, len(seen) - 40)
        self.tail = seen[len(seen) - keep:] if keep else b""
        if b"[DONE]" in self.tail:
            self.done = self.ok = True


def run(port, model, clients, tokens, words):
    crowd = []
    for i in range(clients):
        prompt = f"{i} " + "tell me about the sea " * words  # none shares another's cache
        crowd.append(Client(port, json.dumps({
            "model": model, "stream": True, "max_tokens": tokens, "temperature": 0, "ignore_eos": True,
            "messages": [{"role": "user", "content": prompt}]}).encode()))
    wait = selectors.DefaultSelector()
    for client in crowd:
        wait.register(client.socket, selectors.EVENT_READ, client)
    begin = time.perf_counter()
    for client in crowd:
        client.start()
    left = len(crowd)
    while left:
        for key, _ in wait.select():
            key.data.read()
            if key.data.done:
                wait.unregister(key.fileobj)
                left -= 1
    end = time.perf_counter()
    good = [c for c in crowd if c.ok and c.times]
    took = [c.times[-1] - c.begun for c in good]
    first, last = max(c.times[0] for c in good), min(c.times[-1] for c in good)
    steady = sum(1 for c in good for t in c.times if first < t <= last) / (last - first)
    return {
        "errors": clients - len(good),
        "tokens": sum(len(c.times) for c in good),
        "tps_all": sum(len(c.times) for c in good) / (end - begin),
        "tps_steady": steady,
        "first_token_s_median": statistics.median(c.times[0] - c.begun for c in good),
        "slowest_over_fastest": max(took) / min(took),
    }


def in_process(o):
    out = subprocess.run(
        [o.bin, "bench", "--model", o.model, "--sessions", str(o.clients), "--gen", str(o.tokens), "--prompt", "0",
         "--depth", str(o.words * 5 + 20), "--reps", "1", "--json", *o.option], check=True, capture_output=True).stdout
    return json.loads(out)["decode_tps"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--words", type=int, default=10, help="times that the prompt's five words come")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--option", action="append", default=[], help="of both commands, such as --activations=int8")
    o = parser.parse_args()
    server = subprocess.Popen(
        [o.bin, "serve", "--model", o.model, "--port", "0", "--log", "off", "--name", "m", "--shared-cache", "-1",
         *o.option], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        run(port, "m", o.clients, 8, o.words)  # a warm-up
        rounds, inside = [], []
        for _ in range(o.rounds):
            rounds.append(run(port, "m", o.clients, o.tokens, o.words))
            inside.append(in_process(o))
    finally:
        server.terminate()
        server.wait(30)
    steady = statistics.median(r["tps_steady"] for r in rounds)
    own = statistics.median(inside)
    print(json.dumps({
        "clients": o.clients, "tokens_each": o.tokens,
        "errors": sum(r["errors"] for r in rounds),
        "tps_all": statistics.median(r["tps_all"] for r in rounds),
        "tps_steady": steady,
        "tps_in_process": own,
        "share": steady / own,
        "added_us_per_token": 1e6 / steady - 1e6 / own,
        "first_token_s": statistics.median(r["first_token_s_median"] for r in rounds),
        "slowest_over_fastest": max(r["slowest_over_fastest"] for r in rounds),
        "rounds": rounds, "in_process_rounds": inside,
    }, indent=2))


if __name__ == "__main__":
    main()
