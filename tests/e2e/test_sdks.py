"""Sentry's SDKs of several languages, unmodified, in applications that fail for real (sdks/). For each: what of an error arrives,
that the same failure on another line and with other addresses is the same issue, and that expected errors stay away."""
import contextlib
import http.server
import secrets
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import pytest
import requests

from server import ROOT, Telltale, free_port, wait_until

SDKS = ROOT / "tests" / "e2e" / "sdks"
CLIENTS = ROOT / "tests" / "e2e" / "clients"

# How to start each, and what is to be seen of its error: platform, level, the application's frame, its file.
APPS = {
    "python": dict(command=[sys.executable, SDKS / "flask_app.py"], platform="python", level="error", function="take",
                   file="flask_app.py", title="OutOfStock: nothing left of 1234567 in <"),
    "python-debian": dict(command=["/usr/bin/python3", SDKS / "flask_app.py"], platform="python", level="error", function="take",
                          file="flask_app.py", title="OutOfStock: nothing left of 1234567 in <"),
    "node": dict(command=["node", CLIENTS / "node_app.mjs"], platform="node", level="error", function="take",
                 file="node_app.mjs", title="OutOfStock: nothing left in shelf"),
    "go": dict(command=[SDKS / "go" / "build" / "shop"], platform="go", level="fatal", function="take", file="main.go",
               title="*main.OutOfStock: nothing left in shelf"),
    "ruby": dict(command=["ruby", SDKS / "app" / "rack_app.rb"], platform="ruby", level="error", function="take",
                 file="rack_app.rb", title="OutOfStock: nothing left in shelf"),
}
PYTHONS = ["python", "python-debian"]


class App:
    """One application as a child process, reporting to one server."""

    def __init__(self, name, server, folder):
        self.port, self.release = free_port(), f"{name}@1.4.{secrets.randbelow(10**6)}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        command = [str(word) for word in [*APPS[name]["command"], self.port, server.dsn, self.release]]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=SDKS)

    def get(self, path, **params):
        return requests.get(self.url + path, params=params, timeout=20, headers={"X-Request-Id": f"rid-{self.release}"})

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with contextlib.suppress(requests.RequestException):
            return self.get("/healthz").ok

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def apps(module_server, tmp_path_factory):
    """All of them, started together."""
    folder = tmp_path_factory.mktemp("sdks")
    made = {}
    try:
        for name in APPS:
            made[name] = App(name, module_server, folder)
        for app in made.values():
            wait_until(app.answers, 30, 0.1, str(app.log))
        yield made
    finally:
        for app in made.values():
            app.stop()


def events_of(api, release, times, message):
    """Error rows of a release, with the payloads they came with."""
    found = lambda: [r for r in api.rows("errors", release=release, payload="true") if r["message"].startswith(message)]
    rows = wait_until(lambda: (r := found()) and len(r) >= times and r, what=f"{message} of {release}")
    assert len(rows) == times, [row["message"] for row in rows]
    return rows


def issue_of(api, release, title):
    """Applications that fail alike may share an issue, whichever SDK they have."""
    found = wait_until(lambda: [i for i in api.issues(release=release) if i["title"].startswith(title)], what=f"issue of {release}")
    assert len(found) == 1, [i["title"] for i in found]
    return found[0]


def main_frames(payload):
    """Frames of the exception that is shown, oldest first."""
    exception = payload["exception"]
    return (exception["values"] if isinstance(exception, dict) else exception)[-1]["stacktrace"]["frames"]


def check_error(api, release, title, platform, level, function, file, times=2):
    rows = events_of(api, release, times, title)
    lines = set()
    for row in rows:
        assert (row["environment"], row["user_id"], row["level"]) == ("staging", "u-42", level), row
        assert row["request_id"] == f"rid-{release}"
        newest = main_frames(row["payload"])[-1]
        assert newest["in_app"] is True and newest["function"].split(".")[-1] == function, newest
        assert newest.get("abs_path", newest.get("filename")).endswith(file)
        lines.add(newest["lineno"])
    assert len(lines) == times, lines
    assert len({row["message"] for row in rows}) == times, "their addresses are different"
    issue = issue_of(api, release, title)
    assert (issue["platform"], issue["level"], issue["user_count"]) == (platform, level, 1)
    assert function in issue["culprit"], issue["culprit"]
    return rows


@pytest.mark.parametrize("name", APPS)
def test_an_error_arrives_whole(module_server, apps, name):
    app, api, expected = apps[name], module_server.api, APPS[name]
    # SDKs send in order: had these been sent, they would be there before the others.
    for path in ("/gone", "/expected", "/no-such-page"):
        app.get(path)
    for way in ("1", "2"):
        with contextlib.suppress(requests.ConnectionError):  # Go's server closes after a panic
            app.get("/buy", way=way, card="4111 1111 1111 1111")
    rows = check_error(api, app.release, expected["title"], expected["platform"], expected["level"], expected["function"],
                       expected["file"])
    for payload in [row["payload"] for row in rows]:
        request = payload["request"]
        assert urllib.parse.urlsplit(request["url"]).path == "/buy" and request["method"] == "GET", request
        assert "4111 1111" not in str(payload) and "4111+1111" not in str(payload)
        assert payload["user"]["email"] == "ann@example.com"
    assert {row["message"] for row in api.rows("errors", release=app.release)} == {row["message"] for row in rows}


@pytest.mark.parametrize("name", PYTHONS)
def test_chained_exceptions(module_server, apps, name):
    app, api = apps[name], module_server.api
    app.get("/chained")
    row = events_of(api, app.release, 1, "CheckoutFailed")[0]
    assert row["message"] == "CheckoutFailed: the order was not placed"
    assert [e["type"] for e in row["payload"]["exception"]["values"]] == ["OutOfStock", "CheckoutFailed"]


@pytest.mark.parametrize("name", PYTHONS)
def test_logged_errors_are_one_issue(module_server, apps, name):
    app, api = apps[name], module_server.api
    for amount in ("17.20", "9"):
        app.get("/log", amount=amount)
    rows = events_of(api, app.release, 2, "payment of")
    assert {row["message"] for row in rows} == {"payment of 17.20 failed", "payment of 9 failed"}
    issue_of(api, app.release, "payment of")
    assert {row["attributes"]["logger"] for row in rows} == {"shop.payments"}


@pytest.mark.parametrize("name", PYTHONS)
def test_errors_in_tasks(module_server, apps, name):
    app, api = apps[name], module_server.api
    app.get("/async")
    row = events_of(api, app.release, 1, "TimeoutError")[0]
    assert row["message"] == "TimeoutError: the bank did not answer" and row["user_id"] == "u-42"
    frames = {f["function"]: f.get("in_app") for f in main_frames(row["payload"])}
    assert frames["pay"] is True and "in_a_task" in frames


class PageServer(http.server.ThreadingHTTPServer):
    """Serves the page and its script, and hands on what the page sends to /tunnel, as a team's own server would."""

    def __init__(self, script, server):
        self.script, self.upstream, self.tunnelled = script, server, 0
        super().__init__(("127.0.0.1", 0), PageHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class PageHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        script = self.path.endswith(".js")
        body = self.server.script if script else b"<!doctype html><meta charset=utf-8><body><script src=/app.js></script>"
        self.answer(200, "text/javascript" if script else "text/html", body)

    def do_POST(self):
        self.server.tunnelled += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = requests.post(f"{self.server.upstream.url}/api/1/envelope/", data=body, timeout=20)
        self.answer(answer.status_code, "application/json", answer.content)

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def page(module_server, tmp_path_factory):
    bundle = tmp_path_factory.mktemp("page") / "app.js"
    subprocess.run([CLIENTS / "node_modules" / ".bin" / "esbuild", CLIENTS / "browser_app.js", "--bundle", "--format=iife",
                    f"--outfile={bundle}", "--log-level=error"], check=True, timeout=60)
    server = PageServer(bundle.read_bytes(), module_server)
    yield server
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def chromium(address, folder: Path):
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
               f"--user-data-dir={folder}", address]
    with open(folder / "chromium.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("way", ["cors", "tunnel"])
def test_browser(module_server, page, tmp_path, way):
    release = f"browser-{way}@1.4.{secrets.randbelow(10**6)}"
    before = page.tunnelled
    wanted = {"dsn": module_server.dsn, "release": release, "request_id": f"rid-{release}"}
    if way == "tunnel":
        wanted["tunnel"] = "/tunnel"
    address = f"http://127.0.0.1:{page.server_address[1]}/cart?{urllib.parse.urlencode(wanted)}"
    api = module_server.api
    with chromium(address, tmp_path):
        rows = check_error(api, release, "OutOfStock: nothing left in shelf", "javascript", "error", "take", "app.js")
    assert (page.tunnelled > before) == (way == "tunnel")
    for payload in [row["payload"] for row in rows]:
        assert urllib.parse.urlsplit(payload["request"]["url"]).path == "/cart"
        assert "Chrome" in payload["request"]["headers"]["User-Agent"]
    assert {row["message"] for row in api.rows("errors", release=release)} == {row["message"] for row in rows}
