"""ClickHouse's engine on the benchmark's lines: reads a job as JSON, prints the results as JSON. Started by
logs_peers.py; a process of its own, so that CPU time and memory are the engine's."""
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import chdb
from chdb.session import Session

# The whole line is kept, as the server keeps it, and beside it the fields it has, typed as one would.
TABLE = """CREATE TABLE lines (
  timestamp DateTime64(3, 'UTC'), line String CODEC(ZSTD(3)), level LowCardinality(String), logger LowCardinality(String),
  message String CODEC(ZSTD(3)), service LowCardinality(String), host LowCardinality(String),
  environment LowCardinality(String), release LowCardinality(String), method LowCardinality(String),
  route LowCardinality(String), status UInt16, duration_ms Float64, client_ip String, user_id String,
  ticker LowCardinality(String), tier LowCardinality(String), trace_id String CODEC(ZSTD(3)), span_id String CODEC(ZSTD(3)),
  request_id String CODEC(ZSTD(3)), exc_info String CODEC(ZSTD(3)){indexes}
) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (service, level, timestamp)"""
INDEXES = """,
  INDEX i_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1, INDEX i_request request_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX i_line line TYPE tokenbf_v1(30720, 2, 0) GRANULARITY 1"""
TEXTS = ["level", "logger", "message", "service", "host", "environment", "release", "method", "route", "client_ip",
         "user_id", "ticker", "tier", "trace_id", "span_id", "request_id", "exc_info"]


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Engine:
    def __init__(self, path: str):
        self.session = Session(path)

    def rows(self, sql: str) -> list:
        return json.loads(str(self.session.query(sql, "JSONCompact")))["data"]

    def timed(self, sql: str) -> tuple[float, list]:
        begin = time.perf_counter()
        rows = self.rows(sql)
        return (time.perf_counter() - begin) * 1000, rows


def load(engine: Engine, job: dict) -> float:
    engine.session.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
    engine.session.query("USE bench")
    engine.session.query(TABLE.format(indexes=INDEXES if job["indexes"] else ""))
    fields = ", ".join(f"JSONExtractString(line, '{name}') AS {name}" for name in TEXTS)
    before = cpu_seconds()
    engine.session.query(
        f"INSERT INTO lines (timestamp, line, {', '.join(TEXTS)}, status, duration_ms) SELECT parseDateTime64BestEffort(JSONExtractString(line, 'timestamp'), 3, 'UTC') AS timestamp, line, "
        f"{fields}, JSONExtractUInt(line, 'status') AS status, JSONExtractFloat(line, 'duration_ms') AS duration_ms "
        f"FROM file({quoted(job['lines'])}, 'LineAsString')")
    engine.session.query("OPTIMIZE TABLE lines FINAL")
    return cpu_seconds() - before


def needles(engine: Engine, questions: dict) -> dict:
    out = {}
    for name, column, values in (("trace_id", "trace_id", questions["traces"]), ("request_id", "request_id", questions["requests"]),
                                 ("absent", "trace_id", questions["absent"])):
        times, found = [], 0
        for value in values:
            ms, rows = engine.timed(f"SELECT timestamp, line FROM lines WHERE {column} = {quoted(value)} ORDER BY timestamp")
            times.append(ms)
            found += len(rows)
        out[name] = {"ms": times, "rows": found}
    return out


def newest(engine: Engine, questions: dict) -> dict:
    times, stamps = [], {}
    for service in questions["services"]:
        for level in ("INFO", "ERROR"):
            ms, rows = engine.timed(f"SELECT timestamp, line FROM lines WHERE service = '{service}' AND level = '{level}' "
                                    "ORDER BY timestamp DESC LIMIT 50")
            times.append(ms)
            stamps[f"{service} {level.lower()}"] = [row[0][:19].replace(" ", "T") for row in rows]
    return {"p50_ms": statistics.median(times), "stamps": stamps}


def over_everything(engine: Engine, questions: dict) -> dict:
    asked = {
        "substring": f"SELECT count() FROM lines WHERE position(line, {quoted(questions['substring'])}) > 0",
        "rare substring": f"SELECT count() FROM lines WHERE position(line, {quoted(questions['rare substring'])}) > 0",
        "rare word": f"SELECT count() FROM lines WHERE position(line, {quoted(questions['rare word'])}) > 0",
        "regex": f"SELECT count() FROM lines WHERE match(line, {quoted(questions['regex'])})",
        "p95 by (route)": "SELECT route, quantileExact(0.95)(duration_ms) FROM lines GROUP BY route",
    }
    asked |= {f"count by ({f})": f"SELECT toString({f}), count() FROM lines GROUP BY {f}" for f in questions["fields"]}
    out = {}
    for name, sql in asked.items():
        engine.rows(sql)  # warm
        before, times = cpu_seconds(), []
        for _ in range(5):
            ms, rows = engine.timed(sql)
            times.append(ms)
        if name.startswith("count by"):
            answer = {value.lower(): int(count) for value, count in rows}
        elif name.startswith("p95"):
            answer = {route: float(value) for route, value in rows}
        else:
            answer = int(rows[0][0])
        out[name] = {"ms": statistics.median(times), "cpu_s": (cpu_seconds() - before) / 5, "answer": answer}
    return out


def main() -> None:
    job = json.load(sys.stdin)
    engine = Engine(job["path"])
    result = {"version": f"chdb {chdb.__version__}, engine {engine.rows('SELECT version()')[0][0]}"}
    result["load_cpu_s"] = load(engine, job)
    result["disk_bytes"] = int(engine.rows("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'lines'")[0][0])
    result["needles"] = needles(engine, job["questions"])
    result["newest"] = newest(engine, job["questions"])
    result["over_everything"] = over_everything(engine, job["questions"])
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    engine.session.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
