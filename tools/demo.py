"""The demo: a server, the example application that reports to it, users that load the application, and a fault.

Everything lives under build/demo, which is emptied at every start, and listens on loopback only. The token and the
keys are made for this run; they are shown on the terminal and handed on in environment variables, never in a log or
on a command line. Ctrl-C ends what was started, each process by its id.
"""
import argparse
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "demo"
STOCKAPP = ROOT / "examples" / "stockapp"
SERVER_PORT, STOCKAPP_PORT = 8355, 5050
READY_TIMEOUT_S = 60
SIGNALS_TIMEOUT_S = 120
STOP_TIMEOUT_S = 20
LOAD_RATE = 8  # requests a second
FAULT = "error_burst"
FAULT_AFTER_S = 6
FAULT_ON_S, FAULT_OFF_S = 120, 120  # afterwards the fault comes and goes, so that alerts are seen to end, too

CONFIG = """\
net:
  outbound_allow: ["127.0.0.1"]
alerting:
  group_wait: 5s
  group_interval: 15s
receivers:
  - {{name: demo, type: webhook, url: "{hook}"}}
bootstrap:
  projects:
    - {{id: 1, slug: stockapp}}
  tokens:
    - {{name: stockapp, role: ingest, project: 1, token_env: DEMO_INGEST_TOKEN}}
prometheus:
  config_file: {prometheus}
"""


class DemoFailed(Exception):
    """Tells the user what went wrong; the message is all there is to say."""


_screen = threading.Lock()


def say(text: str = "") -> None:
    """One or more lines, in place of the status line if one stands there."""
    with _screen:
        sys.stdout.write(("\r\033[K" if sys.stdout.isatty() else "") + text + "\n")
        sys.stdout.flush()


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise DemoFailed("no free port on 127.0.0.1")


class Receiver:
    """The web hook that the server's notifications arrive at; it prints them."""

    def __init__(self):
        self.count = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                outer.take(body)

            def log_message(self, *_args):
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        self.count += 1
        try:
            message = json.loads(body)
        except ValueError:
            say("  web hook: a notification that is not JSON")
            return
        for alert in message.get("alerts", []):
            annotations = alert.get("annotations", {})
            text = annotations.get("description") or annotations.get("summary", "")
            say(f"  web hook: {alert.get('status', '?').upper()} {alert.get('labels', {}).get('alertname', '?')}: {text}")
        if message.get("kind") == "issue":
            say(f"  web hook: {message.get('title', '')}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Processes:
    """What the demo started; ended in reverse order."""

    def __init__(self):
        self._running = []  # (name, process, path of its output)

    def start(self, name: str, command, env, cwd) -> None:
        path = FOLDER / f"{name}.log"
        with open(path, "wb") as output:
            # A session of its own, so that Ctrl-C reaches only this script, which then ends them in order.
            process = subprocess.Popen(command, env={**os.environ, **env}, cwd=cwd, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output, start_new_session=True)
        self._running.append((name, process, path))

    def check(self) -> None:
        for name, process, path in self._running:
            if process.poll() is not None:
                tail = "\n".join(path.read_text(errors="replace").splitlines()[-15:])
                raise DemoFailed(f"{name} ended with {process.returncode}; the end of {path}:\n{tail}")

    def stop(self) -> None:
        for _name, process, _path in reversed(self._running):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()


class Demo:
    def __init__(self, telltale: pathlib.Path):
        self.telltale = telltale
        self.processes = Processes()
        self.receiver = Receiver()
        self.token = secrets.token_hex(20)
        self.password = secrets.token_urlsafe(12)
        self.dsn_key = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{free_port(SERVER_PORT)}"
        self.app_port = free_port(STOCKAPP_PORT)
        self.app_url = f"http://127.0.0.1:{self.app_port}"
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def start_server(self, ingest_token: str) -> None:
        prometheus = (STOCKAPP / "prometheus.yml").read_text()
        prometheus = prometheus.replace("rules-demo.yml", str(STOCKAPP / "rules-demo.yml"))
        (FOLDER / "prometheus.yml").write_text(prometheus.replace("127.0.0.1:5050", f"127.0.0.1:{self.app_port}"))
        config = CONFIG.format(hook=self.receiver.url, prometheus=json.dumps(str(FOLDER / "prometheus.yml")))
        (FOLDER / "telltale.yml").write_text(config)
        listen = self.url.removeprefix("http://")
        self.processes.start(
            "telltale", [str(self.telltale), "serve", "--config", str(FOLDER / "telltale.yml"),
                         "--data-dir", str(FOLDER / "data"), "--listen", listen],
            {"TELLTALE_BOOTSTRAP_TOKEN": self.token, "TELLTALE_BOOTSTRAP_DSN_KEY": self.dsn_key,
             "TELLTALE_BOOTSTRAP_PASSWORD": self.password,
             "DEMO_INGEST_TOKEN": ingest_token}, ROOT)
        self.wait_for(self.url + "/-/ready", "the server")

    def start_stockapp(self, ingest_token: str) -> None:
        dsn = self.url.replace("http://", f"http://{self.dsn_key}@") + "/1"
        self.processes.start(
            "stockapp", [sys.executable, "-m", "stockapp", "serve"],
            {"SENTRY_DSN": dsn, "LOKI_URL": self.url, "LOKI_TOKEN": ingest_token, "PYTHONUNBUFFERED": "1",
             "STOCKAPP_PORT": str(self.app_port), "STOCKAPP_DB": str(FOLDER / "stockapp.sqlite"),
             "STOCKAPP_TIME_SCALE": "5"}, STOCKAPP)
        self.wait_for(self.app_url + "/healthz", "stockapp")
        self.processes.start("load", [sys.executable, "-m", "stockapp", "load", "--url", self.app_url,
                                      "--rate", str(LOAD_RATE), "--duration", "0"], {}, STOCKAPP)

    def wait_for(self, url: str, what: str) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            self.processes.check()
            try:
                if requests.get(url, timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise DemoFailed(f"{what} does not answer at {url}")

    def fault(self, on: bool) -> None:
        address = f"{self.app_url}/admin/faults/{FAULT}"
        (requests.post(address, json={}, timeout=10) if on else requests.delete(address, timeout=10)).raise_for_status()

    def get(self, path: str, **params) -> dict:
        answer = self.http.get(self.url + path, params=params, timeout=10)
        if answer.status_code != 200:
            raise requests.HTTPError(f"GET {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def rows(self, table: str, limit: int = 20) -> list[dict]:
        return self.get(f"/api/telltale/v1/{table}", limit=limit)["rows"]

    def firing(self) -> list[str]:
        alerts = self.get("/api/v1/alerts")["data"]["alerts"]
        return sorted({a["labels"]["alertname"] for a in alerts if a["state"] == "firing"})

    def failed_request(self) -> str:
        """A request id that leads from an error to its spans and log lines, or nothing yet."""
        for error in self.rows("errors"):
            if error.get("request_id"):
                found = self.get("/api/telltale/v1/related", request_id=error["request_id"])
                if found["logs"] and found["spans"] and found["issues"]:
                    return error["request_id"]
        return ""

    def wait_for_signals(self, started: float) -> str:
        """Until each kind is answered by the API. Returns a request id to follow."""
        series = 'sum(rate(http_requests_total{job="stockapp"}[30s]))'
        kinds = {
            "logs": lambda: self.rows("logs", 1),
            "traces": lambda: self.rows("spans", 1),
            "metrics": lambda: self.get("/api/v1/query", query=series)["data"]["result"],
            "errors": lambda: self.get("/api/telltale/v1/issues")["issues"],
            "one request across all of them": self.failed_request,
            "a firing alert": self.firing,
        }
        answers, fault_on, problem = {}, False, ""
        while len(answers) < len(kinds):
            self.processes.check()
            if not fault_on and time.monotonic() > started + FAULT_AFTER_S:
                self.fault(True)
                fault_on = True
                say(f"{time.monotonic() - started:5.1f} s  fault {FAULT} switched on in stockapp")
            for kind in [k for k in kinds if k not in answers]:
                try:
                    found = kinds[kind]()
                except requests.RequestException as error:  # on a busy machine an answer may take its time
                    found, problem = None, f" (last problem: {error})"
                if found:
                    answers[kind] = found
                    detail = ": " + ", ".join(found) if kind == "a firing alert" else ""
                    say(f"{time.monotonic() - started:5.1f} s  {kind}{detail}")
            if time.monotonic() > started + SIGNALS_TIMEOUT_S:
                missing = ", ".join(k for k in kinds if k not in answers)
                raise DemoFailed(f"after {SIGNALS_TIMEOUT_S} s there is still no answer for: {missing}{problem}; "
                                 f"see {FOLDER}/*.log")
            time.sleep(0.3)
        return answers["one request across all of them"]

    def introduce(self, request_id: str) -> None:
        auth = '-H "Authorization: Bearer $TOKEN"'
        say(f"""
Telltale     {self.url}      sign in as admin@localhost with the password {self.password}
stockapp     {self.app_url}
admin token  {self.token}
output       {FOLDER}/*.log

export TOKEN={self.token}
# the issues
curl -s {auth} '{self.url}/api/telltale/v1/issues' | python3 -m json.tool
# everything that one failed request left behind: error, trace, log lines, issue
curl -s {auth} '{self.url}/api/telltale/v1/related?request_id={request_id}' | python3 -m json.tool
# the share of requests that fail
curl -sG {auth} '{self.url}/api/v1/query' --data-urlencode \\
  'query=sum(rate(http_requests_total{{status=~"5.."}}[30s])) / sum(rate(http_requests_total[30s]))'
# the alerts
curl -s {auth} '{self.url}/api/v1/alerts' | python3 -m json.tool

Ctrl-C ends the demo.
""")

    def status(self) -> str:
        rate = self.get("/api/v1/query", query="sum(rate(http_requests_total[30s]))")["data"]["result"]
        failing = self.get("/api/v1/query", query='sum(rate(http_requests_total{status=~"5.."}[30s]))')["data"]["result"]
        issues = self.get("/api/telltale/v1/issues")["issues"]
        value = [float(r[0]["value"][1]) if r else 0.0 for r in (rate, failing)]
        events = sum(i["event_count"] for i in issues)
        return (f"{value[0]:.1f} requests/s, {value[1]:.2f} failing/s | {len(issues)} issues, {events} error events | "
                f"firing: {', '.join(self.firing()) or 'nothing'} | notifications: {self.receiver.count}")

    def watch(self, until: float) -> None:
        """The live status line; the fault comes and goes."""
        on, switch_at = True, time.monotonic() + FAULT_ON_S
        tty = sys.stdout.isatty()
        while time.monotonic() < until:
            self.processes.check()
            if time.monotonic() > switch_at:
                on = not on
                self.fault(on)
                switch_at = time.monotonic() + (FAULT_ON_S if on else FAULT_OFF_S)
                say(f"  fault {FAULT} switched {'on' if on else 'off'} in stockapp")
            try:
                line = self.status()
            except requests.RequestException as problem:
                line = f"no answer just now: {problem}"
            if tty:
                with _screen:
                    sys.stdout.write("\r\033[K" + line[:shutil.get_terminal_size().columns - 1])
                    sys.stdout.flush()
            else:
                say(line)
            time.sleep(min(2.0 if tty else 15.0, max(0.0, until - time.monotonic())))

    def run(self, minutes: float) -> None:
        started = time.monotonic()
        ingest_token = secrets.token_hex(20)
        self.start_server(ingest_token)
        say(f"{time.monotonic() - started:5.1f} s  the server answers")
        self.start_stockapp(ingest_token)
        say(f"{time.monotonic() - started:5.1f} s  stockapp runs, {LOAD_RATE} requests a second")
        self.introduce(self.wait_for_signals(started))
        self.watch(time.monotonic() + minutes * 60 if minutes else float("inf"))

    def stop(self) -> None:
        self.processes.stop()
        self.receiver.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--telltale", required=True, type=pathlib.Path, help="the server's binary")
    parser.add_argument("--minutes", type=float, default=0, help="end by itself after so long; 0: when interrupted")
    arguments = parser.parse_args()
    if not arguments.telltale.is_file():
        parser.error(f"--telltale: {arguments.telltale} is not there; build it first")

    def interrupt(_signal, _frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, mode=0o700)
    demo = Demo(arguments.telltale.resolve())
    status = 0
    try:
        demo.run(arguments.minutes)
    except KeyboardInterrupt:
        pass
    except (DemoFailed, requests.RequestException) as problem:
        say(f"The demo failed: {problem}")
        status = 1
    # From here on a second Ctrl-C must not leave processes behind.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("Stopping.")
    demo.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
