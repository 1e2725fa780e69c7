"""Each fault makes the failure it is named after, and nothing of it is left when it is off."""
import io
import json
import logging
import time

import pytest

from stockapp import telemetry
from stockapp.app import create_app
from stockapp.faults import FAULTS, PLANTED_SECRETS
from stockapp.settings import Settings

USER = {"email": "a@example.com", "password": "secret-enough"}


@pytest.fixture
def app(tmp_path):
    app = create_app(Settings(database=str(tmp_path / "app.sqlite"), time_scale=50, memory_limit_mb=4096), observed=False)
    for provider in app.extensions["stockapp"].providers.providers.values():
        provider.failure_rate = 0.0
    yield app
    app.extensions["stockapp"].close()


@pytest.fixture
def client(app):
    client = app.test_client()
    assert client.post("/api/register", json=USER).status_code == 201
    return client


def analyze(client, ticker="AAPL"):
    return client.post("/api/analysis/analyze", json={"ticker": ticker})


def switch(client, name, on=True, rate=None):
    path = f"/admin/faults/{name}"
    answer = client.post(path, json={"rate": rate} if rate else {}) if on else client.delete(path)
    assert answer.status_code == 200


def metric(client, line_start):
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(line_start))


def test_a_healthy_day(client):
    assert analyze(client).status_code == 200
    assert client.post("/api/chat", json={"question": "why?"}).status_code == 200
    assert client.get("/api/export").status_code == 403
    assert client.post("/api/upgrade", json={"tier": "premium"}).status_code == 200
    assert analyze(client, "MSFT").status_code == 200
    assert client.get("/api/export").text.count("\n") == 3
    assert len(client.get("/api/portfolio").json["holdings"]) == 12
    assert len(client.get("/api/analysis/history").json) == 2
    assert metric(client, 'analyses_total{tier="free"}') == 1
    assert metric(client, 'analyses_total{tier="premium"}') == 1
    assert metric(client, "active_subscriptions") == 1
    assert metric(client, "mrr") == 29
    assert metric(client, 'payments_total{result="succeeded"}') == 1


def test_bad_requests_name_the_field(client):
    assert "ticker" in analyze(client, "12?").json["error"]
    assert "tier" in client.post("/api/upgrade", json={"tier": "gold"}).json["error"]
    assert client.post("/api/login", json={"email": 3, "password": "x"}).status_code == 400
    assert client.post("/admin/faults/nonsense").status_code == 404
    assert client.post("/admin/faults/error_burst", json={"rate": 7}).status_code == 400


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_switches_on_and_off(client, name):
    switch(client, name)
    assert name in client.get("/admin/faults").json["active"]
    switch(client, name, on=False)
    assert client.get("/admin/faults").json["active"] == {}
    assert analyze(client).status_code == 200


@pytest.mark.parametrize("name", ["error_burst", "bad_release"])
def test_faults_that_break_analyses(client, name):
    switch(client, name, rate=1.0)
    assert analyze(client).status_code == 500
    assert metric(client, 'http_requests_total{method="POST",route="/api/analysis/analyze",status="500"}') == 1
    if name == "bad_release":
        assert client.get("/healthz").json["release"].endswith("-bad")


def test_new_error_types_differ_each_time(client, app):
    app.testing = True
    switch(client, "new_error_type", rate=1.0)
    names = set()
    for _ in range(3):
        with pytest.raises(RuntimeError) as caught:
            client.post("/api/chat", json={"question": "hm?"})
        names.add(type(caught.value).__name__)
    assert len(names) == 3


def test_slow_query_is_slow_in_the_database(client):
    switch(client, "slow_query")
    started = time.monotonic()
    assert client.get("/api/analysis/history").status_code == 200
    assert 1.2 < time.monotonic() - started < 4


def test_n_plus_one_asks_once_a_holding(client, app):
    from sqlalchemy import event

    statements = []
    engine = app.extensions["stockapp"].sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    good = client.get("/api/portfolio").json
    few = len(statements)
    switch(client, "n_plus_one")
    assert client.get("/api/portfolio").json == good
    assert len(statements) - few > few + 10


def test_providers_fail_and_the_breaker_opens(client):
    switch(client, "external_failing")
    for _ in range(6):
        assert analyze(client).status_code == 503
    assert metric(client, 'circuit_breaker_open{provider="yfinance"}') == 1
    assert metric(client, 'external_api_requests_total{provider="yfinance",result="rejected"}') == 1


def test_forced_breaker_and_quota_gauges(client):
    switch(client, "circuit_breaker_open")
    switch(client, "quota_nearly_used")
    assert analyze(client).status_code == 503
    assert metric(client, "circuit_breaker_open{") == 3
    assert metric(client, 'api_quota_used_ratio{provider="finnhub"}') == 0.95


def test_quota_runs_out_and_comes_back(app):
    providers = app.extensions["stockapp"].providers
    provider = providers.providers["yfinance"]
    provider.used = provider.quota
    assert providers.answer("yfinance", "KO")[0] == 429
    provider.window_start = -2 * provider.window_s
    assert providers.answer("yfinance", "KO")[0] == 200


def test_payment_failures_keep_the_tier(client):
    switch(client, "payment_failures")
    assert client.post("/api/upgrade", json={"tier": "basic"}).status_code == 402
    assert metric(client, 'payments_total{result="failed"}') == 1
    assert metric(client, "active_subscriptions") == 0


def test_cpu_hog_shows_in_the_gauge(client):
    switch(client, "cpu_hog")
    client.get("/metrics")
    started, used = time.monotonic(), time.process_time()
    # However little of a core a busy machine gives us: this thread sleeps, so what is used is the fault's. The gauge takes
    # half a second at least, however much of one a quick machine gives.
    while min(time.process_time() - used, time.monotonic() - started - 0.2) < 0.4 and time.monotonic() - started < 30:
        time.sleep(0.05)
    share = (time.process_time() - used) / (time.monotonic() - started)
    usage = metric(client, "process_cpu_usage_ratio")
    switch(client, "cpu_hog", on=False)
    assert time.process_time() - used >= 0.4
    assert usage > share / 2


def test_structured_lines_carry_the_request(client, caplog):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(telemetry.ContextFilter(lambda: "r1"))
    handler.setFormatter(telemetry.json_formatter())
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.INFO):
            answer = analyze(client, "TSLA")
    finally:
        logging.getLogger().removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    started = next(line for line in lines if line["message"] == "Stock analysis started")
    assert started["request_id"] == answer.headers["X-Request-ID"]
    assert (started["ticker"], started["tier"], started["level"]) == ("TSLA", "free", "INFO")
    assert started["timestamp"].endswith("Z") and started["user_id"] == 1 and started["logger"] == "stockapp.analysis"


def test_planted_secrets_are_really_logged(client, caplog):
    switch(client, "secrets_in_logs")
    with caplog.at_level(logging.INFO):
        client.post("/api/login", json=USER)
    text = caplog.text + " ".join(str(vars(record)) for record in caplog.records)
    for secret in PLANTED_SECRETS.values():
        assert secret in text


def test_not_found_is_not_an_error():
    from werkzeug.exceptions import InternalServerError, NotFound

    assert telemetry.drop_expected_errors({}, {"exc_info": (NotFound, NotFound(), None)}) is None
    assert telemetry.drop_expected_errors({"a": 1}, {"exc_info": (InternalServerError, InternalServerError(), None)})
    assert telemetry.drop_expected_errors({"a": 1}, {}) == {"a": 1}
