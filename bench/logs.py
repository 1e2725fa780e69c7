#!/usr/bin/env python3
"""Logs, measured on the real binary and on its peers with the same data: `./dev bench logs`.

    bench/logs.py --build build/release [--size tiny|S|M|L] [--wires loki,jsonline,bulk] [--peers zstd,chdb]
                  [--loki PATH] [--victorialogs PATH] [--folder DIR] [--json FILE]

CPU is the server's own (user and system) from before the first byte until its background work has settled, so that
generator and server on the same cores do not blur it; MB/s per core is raw JSON bytes by that. Answers of all who were
asked are compared, and a difference counts as a miss. bench/README.md says how to read the table.
"""
import argparse
import json
import os
import random
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import websocket

import logs_peers
from run import Report, Server, fdatasync_ms, machine

SIZES = {"tiny": 20_000, "S": 1_000_000, "M": 20_000_000, "L": 100_000_000}
SPAN_S = 80_000        # of the data; it ends some hours ago
AGE_S = 86_400
NEEDLES = 200          # ids looked for; one for 100 lines of data at most
IDLE_SHARE = 0.05      # of a CPU: a server below it has nothing to do; CPU time comes in steps of 10 ms
REPEATS = 5            # of a query over everything; medians are shown
SERVICES = ["gateway", "quotes", "orders", "accounts", "search", "alerts", "billing", "reports"]
SUBSTRING = "lated: quanti"      # in the middle of words
RARE = "ffff0"                   # hexadecimal digits of ids: seldom, anywhere
RARE_WORD = "ledger out of bal"  # of an incident: five lines
REGEX = "moved from 4[0-9]+\\.99"
FIELDS = ["level", "service", "route", "status"]
TAIL_LINES = 500       # one for 100 lines of data at most
TAIL_RATE = 100


class Logs(Server):
    """A server whose tail, search and counts are asked for."""
    quiet_s = 4
    settle_s = 600

    def be_quick(self) -> None:
        """For runs that only show that everything runs: a machine that is never quiet must not hold them up."""
        self.quiet_s, self.settle_s = 1, 5

    def ask(self, path: str, **params):
        query = urllib.parse.urlencode(params, doseq=True)
        return json.loads(self.get(f"{path}?{query}" if query else path))

    def speaks_logql(self) -> bool:
        try:
            self.logql("sum(count_over_time({service=\"none\"}[1m]))", time.time())
            return True
        except urllib.error.HTTPError:
            return False

    def logql(self, query: str, at: float):
        return self.ask("/loki/api/v1/query", query=query, time=f"{int(at)}")["data"]["result"]

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024

    def disk_bytes(self, *parts: str) -> int:
        roots = [self.data_dir / p for p in parts] or [self.data_dir]
        return sum(f.stat().st_size for root in roots for f in root.rglob("*") if f.is_file())

    def settle(self) -> float:
        """Waits until the server has nothing to do any more; its CPU seconds then."""
        before, quiet = self.cpu_seconds(), 0
        deadline = time.monotonic() + self.settle_s
        while quiet < self.quiet_s and time.monotonic() < deadline:
            time.sleep(1)
            now = self.cpu_seconds()
            quiet = quiet + 1 if now - before < IDLE_SHARE else 0
            before = now
        return before


class Data:
    """The lines, as what generates them anew for everyone who wants them."""

    def __init__(self, build: Path, lines: int, folder: Path):
        self.generator = build / "bench" / "log_load"
        self.lines = lines
        self.start_s = int(time.time()) - AGE_S
        self.end_s = self.start_s + SPAN_S + 1
        self.ids_path = folder / "ids.txt"
        self.packed = folder / "lines.ndjson.zst"
        self.needles = max(1, min(NEEDLES, lines // 100))
        self.ids_every = max(1, lines // 7 // (2 * self.needles))

    def command(self, *more: str) -> list[str]:
        return [str(self.generator), "--lines", str(self.lines), "--start-ns", str(self.start_s * 10**9),
                "--span-s", str(SPAN_S), *more]

    def write_packed(self) -> None:
        """NDJSON in zstd -3: what peers read, and what disk use is measured against."""
        with open(self.packed, "wb") as out, \
                subprocess.Popen(self.command("--out", "-", "--ids", str(self.ids_path), "--ids-every", str(self.ids_every)),
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as made:
            subprocess.run(["zstd", "-3", "-q", "-c"], stdin=made.stdout, stdout=out, check=True)
            if made.wait() != 0:
                sys.exit("the generator failed")
        pairs = [line.split() for line in self.ids_path.read_text().splitlines()]
        chosen = random.Random(1).sample(pairs, min(self.needles, len(pairs)))
        self.traces, self.requests = [p[0] for p in chosen], [p[1] for p in chosen]
        self.absent = ["%032x" % random.Random(i).getrandbits(128) for i in range(len(chosen))]

    def send(self, wire: str, port: int, token: str, prefix: str = "") -> dict:
        done = subprocess.run(self.command("--wire", wire, "--port", str(port), *(["--token", token] if token else []),
                                           *(["--prefix", prefix] if prefix else [])),
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Answers:
    """What each peer answered to the same question; differences are told and counted."""

    def __init__(self, report: Report):
        self.report = report
        self.first = {}

    def give(self, question: str, who: str, answer) -> None:
        if question not in self.first:
            self.first[question] = (who, answer)
            return
        other, expected = self.first[question]
        if answer != expected:
            self.report.missed += 1
            print(f"  DIFFERENT ANSWERS to {question}: {other} {str(expected)[:200]} / {who} {str(answer)[:200]}", flush=True)
        self.report.rows.append({"what": f"answer: {question}", "value": who, "unit": f"against {other}", "goal": None,
                                 "met": answer == expected})


def measure_ingest(server: Logs, data: Data, wire: str, report: Report) -> dict:
    before = server.cpu_seconds()
    sent = data.send(wire, server.port, server.token)
    cpu = server.settle() - before
    report.add(f"ingest {wire}: MB/s of raw JSON per core", sent["raw_bytes"] / 1e6 / cpu, "MB/s", 50, at_least=True)
    report.add(f"ingest {wire}: server CPU a row", cpu / sent["lines"] * 1e6, "us")
    report.add(f"ingest {wire}: lines a second, wall", sent["lines"] / sent["seconds"], "1/s")
    report.add(f"ingest {wire}: raw bytes a line", sent["raw_bytes"] / sent["lines"], "B")
    report.add(f"ingest {wire}: resident memory, peak", server.peak_mb(), "MB")
    stored = 0
    deadline = time.monotonic() + 60
    while stored != sent["lines"] and time.monotonic() < deadline:
        stored = server.ask("/api/telltale/v1/logs/histogram", buckets=1, by="", start=data.start_s - 1,
                            end=data.end_s)["total"]
    report.same(f"ingest {wire}: rows stored = lines sent", stored, sent["lines"])
    return sent


def timed(call) -> tuple[float, object]:
    begin = time.perf_counter()
    answer = call()
    return (time.perf_counter() - begin) * 1000, answer


def needles(server: Logs, data: Data, report: Report, answers: Answers, state: str) -> None:
    for name, values in (("trace_id", data.traces), ("request_id", data.requests)):
        times, rows = [], 0
        for value in values:
            ms, found = timed(lambda: server.ask("/api/telltale/v1/logs", **{name: value, "limit": 1000})["rows"])
            times.append(ms)
            rows += len(found)
        report.add(f"{name} over everything, {state}: p50 of {len(values)}", percentile(times, 0.5), "ms")
        report.add(f"{name} over everything, {state}: p99", percentile(times, 0.99), "ms", 20)
        answers.give(f"rows of {len(values)} values of {name}", "telltale", rows)
    times = []
    for value in data.absent:
        ms, found = timed(lambda: server.ask("/api/telltale/v1/logs", trace_id=value)["rows"])
        times.append(ms)
        report.missed += len(found)
    report.add(f"absent trace_id, {state}: p99 of {len(times)}", percentile(times, 0.99), "ms", 5)


def newest(server: Logs, report: Report, answers: Answers) -> None:
    times, stamps = [], {}
    for _ in range(REPEATS):
        for service in SERVICES:
            for level in ("info", "error"):
                ms, rows = timed(lambda: server.ask("/api/telltale/v1/logs", service=service, level=level,
                                                    limit=50)["rows"])
                times.append(ms)
                stamps[f"{service} {level}"] = [row["time"][:19] for row in rows]
    report.add("newest 50 of service + level: p50", percentile(times, 0.5), "ms")
    report.add("newest 50 of service + level: p99", percentile(times, 0.99), "ms", 20)
    answers.give("newest 50 of service + level", "telltale", stamps)


class OverEverything:
    """Counts and aggregates: in LogQL where the server speaks it, else by the own API."""

    def __init__(self, server: Logs, data: Data):
        self.server, self.data = server, data
        self.logql = server.speaks_logql()

    def count_text(self, text: str) -> int:
        return self.count_line(f"|= `{text}`", ("query", text))

    def count_regex(self, pattern: str) -> int:
        return self.count_line(f"|~ `{pattern}`", ("where", f"message~{pattern}"))

    def count_line(self, stage: str, own: tuple[str, str]) -> int:
        if self.logql:
            result = self.server.logql(f"sum(count_over_time({{environment=~\".+\"}} {stage} [{SPAN_S + 2}s]))",
                                       self.data.end_s)
            return int(float(result[0]["value"][1])) if result else 0
        return self.histogram("", **{own[0]: own[1]})["total"]

    def histogram(self, by: str, **more):
        return self.server.ask("/api/telltale/v1/logs/histogram", buckets=1, by=by, start=self.data.start_s - 1,
                               end=self.data.end_s, **more)

    def count_by(self, field: str) -> dict:
        if self.logql:
            result = self.server.logql(f"sum by ({field}) (count_over_time({{environment=~\".+\"}} | json "
                                       f"[{SPAN_S + 2}s]))", self.data.end_s)
            return {r["metric"].get(field, "").lower(): int(float(r["value"][1])) for r in result}
        series = self.histogram(field)["series"]
        return {"(others)" if s.get("others") else s["value"]: sum(s["counts"]) for s in series}

    def quantiles(self) -> dict | None:
        if not self.logql:
            return None
        result = self.server.logql("quantile_over_time(0.95, {environment=~\".+\"} | json | unwrap duration_ms "
                                   f"[{SPAN_S + 2}s]) by (route)", self.data.end_s)
        return {r["metric"]["route"]: float(r["value"][1]) for r in result}


def repeat(server: Logs, call) -> tuple[float, float, object]:
    """Median milliseconds, CPU seconds of one, the answer."""
    answer = call()  # warm
    before = server.cpu_seconds()
    runs = [timed(call) for _ in range(REPEATS)]
    cpu = (server.cpu_seconds() - before) / REPEATS
    return statistics.median(ms for ms, _ in runs), cpu, answer


def over_everything(server: Logs, data: Data, raw_bytes: int, report: Report, answers: Answers) -> dict:
    asked = OverEverything(server, data)
    times = {}
    print(f"  (counts and scans by {'LogQL' if asked.logql else 'the own API'})")
    for name, call in (("substring", lambda: asked.count_text(SUBSTRING)), ("rare substring", lambda: asked.count_text(RARE)),
                       ("rare word", lambda: asked.count_text(RARE_WORD)), ("regex", lambda: asked.count_regex(REGEX))):
        ms, cpu, answer = repeat(server, call)
        report.add(f"scan for a {name}: time", ms, "ms")
        report.add(f"scan for a {name}: raw-equivalent per core", raw_bytes / 1e9 / max(cpu, 0.001), "GB/s", 2, at_least=True)
        answers.give(f"lines with the {name}", "telltale", answer)
        times[name] = ms
    for field in FIELDS:
        ms, cpu, answer = repeat(server, lambda: asked.count_by(field))
        report.add(f"count by ({field}): time", ms, "ms")
        report.add(f"count by ({field}): CPU", cpu * 1000, "ms")
        if "(others)" not in answer:
            answers.give(f"count by ({field})", "telltale", answer)
        times[f"count by ({field})"] = ms
    if asked.quantiles() is not None:
        ms, cpu, answer = repeat(server, asked.quantiles)
        report.add("p95 of duration_ms by (route): time", ms, "ms")
        report.add("p95 of duration_ms by (route): CPU", cpu * 1000, "ms")
        times["p95 by (route)"] = ms
        times["p95 answers"] = answer
    else:
        print("  p95 of duration by (route): not measured, this server has no LogQL")
    return times


def live_tail(server: Logs, count: int, report: Report) -> None:
    mark = secrets.token_hex(8)
    tail = websocket.create_connection(f"ws://127.0.0.1:{server.port}/api/telltale/v1/tail?service=bench-{mark}",
                                       header=[f"Authorization: Bearer {server.token}"], timeout=20)
    tail.settimeout(20)
    sent, delays = {}, []

    def read():
        while len(delays) < count:
            frame = json.loads(tail.recv())
            now = time.perf_counter()
            for row in frame["rows"]:
                delays.append((now - sent[row["message"]]) * 1000)

    reader = threading.Thread(target=read)
    reader.start()
    begin = time.perf_counter()
    for i in range(count):
        time.sleep(max(0.0, begin + i / TAIL_RATE - time.perf_counter()))
        line = f"line {i} of {mark}"
        body = json.dumps({"streams": [{"stream": {"service": f"bench-{mark}"}, "values": [[str(time.time_ns()), line]]}]})
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/loki/api/v1/push", body.encode(),
                                         {"Content-Type": "application/json", "Authorization": f"Bearer {server.token}"})
        sent[line] = time.perf_counter()
        urllib.request.urlopen(request, timeout=20).close()
    reader.join(30)
    tail.close()
    report.add(f"live tail, push to client, {len(delays)} lines at {TAIL_RATE}/s: p50", percentile(delays, 0.5), "ms")
    report.add("live tail, push to client: p99", percentile(delays, 0.99), "ms", 50)


def measure(args, folder: Path, report: Report) -> None:
    binary = next(p for p in (args.build / "telltale", args.build / "src" / "telltale") if p.exists())
    data = Data(args.build, args.lines or SIZES[args.size], folder)
    report.add("disk: 4 KB append + fdatasync, p50", fdatasync_ms(folder), "ms")
    data.write_packed()
    answers = Answers(report)
    server, sent, times = None, None, {}
    try:
        for wire in args.wires.split(","):
            if server is not None:
                server.end(signal.SIGKILL)
                shutil.rmtree(server.data_dir.parent)
            (folder / wire).mkdir()
            server = Logs(binary, folder / wire)
            if data.lines < 100_000:
                server.be_quick()
            server.start()
            try:
                sent = measure_ingest(server, data, wire, report)
            except RuntimeError as refused:
                print(f"  ingest {wire}: not measured: {refused}")
                continue
            if args.wires.split(",")[0] == wire:
                needles(server, data, report, answers, "as ingested")
                server.end(signal.SIGTERM)  # makes parts of what is left
                packed, kept = data.packed.stat().st_size, server.disk_bytes("eventdb")
                report.add("the lines in zstd -3", packed / 1e6, "MB")
                report.add("stored with all indexes", kept / 1e6, "MB")
                report.add("stored, as a share of zstd -3", kept / packed, "x", 0.9)
                server.start()
                needles(server, data, report, answers, "after a restart")
                newest(server, report, answers)
                times = over_everything(server, data, sent["raw_bytes"], report, answers)
                live_tail(server, min(TAIL_LINES, data.lines // 100), report)
                report.add("resident memory after the queries, peak", server.peak_mb(), "MB")
    finally:
        if server is not None and server.process.poll() is None:
            server.end(signal.SIGKILL)
    if sent is None:
        report.missed += 1
        return
    questions = {"traces": data.traces, "requests": data.requests, "absent": data.absent, "substring": SUBSTRING,
                 "rare substring": RARE, "rare word": RARE_WORD, "regex": REGEX, "fields": FIELDS, "services": SERVICES}
    logs_peers.measure(args, data, questions, times, sent["raw_bytes"], folder, report, answers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--lines", type=int, help="instead of a size")
    parser.add_argument("--wires", default="loki,jsonline,bulk", help="the queries run on what came by the first")
    parser.add_argument("--peers", default="zstd,chdb")
    parser.add_argument("--loki", type=Path, help="a Loki binary")
    parser.add_argument("--victorialogs", type=Path, help="a VictoriaLogs binary")
    parser.add_argument("--folder", type=Path, help="parent of the data folders: the disk to measure")
    parser.add_argument("--json", type=Path, help="default: build/bench/logs-<lines>.json")
    args = parser.parse_args()
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, Linux {about['kernel']}, "
          f"load average at start {about['load_average']:.2f}")
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="telltale-logs-", dir=args.folder))
    try:
        measure(args, folder, report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    about["load_average_at_end"] = os.getloadavg()[0]
    out = args.json or Path("build/bench") / f"logs-{args.lines or SIZES[args.size]}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": about, "peers": logs_peers.VERSIONS, "figures": report.rows}, indent=1) + "\n")
    print(f"load average at the end {about['load_average_at_end']:.2f}; figures in {out}")
    print("all goals met" if report.missed == 0 else f"{report.missed} goals missed")
    return 0 if report.missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
