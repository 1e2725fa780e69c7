"""Client of the market-data providers: one circuit breaker each, latency and quota measured."""
import logging
import threading

import requests

log = logging.getLogger("stockapp.market")

FAILURES_TO_OPEN = 5
OPEN_FOR_S = 20.0
TIMEOUT_S = 8.0


class MarketDataError(Exception):
    """A provider did not deliver."""


class CircuitOpenError(MarketDataError):
    """The provider is not asked at all, because it failed too often."""


class CircuitBreaker:
    """Opens after consecutive failures; after a pause the next call is the trial that closes or re-opens it."""

    def __init__(self, clock):
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def is_open(self) -> bool:
        with self._lock:
            return self._clock.now() < self._open_until

    def record(self, succeeded: bool) -> None:
        with self._lock:
            self._failures = 0 if succeeded else self._failures + 1
            if self._failures >= FAILURES_TO_OPEN:
                self._open_until = self._clock.now() + OPEN_FOR_S


class MarketData:
    def __init__(self, providers, clock, faults, metrics):
        self._providers = providers
        self._clock = clock
        self._faults = faults
        self._metrics = metrics
        self._breakers = {name: CircuitBreaker(clock) for name in providers.providers}

    def fetch(self, provider: str, ticker: str) -> dict:
        """Asks one provider for one ticker. Raises MarketDataError."""
        if self.is_open(provider):
            self._metrics.external.labels(provider, "rejected").inc()
            raise CircuitOpenError(f"circuit breaker of {provider} is open")
        try:
            with self._metrics.external_duration.labels(provider).time():
                answer = requests.get(f"{self._providers.url}/{provider}/quote", params={"symbol": ticker},
                                      timeout=TIMEOUT_S)
            if answer.status_code != 200:
                raise MarketDataError(answer.json()["error"])
        except (requests.RequestException, MarketDataError) as error:
            self._breakers[provider].record(False)
            self._metrics.external.labels(provider, "failed").inc()
            log.warning("provider %s failed: %s", provider, error, extra={"provider": provider, "ticker": ticker})
            raise error if isinstance(error, MarketDataError) else MarketDataError(str(error)) from error
        self._breakers[provider].record(True)
        self._metrics.external.labels(provider, "succeeded").inc()
        return answer.json()

    def is_open(self, provider: str) -> bool:
        return self._faults.is_on("circuit_breaker_open") or self._breakers[provider].is_open()

    def refresh_gauges(self) -> None:
        for name in self._breakers:
            self._metrics.quota.labels(name).set(self._providers.used_ratio(name))
            self._metrics.breaker.labels(name).set(1 if self.is_open(name) else 0)
