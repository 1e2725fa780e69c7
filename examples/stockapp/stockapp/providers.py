"""Local stand-ins for three market-data APIs, each with its own latency, quota and way of failing.

They run as one small HTTP server on a free loopback port, so calling them is a real network call.
"""
import json
import random
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Provider:
    name: str
    median_latency_s: float
    quota: int
    window_s: float
    failure_rate: float
    used: int = 0
    window_start: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def default_providers() -> dict[str, Provider]:
    rows = (Provider("yfinance", 0.04, 20000, 3600, 0.002), Provider("finnhub", 0.06, 6000, 3600, 0.004),
            Provider("alphavantage", 0.09, 50000, 86400, 0.003))
    return {row.name: row for row in rows}


class ProviderServer:
    def __init__(self, clock, faults, seed: int = 7):
        self.providers = default_providers()
        self._clock = clock
        self._faults = faults
        self._random = random.Random(seed)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="providers", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def used_ratio(self, name: str) -> float:
        provider = self.providers[name]
        with provider.lock:
            ratio = provider.used / provider.quota
        return max(ratio, 0.95) if self._faults.is_on("quota_nearly_used") else ratio

    def answer(self, name: str, ticker: str) -> tuple[int, dict]:
        provider = self.providers.get(name)
        if provider is None:
            return 404, {"error": f"no such provider '{name}'"}
        if not self._take_quota(provider):
            return 429, {"error": f"{name}: quota of {provider.quota} requests is used up"}
        latency = provider.median_latency_s * self._random.lognormvariate(0, 0.5)
        self._clock.sleep(3.0 if self._faults.is_on("external_slow") else latency)
        if self._faults.is_on("external_failing") or self._random.random() < provider.failure_rate:
            return 503, {"error": f"{name}: upstream feed is down"}
        price = 50 + sum(map(ord, ticker)) % 300 + self._random.gauss(0, 2)
        headline = self._random.choice(("beats estimates", "misses estimates", "announces buyback", "faces probe"))
        return 200, {"ticker": ticker, "price": round(price, 2), "headlines": [f"{ticker} {headline}"],
                     "volume": self._random.randrange(10**5, 10**7)}

    def _take_quota(self, provider: Provider) -> bool:
        with provider.lock:
            if self._clock.now() - provider.window_start > provider.window_s:
                provider.window_start, provider.used = self._clock.now(), 0
            if provider.used >= provider.quota:
                return False
            provider.used += 1
            return True

    def _handler_class(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                parts = urlsplit(self.path)
                ticker = parse_qs(parts.query).get("symbol", ["?"])[0]
                status, body = outer.answer(parts.path.strip("/").split("/")[0], ticker)
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_args):
                """The providers' own access log is not ours to keep."""

        return Handler
