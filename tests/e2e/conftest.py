"""Fixtures: a server, stockapp in front of it, and receivers for its notifications. Everything is ended by its pid."""
import json
import os
import secrets
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from server import ROOT, Telltale, free_port, wait_until


def pytest_report_header(config):
    return f"binary under test: {os.environ.get('TELLTALE_BIN', str(ROOT / 'build' / 'telltale'))}"


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    """One server for tests that only add to it."""
    server = Telltale(tmp_path_factory.mktemp("telltale"))
    server.start()
    yield server
    assert server.stop() == 0, server.log_tail()


@pytest.fixture
def make_server(tmp_path):
    """make_server(arguments=[…]) starts servers of one's own; they are stopped afterwards."""
    made = []

    def make(arguments=(), prefix=(), name="server"):
        folder = tmp_path / f"{name}{len(made)}"
        folder.mkdir()
        server = Telltale(folder, arguments, prefix)
        made.append(server)
        return server.start()

    yield make
    for server in made:
        server.stop()


class Stockapp:
    """The example application as a child process that reports to one server."""

    def __init__(self, folder, server, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "stockapp.log"
        env = dict(os.environ, STOCKAPP_PORT=str(self.port), STOCKAPP_DB=str(folder / "stockapp.sqlite"),
                   STOCKAPP_TIME_SCALE="20", STOCKAPP_RELEASE="stockapp@2.1.0", SENTRY_DSN=server.dsn,
                   LOKI_URL=server.url, LOKI_TOKEN=server.token, PYTHONUNBUFFERED="1")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "stockapp", "serve"], env=env, stdout=log, stderr=log,
                                            cwd=ROOT / "examples" / "stockapp")
        wait_until(self._answers, 30, 0.1, "stockapp")
        self.http = requests.Session()

    def _answers(self):
        assert self.process.poll() is None, self.log_path.read_text()[-2000:]
        try:
            return requests.get(self.url + "/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def register(self, email=None) -> dict:
        body = {"email": email or f"{secrets.token_hex(6)}@example.com", "password": "long enough"}
        answer = self.http.post(self.url + "/api/register", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return {**body, **answer.json()}

    def analyze(self, ticker="AAPL") -> requests.Response:
        return self.http.post(self.url + "/api/analysis/analyze", json={"ticker": ticker}, timeout=30)

    def fault(self, name, on=True, rate=1.0) -> None:
        address = f"{self.url}/admin/faults/{name}"
        answer = requests.post(address, json={"rate": rate}, timeout=10) if on else requests.delete(address, timeout=10)
        assert answer.ok, answer.text

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def make_stockapp(tmp_path):
    made = []

    def make(server, port=None):
        made.append(Stockapp(tmp_path, server, port))
        return made[-1]

    yield make
    for app in made:
        app.stop()


class Receiver:
    """A loopback web hook that remembers (path, JSON body) of every POST."""

    def __init__(self):
        self.received = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.received.append((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_args):
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def at(self, path: str) -> list[dict]:
        return [body for where, body in self.received if where == path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()
