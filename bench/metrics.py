#!/usr/bin/env python3
"""What numbers cost, and what questions about them cost, beside Prometheus and VictoriaMetrics on the same remote
write requests. Each system has the machine to itself; answers are compared; figures are ratios as well.

See bench/README.md for the data, the sizes and the goals."""
import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from run import Report, Server, fdatasync_ms, machine

REPEATS = 3            # of a query; medians are shown
IDLE_SHARE = 0.05      # of a CPU: below it nothing is going on; CPU time comes in steps of 10 ms
SETTLE_S = 600
QUIET_S = 4
DIFFERENCE = 1e-9      # relative, of an answer: sums are added up in different orders
NEAR = 0.02            # the same where the other system counts windows otherwise
SCRAPE_S = 15
OFF_EDGE_S = 5
MANY_HOSTS = 10_000    # a million series


@dataclass(frozen=True)
class Size:
    hosts: int         # with a hundred series each
    span_s: int
    day_query: bool    # a day's data: ask about windows of a day, too


SIZES = {"tiny": Size(5, 600, False), "S": Size(50, 3_600, False), "Q": Size(100, 86_400, True),
         "M": Size(1_000, 21_600, False), "L": Size(10_000, 900, False), "XL": Size(100_000, 60, False)}


class System:
    """One server that takes remote write and answers PromQL; ended by its own pid."""
    name, exact = "", True

    def __init__(self, folder: Path):
        self.folder = folder
        self.data_dir = folder / "data"
        self.process = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=dict(os.environ, **self.environment()))
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended:\n{(self.folder / 'server.log').read_text()[-2000:]}")
            try:
                self.get(self.ready)
                return
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
        sys.exit(f"{self.name} was not ready in time")

    ready = "/-/ready"
    write_path = "/api/v1/write"
    connections = 4
    token = ""
    connection: http.client.HTTPConnection | None = None

    def environment(self) -> dict:
        return {}

    def get(self, path: str) -> bytes:
        """On one connection that stays, as dashboards ask: a new one for each question costs more than a short answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            self.connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"} if self.token else {})
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next request opens it again
            raise
        if answer.status != 200:
            raise OSError(f"{self.name}: {answer.status} to {path}: {body[:500]!r}")
        return body

    def get_with(self, path: str, **params) -> bytes:
        return self.get(f"{path}?{urllib.parse.urlencode(params, doseq=True)}")

    def ask(self, path: str, **params):
        return json.loads(self.get_with(path, **params))["data"]

    def end(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(300)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, what: str) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
        return 0.0

    def settle(self) -> float:
        """Waits until there is nothing to do any more; the CPU seconds then."""
        before, quiet, deadline = self.cpu(), 0, time.monotonic() + SETTLE_S
        while quiet < QUIET_S and time.monotonic() < deadline:
            time.sleep(1)
            now = self.cpu()
            quiet = quiet + 1 if now - before < IDLE_SHARE else 0
            before = now
        return before

    def disk_bytes(self) -> int:
        return sum(f.stat().st_size for f in self.data_dir.rglob("*") if f.is_file())


class Telltale(System):
    name = "telltale"

    def __init__(self, folder: Path, binary: Path):
        super().__init__(folder)
        self.server = Server(binary, folder)
        self.port, self.token, self.binary = self.server.port, self.server.token, binary

    def command(self) -> list[str]:
        return [str(self.binary), "serve", "--data-dir", str(self.data_dir), "--listen", f"127.0.0.1:{self.port}"]

    def environment(self) -> dict:
        # The others do not measure their host either.
        return {"TELLTALE_BOOTSTRAP_TOKEN": self.token, "TELLTALE_BOOTSTRAP_DSN_KEY": self.server.key,
                "TELLTALE_HOST_ENABLED": "false", "TELLTALE_METRICS_MAX_SERIES": "20000000",
                "TELLTALE_METRICS_MAX_NEW_SERIES_PER_HOUR": "20000000"}

    def disk_bytes(self) -> int:
        return sum(f.stat().st_size for f in (self.data_dir / "tsdb").rglob("*") if f.is_file())


class Prometheus(System):
    name = "Prometheus"
    connections = 1  # it refuses what overtakes on another one

    def command(self) -> list[str]:
        config = self.folder / "prometheus.yml"
        config.write_text("global: {}\n")
        return ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.data_dir}", "--log.level=warn",
                f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver",
                "--storage.tsdb.retention.time=90d", "--query.max-samples=500000000"]


class VictoriaMetrics(System):
    name, exact = "VictoriaMetrics", False
    ready = "/health"

    def command(self) -> list[str]:
        return ["victoria-metrics", f"-storageDataPath={self.data_dir}", f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=12", "-search.latencyOffset=0s", "-search.disableCache", "-loggerLevel=ERROR",
                "-search.maxUniqueTimeseries=20000000", "-search.maxTagValues=20000000", "-search.maxSeries=20000000"]


class Data:
    def __init__(self, build: Path, size: Size):
        self.generator, self.size = build / "bench" / "metrics_load", size
        # A whole number of steps ago, and all of it in the past.
        self.start_s = int(time.time()) // 3600 * 3600 - size.span_s - 3600
        self.end_s = self.start_s + size.span_s

    def send(self, system: System, start_s: int, span_s: int) -> dict:
        command = [str(self.generator), "--hosts", str(self.size.hosts), "--start-ms", str(start_s * 1000),
                   "--span-s", str(span_s), "--port", str(system.port), "--path", system.write_path,
                   "--connections", str(system.connections)]
        done = subprocess.run(command + (["--token", system.token] if system.token else []), capture_output=True, text=True)
        if done.returncode != 0 or json.loads(done.stdout)["refused"] or json.loads(done.stdout)["broken"]:
            raise RuntimeError(f"{system.name}: {done.stderr.strip()} {done.stdout.strip()}")
        return json.loads(done.stdout)


def questions(data: Data) -> list[tuple]:
    """Name, path, parameters, goals as (system, ratio): telltale's time may be that share of theirs."""
    start, end = data.start_s, data.end_s
    step = max(SCRAPE_S, data.size.span_s // 288)
    # Each system is to work the answers out: VictoriaMetrics is started without its cache, ours is asked not to use it.
    # Samples come in the first second of each scrape's fifteen: at OFF_EDGE_S none lies on a window's edge, which is closed in
    # Prometheus before 3 and open since.
    ranged = dict(start=start + min(300, data.size.span_s // 2) + OFF_EDGE_S, end=end, step=step, nocache=1)
    # Goals are set where they are meant: for a day's data, and for a million series.
    large = data.size.hosts >= MANY_HOSTS
    rated = {"Prometheus": 1 / 5, "VictoriaMetrics": 1 / 1.5} if data.size.day_query or large else {}
    looked_up = {"Prometheus": 1 / 3, "VictoriaMetrics": 1 / 3} if large else {}
    out = [("sum by (region) (rate([5m])), 12 series a host", "/api/v1/query_range",
            dict(query='sum by (region) (rate(node_80_bucket[5m]))', **ranged), rated),
           ("rate([5m]) of one host", "/api/v1/query_range",
            dict(query='rate(node_80_bucket{instance="host-000001.example:9100"}[5m])', **ranged), {}),
           ("max by (zone) of a gauge", "/api/v1/query_range",
            dict(query='max by (zone) ({__name__=~"node_.*_bytes"})', **ranged), {}),
           ("label_values(instance)", "/api/v1/label/instance/values", dict(start=start, end=end), looked_up),
           ("count of a regex on instance", "/api/v1/query",
            dict(query='count({__name__="node_80_bucket",instance=~".*7.*"})', time=end), looked_up)]
    if data.size.day_query:
        # A thousand steps, each over nearly all of the day.
        step = 3 * SCRAPE_S
        day = dict(start=end - 1_000 * step + OFF_EDGE_S, end=end - step + OFF_EDGE_S, step=step, nocache=1)
        for function in ("avg_over_time", "max_over_time"):
            out.append((f"{function}([1d]), 3 series a host, 1,000 steps", "/api/v1/query_range",
                        dict(query=f'sum({function}(node_20_bytes[1d]))', **day), {"Prometheus": 1 / 20}))
    return out


def numbers(answer) -> dict:
    """Series and times with their numbers; a list of names as it is."""
    if isinstance(answer, list):
        return {"names": sorted(answer)}
    out = {}
    for series in answer["result"]:
        values = series.get("values") or [series["value"]]
        out[json.dumps(series["metric"], sort_keys=True)] = {round(float(t) * 1000): float(v) for t, v in values}
    return out


def differ(ours: dict, theirs: dict, tolerance: float) -> str:
    if ours.keys() != theirs.keys():
        return f"{len(ours)} and {len(theirs)} series"
    if "names" in ours:
        return "" if ours["names"] == theirs["names"] else "other names"
    for series, values in ours.items():
        if values.keys() != theirs[series].keys():
            return f"{series}: {len(values)} and {len(theirs[series])} times"
        for t, v in values.items():
            other = theirs[series][t]
            if abs(v - other) > tolerance * max(abs(v), abs(other), 1e-9):
                return f"{series} at {t}: {v} and {other}"
    return ""


def measure(system: System, data: Data, first: dict, report: Report) -> None:
    who, ours = system.name, system.name == "telltale"
    system.folder.mkdir()
    system.start()
    figures = {}

    def tell(what: str, value: float, unit: str, least: dict | None = None, most: dict | None = None) -> None:
        report.add(f"{who}: {what}", value, unit)
        figures[what] = value
        if ours:
            first.setdefault("goals", {})[what] = (least, most)
            return
        own = first["figures"].get(what)
        least, most = first["goals"].get(what, (None, None))
        if own and value:
            goal = (least or most or {}).get(who)
            report.add(f"telltale's {what}, against {who}", own / value, "x", goal, at_least=least is not None)

    try:
        before = system.cpu()
        data.send(system, data.start_s - 60, SCRAPE_S)
        new_cpu = max(system.cpu() - before, 0.01)
        series = data.size.hosts * 100
        tell("new series a second, per core", series / new_cpu, "1/s", least={"VictoriaMetrics": 1.5} if data.size.hosts >= MANY_HOSTS else {})
        before = system.cpu()
        sent = data.send(system, data.start_s, data.size.span_s)
        cpu = system.settle() - before
        tell("samples a second, per core", sent["samples"] / cpu, "1/s", least={"VictoriaMetrics": 1.5, "Prometheus": 4})
        report.add(f"{who}: samples a second, wall", sent["samples"] / sent["seconds"], "1/s")
        tell("memory a series, settled", system.memory_mb("VmRSS") * 2**20 / series, "B")
        report.add(f"{who}: resident memory, peak", system.memory_mb("VmHWM"), "MB")
        tell("resident memory, settled", system.memory_mb("VmRSS"), "MB")
        for name, path, params, goals in questions(data):
            times = []
            for _ in range(REPEATS + 1):
                begin = time.perf_counter()
                body = system.get_with(path, **params)
                times.append((time.perf_counter() - begin) * 1000)
            answer = json.loads(body)["data"]
            tell(name, statistics.median(times[1:]), "ms", most=goals)
            got = numbers(answer)
            if ours:
                first.setdefault("answers", {})[name] = got
            else:
                problem = differ(first["answers"][name], got, DIFFERENCE if system.exact else NEAR)
                if problem:
                    print(f"  DIFFERENT ANSWERS to {name}: telltale and {who}: {problem}", flush=True)
                    report.missed += system.exact
        system.end()
        tell("disk, a sample, after a clean end", system.disk_bytes() / sent["samples"], "B", most={"VictoriaMetrics": 0.9})
        system.start()
        data.send(system, data.end_s + 60, SCRAPE_S)
        system.end(signal.SIGKILL)
        begin = time.monotonic()
        system.start()
        while numbers(system.ask(path, **params)) != got and time.monotonic() - begin < 60:
            time.sleep(0.02)
        tell("kill -9 to the first right answer", time.monotonic() - begin, "s")
    finally:
        system.end(signal.SIGKILL)
    if ours:
        first["figures"] = figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--peers", default="victoria-metrics,prometheus", help="found on the PATH; empty: none")
    parser.add_argument("--folder", type=Path, help="parent of the data folders: the disk to measure")
    parser.add_argument("--json", type=Path, help="default: build/bench/metrics-<size>.json")
    args = parser.parse_args()
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory_gb']} GB, Linux {about['kernel']}, "
          f"load average at start {about['load_average']:.2f}")
    report, first = Report(), {}
    folder = Path(tempfile.mkdtemp(prefix="telltale-metrics-", dir=args.folder))
    binary = next(p for p in (args.build / "telltale", args.build / "src" / "telltale") if p.exists())
    data = Data(args.build, SIZES[args.size])
    systems = [Telltale(folder / "telltale", binary)]
    for peer in filter(None, args.peers.split(",")):
        if shutil.which(peer):
            systems.append({"prometheus": Prometheus, "victoria-metrics": VictoriaMetrics}[peer](folder / peer))
        else:
            print(f"  {peer}: not found on the PATH, not measured")
    try:
        report.add("disk: 4 KB append + fdatasync, p50", fdatasync_ms(folder), "ms")
        for system in systems:
            measure(system, data, first, report)
            shutil.rmtree(system.folder, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    about["load_average_at_end"] = os.getloadavg()[0]
    out = args.json or Path("build/bench") / f"metrics-{args.size}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": about, "figures": report.rows}, indent=1) + "\n")
    print(f"load average at the end {about['load_average_at_end']:.2f}; figures in {out}")
    print("all goals met" if report.missed == 0 else f"{report.missed} goals missed")
    return 0 if report.missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
