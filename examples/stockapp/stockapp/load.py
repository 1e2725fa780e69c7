"""Open-loop load: requests leave at the asked rate whether or not earlier ones have come back.

Users register, log in, look at prices, chat, upgrade and export in the proportions of a small real site.
The seed fixes who does what in which order.
"""
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests

from stockapp.models import TICKERS

WEIGHTS = {"analyze": 48, "portfolio": 14, "history": 12, "chat": 10, "login": 6, "export": 4, "upgrade": 3, "missing": 3}
PASSWORD = "correct horse battery"
WORKERS = 32


class SimulatedUser:
    """One browser: a cookie jar and a lock, because a browser session is used by one request at a time here."""

    def __init__(self, url: str, email: str):
        self._url = url
        self._email = email
        self._http = requests.Session()
        self.lock = threading.Lock()

    def enter(self) -> None:
        body = {"email": self._email, "password": PASSWORD}
        if self._post("/api/login", body).status_code == 401:
            self._post("/api/register", body)

    def act(self, action: str, ticker: str, tier: str) -> int:
        if action == "analyze":
            answer = self._post("/api/analysis/analyze", {"ticker": ticker})
        elif action == "chat":
            answer = self._post("/api/chat", {"question": f"Should I buy {ticker}?"})
        elif action == "upgrade":
            answer = self._post("/api/upgrade", {"tier": tier})
        elif action == "login":
            answer = self._post("/api/login", {"email": self._email, "password": PASSWORD})
        else:
            path = {"portfolio": "/api/portfolio", "history": "/api/analysis/history", "export": "/api/export",
                    "missing": "/favicon.ico"}[action]
            answer = self._http.get(self._url + path, timeout=30)
        return answer.status_code

    def _post(self, path: str, body: dict) -> requests.Response:
        return self._http.post(self._url + path, json=body, timeout=30)


def drive(url: str, rate: float, duration: float, seed: int, user_count: int = 20) -> int:
    """Returns 0 when at least one request was answered. Prints a summary by status."""
    if rate <= 0:
        raise SystemExit("--rate must be positive")
    print(f"load: seed {seed}, {rate} requests/s", flush=True)
    rng = random.Random(seed)
    users = [SimulatedUser(url, f"user{i}@example.com") for i in range(user_count)]
    seen: Counter = Counter()
    entered = set()

    def one(user: SimulatedUser, action: str, ticker: str, tier: str) -> None:
        with user.lock:
            try:
                if user not in entered:
                    user.enter()
                    entered.add(user)
                seen[user.act(action, ticker, tier)] += 1
            except requests.RequestException as error:
                seen[type(error).__name__] += 1

    end = time.monotonic() + duration if duration > 0 else float("inf")
    due = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            while due < end:
                time.sleep(max(0.0, due - time.monotonic()))
                action = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                pool.submit(one, rng.choice(users), action, rng.choice(TICKERS), rng.choice(("basic", "premium")))
                due += rng.expovariate(rate)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
    print("load: " + ", ".join(f"{k}: {v}" for k, v in sorted(seen.items(), key=str)), flush=True)
    return 0 if any(isinstance(k, int) for k in seen) else 1
