"""The log benchmark on little data: the generator makes the same lines again, every line that is sent is stored, and
whoever is asked answers the same. Times are not looked at."""
import json
import os
import pathlib
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
