"""PromQL beside Debian's Prometheus: random series go to both by remote write, random queries to both, and the answers are
compared. Series and queries come from promql_fuzz (src/promql/differential), off the edges of windows, where Prometheus 2 and 3
differ. PROMQL_SEED replays a run, PROMQL_QUERIES sets how many; a disagreement is shrunk before it is shown."""
import json
import math
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import time

import pytest
import requests

from remote_write import V1, snappy, v1
from server import ROOT, free_port, wait_until

QUERIES = int(os.environ.get("PROMQL_QUERIES", "2000"))
QUERIES_A_ROUND = 500
SLICE_MS = 600_000  # Prometheus takes samples in order: a request holds all series' samples of ten minutes
STALE_STAND_IN = 1.2345678912345e-77  # a float's way through Python may lose the stale marker's bits
STALE_BITS = (0x7FF0000000000002).to_bytes(8, "little")

# What Prometheus 2.42 does otherwise, with the reason; 3.14, which we follow, wins. Names of promql_fuzz's rules are told by the
# generator, whose naive evaluator knows both ways; the others are told by the query and the two answers.
KNOWN_RULES = {
    "old_extrapolation": "a counter's zero point was applied before the limit of 1.1 gaps; since 2.53 after it",
    "old_variance": "stddev and stdvar of a single infinite or NaN value were 0; since 3.0 NaN",
    "old_filtered_matches": "what a comparison filters out was no match; now several that match one are refused all the same",
}
KNOWN_CASES = [
    ("predict_linear at a fixed time", lambda case, text: case["step"] > 0 and re.search(r"predict_linear\(.*@", text),
     "2.42 loses samples of a range that @ pins, at later steps: predict_linear is the only one it asks again at each step"),
    ("a subquery of what is pinned", lambda case, text: re.search(r"@.*\[\w+:\w*\]", text),
     "2.42 answers a subquery of what @ pins with a step behind its end when there is none inside"),
    ("atan2 keeps the name", lambda case, text: "atan2" in text,
     "2.42 forgot that atan2 is arithmetic and left the metric's name on"),
    ("the calendar of no time", lambda case, text: re.search(r"\b(hour|minute|month|year|day_of_\w+|days_in_month)\(", text),
     "of NaN and infinities Prometheus tells what Go's conversion to an integer makes of them, which is undefined; we tell NaN"),
]


class Prometheus:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "prometheus.yml"
        config.write_text("global: {}\n")
        self.log = folder / "prometheus.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver"], stdout=log, stderr=log)
        wait_until(self._ready, 60, 0.1, "Prometheus")

    def _ready(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return requests.get(self.url + "/-/ready", timeout=2).ok
        except requests.RequestException:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Side:
    """One of the two, asked over HTTP."""

    def __init__(self, url, token=None):
        self.url = url
        self.http = requests.Session()
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    def write(self, body: bytes) -> None:
        headers = {"Content-Type": V1.split(";")[0], "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
        answer = self.http.post(self.url + "/api/v1/write", data=body, headers=headers, timeout=60)
        assert answer.status_code in (200, 204), answer.text[:500]

    def settle(self) -> None:
        """Deleting nothing waits until what was written is there."""
        answer = self.http.post(self.url + "/api/v1/admin/tsdb/delete_series", params={"match[]": '{__name__="none of them"}'}, timeout=30)
        assert answer.status_code == 204, answer.text

    def ask(self, case: dict, text: str):
        """None when the query is refused; else values by labels and time."""
        if case["step"] == 0:
            answer = self.http.post(self.url + "/api/v1/query", data={"query": text, "time": case["start"] / 1000}, timeout=60)
        else:
            answer = self.http.post(self.url + "/api/v1/query_range", timeout=60, data={
                "query": text, "start": case["start"] / 1000, "end": case["end"] / 1000, "step": case["step"] / 1000})
        if answer.status_code != 200:
            assert answer.status_code in (400, 422), (answer.status_code, text, answer.text[:500])
            return None
        data = answer.json()["data"]
        if data["resultType"] == "scalar":
            return {(): {data["result"][0]: float(data["result"][1])}}
        return {tuple(sorted(s["metric"].items())): {round(t * 1000): float(v) for t, v in s.get("values") or [s["value"]]}
                for s in data["result"]}


def close(a: float, b: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-7 * max(abs(a), abs(b)) + 1e-9


def difference(ours, theirs) -> str:
    if ours is None or theirs is None:
        return "" if ours is theirs else f"refused by {'us' if ours is None else 'them'} only"
    for labels in ours.keys() ^ theirs.keys():
        return f"series of {'us' if labels in ours else 'them'} only: {dict(labels)} {(ours.get(labels) or theirs[labels])}"
    for labels, points in ours.items():
        other = theirs[labels]
        for at in points.keys() ^ other.keys():
            return f"{dict(labels)} at {at}: ours {points.get(at)}, theirs {other.get(at)}"
        for at, value in points.items():
            if not close(value, other[at]):
                return f"{dict(labels)} at {at}: ours {value!r}, theirs {other[at]!r}"
    return ""


def sample_value(text: str) -> float:
    return math.nan if text == "NaN" else float(text)


def requests_of(series) -> list[bytes]:
    """Remote write bodies, oldest first."""
    begin = min(s["samples"][0][0] for s in series)
    end = max(s["samples"][-1][0] for s in series)
    bodies = []
    for at in range(begin, end + 1, SLICE_MS):
        request = v1["WriteRequest"]()
        for s in series:
            samples = [x for x in s["samples"] if at <= x[0] < at + SLICE_MS]
            if not samples:
                continue
            one = request.timeseries.add()
            for name, value in sorted(s["labels"].items()):
                one.labels.add(name=name, value=value)
            for t, value in samples:
                one.samples.add(timestamp=t, value=STALE_STAND_IN if value == "stale" else sample_value(value))
        bodies.append(snappy(request.SerializeToString().replace(struct.pack("<d", STALE_STAND_IN), STALE_BITS)))
    return bodies


def fuzz(*arguments) -> list[str]:
    server = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    binary = pathlib.Path(server).resolve().parent / "promql_fuzz"
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=600, check=True)
    return done.stdout.splitlines()


def known(case, text) -> str:
    for name in case["old"]:
        return name
    for name, applies, _reason in KNOWN_CASES:
        if applies(case, text):
            return name
    return ""


def smallest(case, us, them) -> tuple[str, str]:
    """The query made smaller as long as the two disagree, and how they do then."""
    text, why = case["query"], ""
    while True:
        for smaller in fuzz("--parts", text):
            ours, theirs = us.ask(case, smaller), them.ask(case, smaller)
            why_now = difference(ours, theirs)
            if why_now and not known(case, smaller):
                text, why = smaller, why_now
                break
        else:
            return text, why or difference(us.ask(case, text), them.ask(case, text))


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Debian's prometheus is not installed")
def test_the_same_answers_as_prometheus(make_server, tmp_path):
    seed = int(os.environ.get("PROMQL_SEED") or random.randrange(2**32))
    print(f"PROMQL_SEED={seed}")
    counts = {"compared": 0, "refused by both": 0, "with a result": 0}
    differences = []
    for round_number in range(max(1, QUERIES // QUERIES_A_ROUND)):
        base_ms = (int(time.time()) - 7_200) // 60 * 60_000
        lines = [json.loads(line) for line in fuzz("--emit", min(QUERIES, QUERIES_A_ROUND), "--seed", seed + round_number, "--base-ms", base_ms)]
        series = [line for line in lines if "labels" in line]
        cases = [line for line in lines if "query" in line]
        folder = tmp_path / f"prometheus{round_number}"
        folder.mkdir()
        peer = Prometheus(folder)
        try:
            server = make_server()
            us, them = Side(server.url, server.token), Side(peer.url)
            for body in requests_of(series):
                us.write(body)
                them.write(body)
            us.settle()
            for case in cases:
                ours, theirs = us.ask(case, case["query"]), them.ask(case, case["query"])
                counts["compared"] += 1
                counts["refused by both"] += ours is None and theirs is None
                counts["with a result"] += bool(ours)
                if not difference(ours, theirs):
                    continue
                name = known(case, case["query"])
                if name:
                    counts[name] = counts.get(name, 0) + 1
                    continue
                text, why = smallest(case, us, them)
                differences.append(f"seed {seed + round_number}, {case['start']}..{case['end']} step {case['step']}: {text}\n    {why}"
                                   f"\n    of {case['query']}")
        finally:
            peer.stop()
            server.stop()
    print(counts)
    assert not differences, f"PROMQL_SEED={seed}, {len(differences)} differences:\n" + "\n".join(differences[:20])
    assert counts["with a result"] > counts["compared"] / 3, counts
