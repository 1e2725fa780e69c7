"""Unmodified clients, as applications use them, each checked for what must have arrived."""
import logging
import queue
import secrets
import subprocess
import sys
import time

import logging_loki
import pytest
import requests

from server import wait_until

SENTRY_PROGRAM = """
import sys, sentry_sdk
sentry_sdk.init(dsn=sys.argv[1], release="client@3.2.1", environment="staging", traces_sample_rate=1.0, enable_logs=True)
sentry_sdk.set_tag("request_id", sys.argv[2]); sentry_sdk.set_user({"id": "u-77"})
with sentry_sdk.start_transaction(op="task", name="nightly-" + sys.argv[2]) as transaction:
    with sentry_sdk.start_span(op="db.query", name="SELECT 1"): pass
    print(transaction.trace_id)
    try: {}["absent-key"]
    except KeyError as error: print(sentry_sdk.capture_exception(error))
    sentry_sdk.logger.warning("sdk log of {run}", run=sys.argv[2])
sentry_sdk.flush(10)
"""


def test_sentry_sdk(module_server):
    api, run = module_server.api, "run-" + secrets.token_hex(6)
    out = subprocess.run([sys.executable, "-c", SENTRY_PROGRAM, module_server.dsn, run], check=True, capture_output=True,
                         text=True, timeout=60).stdout.split()
    trace_id = out[0]
    error = wait_until(lambda: api.rows("errors", trace_id=trace_id), what="the error")[0]
    assert "KeyError" in error["message"] and error["request_id"] == run and error["user_id"] == "u-77"
    assert (error["environment"], error["release"]) == ("staging", "client@3.2.1")
    wait_until(lambda: len(api.trace(trace_id)) == 2, what="transaction and its span")
    line = wait_until(lambda: api.rows("logs", query=run), what="the SDK's log")[0]
    assert line["trace_id"] == trace_id and line["level"].startswith("warn")


@pytest.mark.parametrize("version,path", [("0", "/api/prom/push"), ("1", "/loki/api/v1/push")])
def test_loki_handler(module_server, version, path):
    api, marker = module_server.api, secrets.token_hex(8)
    handler = logging_loki.LokiQueueHandler(queue.Queue(), url=module_server.url + path, version=version,
                                            tags={"service": "lokiapp"}, auth=("any", module_server.token))
    logger = logging.getLogger("e2e." + marker)
    logger.addHandler(handler)
    for i in range(20):
        logger.warning("line %d %s \u00e9\u4e16", i, marker)
    rows = wait_until(lambda: (r := api.rows("logs", query=marker)) and len(r) == 20 and r, what="20 lines")
    assert {row["service"] for row in rows} == {"lokiapp"}
    assert len({row["message"] for row in rows}) == 20 and "\u00e9\u4e16" in rows[0]["message"]
    handler.listener.stop()


def test_loki_handler_with_a_wrong_token_is_refused(module_server):
    answer = requests.post(module_server.url + "/loki/api/v1/push", json={"streams": []}, auth=("any", "wrong"), timeout=10)
    assert answer.status_code == 401


def test_otel_sdk_traces(module_server):
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "otelapp", "service.version": "9.1"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(
        endpoint=module_server.url + "/v1/traces", headers={"Authorization": f"Bearer {module_server.token}"})))
    tracer = provider.get_tracer("e2e")
    with tracer.start_as_current_span("parent") as parent:
        parent.set_attribute("enduser.id", "otel-user")
        with tracer.start_as_current_span("child") as child:
            child.record_exception(ValueError("inside"))
        trace_id = format(parent.get_span_context().trace_id, "032x")
    provider.shutdown()
    spans = wait_until(lambda: (s := module_server.api.trace(trace_id)) and
                       len(s) == 2 and s, what="both spans")
    assert {span["message"] for span in spans} == {"parent", "child"}
    assert {span["service"] for span in spans} == {"otelapp"}


def test_otel_sdk_logs(module_server):
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    marker = secrets.token_hex(8)
    provider = LoggerProvider(resource=Resource.create({"service.name": "otellogs"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(
        endpoint=module_server.url + "/v1/logs", compression=Compression.Gzip,
        headers={"Authorization": f"Bearer {module_server.token}"})))
    provider.get_logger("e2e").emit(timestamp=time.time_ns(), body=f"otel says {marker}", severity_text="ERROR",
                                    severity_number=SeverityNumber.ERROR, attributes={"request_id": marker})
    provider.shutdown()
    row = wait_until(lambda: module_server.api.rows("logs", request_id=marker), what="the record")[0]
    assert row["message"] == f"otel says {marker}" and row["level"] == "error" and row["service"] == "otellogs"


def test_prometheus_scrape_of_stockapp(make_server, make_stockapp, tmp_path):
    from server import free_port

    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: stockapp\n    static_configs:\n"
                      f"      - targets: ['127.0.0.1:{port}']\n")
    server = make_server(["--prometheus-config", str(config)])
    app, api = make_stockapp(server, port), server.api
    app.register()
    for _ in range(3):
        app.analyze()
    wait_until(lambda: any(float(s["value"][1]) == 3 for s in api.query('analyses_total{tier="free"}')), what="analyses_total")
    assert api.query("up")[0]["value"][1] == "1"
    assert float(api.query("sum(http_request_duration_seconds_count)")[0]["value"][1]) >= 4
    assert "analyses_total" in api.get("/api/v1/label/__name__/values")["data"]
    assert "job" in api.get("/api/v1/labels")["data"]
    assert api.get("/api/v1/series", **{"match[]": "up"})["data"][0]["job"] == "stockapp"
    now = time.time()
    matrix = api.get("/api/v1/query_range", query="up", start=now - 5, end=now, step=1)["data"]
    assert matrix["resultType"] == "matrix" and matrix["result"]
    app.stop()
    wait_until(lambda: api.query("up == 0"), what="the target to be down")


def test_own_metrics_and_health(module_server):
    assert requests.get(module_server.url + "/-/healthy", timeout=5).status_code == 200
    text = requests.get(module_server.url + "/metrics", timeout=5,
                        headers={"Authorization": f"Bearer {module_server.token}"}).text
    assert "telltale_" in text


def test_queries_need_a_token(module_server):
    for path in ("/api/v1/query?query=up", "/api/telltale/v1/logs", "/api/telltale/v1/issues?project=1"):
        assert requests.get(module_server.url + path, timeout=5).status_code == 401, path
