"""Servers with something to see, for the browser suites in web/tests/browser, and a person who may sign in.

`python browser_rig.py shots --out build/shots` plants the same data and takes pictures of every page; `perf` measures.
TELLTALE_UI_DIR serves the UI from a folder (web/dist) instead of the binary's own.
"""
import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

import health_data
import hostile
from conftest import Stockapp
from payloads import envelope, event
from server import ROOT, Telltale, free_port, wait_until

NODE_SUITES = ROOT / "web" / "tests" / "browser"
EMAIL, PASSWORD = "ada@example.com", "a long walk by the sea"
LOAD_S, LOAD_RATE = 8, 10
MANY_ISSUES = 620
# Windows of minutes: what fires stays so while the suites run, though the load has ended.
RULES = """
groups:
  - name: stockapp
    interval: 1s
    rules:
      - alert: HighErrorRate
        expr: sum(increase(http_requests_total{status=~"5.."}[10m])) / sum(increase(http_requests_total[10m])) > 0.01
        labels: {severity: critical, service: stockapp}
        annotations:
          summary: More than 1 % of requests fail
          description: "{{ $value | humanizePercentage }} of the requests of the last ten minutes failed"
          runbook_url: https://docs.example.com/runbooks/high-error-rate
      - alert: ManyAnalyses
        expr: sum(increase(http_requests_total{job="stockapp"}[10m])) > 20
        for: 1h
        labels: {severity: warning, service: stockapp}
        annotations: {summary: Busier than usual}
      - alert: StockappDown
        expr: up{job="stockapp"} == 0
        for: 30s
        labels: {severity: critical, service: stockapp}
        annotations: {summary: stockapp does not answer scrapes}
"""


def scrape(job: str, port: int, rule_file: Path, folder: Path) -> list[str]:
    """Arguments for a server that scrapes one target every second."""
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(rule_file)],
              "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": {"service": job}}]}]}
    path = folder / f"prometheus-{job}.yml"
    path.write_text(json.dumps(config))
    return ["--prometheus-config", str(path)]


def add_person(server: Telltale, email=EMAIL, name="Ada Lovelace") -> None:
    answer = server.api.post("/api/telltale/v1/users", json={"email": email, "name": name, "role": "admin", "password": PASSWORD})
    assert answer.status_code in (200, 201), answer.text


def settings_of(server: Telltale, **more) -> dict:
    return {"url": server.url, "email": EMAIL, "password": PASSWORD, **more}


def empty(stack: contextlib.ExitStack, folder: Path) -> dict:
    """A server that nobody has sent anything to."""
    server = start(stack, folder, "empty", ["--host.enabled=false"])
    add_person(server)
    return settings_of(server)


def start(stack, folder: Path, name: str, arguments=(), bootstrap=True) -> Telltale:
    home = folder / name
    home.mkdir()
    own_ui = ["--ui-dir", os.environ["TELLTALE_UI_DIR"]] if "TELLTALE_UI_DIR" in os.environ else []
    server = Telltale(home, [*arguments, *own_ui])
    stack.callback(server.stop)
    return server.start(bootstrap)


def unclaimed(stack: contextlib.ExitStack, folder: Path) -> dict:
    """A server at its first start: nobody has an account, and its log has the link that makes the first."""
    server = start(stack, folder, "unclaimed", bootstrap=False)
    link = wait_until(lambda: re.findall(r"http://\S+/setup#setup_[0-9a-f]{48}", server.log_path.read_text()), what="the set-up link")[-1]
    return settings_of(server, link=link)


def has_ui(settings: dict) -> bool:
    """Sanitizer builds come without the UI."""
    page = requests.get(settings["url"] + "/", headers={"Accept": "text/html"}, timeout=10)
    return page.headers["Content-Type"].startswith("text/html")


def with_stockapp(stack: contextlib.ExitStack, folder: Path) -> dict:
    """A server that the example application reported to for some seconds: well at first, then with faults."""
    port = free_port()
    (folder / "rules.yml").write_text(RULES)
    server = start(stack, folder, "stock", scrape("stockapp", port, folder / "rules.yml", folder))
    add_person(server)
    app = Stockapp(folder, server, port)
    stack.callback(app.stop)
    app.fault("error_burst", rate=0.3)
    app.fault("bad_release", rate=0.1)
    load = [sys.executable, "-m", "stockapp", "load", "--url", app.url, "--rate", str(LOAD_RATE), "--duration", str(LOAD_S)]
    subprocess.run(load, cwd=ROOT / "examples" / "stockapp", check=True, timeout=120, stdout=subprocess.DEVNULL)
    app.fault("error_burst", rate=1.0)
    app.register()
    failed = app.analyze("NVDA").headers["X-Request-ID"]
    data = things(server.api, failed)
    data.update(health_data.plant(server, data.pop("event")))
    wait_until(lambda: server.api.get("/api/telltale/v1/feedback")["total"] == 2, what="the feedback")
    return settings_of(server, data=data)


def things(api, request_id: str) -> dict:
    """Waits until the failed request is known in every signal and the alert fires; names what the suites look for."""
    def followed():
        found = api.get("/api/telltale/v1/related", request_id=request_id)
        return found if found["errors"] and found["logs"] and found["spans"] and found["issues"] else None

    found = wait_until(followed, 60, what="the failed request in every signal")
    issue = next(i for i in found["issues"] if "ZeroDivisionError" in i["title"])
    wait_until(lambda: [a for a in api.get("/api/v1/alerts")["data"]["alerts"] if a["state"] == "firing"], 60, what="a firing alert")
    spans = found["spans"]
    slowest = max((s for s in spans if s["attributes"].get("parent_span_id")), key=lambda s: int(s["attributes"].get("duration_ns", 0)))
    return {"issue": issue["id"], "title": issue["title"], "trace": spans[0]["trace_id"], "span": slowest["span_id"], "request": request_id,
            "time": found["errors"][0]["time"], "event": found["errors"][0]["attributes"]["event_id"], "query": "sum by (status) (rate(http_requests_total[1m]))"}


def with_hostile(stack: contextlib.ExitStack, folder: Path) -> dict:
    """A server that an attacker can send to: tests/e2e/hostile.py in every signal, and in what administrators name."""
    exporter = hostile.Exporter()
    stack.callback(exporter.close)
    (folder / "hostile-rules.yml").write_text(hostile.rules())
    server = start(stack, folder, "hostile", scrape("hostile", exporter.port, folder / "hostile-rules.yml", folder))
    add_person(server)
    hostile.plant(server.api)
    hostile.plant_names(server.api)
    wait_until(lambda: len([a for a in server.api.get("/api/v1/alerts")["data"]["alerts"] if a["state"] == "firing"]) >= len(hostile.BAITS), 60,
               what="the hostile alerts")
    wait_until(lambda: len(server.api.issues()) >= len(hostile.BAITS), what="the hostile issues")
    return settings_of(server)


def with_many_issues(stack: contextlib.ExitStack, folder: Path) -> dict:
    """More issues than the list shows."""
    server = start(stack, folder, "many", ["--host.enabled=false"])
    add_person(server)
    for i in range(MANY_ISSUES):
        answer = server.api.send_envelope(envelope(("event", event(f"fault {i}", fingerprint=[f"fault-{i}"]))))
        assert answer.ok, answer.text
    total = lambda: server.api.get("/api/telltale/v1/issues", limit=1)["total"]
    wait_until(lambda: total() == MANY_ISSUES, 60, what="the many issues")
    return settings_of(server, issues=MANY_ISSUES)


def ready_node() -> None:
    """playwright-core and axe-core, once."""
    if not (ROOT / "web" / "node_modules" / "playwright-core").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=ROOT / "web", check=True, timeout=300)


def names_of(suite: str) -> list[str]:
    ready_node()
    done = subprocess.run(["node", str(NODE_SUITES / "run.mjs"), suite, "--list"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def run_suite(suite: str, settings: dict, folder: Path, timeout: int = 600) -> dict[str, dict]:
    """Runs all of a suite's scenarios in one browser; answers their results by name."""
    path = folder / f"{suite}-{time.monotonic_ns()}.json"
    failures = folder / "failures"
    failures.mkdir(exist_ok=True)
    path.write_text(json.dumps({"failures": str(failures), **settings}))
    done = subprocess.run(["node", str(NODE_SUITES / "run.mjs"), suite, "--settings", str(path)], capture_output=True, text=True, timeout=timeout)
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert results, f"{suite} says nothing:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return {r["name"]: r for r in results}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["shots", "perf"])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "shots")
    arguments = parser.parse_args()
    ready_node()
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        settings = with_stockapp(stack, folder)
        runs = [(settings, arguments.out)]
        if arguments.what == "shots":
            runs.append((empty(stack, folder), arguments.out / "empty"))
        failed = 0
        for one, out in runs:
            for name, result in run_suite(arguments.what, {**one, "out": str(out.resolve())}, folder).items():
                print(f"{name}: {'ok' if result['ok'] else result['error']}")
                for line in result.get("figures", []):
                    print("  " + line)
                failed += not result["ok"]
    if arguments.what == "shots":
        print(f"pictures in {arguments.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
