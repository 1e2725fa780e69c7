#!/usr/bin/env python3
"""Measures the real binary and prints a table with the goals beside: `./dev bench http`.

    bench/run.py --build build/release http [--recovery] [--seconds 10] [--json FILE]

Everything runs on a folder of its own (--folder, else a temporary one), which is removed afterwards. Figures of durable
writes mean little without the disk's own: its fdatasync is measured first, in the same folder.
"""
import argparse
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

RATE = 1000  # requests a second of the latency goal
RUNS = 3
CONNECTIONS = 64
RECOVERY_BYTES = 10**9
APPLY_TIMEOUT_S = 120


class Server:
    """One server process and its data folder; ended by its own pid."""

    def __init__(self, binary: Path, folder: Path):
        self.binary = binary
        self.data_dir = folder / "data"
        self.log_path = folder / "server.log"
        self.flags = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = secrets.token_hex(16)
        self.key = secrets.token_hex(16)
        self.process = None

    def start(self) -> float:
        """Seconds until /-/ready answers 200."""
        command = [str(self.binary), "serve", "--data-dir", str(self.data_dir), "--listen", f"127.0.0.1:{self.port}",
                   *self.flags]
        env = dict(os.environ, TELLTALE_BOOTSTRAP_TOKEN=self.token, TELLTALE_BOOTSTRAP_DSN_KEY=self.key)
        begin = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        while True:
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}:\n{self.log_path.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                    return time.monotonic() - begin
            except (urllib.error.URLError, OSError):
                time.sleep(0.005)

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        return self.process.wait(120)

    def get(self, path: str) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def stored_events(self) -> int:
        issues = json.loads(self.get("/api/telltale/v1/issues"))["issues"]
        return sum(issue["event_count"] for issue in issues)

    def wait_for_events(self, wanted: int) -> int:
        """Batches are acknowledged when durable and applied a moment later."""
        deadline = time.monotonic() + APPLY_TIMEOUT_S
        while (stored := self.stored_events()) < wanted and time.monotonic() < deadline:
            time.sleep(0.2)
        return stored

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def scrape_itself(self, folder: Path) -> None:
        """From the next start on: its own metrics into its own store, as a Prometheus beside it would."""
        path = folder / "prometheus.yml"
        path.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: telltale\n"
                        f"  authorization: {{credentials: {self.token}}}\n"
                        f"  static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]\n")
        self.flags = ["--prometheus-config", str(path)]

    def samples(self) -> int:
        """Samples of `up` in the last hour: one a second, none lost but for the server's own absence."""
        answer = json.loads(self.get("/api/v1/query?query=sum(count_over_time(up%5B1h%5D))"))
        return int(answer["data"]["result"][0]["value"][1]) if answer["data"]["result"] else 0

    def journal_bytes(self) -> int:
        return sum(f.stat().st_size for f in (self.data_dir / "journal").rglob("*") if f.is_file())


def fdatasync_ms(folder: Path, count: int = 500) -> float:
    """p50 of a 4 KB append and its fdatasync."""
    times = []
    path = folder / "fdatasync"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    block = os.urandom(4096)
    for _ in range(count):
        begin = time.monotonic()
        os.write(fd, block)
        os.fdatasync(fd)
        times.append((time.monotonic() - begin) * 1000)
    os.close(fd)
    path.unlink()
    return statistics.median(times)


def load(generator: Path, server: Server, seconds: float, rate: float = 0, size: int = 8192,
         noise: bool = False) -> dict:
    command = [str(generator), "--port", str(server.port), "--key", server.key, "--seconds", str(seconds),
               "--connections", str(CONNECTIONS), "--rate", str(rate), "--bytes", str(size),
               "--noise", str(int(noise))]
    before = server.cpu_seconds()
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    result["cpu_s"] = server.cpu_seconds() - before
    return result


def machine() -> dict:
    cpu = "unknown"
    memory = 0.0
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            memory = int(line.split()[1]) / 2**20
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gb": round(memory, 1), "kernel": platform.release(),
            "load_average": os.getloadavg()[0]}


class Report:
    def __init__(self):
        self.rows = []
        self.missed = 0

    def add(self, what: str, value, unit: str = "", goal=None, at_least: bool = False):
        met = None if goal is None else value >= goal if at_least else value <= goal
        self.missed += met is False
        self.rows.append({"what": what, "value": value, "unit": unit, "goal": goal, "met": met})
        shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        mark = "" if met is None else ("ok" if met else "MISSED")
        wanted = "" if goal is None else f"{'>=' if at_least else '<='} {goal:g}"
        print(f"  {what:<64} {shown:>12} {unit:<5} {wanted:>10} {mark}", flush=True)

    def same(self, what: str, stored: int, accepted: int):
        self.missed += stored != accepted
        self.rows.append({"what": what, "value": stored, "unit": "", "goal": accepted, "met": stored == accepted})
        print(f"  {what:<64} {stored:>12,} {'':<5} {f'== {accepted:,}':>10} {'ok' if stored == accepted else 'MISSED'}",
              flush=True)


def measure_load(server: Server, generator: Path, seconds: float, report: Report) -> int:
    """Returns the number of accepted events."""
    flat = load(generator, server, seconds)
    report.add("flat out: requests a second", flat["requests_per_s"], "1/s")
    report.add("flat out: p50", flat["p50_ms"], "ms")
    report.add("flat out: p99", flat["p99_ms"], "ms")
    report.add("flat out: server CPU for 1,000 requests", flat["cpu_s"] / max(flat["requests"], 1) * 1000, "s")
    accepted, lost = flat["accepted"], flat["refused"] + flat["broken"]
    server.wait_for_events(accepted)
    runs = [load(generator, server, seconds, RATE) for _ in range(RUNS)]
    runs.sort(key=lambda run: run["p99_ms"])
    middle = runs[len(runs) // 2]
    report.add(f"{RATE:,}/s: p50, run of the median p99", middle["p50_ms"], "ms")
    report.add(f"{RATE:,}/s: p99, median of {RUNS} runs", middle["p99_ms"], "ms", 20)
    report.add(f"{RATE:,}/s: p99, best run", runs[0]["p99_ms"], "ms")
    report.add(f"{RATE:,}/s: p99, worst run", runs[-1]["p99_ms"], "ms")
    report.add(f"{RATE:,}/s: slowest request of all runs", max(run["max_ms"] for run in runs), "ms")
    report.add(f"{RATE:,}/s: server CPU a run", middle["cpu_s"], "s")
    report.add("bytes of a request", middle["request_bytes"], "B")
    accepted += sum(run["accepted"] for run in runs)
    lost += sum(run["refused"] + run["broken"] for run in runs)
    report.add("requests refused or broken", lost, "", 0)
    return accepted


def measure_recovery(binary: Path, folder: Path, generator: Path, report: Report) -> None:
    """kill -9 under load with RECOVERY_BYTES of journal. The events do not compress, and the scraped samples of a store
    that is in no hurry to write a part keep the journal from being cut."""
    folder.mkdir()
    server = Server(binary, folder)
    server.scrape_itself(folder)
    server.start()
    try:
        accepted = written = 0
        while (held := server.journal_bytes()) < RECOVERY_BYTES and written < 3 * RECOVERY_BYTES:
            result = load(generator, server, 2, size=64 * 1024, noise=True)
            accepted += result["accepted"]
            written += result["accepted"] * result["request_bytes"]
        report.add("recovery: bytes sent", written, "B")
        report.add("recovery: journal at the kill", held, "B")
        samples = server.samples()
        server.end(signal.SIGKILL)
        report.add("recovery: ready after kill -9", server.start(), "s", 5)
        report.same("recovery: events stored = accepted", server.wait_for_events(accepted), accepted)
        report.add("recovery: samples lost", max(0, samples - server.samples()), "", 0)
    finally:
        server.end(signal.SIGKILL)


def measure(args, folder: Path) -> Report:
    report = Report()
    generator = args.build / "bench" / "http_bench"
    report.add("disk: 4 KB append + fdatasync, p50", fdatasync_ms(folder), "ms")
    binary = next(p for p in (args.build / "telltale", args.build / "src" / "telltale") if p.exists())
    server = Server(binary, folder)
    report.add("ready on an empty folder", server.start(), "s", 1)
    try:
        time.sleep(3)
        report.add("resident memory, idle", server.rss_mb(), "MB", 60)
        accepted = measure_load(server, generator, args.seconds, report)
        report.same("events stored = accepted", server.wait_for_events(accepted), accepted)
        report.add("resident memory after the load", server.rss_mb(), "MB")
        begin = time.monotonic()
        code = server.end(signal.SIGTERM)
        report.add("SIGTERM to the end", time.monotonic() - begin, "s")
        report.add("exit code", code, "", 0)
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)
    if args.recovery:
        measure_recovery(binary, folder / "recovery", generator, report)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["http"])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--folder", type=Path, help="parent of the data folder: the disk to measure")
    parser.add_argument("--recovery", action="store_true", help="also kill -9 with 1 GB of journal")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    args = parser.parse_args()
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, Linux {about['kernel']}, "
          f"load average at start {about['load_average']:.2f}")
    folder = Path(tempfile.mkdtemp(prefix="telltale-bench-", dir=args.folder))
    try:
        report = measure(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        args.json.write_text(json.dumps({"machine": about, "figures": report.rows}, indent=1) + "\n")
    print("all goals met" if report.missed == 0 else f"{report.missed} goals missed")
    return 0 if report.missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
