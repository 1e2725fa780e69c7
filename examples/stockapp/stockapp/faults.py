"""Named faults that an operator switches on and off while the application runs.

This module only knows which faults are on. The code that misbehaves asks `hits(name)` where it would really go
wrong, so that stack traces, spans and metrics look like those of the real failure.
"""
import random
import threading

FAULTS = {
    "error_burst": "half of the analyses raise an unhandled exception",
    "new_error_type": "chat raises an exception type that has never been seen before",
    "slow_endpoint": "every analysis takes 6 s",
    "n_plus_one": "the portfolio is loaded with one query a holding",
    "slow_query": "the history query takes 1.3 s in the database",
    "external_slow": "market-data providers answer after 3 s",
    "external_failing": "market-data providers answer 503",
    "quota_nearly_used": "95 % of every provider's quota is used",
    "circuit_breaker_open": "the breakers of all providers are held open",
    "payment_failures": "the card processor declines every payment",
    "cpu_hog": "a background thread burns a core",
    "memory_growth": "memory grows to 95 % of the limit",
    "log_flood": "a background thread writes 200 log lines a second",
    "secrets_in_logs": "passwords, keys and card numbers are logged and raised",
    "bad_release": "a new release is deployed that breaks a third of the requests",
}

# What a careless developer would leak. None of these is real; tests look for them where they must not be.
PLANTED_SECRETS = {
    "password": "hunter2-Tr0ub4dor-planted",
    "card": "4111 1111 1111 1111",
    "bearer": "plantedBearer0f3a9c7e51d24b68",
    "aws_key": "AKIAPLANTED7EXAMPLE3",
    "url_password": "pl4nted-db-pass",
    "ssn": "078-05-1120",
}

DEFAULT_RATE = {"error_burst": 0.5, "new_error_type": 0.3, "bad_release": 0.33}


class UnknownFault(KeyError):
    pass


class Faults:
    """Thread-safe set of active faults. Listeners are told of each change, outside the lock."""

    def __init__(self, seed: int | None = None):
        self._lock = threading.Lock()
        self._rates: dict[str, float] = {}
        self._random = random.Random(seed)
        self._listeners = []

    def on_change(self, listener) -> None:
        """listener(name, active) is called after every switch."""
        self._listeners.append(listener)

    def switch_on(self, name: str, rate: float | None = None) -> None:
        self._require(name)
        if rate is None:
            rate = DEFAULT_RATE.get(name, 1.0)
        if not 0.0 < rate <= 1.0:
            raise ValueError("rate must be greater than 0 and at most 1")
        with self._lock:
            self._rates[name] = rate
        self._tell(name, True)

    def switch_off(self, name: str) -> None:
        self._require(name)
        with self._lock:
            self._rates.pop(name, None)
        self._tell(name, False)

    def is_on(self, name: str) -> bool:
        self._require(name)
        with self._lock:
            return name in self._rates

    def hits(self, name: str) -> bool:
        """True when the fault is on and strikes this time."""
        self._require(name)
        with self._lock:
            rate = self._rates.get(name)
            return rate is not None and self._random.random() < rate

    def active(self) -> dict[str, float]:
        with self._lock:
            return dict(self._rates)

    def _tell(self, name: str, active: bool) -> None:
        for listener in self._listeners:
            listener(name, active)

    @staticmethod
    def _require(name: str) -> None:
        if name not in FAULTS:
            raise UnknownFault(f"unknown fault '{name}'; known: {', '.join(sorted(FAULTS))}")
