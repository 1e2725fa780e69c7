#!/usr/bin/env python3
"""Error events, measured on the real binary and on Bugsink with the same envelopes: `./dev bench errors`.

    bench/errors.py --build build/release [--size tiny|S|M|L] [--peers bugsink] [--large] [--folder DIR] [--json FILE]

The events are made of what the Python SDK sends for the faults of examples/stockapp, recorded anew at every run. CPU is the
server's own from before the first byte until its background work has settled. What the server says of its issues (how many,
how many events each) must be what was made; a difference counts as a miss. bench/README.md says how to read the table.
"""
import argparse
import gzip
import itertools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import errors_peers
from logs import Logs, percentile, timed
from run import Report, fdatasync_ms, machine

CAUSES = 400
CONNECTIONS = 32
RATE = 1000           # events a second of the latency goal
RATE_S = 10
RUNS = 3
SPAN_S = 20 * 3600    # of the data; it ends a moment ago
NEW_ISSUES = 20       # looked for in the list as they come
LIST_REPEATS = 20
SEARCH_REPEATS = 5
VISIBLE_TIMEOUT_S = 20
DIGEST_TIMEOUT_S = 3600
OTHER_CAUSES = 10_000_000  # from here on: of no one else


@dataclass
class Size:
    digest: int    # events of the ingest measurement
    rate_s: int    # seconds at RATE
    events: int    # in the store when lists and searches are asked for
    issues: int


SIZES = {"tiny": Size(2_000, 1, 4_000, 500), "S": Size(60_000, RATE_S, 200_000, 10_000),
         "M": Size(200_000, RATE_S, 2_000_000, 30_000), "L": Size(500_000, RATE_S, 10_000_000, 100_000)}


class Errors(Logs):
    """A server whose issues are asked for."""

    def metrics(self) -> dict[str, float]:
        """Sums over labels."""
        sums = {}
        for line in self.get("/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                sums[name] = sums.get(name, 0) + float(value)
        return sums

    def digested(self) -> tuple[int, int]:
        """Events that their issues count, and batches that some store has still to apply."""
        now = self.metrics()
        return int(now.get("telltale_issue_events_total", 0)), int(now.get("telltale_apply_queue_batches", 0))

    def issues(self, **params):
        return self.ask("/api/telltale/v1/issues", **params)

    def all_issues(self) -> list[dict]:
        pages = []
        for offset in itertools.count(0, 10_000):
            page = self.issues(limit=10_000, offset=offset)["issues"]
            pages += page
            if len(page) < 10_000:
                return pages


class Data:
    """What was recorded, and the envelopes made of it."""

    def __init__(self, build: Path, folder: Path, large: bool):
        self.program = build / "bench" / "error_load"
        self.folder = folder
        self.recorded = folder / "recorded.txt"
        self.start_s = int(time.time()) - SPAN_S - 60
        done = subprocess.run([sys.executable, str(Path(__file__).parent / "data" / "record_errors.py"), str(self.recorded),
                               *(["large"] if large else [])], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"recording failed:\n{done.stderr[-3000:]}")

    def call(self, *arguments) -> dict:
        done = subprocess.run([str(self.program), *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0 or done.stderr:
            raise RuntimeError(done.stderr.strip() or f"error_load ended with {done.returncode}")
        return json.loads(done.stdout)

    def made(self, events: int, causes: int, seed: int, *more) -> list:
        return ["--recorded", self.recorded, "--events", events, "--causes", causes, "--seed", seed,
                "--start-ns", self.start_s * 10**9, "--span-s", SPAN_S, *more]

    def write(self, name: str, events: int, seed: int, *more) -> tuple[Path, dict]:
        path = self.folder / name
        return path, self.call(*self.made(events, CAUSES, seed, *more), "--out", path)

    def replay(self, path: Path, port: int, key: str, *more) -> dict:
        return self.call("--replay", path, "--port", port, "--key", key, *more)


def envelopes(path: Path) -> list[bytes]:
    data, at, out = path.read_bytes(), 10, []
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        out.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return out


def an_id_of(path: Path) -> str:
    """An address out of the local variables of one event, which is in no other."""
    for body in envelopes(path):
        found = re.search(rb'"vars":\{[^{}]*?(0x7f[0-9a-f]{10})', gzip.decompress(body))
        if found:
            return found[1].decode()
    raise RuntimeError("no event has an address in a local variable")


def wait_digested(server: Errors, wanted: int) -> float:
    """The moment at which every event was counted and every store had its batches."""
    deadline = time.monotonic() + DIGEST_TIMEOUT_S
    while time.monotonic() < deadline:
        events, batches = server.digested()
        if events >= wanted and batches == 0:
            break
        time.sleep(0.1)
    return time.monotonic()


def measure_digest(server: Errors, data: Data, path: Path, made: dict, report: Report) -> float:
    """Events a second, wall."""
    events = made["events"]
    report.add("event: JSON, mean", made["raw_bytes"] / events, "B")
    report.add("event: on the wire (gzip, as the SDK sends), mean", made["body_bytes"] / events, "B")
    print(f"  event: {made['least_bytes']:,} to {made['most_bytes']:,} B, {len(made['causes'])} causes, "
          f"checksum {made['checksum']}")
    before, begin = server.cpu_seconds(), time.monotonic()
    sent = data.replay(path, server.port, server.key, "--connections", CONNECTIONS)
    acknowledged = time.monotonic()
    wall = wait_digested(server, events) - begin
    cpu = server.settle() - before
    report.add("digest: events a second, wall, until all are counted", events / wall, "1/s", 5000, at_least=True)
    report.add("digest: events a second, acknowledged", events / (acknowledged - begin), "1/s")
    report.add("digest: server CPU an event, until settled", cpu / events * 1e6, "us")
    report.add("digest: events a second by CPU, 2 cores", 2 * events / cpu, "1/s", 5000, at_least=True)
    report.add("digest: sent again after 429 or 503", sent["repeated"], "")
    report.add("digest: refused or broken", sent["refused"] + sent["broken"], "", 0)
    report.add("digest: resident memory, peak", server.peak_mb(), "MB")
    counts = sorted((issue["event_count"] for issue in server.all_issues()), reverse=True)
    report.same("digest: events in issues = events sent", sum(counts), events)
    report.same("digest: issues = causes", len(counts), len(made["causes"]))
    report.same("digest: issues whose count is their cause's", sum(a == b for a, b in zip(counts, made["causes"])),
                len(made["causes"]))
    return events / wall


def measure_rate(server: Errors, data: Data, path: Path, seconds: int, report: Report) -> int:
    """Returns the number of accepted events."""
    runs = []
    for run in range(RUNS):
        runs.append(data.replay(path, server.port, server.key, "--connections", CONNECTIONS, "--rate", RATE, "--skip",
                                run * RATE * seconds, "--take", RATE * seconds))
        server.settle()
    ordered = sorted(runs, key=lambda run: run["p99_ms"])
    report.add(f"{RATE:,}/s: acknowledgement p50, run of the median p99", ordered[RUNS // 2]["p50_ms"], "ms")
    report.add(f"{RATE:,}/s: acknowledgement p99, median of {RUNS} runs", ordered[RUNS // 2]["p99_ms"], "ms", 20)
    report.add(f"{RATE:,}/s: acknowledgement p99, best run", ordered[0]["p99_ms"], "ms")
    report.add(f"{RATE:,}/s: acknowledgement p99, worst run", ordered[-1]["p99_ms"], "ms")
    report.add(f"{RATE:,}/s: refused or broken", sum(r["refused"] + r["broken"] for r in runs), "", 0)
    return sum(run["accepted"] for run in runs)


def measure_visible(server: Errors, data: Data, report: Report) -> int:
    path, _ = data.write("new.bin", NEW_ISSUES, 7, "--causes", NEW_ISSUES, "--each-cause", 1, "--first-cause", OTHER_CAUSES)
    delays, known = [], server.issues(limit=1)["total"]
    for body in envelopes(path):
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/api/1/envelope/", body,
            {"Content-Type": "application/x-sentry-envelope", "Content-Encoding": "gzip",
             "X-Sentry-Auth": f"Sentry sentry_key={server.key}, sentry_version=7"})
        begin = time.monotonic()
        urllib.request.urlopen(request, timeout=20).close()
        while (total := server.issues(limit=50)["total"]) <= known and time.monotonic() < begin + VISIBLE_TIMEOUT_S:
            time.sleep(0.002)
        delays.append(time.monotonic() - begin)
        known = total
    report.add(f"a new issue in the list, from the request's first byte: p50 of {len(delays)}", percentile(delays, 0.5) * 1000, "ms")
    report.add("a new issue in the list: slowest", max(delays) * 1000, "ms", 1000)
    return len(delays)


def fill(server: Errors, data: Data, have: int, size: Size) -> int:
    """The rest of the events, over all issues: made and sent at once, not compressed, not measured."""
    want = max(size.events - have, size.issues)
    sent = data.call(*data.made(want, size.issues, 3, "--each-cause", 1, "--encoding", "none"), "--port", server.port, "--key",
                     server.key, "--connections", CONNECTIONS)
    wait_digested(server, have + want)
    server.settle()
    return sent["accepted"]


def measure_disk(server: Errors, events: int, raw_bytes: float, report: Report) -> None:
    """After a clean end, which makes parts of what lay in memory."""
    server.end(signal.SIGTERM)
    columns, journal = server.disk_bytes("eventdb"), server.disk_bytes("journal")
    records = server.disk_bytes() - columns - journal
    report.add("disk: events with their indexes, an event", columns / events, "B")
    report.add("disk: issues and all other records, an event", records / events, "B")
    report.add("disk: an event, all but the journal", (columns + records) / events, "B")
    report.add("disk: the same for an event of 8 KB of JSON", (columns + records) / events * 8192 / raw_bytes, "B", 1200)
    report.add("disk: journal, which goes with the next checkpoints", journal / 1e6, "MB")
    report.add("ready after the restart", server.start(), "s")


LISTS = {
    "newest events first": {}, "unresolved": {"status": "unresolved"}, "by events": {"sort": "events"},
    "by users": {"sort": "users"}, "by first seen": {"sort": "first_seen"}, "rising": {"sort": "trend"},
    "rising and unresolved": {"sort": "trend", "query": "is:unresolved"},
    "search is:unresolved level:error": {"query": "is:unresolved level:error"},
    "a word of the title": {"query": "title:velvet"}, "of one release": {"release": "stockapp@4.7.0"},
    "of one environment": {"query": "environment:production"}, "assigned to somebody": {"query": "assigned:ann@example.org"},
    "page 2": {"offset": 50}, "page 20": {"offset": 1000},
}
OF_A_DAY = {"last 24 h": {}, "rising, last 24 h": {"sort": "trend"}, "by first seen, last 24 h": {"sort": "first_seen"},
            "of one environment, last 24 h": {"query": "environment:production"}}


def measure_lists(server: Errors, report: Report) -> None:
    everything, before = [], server.cpu_seconds()
    day = {"start": f"{time.time() - 86_400:.0f}"}
    for name, params in {**LISTS, **{name: {**params, **day} for name, params in OF_A_DAY.items()}}.items():
        times = [timed(lambda: server.issues(limit=50, **params))[0] for _ in range(LIST_REPEATS)]
        everything += times
        report.add(f"issue list, {name}: p95", percentile(times, 0.95), "ms")
    report.add(f"issue list: p95 of {len(everything)}, all of them", percentile(everything, 0.95), "ms", 50)
    report.add("issue list: server CPU of one, mean", (server.cpu_seconds() - before) / len(everything) * 1000, "ms")


def measure_search(server: Errors, an_id: str, report: Report) -> None:
    """Words in frames and local variables; whether everything was looked at is said, too."""
    queries = {
        "a word of many frames": "fetch_quotes_amber_basket", "a function": "stack.function:analyze_copper_basket",
        "a value of a variable": "stack.vars:yfinance", "a whole id of one event": an_id,
        "the same, in a variable": f"stack.vars:{an_id}", "an id that is nowhere": "stack.vars:0x7f00000",
        "a word that is nowhere": "zzyzxabsent", "two words": "ZeroDivisionError analyze_velvet_amber",
    }
    everything = []
    for name, query in queries.items():
        times, found, complete, before = [], 0, True, server.cpu_seconds()
        for _ in range(SEARCH_REPEATS):
            ms, answer = timed(lambda: server.issues(limit=50, query=query))
            times.append(ms)
            found, complete = answer["total"], complete and answer["complete"]
        everything += times
        report.add(f"full text, {name}: p95", percentile(times, 0.95), "ms")
        report.add(f"full text, {name}: server CPU of one", (server.cpu_seconds() - before) / SEARCH_REPEATS * 1000, "ms")
        print(f"    {found} issues{'' if complete else '; not every event was looked at'}")
        if not complete:
            report.missed += 1
    report.add(f"full text: p95 of {len(everything)}", percentile(everything, 0.95), "ms", 300)


def measure(args, folder: Path, report: Report) -> None:
    size = SIZES[args.size]
    binary = next(p for p in (args.build / "telltale", args.build / "src" / "telltale") if p.exists())
    report.add("disk: 4 KB append + fdatasync, p50", fdatasync_ms(folder), "ms")
    data = Data(args.build, folder, args.large)
    digest, made = data.write("digest.bin", size.digest, 1)
    rate, rate_made = data.write("rate.bin", RATE * size.rate_s * RUNS, 2)
    server = Errors(binary, folder)
    if args.size == "tiny":
        server.be_quick()
    server.start()
    try:
        speed = measure_digest(server, data, digest, made, report)
        have = made["events"] + measure_rate(server, data, rate, size.rate_s, report)
        have += measure_visible(server, data, report)
        have += fill(server, data, have, size)
        print(f"  {have:,} events in {server.issues(limit=1)['total']:,} issues")
        report.same("events in issues = events sent", sum(i["event_count"] for i in server.all_issues()), have)
        measure_disk(server, have, (made["raw_bytes"] + rate_made["raw_bytes"]) / (made["events"] + rate_made["events"]), report)
        measure_lists(server, report)
        measure_search(server, an_id_of(rate), report)
        report.add("resident memory after the queries, peak", server.peak_mb(), "MB")
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)
    if "bugsink" in args.peers.split(","):
        errors_peers.bugsink(args, data, digest, speed, folder, report)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--large", action="store_true", help="events of about 50 KB")
    parser.add_argument("--peers", default="", help="bugsink: installed from PyPI into build/bench at its first use")
    parser.add_argument("--peer-events", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="parent of the data folders: the disk to measure")
    parser.add_argument("--json", type=Path, help="default: build/bench/errors-<size>.json")
    args = parser.parse_args()
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, Linux {about['kernel']}, "
          f"load average at start {about['load_average']:.2f}")
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="telltale-errors-", dir=args.folder))
    try:
        measure(args, folder, report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    about["load_average_at_end"] = os.getloadavg()[0]
    out = args.json or Path("build/bench") / f"errors-{args.size}{'-large' if args.large else ''}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": about, "peers": errors_peers.VERSIONS, "figures": report.rows}, indent=1) + "\n")
    print(f"load average at the end {about['load_average_at_end']:.2f}; figures in {out}")
    print("all goals met" if report.missed == 0 else f"{report.missed} goals missed")
    return 0 if report.missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
