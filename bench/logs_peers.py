"""The others, on the same lines: zstdcat and grep, ClickHouse's engine (chdb), and Loki and VictoriaLogs where a binary
is given. Each is asked what the server was asked, and must answer the same."""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

VERSIONS = {}


def child_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(args, data, questions: dict, times: dict, raw_bytes: int, folder: Path, report, answers) -> None:
    peers = args.peers.split(",") if args.peers else []
    if "zstd" in peers:
        grep(data, questions, raw_bytes, report, answers)
    if "chdb" in peers:
        for indexes in (False, True):
            clickhouse(data, questions, times, raw_bytes, folder, indexes, report, answers)
    for name, binary, ask in (("VictoriaLogs", args.victorialogs, victorialogs), ("Loki", args.loki, loki)):
        if not binary:
            continue
        try:
            ask(binary, data, questions, raw_bytes, folder, report, answers)
        except (OSError, RuntimeError, KeyError, ValueError) as problem:  # a version that speaks otherwise
            told = problem.read().decode()[:300] if isinstance(problem, urllib.error.HTTPError) else ""
            print(f"  {name}: measured in part only: {problem} {told}")
            report.missed += 1


def grep(data, questions: dict, raw_bytes: int, report, answers) -> None:
    VERSIONS["grep"] = subprocess.run(["grep", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    for name, flag in (("substring", "-F"), ("rare substring", "-F"), ("rare word", "-F"), ("regex", "-E")):
        before, begin = child_cpu(), time.monotonic()
        with subprocess.Popen(["zstdcat", str(data.packed)], stdout=subprocess.PIPE) as cat:
            found = subprocess.run(["grep", "-c", flag, questions[name]], stdin=cat.stdout, capture_output=True, text=True,
                                   env=dict(os.environ, LC_ALL="C"))
        seconds, cpu = time.monotonic() - begin, child_cpu() - before
        report.add(f"zstdcat | grep for the {name}: time", seconds * 1000, "ms")
        report.add(f"zstdcat | grep for the {name}: raw per core", raw_bytes / 1e9 / cpu, "GB/s")
        answers.give(f"lines with the {name}", "grep", int(found.stdout))


def clickhouse(data, questions: dict, times: dict, raw_bytes: int, folder: Path, indexes: bool, report, answers) -> None:
    """In a process of its own, so that its CPU and memory are its own."""
    name = "chdb with bloom indexes" if indexes else "chdb"
    home = folder / f"chdb-{int(indexes)}"
    job = json.dumps({"lines": str(data.packed), "path": str(home), "indexes": indexes, "questions": questions})
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("peer_chdb.py"))], input=job, capture_output=True,
                          text=True)
    if done.returncode != 0:
        print(f"  {name}: not measured: {done.stderr.strip()[-500:]}")
        report.missed += 1
        return
    got = json.loads(done.stdout.splitlines()[-1])
    VERSIONS["chdb"] = got["version"]
    report.add(f"{name}: load, MB/s of raw JSON per core", raw_bytes / 1e6 / got["load_cpu_s"], "MB/s")
    report.add(f"{name}: stored, as a share of zstd -3", got["disk_bytes"] / data.packed.stat().st_size, "x")
    for field in ("trace_id", "request_id", "absent"):
        ordered = sorted(got["needles"][field]["ms"])
        report.add(f"{name}: {field}, p50", ordered[len(ordered) // 2], "ms")
        report.add(f"{name}: {field}, p99", ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], "ms")
        if field != "absent":
            answers.give(f"rows of {len(ordered)} values of {field}", name, got["needles"][field]["rows"])
    report.add(f"{name}: newest 50 of service + level, p50", got["newest"]["p50_ms"], "ms")
    answers.give("newest 50 of service + level", name, got["newest"]["stamps"])
    for question, result in got["over_everything"].items():
        report.add(f"{name}: {question}: time", result["ms"], "ms")
        if question in times and times[question]:
            goal = 2 if question.startswith(("count", "p95")) else None
            report.add(f"telltale's time for {question}, against {name}", times[question] / result["ms"], "x", goal)
        if question in ("substring", "rare substring", "rare word", "regex"):
            report.add(f"{name}: {question}: raw-equivalent per core", raw_bytes / 1e9 / max(result["cpu_s"], 0.001), "GB/s")
            answers.give(f"lines with the {question}", name, result["answer"])
        elif question.startswith("count by") and question in answers.first:
            answers.give(question, name, result["answer"])
        elif question == "p95 by (route)" and "p95 answers" in times:
            ours, exact = times["p95 answers"], result["answer"]
            worst = max((abs(ours.get(r, 0) - v) / v for r, v in exact.items()), default=1)
            report.add("p95 by (route): greatest difference to the exact one", worst * 100, "%", 2)
    report.add(f"{name}: resident memory, peak", got["peak_mb"], "MB")


class Peer:
    """A foreign server on loopback, ended by its own pid."""

    def __init__(self, command: list[str], port: int, ready: str, log: Path):
        self.port = port
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get(ready)
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text()[-500:])
                time.sleep(0.2)

    def get(self, path: str, **params) -> str:
        query = "?" + urllib.parse.urlencode(params) if params else ""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}{query}", timeout=300) as answer:
            return answer.read().decode()

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> float:
        """Waits until it is quiet, two minutes at most; the CPU seconds then."""
        before, quiet = self.cpu_seconds(), 0
        deadline = time.monotonic() + 120
        while quiet < 5 and time.monotonic() < deadline:
            time.sleep(1)
            now = self.cpu_seconds()
            quiet = quiet + 1 if now - before < 0.05 else 0
            before = now
        return before

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def repeat(peer: Peer, call, times: int = 5):
    answer = call()
    before, taken = peer.cpu_seconds(), []
    for _ in range(times):
        begin = time.perf_counter()
        answer = call()
        taken.append((time.perf_counter() - begin) * 1000)
    return sorted(taken)[times // 2], (peer.cpu_seconds() - before) / times, answer


def victorialogs(binary: Path, data, questions: dict, raw_bytes: int, folder: Path, report, answers) -> None:
    version = subprocess.run([str(binary), "-version"], capture_output=True, text=True)
    VERSIONS["victorialogs"] = (version.stdout + version.stderr).strip()
    port, home = free_port(), folder / "victorialogs"
    peer = Peer([str(binary), f"-storageDataPath={home}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=30d"],
                port, "/health", folder / "victorialogs.log")
    try:
        before = peer.cpu_seconds()
        data.send("jsonline", port, "")
        cpu = peer.settle() - before
        report.add("VictoriaLogs: load, MB/s of raw JSON per core", raw_bytes / 1e6 / cpu, "MB/s")

        def query(text: str) -> list:
            return [json.loads(line) for line in peer.get("/select/logsql/query", query=text).splitlines()]

        for field, values in (("trace_id", questions["traces"]), ("request_id", questions["requests"]),
                              ("absent", questions["absent"])):
            taken, rows = [], 0
            for value in values:
                begin = time.perf_counter()
                rows += len(query(f"{'trace_id' if field == 'absent' else field}:={value}"))
                taken.append((time.perf_counter() - begin) * 1000)
            taken.sort()
            report.add(f"VictoriaLogs: {field}, p50", taken[len(taken) // 2], "ms")
            report.add(f"VictoriaLogs: {field}, p99", taken[min(len(taken) - 1, int(0.99 * len(taken)))], "ms")
            if field != "absent":
                answers.give(f"rows of {len(values)} values of {field}", "VictoriaLogs", rows)
        # Only the message: its lines have their other fields beside it.
        ms, cpu, found = repeat(peer, lambda: query(f"_msg:~{json.dumps(re.escape(questions['substring']))} | count() as n"))
        report.add("VictoriaLogs: substring: time", ms, "ms")
        answers.give("lines with the substring", "VictoriaLogs", int(found[0]["n"]))
        ms, cpu, found = repeat(peer, lambda: query(f"_msg:~{json.dumps(questions['regex'])} | count() as n"))
        report.add("VictoriaLogs: regex: time", ms, "ms")
        answers.give("lines with the regex", "VictoriaLogs", int(found[0]["n"]))
        for field in questions["fields"]:
            ms, cpu, found = repeat(peer, lambda: query(f"* | stats by ({field}) count() as n"))
            report.add(f"VictoriaLogs: count by ({field}): time", ms, "ms")
            if f"count by ({field})" in answers.first:
                answers.give(f"count by ({field})", "VictoriaLogs", {r[field].lower(): int(r["n"]) for r in found})
        ms, cpu, _ = repeat(peer, lambda: query("* | stats by (route) quantile(0.95, duration_ms) as p"))
        report.add("VictoriaLogs: p95 by (route): time", ms, "ms")
        report.add("VictoriaLogs: resident memory, peak", peer.peak_mb(), "MB")
    finally:
        peer.end()  # it writes what it still held
    kept = sum(f.stat().st_size for f in home.rglob("*") if f.is_file())
    report.add("VictoriaLogs: stored, as a share of zstd -3", kept / data.packed.stat().st_size, "x")


LOKI_CONFIG = """auth_enabled: false
server: {{http_listen_address: 127.0.0.1, http_listen_port: {port}, grpc_listen_port: {grpc}, log_level: error,
  grpc_server_max_recv_msg_size: 104857600}}
common: {{path_prefix: {home}, replication_factor: 1, ring: {{kvstore: {{store: inmemory}}, instance_addr: 127.0.0.1}},
  storage: {{filesystem: {{chunks_directory: {home}/chunks, rules_directory: {home}/rules}}}}}}
schema_config: {{configs: [{{from: 2024-01-01, store: tsdb, object_store: filesystem, schema: v13,
  index: {{prefix: index_, period: 24h}}}}]}}
limits_config: {{ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000, per_stream_rate_limit: 1GB,
  per_stream_rate_limit_burst: 1GB, reject_old_samples: false, allow_structured_metadata: true, max_query_length: 0}}
analytics: {{reporting_enabled: false}}
"""


def loki(binary: Path, data, questions: dict, raw_bytes: int, folder: Path, report, answers) -> None:
    version = subprocess.run([str(binary), "-version"], capture_output=True, text=True)
    VERSIONS["loki"] = (version.stdout + version.stderr).splitlines()[0]
    port, home = free_port(), folder / "loki"
    home.mkdir()
    config = home / "loki.yaml"
    config.write_text(LOKI_CONFIG.format(port=port, grpc=free_port(), home=home))
    peer = Peer([str(binary), f"-config.file={config}"], port, "/ready", folder / "loki.log")
    try:
        before = peer.cpu_seconds()
        data.send("loki", port, "")
        cpu = peer.settle() - before
        report.add("Loki: load, MB/s of raw JSON per core", raw_bytes / 1e6 / cpu, "MB/s")
        span = f"[{data.end_s - data.start_s + 1}s]"

        def count(stage: str) -> int:
            text = f"sum(count_over_time({{environment=~\".+\"}} {stage} {span}))"
            result = json.loads(peer.get("/loki/api/v1/query", query=text, time=data.end_s))["data"]["result"]
            return int(float(result[0]["value"][1])) if result else 0

        rows = 0
        begin = time.perf_counter()
        for value in questions["traces"][:10]:  # it scans: ten are enough
            rows += count(f"|= `{value}`")
        report.add("Loki: trace_id by scanning, mean of 10", (time.perf_counter() - begin) * 100, "ms")
        for name, op in (("substring", "|="), ("rare substring", "|="), ("rare word", "|="), ("regex", "|~")):
            ms, cpu, found = repeat(peer, lambda: count(f"{op} `{questions[name]}`"), 3)
            report.add(f"Loki: {name}: time", ms, "ms")
            report.add(f"Loki: {name}: raw-equivalent per core", raw_bytes / 1e9 / max(cpu, 0.001), "GB/s")
            answers.give(f"lines with the {name}", "Loki", found)
        report.add("Loki: resident memory, peak", peer.peak_mb(), "MB")
    finally:
        peer.end()
