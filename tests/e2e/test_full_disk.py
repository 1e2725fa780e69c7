"""A disk that really fills up: a small one in memory, mounted for this server alone. Writes are refused in each protocol's
own form, reads and alerts go on, nothing acknowledged is lost, and writing resumes by itself."""
import os
import secrets
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

import remote_write
from payloads import envelope, event, span
from server import Telltale, wait_until

DISK_MIB = 160
SETTINGS = """
net: {{outbound_allow: ["127.0.0.1"]}}
storage: {{reserve_bytes: 8MiB}}
alerting: {{group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: hook, type: webhook, url: "{url}/hook"}}]
rules: {{files: ["{rules}"]}}
"""
RULE = "groups: [{{name: e2e, interval: 1s, rules: [{{alert: {name}, expr: vector(1)}}]}}]\n"


class SmallDisk:
    """A disk of its own in a mount namespace that a sleeping process keeps; no trace of it outside."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        script = f'mount -t tmpfs -o size={DISK_MIB}m,mode=0777 tmpfs "$0" && echo mounted && exec sleep 600'
        self.keeper = subprocess.Popen(["unshare", "-rm", "sh", "-c", script, str(folder)], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        self.answer = self.keeper.stdout.readline().strip()

    @property
    def usable(self) -> bool:
        return self.answer == "mounted"

    @property
    def prefix(self) -> list[str]:
        return ["nsenter", "-t", str(self.keeper.pid), "-U", "--preserve-credentials", "-m", f"--wd={self.folder}"]

    @property
    def seen_from_here(self) -> Path:
        return Path(f"/proc/{self.keeper.pid}/root{self.folder}")

    def fill(self) -> None:
        """To the last byte."""
        with open(self.seen_from_here / f"filler-{secrets.token_hex(4)}", "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        for path in self.seen_from_here.glob("filler-*"):
            path.unlink()

    def close(self) -> None:
        self.keeper.kill()
        self.keeper.wait()


@pytest.fixture
def disk(tmp_path):
    try:
        made = SmallDisk(tmp_path / "disk")
    except OSError as error:
        pytest.skip(f"unshare is not there: {error}")
    if not made.usable:
        made.close()
        pytest.skip(f"mount namespaces are not permitted here: {made.answer}")
    yield made
    made.close()


class Writer(threading.Thread):
    """Sends one of each kind after the other until told to stop, and remembers what was acknowledged."""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api, self.acknowledged, self.refused, self.ended = api, Counter(), 0, threading.Event()

    def run(self):
        for n in range(1_000_000):
            if self.ended.is_set():
                return
            mark = f"mark-{n}-{secrets.token_hex(4)}"
            answer = send(self.api, ("event", "lines", "span")[n % 3], mark)
            if answer.status_code in (200, 204):
                self.acknowledged[mark] += 1
            else:
                assert answer.status_code == 503, answer.text
                self.refused += 1
            time.sleep(0.005)

    def stop(self):
        self.ended.set()
        self.join(30)
        assert not self.is_alive()


def send(api, kind, mark) -> requests.Response:
    if kind == "event":
        payload = event(mark)
        return api.send_envelope(envelope(("event", payload), event_id=payload["event_id"]))
    return api.push_lines([mark], {"service": "e2e"}) if kind == "lines" else api.send_spans([span(mark)])


def marks(api) -> Counter:
    """Every mark that can be read, with how often it is there."""
    found = Counter()
    for table in ("errors", "logs", "spans"):
        for row in api.rows(table):
            found.update(word for word in row["message"].replace(":", " ").split() if word.startswith("mark-"))
    return found


def accepting(api) -> bool:
    return "\ntelltale_disk_accepting_writes 1\n" in api.http.get(api.server.url + "/metrics", timeout=10).text


def check_refusals(server) -> None:
    """503, Retry-After, and the body that each protocol's clients expect."""
    api = server.api
    payload = event("never stored")
    refusals = {"sentry": send(api, "event", "never stored"), "loki": send(api, "lines", "never stored"),
                "otlp": send(api, "span", "never stored"),
                "store": requests.post(f"{server.url}/api/1/store/?sentry_key={server.dsn_key}", json=payload, timeout=10),
                "otlp logs": api.post("/v1/logs", json={"resourceLogs": [{"scopeLogs": [{"logRecords": [
                    {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "never stored"}}]}]}]})}
    numbers = remote_write.v1["WriteRequest"]()
    series = numbers.timeseries.add()
    series.labels.add(name="__name__", value="never_stored")
    series.samples.add(value=1, timestamp=time.time_ns() // 1_000_000)
    refusals |= {"remote write": remote_write.send(server, numbers, remote_write.V1),
                 "otlp metrics": api.post("/v1/metrics", json={"resourceMetrics": [{"scopeMetrics": [{"metrics": [
                     {"name": "never_stored", "gauge": {"dataPoints": [{"timeUnixNano": str(time.time_ns()), "asInt": "1"}]}}]}]}]}),
                 "influx": api.post("/write", data="never_stored v=1"), "influx 2": api.post("/api/v2/write", data="never_stored v=1"),
                 "pushgateway": api.post("/metrics/job/never", data="never_stored 1\n"),
                 "import": api.post("/api/v1/import/prometheus", data="never_stored 1\n")}
    assert remote_write.written(refusals["remote write"]) == (0, 0, 0)
    for name, answer in refusals.items():
        assert answer.status_code == 503, (name, answer.status_code, answer.text)
        assert int(answer.headers["Retry-After"]) > 0, name
        assert "disk is full" in answer.text, (name, answer.text)
    for name in ("sentry", "store"):
        assert "disk is full" in refusals[name].json()["detail"]
        assert "disk is full" in refusals[name].headers["X-Sentry-Error"]
    for name in ("otlp", "otlp logs", "otlp metrics"):
        status = refusals[name].json()
        assert "disk is full" in status["message"] and status.get("code", 14) == 14, status


def test_a_full_disk_costs_nothing_that_was_acknowledged(disk, tmp_path, receiver):
    rules, config = tmp_path / "rules.yml", tmp_path / "telltale.yml"
    rules.write_text(RULE.format(name="BeforeIt"))
    config.write_text(SETTINGS.format(url=receiver.url, rules=rules))
    server = Telltale(disk.folder, ["--config", str(config)], disk.prefix)
    server.log_path = tmp_path / "telltale.log"
    server.start()
    api = server.api
    try:
        wait_until(lambda: "BeforeIt" in str(receiver.at("/hook")), what="the first alert")
        writer = Writer(api)
        writer.start()
        wait_until(lambda: len(writer.acknowledged) > 60, what="a few writes")
        disk.fill()
        wait_until(lambda: writer.refused > 5 and not accepting(api), what="refusals")
        disk.fill()  # what giving up the ballast has freed, too
        before = len(writer.acknowledged)
        check_refusals(server)

        rules.write_text(RULE.format(name="WhileFull"))
        assert api.post("/-/reload").status_code == 200, server.log_tail()
        wait_until(lambda: "WhileFull" in str(receiver.at("/hook")), what="an alert from a full disk")
        assert len(writer.acknowledged) == before
        found = marks(api)
        assert not set(writer.acknowledged) - set(found)
        assert api.issues() and server.alive()

        disk.free()
        wait_until(lambda: len(writer.acknowledged) > before + 60, what="writing to resume by itself")
        writer.stop()
        wait_until(lambda: not set(writer.acknowledged) - set(marks(api)), what="everything acknowledged")
        assert {m: n for m, n in marks(api).items() if n > 1} == {}

        disk.fill()
        wait_until(lambda: not accepting(api), what="the disk to be full again")
        disk.fill()
        server.kill()
        server.start()  # on a full disk
        found = marks(api)
        assert set(writer.acknowledged) - set(found) == set() and max(found.values()) == 1
        check_refusals(server)
        disk.free()
        wait_until(lambda: send(api, "lines", "mark-last").ok, what="writing to resume after a start on a full disk")
    finally:
        server.stop()
    binary = os.environ.get("TELLTALE_BIN", str(Path(__file__).resolve().parents[2] / "build" / "telltale"))
    verified = subprocess.run([*disk.prefix, binary, "verify", "--data-dir", str(server.data_dir)], capture_output=True,
                              text=True, timeout=60)
    assert verified.returncode == 0, verified.stdout + verified.stderr
