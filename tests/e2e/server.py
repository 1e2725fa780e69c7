"""The real binary as a child process: started on a free port, killed by its pid, started again on the same data."""
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, timeout: float = 20, pause: float = 0.1, what: str = "condition"):
    """Calls `condition` until it answers something true, and returns that."""
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        last = condition()
        if last:
            return last
        time.sleep(pause)
    raise AssertionError(f"timed out after {timeout} s waiting for {what}; last answer: {last!r}"[:2000])


class Telltale:
    """Owns one server process and its data folder. `arguments` are extra command-line arguments; `tls_ca` is the certificate
    of a server whose settings turn TLS on."""

    def __init__(self, folder: Path, arguments=(), prefix=(), tls_ca=None):
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"{'https' if tls_ca else 'http'}://127.0.0.1:{self.port}"
        self.verify = str(tls_ca) if tls_ca else True
        self.token = "e2e" + secrets.token_hex(16)
        self.dsn_key = secrets.token_hex(16)
        self.arguments = list(arguments)
        self.prefix = list(prefix)
        self.log_path = folder / "telltale.log"
        self.process = None

    @property
    def dsn(self) -> str:
        return f"http://{self.dsn_key}@127.0.0.1:{self.port}/1"

    def start(self, bootstrap: bool = True) -> "Telltale":
        binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
        command = [*self.prefix, binary, "serve", "--data-dir", str(self.data_dir), "--listen", f"127.0.0.1:{self.port}",
                   *self.arguments]
        env = dict(os.environ)
        if bootstrap:
            env.update(TELLTALE_BOOTSTRAP_TOKEN=self.token, TELLTALE_BOOTSTRAP_DSN_KEY=self.dsn_key)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._ready, START_TIMEOUT_S, 0.05, "server to be ready")
        return self

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"server ended with {self.process.returncode}:\n{self.log_tail()}")
        try:
            return requests.get(self.url + "/-/ready", timeout=2, verify=self.verify).status_code == 200
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """kill -9, no warning."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_TIMEOUT_S)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        if self.process and self.process.poll() is None:
            # The group is ours alone (start_new_session); with a prefix such as strace the server is its second member.
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode if self.process else 0

    def restart(self) -> "Telltale":
        self.stop()
        return self.start()

    def alive(self) -> bool:
        return self.process.poll() is None and requests.get(self.url + "/-/healthy", timeout=10).status_code == 200

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    @property
    def api(self) -> "Api":
        return Api(self)


class Api:
    """The public HTTP interface, with the admin token."""

    def __init__(self, server: Telltale):
        self.server = server
        self.http = requests.Session()
        self.http.verify = server.verify
        self.http.trust_env = False  # else REQUESTS_CA_BUNDLE would win over it
        self.http.headers["Authorization"] = f"Bearer {server.token}"

    def get(self, path: str, **params):
        answer = self.http.get(self.server.url + path, params=params, timeout=30)
        assert answer.status_code == 200, f"GET {answer.url} -> {answer.status_code}: {answer.text[:500]}"
        return answer.json()

    def post(self, path: str, **kwargs) -> requests.Response:
        return self.http.post(self.server.url + path, timeout=30, **kwargs)

    def rows(self, table: str, **params) -> list[dict]:
        """table: logs, spans or errors."""
        params.setdefault("limit", 5000)
        return self.get(f"/api/telltale/v1/{table}", **params)["rows"]

    def trace(self, trace_id: str) -> list[dict]:
        """The trace's spans; none while it is unknown."""
        answer = self.http.get(f"{self.server.url}/api/telltale/v1/traces/{trace_id}", timeout=30)
        if answer.status_code == 404:
            return []
        assert answer.status_code == 200, answer.text[:500]
        return answer.json()["spans"]

    def issues(self, **params) -> list[dict]:
        return self.get("/api/telltale/v1/issues", **{"project": 1, **params})["issues"]

    def query(self, promql: str) -> list[dict]:
        return self.get("/api/v1/query", query=promql)["data"]["result"]

    def push_lines(self, lines, labels, start_ns=None) -> requests.Response:
        start_ns = start_ns or time.time_ns()
        values = [[str(start_ns + i), line] for i, line in enumerate(lines)]
        return self.post("/loki/api/v1/push", json={"streams": [{"stream": labels, "values": values}]})

    def send_envelope(self, body: bytes, key=None, headers=None) -> requests.Response:
        auth = {"X-Sentry-Auth": f"Sentry sentry_key={key or self.server.dsn_key}, sentry_version=7, sentry_client=e2e/1.0"}
        return requests.post(f"{self.server.url}/api/1/envelope/", data=body, timeout=30, headers={**auth, **(headers or {})})

    def send_spans(self, spans, service="e2e") -> requests.Response:
        body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                                   "scopeSpans": [{"spans": spans}]}]}
        return self.post("/v1/traces", json=body)
