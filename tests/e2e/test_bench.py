"""The benchmarks of logs and errors on little data: the generators make the same again, everything that is sent is stored, and
whoever is asked answers the same. Times are not looked at."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from server import ROOT

BUILD = pathlib.Path(os.environ.get("TELLTALE_BIN", ROOT / "build" / "telltale")).resolve().parent.parent
LINES = 3000


def generate(path, *more):
    done = subprocess.run([BUILD / "bench" / "log_load", "--out", path, "--lines", str(LINES), "--start-ns",
                           "1767225600000000000", "--span-s", "3600", *more], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_lines_are_the_same_every_time_and_are_what_they_say(tmp_path):
    first = generate(tmp_path / "a")
    assert generate(tmp_path / "b")["checksum"] == first["checksum"]
    assert generate(tmp_path / "c", "--seed", "2")["checksum"] != first["checksum"]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    lines = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert len(lines) == first["lines"] == LINES
    assert sum(line["level"] == "ERROR" for line in lines) == first["error"] == sum("exc_info" in line for line in lines)
    assert 400 < first["raw_bytes"] / LINES < 560
    assert all(19 <= line["exc_info"].count("\n") <= 60 for line in lines if "exc_info" in line)
    per_request = {}
    for line in lines:
        per_request.setdefault(line["request_id"], []).append(line)
    assert max(map(len, per_request.values())) <= 12
    assert all(len({line["trace_id"] for line in group}) == 1 for group in per_request.values())


def test_the_smallest_run(tmp_path):
    if not (BUILD / "bench" / "log_load").exists():
        pytest.fail(f"{BUILD} was built without its benchmarks")
    out = tmp_path / "figures.json"
    done = subprocess.run([sys.executable, ROOT / "bench" / "logs.py", "--build", BUILD, "--lines", str(LINES), "--wires",
                           "loki", "--peers", "zstd", "--folder", tmp_path, "--json", out],
                          capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert out.exists(), done.stdout + done.stderr
    assert "DIFFERENT" not in done.stdout
    figures = json.loads(out.read_text())["figures"]
    stored = [row for row in figures if "rows stored" in row["what"]]
    answers = [row for row in figures if row["what"].startswith("answer: ")]
    assert stored and all(row["met"] for row in stored), stored
    assert len(answers) >= 3 and all(row["met"] for row in answers), answers
    assert any(row["what"].startswith("live tail") for row in figures), done.stdout


EVENTS = 1000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "events.txt"
    done = subprocess.run([sys.executable, ROOT / "bench" / "data" / "record_errors.py", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


def error_load(*arguments):
    done = subprocess.run([BUILD / "bench" / "error_load", *map(str, arguments)], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def make(recorded, path, *more):
    return error_load("--recorded", recorded, "--events", EVENTS, "--start-ns", "1767225600000000000", "--span-s", 3600, "--encoding",
                      "none", "--out", path, *more)


def events_of(path):
    """Envelopes are framed: a length in four bytes, then header, item header and event in a line each."""
    data, at = path.read_bytes(), 10
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "little")
        header, item, event, rest = data[at + 4:at + 4 + size].split(b"\n")
        assert rest == b"" and json.loads(item) == {"type": "event", "content_type": "application/json", "length": len(event)}
        event = json.loads(event)
        assert json.loads(header)["event_id"] == event["event_id"]
        yield event
        at += 4 + size


def test_events_are_the_same_every_time_and_are_what_they_say(recorded, tmp_path):
    made = make(recorded, tmp_path / "a")
    assert made["checksum"] == make(recorded, tmp_path / "b")["checksum"]
    assert made["checksum"] != make(recorded, tmp_path / "c", "--seed", 2)["checksum"]
    text = (tmp_path / "a").read_bytes()
    assert b"\x01" not in text.split(b"\n", 1)[1] or not re.search(rb"\x01[a-z]+[:0-9]*\x02", text), "marks are filled in"
    assert str(ROOT).encode() not in text and b"recorded.person" not in text and b"QZXWV" not in text
    events = list(events_of(tmp_path / "a"))
    assert len(events) == made["events"] == sum(made["causes"]) == EVENTS
    assert len({e["event_id"] for e in events}) == len({e["contexts"]["trace"]["trace_id"] for e in events}) == EVENTS
    assert len({e["release"] for e in events}) == 20 and len({e["user"]["id"] for e in events}) > EVENTS // 3
    assert 2500 < made["least_bytes"] and made["most_bytes"] < 13_000 and 5000 < made["raw_bytes"] / EVENTS < 9000
    failed = [e for e in events if "exception" in e]
    kinds = {re.match(r"[A-Z][a-z]+[A-Za-z]*?(?=[A-Z][a-z]+[A-Z][a-z]+$)", e["exception"]["values"][-1]["type"]).group() for e in failed}
    assert {"ZeroDivisionError", "PaymentDeclined", "MarketDataError"} <= kinds and len(events) > len(failed) > 0
    own = [f for e in failed for x in e["exception"]["values"] for f in x["stacktrace"]["frames"] if f["in_app"]]
    assert own and all(f["module"].startswith("stockapp") and f["context_line"] for f in own)
    assert len({f["lineno"] for f in own if f["function"] == own[0]["function"]}) > 3, "lines move with the release"


def test_every_cause_once_and_mistakes_that_are_named(recorded, tmp_path):
    made = make(recorded, tmp_path / "a", "--causes", EVENTS, "--each-cause", 1)
    assert made["causes"] == [1] * EVENTS
    assert "unknown option --evnts" in error_load("--evnts", 1)
    broken = tmp_path / "broken.txt"
    broken.write_text('{"a":"\x01moon\x02"}\n')
    assert "moon" in make(broken, tmp_path / "b")
    assert "not a file of envelopes" in error_load("--replay", broken, "--port", 1, "--key", "k")


@pytest.mark.skipif("TELLTALE_SOAK" not in os.environ, reason="records from a running application first: a minute")
def test_the_smallest_run_of_errors(tmp_path):
    out = tmp_path / "figures.json"
    done = subprocess.run([sys.executable, ROOT / "bench" / "errors.py", "--build", BUILD, "--size", "tiny", "--folder", tmp_path, "--json",
                           out], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert out.exists(), done.stdout + done.stderr
    figures = {row["what"]: row for row in json.loads(out.read_text())["figures"]}
    same = [row for row in figures.values() if "digest: issues" in row["what"] or "events in issues" in row["what"]]
    assert len(same) == 4 and all(row["met"] for row in same), same
    assert all(row["met"] for what, row in figures.items() if "refused or broken" in what)
    assert figures["full text, a word that is nowhere: p95"]["value"] > 0
