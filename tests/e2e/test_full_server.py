"""A server whose store is behind: every shipper is told over the wire to come back later, and what was taken is kept."""
import http.client
import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests

from server import wait_until

QUEUED = 3500  # one-line batches, about, in limits::kApplyQueueBytes


class HeldThread:
    """strace delays the thread's next waits: as slow as a disk that hangs, and no lock is held."""

    def __init__(self, pid: int, name: str):
        tasks = [task for task in Path(f"/proc/{pid}/task").iterdir() if (task / "comm").read_text().strip() == name[:15]]
        assert len(tasks) == 1, name
        self.process = subprocess.Popen(["strace", "-p", tasks[0].name, "-e", "trace=futex", "-e", "inject=futex:delay_enter=300000000",
                                         "-o", "/dev/null"], stderr=subprocess.PIPE, text=True)
        self.said = self.process.stderr.readline()

    def let_go(self):
        self.process.terminate()
        self.process.wait(20)


def bulk_body(text):
    return ('{"create":{"_index":"i"}}\n' + json.dumps({"message": text}) + "\n").encode()


def ways(server):
    """Name → a small batch of one protocol."""
    post = lambda path, body, kind: requests.post(server.url + path, data=body, timeout=30, headers={
        "Authorization": f"Bearer {server.token}", "Content-Type": kind})
    now = lambda: str(time.time_ns())
    loki = lambda text: json.dumps({"streams": [{"stream": {"service": "full"}, "values": [[now(), text]]}]}).encode()
    return {"loki": lambda text: post("/loki/api/v1/push", loki(text), "application/json"),
            "bulk": lambda text: post("/_bulk", bulk_body(text), "application/x-ndjson"),
            "json lines": lambda text: post("/insert/jsonline", json.dumps({"message": text}).encode(), "application/x-ndjson")}


def fill(server, stop: threading.Event, taken: list):
    """Batches over one connection until the server says 429."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    count = 0
    while not stop.is_set():
        body = json.dumps({"streams": [{"stream": {"service": "filling"}, "values": [[str(time.time_ns()), "x"]]}]})
        connection.request("POST", "/loki/api/v1/push", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 204:
            stop.set()
            assert answer.status == 429
            break
        count += 1
        if count > 3 * QUEUED:
            break
    taken.append(count)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_everybody_is_told_to_come_back_later(make_server):
    server = make_server()
    send = ways(server)
    for name, way in send.items():
        assert way(f"before by {name}").ok
    wait_until(lambda: len(server.api.rows("logs", query="before by")) == 3, what="the first lines")
    held = HeldThread(server.process.pid, "apply-eventdb")
    try:
        if "attached" not in held.said:
            pytest.skip("tracing processes is not permitted here")
        stop, taken = threading.Event(), []
        threads = [threading.Thread(target=fill, args=(server, stop, taken)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert stop.is_set() and QUEUED <= sum(taken) <= 4096 + 600, taken
        for name, way in send.items():
            answer = way(f"refused by {name}")
            assert answer.status_code == 429, (name, answer.status_code, answer.text)
            assert 1 <= int(answer.headers["Retry-After"]) <= 60, name
        assert requests.get(server.url + "/-/healthy", timeout=10).ok, "it is busy, not ill"
    finally:
        held.let_go()
    for name, way in send.items():
        wait_until(lambda: way(f"after by {name}").ok, what=f"{name} to be taken again")
    wait_until(lambda: len(server.api.rows("logs", query="after by")) >= 3, what="the last lines")
    assert not server.api.rows("logs", query="refused by")
    counted = server.api.get("/loki/api/v1/query", query='sum(count_over_time({service="filling"}[1h]))')["data"]["result"]
    assert int(counted[0]["value"][1]) == sum(taken), "what was acknowledged is there"
