"""What the web UI asks for, answered from data that the real clients and hand-made OTLP sent."""
import secrets
import time
from collections import Counter

import pytest
import requests

from payloads import envelope, event, span
from server import wait_until

V1 = "/api/telltale/v1"


def send_logs(api, service: str, records) -> None:
    """records: (seconds ago, severity, text, attributes)."""
    now = time.time_ns()
    body = {"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": str(now - int(ago * 1e9)), "severityText": severity, "body": {"stringValue": text},
            "attributes": [{"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
                           for k, v in attributes.items()]} for ago, severity, text, attributes in records]}]}]}
    answer = api.post("/v1/logs", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def logs(module_server):
    """120 lines of one service over the last two minutes."""
    service = "svc-" + secrets.token_hex(4)
    records = [(i, ("INFO", "INFO", "WARN", "ERROR")[i % 4], f"line {i}", {"took": i, "path": f"/p{i % 5}"}) for i in range(120)]
    send_logs(module_server.api, service, records)
    wait_until(lambda: len(module_server.api.rows("logs", service=service)) == 120, what="120 lines")
    return service


def refused(api, path: str, name: str, **params) -> None:
    answer = api.http.get(api.server.url + V1 + path, params=params, timeout=10)
    assert answer.status_code == 400, f"{path} {params} -> {answer.status_code} {answer.text[:300]}"
    error = answer.json()["error"]
    assert error["kind"] == "invalid_argument" and name in error["message"], error


def test_where_conditions(module_server, logs):
    api = module_server.api

    def count(*conditions):
        return len(api.rows("logs", service=logs, where=list(conditions)))

    assert count("level=error") == 30 and count("level!=error") == 90
    assert count("level>=warning") == 60 and count("took>=100") == 20 and count("took<10", "path=/p3") == 2
    assert count("path~^/p[12]$") == 48 and count("path!~[0-3]") == 24
    assert count("host=", "took!=5") == 119 and count("nowhere!=") == 0
    for condition in ("level", "=x", "took>many", "path~("):
        refused(api, "/logs", "where", where=condition)


def test_histogram(module_server, logs):
    api, end = module_server.api, time.time() + 1
    params = dict(service=logs, start=end - 600, end=end, buckets=30)
    found = api.get(V1 + "/logs/histogram", by="level", **params)
    assert found["step_s"] == 30 and found["total"] == 120 and 20 <= len(found["buckets"]) <= 21
    assert {s["value"]: sum(s["counts"]) for s in found["series"]} == {"info": 60, "warning": 30, "error": 30}
    assert all(len(s["counts"]) == len(found["buckets"]) for s in found["series"])
    plain = api.get(V1 + "/logs/histogram", where="level=error", **params)
    assert [s["value"] for s in plain["series"]] == [""] and plain["total"] == 30
    refused(api, "/logs/histogram", "buckets", buckets=501)
    refused(api, "/logs/histogram", "end", start=5, end=4)


def test_facets_and_fields(module_server, logs):
    api = module_server.api
    found = api.get(V1 + "/logs/facets", service=logs, fields="level,path", limit=2)
    assert found["exact"] and found["sampled_rows"] == 120
    level, path = found["facets"]
    assert level["field"] == "level" and level["rows"] == 120 and level["distinct"] == 3
    assert level["values"] == [{"value": "info", "count": 60}, {"value": "error", "count": 30}]
    assert path["distinct"] == 5 and [v["count"] for v in path["values"]] == [24, 24]
    names = [f["field"] for f in api.get(V1 + "/logs/facets", service=logs)["facets"]]
    assert names[:2] == ["level", "service"] and "path" in names and "took" in names and "message" not in names
    fields = {f["name"]: f["rows"] for f in api.get(V1 + "/fields", table="logs")["fields"]}
    assert fields["path"] >= 120 and fields["took"] >= 120 and fields["level"] >= 120
    refused(api, "/logs/facets", "limit", limit=0)
    refused(api, "/fields", "table", table="metrics")
