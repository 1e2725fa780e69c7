"""kill -9 at random moments under load: whatever was acknowledged is there, once; whatever was not is there at most once.

KILL9_ROUNDS rounds (default 5), KILL9_SEED repeats the moments of an earlier run. Every id written carries its round in
the service name; all rounds are checked again after the last restart.
"""
import os
import random
import re
import secrets
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from payloads import envelope, event, span
from server import wait_until

ROUNDS = int(os.environ.get("KILL9_ROUNDS", "5"))
SEED = int(os.environ.get("KILL9_SEED", secrets.randbits(32)))
BATCH = 5
PAUSE_S = 0.01
ID = re.compile(r"id-[0-9a-f]{16}")
KINDS = ("errors", "logs", "spans")


def new_id() -> str:
    """Never digits only: one in 45 000 of those is a card number, and masked."""
    return "id-e" + secrets.token_hex(8)[1:]


class Writer(threading.Thread):
    """Sends one kind of data until told to stop or refused; remembers what was sent and what was acknowledged."""

    def __init__(self, api, kind, service):
        super().__init__(daemon=True)
        self.api, self.kind, self.service = api, kind, service
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.refusals: list[str] = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(PAUSE_S):
            ids = [new_id() for _ in range(1 if self.kind == "errors" else BATCH)]
            self.sent.update(ids)
            try:
                answer = self.send(ids)
            except requests.RequestException:
                return
            if 200 <= answer.status_code < 300:
                self.acknowledged.update(ids)
            else:
                self.refusals.append(f"{answer.status_code} {answer.text[:200]}")

    def send(self, ids):
        if self.kind == "errors":
            payload = event(ids[0], server_name=self.service)
            return self.api.send_envelope(envelope(("event", payload), event_id=payload["event_id"]))
        if self.kind == "logs":
            return self.api.push_lines(ids, {"service": self.service})
        return self.api.send_spans([span(name) for name in ids], service=self.service)


class Exporter:
    """A counter that a scrape advances, so that no two scrapes agree."""

    def __init__(self):
        outer = self
        self.value = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.value += 1
                body = f"# TYPE e2e_scrapes_total counter\ne2e_scrapes_total {outer.value}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def samples(api) -> list[tuple]:
    return [tuple(pair) for series in api.query("e2e_scrapes_total[2h]") for pair in series["values"]]


def check_round(api, service, writers) -> None:
    for kind, writer in writers.items():
        assert len(writer.sent) < 4900, "more rows than one page; lower the load"
        rows = api.rows(kind, service=service)
        assert all(ID.search(row["message"]) for row in rows), [r for r in rows if not ID.search(r["message"])][:2]
        found = Counter(ID.search(row["message"]).group() for row in rows)
        lost = writer.acknowledged - found.keys()
        twice = [name for name, count in found.items() if count > 1]
        strange = found.keys() - writer.sent
        assert not lost and not twice and not strange, (
            f"seed {SEED}, {service} {kind}: {len(lost)} of {len(writer.acknowledged)} acknowledged are lost, "
            f"{len(twice)} are there twice, {len(strange)} were never sent; e.g. {list(lost)[:3]} {twice[:3]}")


def test_acknowledged_data_survives_kill9(make_server, tmp_path):
    print(f"KILL9_SEED={SEED} KILL9_ROUNDS={ROUNDS}", flush=True)
    rng = random.Random(SEED)
    exporter = Exporter()
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: e2e\n    scrape_interval: 200ms\n"
                      f"    scrape_timeout: 200ms\n    static_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]\n")
    server = make_server(["--prometheus-config", str(config)])
    api = server.api
    rounds, total = [], Counter()
    for number in range(ROUNDS):
        service = f"round{number}"
        writers = {kind: Writer(server.api, kind, service) for kind in KINDS}
        for writer in writers.values():
            writer.start()
        time.sleep(rng.uniform(0.05, 2.5))
        seen = samples(api) if rng.random() < 0.7 else []
        server.kill()
        for writer in writers.values():
            writer.stopping.set()
            writer.join(40)
            assert not writer.refusals, (writer.kind, writer.refusals[:2])
            total[writer.kind] += len(writer.acknowledged)
        server.start()
        if number % 2:
            assert server.stop() == 0, server.log_tail()  # a clean stop moves everything into the stores' own files
            server.start()
        api = server.api  # fresh connections
        rounds.append((service, writers))
        check_round(api, service, writers)
        after = samples(api)
        assert set(seen) <= set(after), f"seed {SEED}: samples lost: {sorted(set(seen) - set(after))[:5]}"
        assert len({t for t, _ in after}) == len(after), f"seed {SEED}: a sample is there twice"
    for service, writers in rounds:
        check_round(api, service, writers)
    stored = sum(len(api.rows("errors", service=service)) for service, _ in rounds)
    counted = wait_until(lambda: sum(i["event_count"] for i in api.issues() if "E2EError" in i["title"]), what="issues")
    assert counted == stored, f"seed {SEED}: issues count {counted} events, {stored} are stored"
    print("acknowledged and found:", dict(total), "samples:", len(samples(api)))
    assert all(total[kind] for kind in KINDS), total
