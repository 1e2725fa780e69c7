"""The application's Prometheus metrics: the epic's business metrics and the four golden signals."""
import os
import threading
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 20)
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * PAGE


class UsageCollector:
    """CPU as a share of one core since the previous scrape, memory as a share of the configured limit."""

    def __init__(self, memory_limit_bytes: int):
        self._limit = memory_limit_bytes
        self._lock = threading.Lock()
        self._last = (time.monotonic(), time.process_time())
        self._ratio = 0.0

    def collect(self):
        with self._lock:
            now, cpu = time.monotonic(), time.process_time()
            elapsed = now - self._last[0]
            if elapsed > 0.5:
                self._ratio = (cpu - self._last[1]) / elapsed
                self._last = (now, cpu)
            ratio = self._ratio
        yield GaugeMetricFamily("process_cpu_usage_ratio", "CPU used since the last scrape, 1 = one core", value=ratio)
        yield GaugeMetricFamily("process_memory_usage_ratio", "Resident memory as a share of the limit",
                                value=resident_bytes() / self._limit)


class Metrics:
    def __init__(self, memory_limit_bytes: int, release: str):
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(UsageCollector(memory_limit_bytes))

        def counter(name, doc, *labels):
            return Counter(name, doc, labels, registry=self.registry)

        def gauge(name, doc, *labels):
            return Gauge(name, doc, labels, registry=self.registry)

        def histogram(name, doc, *labels):
            return Histogram(name, doc, labels, buckets=BUCKETS, registry=self.registry)

        self.registrations = counter("registrations_total", "Users registered")
        self.logins = counter("logins_total", "Log-in attempts", "result")
        self.tier_upgrades = counter("tier_upgrades_total", "Tier changes that were paid", "from_tier", "to_tier")
        self.analyses = counter("analyses_total", "Analyses run", "tier")
        self.analysis_duration = histogram("analysis_duration_seconds", "Duration of an analysis")
        self.chats = counter("chats_started_total", "Chat sessions started", "tier")
        self.exports = counter("exports_total", "Exports made", "tier")
        self.payments = counter("payments_total", "Payments by result", "result")
        self.subscriptions = gauge("active_subscriptions", "Active paid subscriptions")
        self.users_by_tier = gauge("users", "Registered users", "tier")
        self.active_users = gauge("active_users", "Distinct users seen in the last 24 h")
        self.revenue = gauge("mrr", "Monthly recurring revenue in dollars")
        self.requests = counter("http_requests_total", "HTTP requests", "method", "route", "status")
        self.request_duration = histogram("http_request_duration_seconds", "Duration of HTTP requests", "method", "route")
        self.external = counter("external_api_requests_total", "Calls of market-data providers", "provider", "result")
        self.external_duration = histogram("external_api_duration_seconds", "Latency of providers", "provider")
        self.quota = gauge("api_quota_used_ratio", "Share of the provider's quota that is used", "provider")
        self.breaker = gauge("circuit_breaker_open", "1 while the provider's breaker is open", "provider")
        self.build = gauge("stockapp_build_info", "Running release", "release")
        self.build.labels(release).set(1)
        for result in ("succeeded", "failed"):
            self.payments.labels(result)
        for tier in ("free", "basic", "premium"):
            self.analyses.labels(tier)
