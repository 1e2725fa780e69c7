"""The description of the API: valid in itself, and true of the real server's answers."""
import secrets
import time

import pytest
import requests
from openapi_spec_validator import validate

from api_document import PREFIX, ApiDocument
from payloads import span
from server import wait_until


@pytest.fixture(scope="module")
def document(module_server):
    return ApiDocument(module_server.url)


@pytest.fixture(scope="module")
def filled(module_server):
    """The server with a log record, a span and an error that belong together."""
    api, trace, span_id = module_server.api, secrets.token_hex(16), secrets.token_hex(8)
    now = time.time_ns()
    assert api.push_lines(['{"msg": "for the document", "trace_id": "%s"}' % trace], {"service": "doc", "level": "error"}).ok
    assert api.send_spans([{"traceId": trace, "spanId": span_id, "name": "GET /doc", "kind": 2, "startTimeUnixNano": str(now - 10**7),
                            "endTimeUnixNano": str(now)}], service="doc").ok
    event = secrets.token_hex(16)
    body = ('{"event_id": "%s"}\n{"type": "event"}\n{"event_id": "%s", "message": "boom", "level": "error", "contexts": '
            '{"trace": {"trace_id": "%s", "span_id": "%s"}}}\n' % (event, event, trace, span_id))
    assert api.send_envelope(body.encode()).ok
    wait_until(lambda: api.issues() and api.trace(trace) and api.rows("logs", service="doc"), what="the rows")
    module_server.trace_id = trace
    return module_server


def test_the_document_is_valid(document):
    validate(document.document)
    names = [operation["operationId"] for _, _, operation in document.operations()]
    assert len(names) == len(set(names))


def test_objects_say_whether_they_are_closed(document):
    """A client's generator and this suite can tell a wrong field only where nothing else is allowed."""
    def walk(node, where):
        if isinstance(node, dict):
            if node.get("type") == "object" and where[-1] != "openapi.json":
                assert "additionalProperties" in node, "/".join(map(str, where))
            for key, value in node.items():
                if key not in ("examples", "example"):
                    yield from walk(value, [*where, key])
        elif isinstance(node, list):
            for index, value in enumerate(node):
                yield from walk(value, [*where, index])
        yield where

    paths = {p: v for p, v in document.document["paths"].items() if not p.endswith("openapi.json")}
    assert sum(1 for _ in walk(paths, ["paths"])) > 100
    assert sum(1 for _ in walk(document.document["components"], ["components"])) > 100


def test_searches_answer_as_described(filled, document):
    get = lambda path, **params: document.check(filled.api.http.get(filled.url + PREFIX + path, params=params, timeout=30))
    for table in ("logs", "spans", "errors"):
        assert get(table, service="doc" if table != "errors" else None)["rows"]
    assert get("errors", payload="true")["rows"]
    assert get("related", trace_id=filled.trace_id)["logs"]
    assert get("traces/" + filled.trace_id)["spans"]
    get("traces/" + "0" * 31 + "1")
    get("traces/none")
    issues = get("issues")["issues"]
    assert get("issues/" + issues[0]["short_id"])["issue"]["id"] == issues[0]["id"]
    get("issues/999999")
    get("logs", limit="many")
    put = filled.api.http.put(filled.url + PREFIX + f"issues/{issues[0]['id']}", json={"status": "ignored"}, timeout=30)
    assert document.check(put)["issue"]["status"] == "ignored"


def test_views_answer_as_described(filled, document):
    api, now = filled.api, time.time()

    def get(path, **params):
        answer = api.http.get(filled.url + PREFIX + path, params=params, timeout=30)
        body = document.check(answer)
        assert answer.status_code == 200, f"{path} {params}: {answer.text[:300]}"
        return body

    assert get("overview")["services"]
    assert get("overview", start=now - 600, end=now + 1, project=1)["services"]
    around = get("around", time=now, minutes=5)
    assert around["logs"] and get("around", time=now, minutes=5, service="doc")
    assert get("search", query="boom")
    assert get("search", query=filled.trace_id)
    for table in ("logs", "spans", "errors"):
        assert get(f"{table}/histogram")["total"] > 0
        assert get(f"{table}/histogram", by="service", buckets=5, start=now - 60, end=now + 1)["series"]
        assert get(f"{table}/facets")["facets"]
        assert get(f"{table}/facets", fields="level,service", limit=1)["facets"]
        assert get("fields", table=table)["fields"]
    assert api.send_spans([span("GET /another")], service="doc").ok
    page = wait_until(lambda: next((p for p in [get("traces", limit=1)] if "next" in p), None), what="a second page of traces")
    get("traces", limit=1, before=page["next"])
    for path, params in (("traces", {"before": "x"}), ("logs/histogram", {"buckets": 0}), ("fields", {"table": "none"}), ("search", {}),
                         ("around", {"time": "noon"}), ("overview", {"start": 5, "end": 4}), ("logs/facets", {"limit": "all"})):
        answer = api.http.get(filled.url + PREFIX + path, params=params, timeout=30)
        document.check(answer)
        assert answer.status_code == 400, f"{path} {params} -> {answer.status_code}"


def test_every_operation_refuses_strangers_as_described(filled, document):
    for method, path, operation in document.operations():
        public = operation.get("security") == []
        url = filled.url + path.replace("{trace_id}", "0" * 31 + "1").replace("{id}", "1").replace("{key}", "0" * 32)
        answer = requests.request(method, url, timeout=30)
        if path.endswith("/tail"):
            assert answer.status_code in (404, 426)
            continue
        document.check(answer)
        assert public or answer.status_code == 401, f"{method} {path} -> {answer.status_code}"
