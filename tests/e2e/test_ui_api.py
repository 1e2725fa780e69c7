"""What the web UI asks for, answered from data that the real clients and hand-made OTLP sent."""
import os
import secrets
import subprocess
import time

import pytest
import requests

from api_document import ApiDocument
from payloads import envelope, event, span
from server import ROOT, wait_until

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
    plain = api.get(V1 + "/logs/histogram", by="", where="level=error", **params)
    assert [s["value"] for s in plain["series"]] == [""] and plain["total"] == 30
    refused(api, "/logs/histogram", "buckets", buckets=501)
    refused(api, "/logs/histogram", "end", start=5, end=4)


def test_a_search_with_patience_goes_on_where_it_was(module_server, logs):
    api, rows, end = module_server.api, [], None
    for _ in range(200):
        found = api.get(V1 + "/logs", service=logs, limit=1000, patience_ms=1, **({"end": end} if end else {}))
        rows += [row["message"] for row in found["rows"]]
        if "reached" not in found:
            break
        end = found["reached"]
    assert set(rows) == {row["message"] for row in api.get(V1 + "/logs", service=logs, limit=1000)["rows"]}
    refused(api, "/logs", "patience_ms", patience_ms=10_001)
    refused(api, "/logs", "patience_ms", patience_ms="soon")


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


@pytest.fixture(scope="module")
def traces(module_server):
    """Twelve traces of two services, the first the oldest; every third failed, the i-th took i * 10 ms."""
    api, front, back = module_server.api, "front-" + secrets.token_hex(4), "back-" + secrets.token_hex(4)
    ids = [secrets.token_hex(16) for _ in range(12)]
    now = time.time_ns()
    fronts, backs = [], []
    for i, trace in enumerate(ids):
        start, root = now - (60 - i) * 10**9, secrets.token_hex(8)
        one = span(f"GET /{i}", trace, root)
        one.update(startTimeUnixNano=str(start), endTimeUnixNano=str(start + (i + 1) * 10**7))
        two = span("SELECT", trace)
        two.update(startTimeUnixNano=str(start + 10**6), endTimeUnixNano=str(start + 2 * 10**6), parentSpanId=root, kind=3,
                   status={"code": 2} if i % 3 == 0 else {})
        if i % 3 == 0:
            one["status"] = {"code": 2}
        fronts.append(one)
        backs.append(two)
    assert api.send_spans(fronts, service=front).ok and api.send_spans(backs, service=back).ok
    failed = event("lost " + front, contexts={"trace": {"trace_id": ids[0], "span_id": secrets.token_hex(8)}},
                   tags={"service": front, "shelf": "top"}, user={"id": "u1"}, release="front@1")
    assert api.send_envelope(envelope(("event", failed))).ok
    wait_until(lambda: len(api.rows("spans", service=front)) == 12 and len(api.rows("spans", service=back)) == 12 and
               api.rows("errors", trace_id=ids[0]), what="24 spans and an error")
    return {"front": front, "back": back, "ids": ids}


def test_trace_list(module_server, traces):
    api, ids = module_server.api, traces["ids"]

    def listed(**params):
        answer = api.get(V1 + "/traces", **{"service": traces["back"], **params})
        assert answer["complete"]
        return [trace["trace_id"] for trace in answer["traces"]]

    assert listed() == ids[::-1] and listed(limit=3) == ids[:8:-1]
    assert listed(errors_only="true") == [ids[9], ids[6], ids[3], ids[0]]
    assert listed(min_duration_ms=45, max_duration_ms=75) == [ids[6], ids[5], ids[4]]
    assert listed(where="message=nothing") == []
    oldest = api.get(V1 + "/traces", service=traces["front"], where="message=GET /0")["traces"][0]
    assert oldest["root_name"] == "GET /0" and oldest["root_service"] == traces["front"]
    assert oldest["span_count"] == 2 and oldest["error_count"] == 2 and oldest["duration_ms"] == 10
    assert oldest["services"] == sorted([traces["front"], traces["back"]])
    assert oldest["issue_ids"] == [issue["id"] for issue in api.issues(query=traces["front"])]
    refused(api, "/traces", "min_duration_ms", min_duration_ms="slow")
    refused(api, "/traces", "limit", limit=501)


def test_trace_list_pages(module_server, traces):
    api = module_server.api
    whole = api.get(V1 + "/traces", limit=500)
    assert "next" not in whole
    paged, before = [], None
    while True:
        page = api.get(V1 + "/traces", limit=3, **({"before": before} if before else {}))
        paged += page["traces"]
        before = page.get("next")
        if before is None:
            break
    # Traces of the same start are told apart by id, so that no page repeats or leaves out one.
    assert [t["trace_id"] for t in paged] == [t["trace_id"] for t in whole["traces"]] and len(paged) > 6
    refused(api, "/traces", "before", before="yesterday")


def test_span_events_and_links_are_kept_and_masked(module_server):
    api, trace, other = module_server.api, secrets.token_hex(16), secrets.token_hex(16)
    one = span("with parts", trace_id=trace)
    at = one["startTimeUnixNano"]
    text = lambda key, value: {"key": key, "value": {"stringValue": value}}
    one["events"] = [{"timeUnixNano": at, "name": "exception", "attributes": [text("exception.type", "ValueError"), text("password", "hunter2-secret")]},
                     {"timeUnixNano": at, "name": "retry", "attributes": [{"key": "n", "value": {"intValue": "2"}}]}]
    one["links"] = [{"traceId": other, "spanId": "00f067aa0ba902b7", "attributes": [text("why", "batch")]}]
    assert api.send_spans([one], service="parts").ok
    found = wait_until(lambda: api.trace(trace), what="the span")[0]
    assert found["attributes"]["span.event_count"] == 2 and found["attributes"]["span.link_count"] == 1
    events, links = found["payload"]["events"], found["payload"]["links"]
    assert [e["name"] for e in events] == ["exception", "retry"] and events[1]["attributes"] == {"n": 2}
    assert events[0]["attributes"]["exception.type"] == "ValueError" and "hunter2" not in str(found)
    assert links == [{"trace_id": other, "span_id": "00f067aa0ba902b7", "attributes": {"why": "batch"}}]
    # A Sentry transaction's links, of its root and of a child.
    now, trace = time.time(), secrets.token_hex(16)
    link = {"trace_id": other, "span_id": "00f067aa0ba902b7", "sampled": True, "attributes": {"sentry.link.type": "previous_trace"}}
    ids = {"trace_id": trace, "span_id": "914a31a8eae74aac"}
    transaction = {"type": "transaction", "event_id": secrets.token_hex(16), "transaction": "GET /linked", "start_timestamp": now - 1, "timestamp": now,
                   "contexts": {"trace": {**ids, "op": "http.server", "links": [link]}},
                   "spans": [{"trace_id": trace, "span_id": "a2e2caee4a93468f", "parent_span_id": ids["span_id"], "start_timestamp": now - 1,
                              "timestamp": now, "op": "queue", "links": [link]}]}
    assert api.send_envelope(envelope(("transaction", transaction))).ok
    spans = wait_until(lambda: api.trace(trace), what="the transaction")
    assert [s["payload"]["links"][0]["trace_id"] for s in spans] == [other, other]


def test_overview(module_server, traces, logs):
    api = module_server.api
    of_front = lambda: [s for s in api.get(V1 + "/overview")["services"] if s["service"] == traces["front"]]
    wait_until(lambda: of_front()[0]["new_issues"] == 1, what="the error's issue")
    began = time.monotonic()
    found = api.get(V1 + "/overview")
    assert time.monotonic() - began < 5 and found["complete"] and found["step_s"] == 60
    services = {s["service"]: s for s in found["services"]}
    front = services[traces["front"]]
    assert front["requests"] == 12 and front["errors"] == 4 and front["error_rate"] == pytest.approx(1 / 3)
    assert front["p50_ms"] == pytest.approx(60, rel=0.011) and front["p99_ms"] == pytest.approx(120, rel=0.011)
    assert sum(n for _, n in front["series"]["requests"]) == 12 and sum(n for _, n in front["series"]["errors"]) == 4
    assert front["new_issues"] == 1 and front["regressed_issues"] == 0
    assert traces["back"] not in services, "its spans are outgoing calls"
    assert services[logs]["logs"] == {"info": 60, "warning": 30, "error": 30} and services[logs]["p95_ms"] is None
    kinds = [(change["kind"], change.get("service")) for change in found["changes"]]
    assert ("issue_new", traces["front"]) in kinds
    refused(api, "/overview", "start", start="yesterday")


def test_releases_and_regressions_are_changes(module_server):
    api, service = module_server.api, "rel-" + secrets.token_hex(4)
    now = time.time_ns()
    for release, minutes in (("rel@1", 150), ("rel@1", 20), ("rel@2", 10)):
        body = {"resourceSpans": [{"resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": service}}, {"key": "service.version", "value": {"stringValue": release}}]},
            "scopeSpans": [{"spans": [dict(span("GET /"), startTimeUnixNano=str(now - minutes * 60 * 10**9),
                                           endTimeUnixNano=str(now - minutes * 60 * 10**9 + 10**6))]}]}]}
        assert api.post("/v1/traces", json=body).status_code == 200
    wait_until(lambda: len(api.rows("spans", service=service)) == 3, what="three spans")

    def changes():
        found = api.get(V1 + "/overview", start=time.time() - 7200, end=time.time() + 1)
        releases = [s["releases"] for s in found["services"] if s["service"] == service][0]
        return [(r["release"], r["new"]) for r in releases], [c for c in found["changes"] if c.get("service") == service]

    releases, marks = changes()
    assert releases == [("rel@2", True), ("rel@1", False)]
    assert [(c["kind"], c["title"]) for c in marks] == [("release", "rel@2")]

    text = "again " + secrets.token_hex(4)
    lost = lambda: envelope(("event", event(text, tags={"service": service}, fingerprint=[text])))
    assert api.send_envelope(lost()).ok
    issue = wait_until(lambda: api.issues(query=text), what="the issue")[0]
    assert api.http.put(f"{api.server.url}{V1}/issues/{issue['id']}", json={"status": "resolved"}, timeout=10).ok
    assert api.send_envelope(lost()).ok
    wait_until(lambda: "issue_regressed" in [c["kind"] for c in changes()[1]], what="the regression")


def test_environments_of_issues_are_named(module_server):
    api, name = module_server.api, "env-" + secrets.token_hex(4)
    for environment in (name, name + "-b", None):
        extra = {"environment": environment} if environment else {}
        assert api.send_envelope(envelope(("event", event(f"in {name}", fingerprint=[name], **extra)))).ok
    wait_until(lambda: [i for i in api.issues(query=f"in {name}") if i["event_count"] == 3], what="the issue")
    named = api.get(f"{V1}/environments")["environments"]
    assert named == sorted(named) and [n for n in named if n.startswith(name)] == [name, name + "-b"] and "" not in named
    assert len(api.issues(query=f'"in {name}" environment:{name}-b')) == 1


def test_issue_views(module_server):
    api, text = module_server.api, "view-" + secrets.token_hex(4)
    for i in range(6):
        assert api.send_envelope(envelope(("event", event(f"{text} {i}", fingerprint=[text], release=f"shop@{i // 3}",
                                                          tags={"shelf": "top" if i else "low"}, user={"id": f"u{i % 2}"})))).ok
    issue = wait_until(lambda: [i for i in api.issues(query=text) if i["event_count"] == 6], what="the issue")[0]
    assert sum(issue["trend_24h"]) == 6 and issue["trend_24h"][-1] + issue["trend_24h"][-2] == 6
    assert [len(issue[f"trend_{span}"]) for span in ("24h", "7d", "30d")] == [24, 28, 30]
    assert sum(issue["trend_7d"]) == 6 and issue["trend_30d"][-1] == 6
    path = f"{V1}/issues/{issue['short_id']}"
    rows = api.get(path + "/events", limit=4, payload="true")["rows"]
    assert [row["message"].split()[-1] for row in rows] == ["5", "4", "3", "2"] and "payload" in rows[0]
    assert len(api.get(path + "/events", order="oldest")["rows"]) == 6
    [third] = api.get(path + "/events", event_id=rows[3]["attributes"]["event_id"], payload="true")["rows"]
    assert third["message"] == rows[3]["message"]
    assert api.get(path + "/events", event_id="0" * 32)["rows"] == []
    tags = {tag["key"]: tag["values"] for tag in api.get(path + "/tags")["tags"]}
    assert tags["shelf"] == [{"value": "top", "count": 5}, {"value": "low", "count": 1}]
    assert {v["value"]: v["count"] for v in tags["user_id"]} == {"u0": 3, "u1": 3}
    stats = api.get(path + "/stats")
    assert sum(n for _, n in stats["hours"]) == 6
    assert [(r["release"], r["count"]) for r in stats["releases"]] == [("shop@0", 3), ("shop@1", 3)]
    assert api.http.get(f"{api.server.url}{V1}/issues/999999/events", timeout=10).status_code == 404


def test_similar_issues(module_server):
    api, word = module_server.api, "alike" + "".join(c for c in secrets.token_hex(12) if c.isalpha())
    for i, text in enumerate([f"{word} price of AAPL is missing", f"{word} price of MSFT is missing", f"{word} nobody came"]):
        body = event(text, fingerprint=[f"{word}{i}"]) | {"exception": {"values": [{"type": word, "value": text}]}}
        assert api.send_envelope(envelope(("event", body))).ok
    issues = wait_until(lambda: [i for i in api.issues(query=word) if len(api.issues(query=word)) == 3], what="three issues")
    one = next(i for i in issues if "AAPL" in i["title"])
    found = api.get(f"{V1}/issues/{one['id']}/similar")["similar"]
    assert found and "MSFT" in found[0]["issue"]["title"] and found[0]["same_type"] and found[0]["likeness"] >= 0.5
    assert one["id"] not in [f["issue"]["id"] for f in found]
    assert api.http.get(f"{api.server.url}{V1}/issues/{one['id']}/similar?limit=99", timeout=10).status_code == 400


def test_issue_list_sorts_pages_and_changes_many(module_server):
    api, text = module_server.api, "bulk-" + secrets.token_hex(4)
    for i in range(5):
        for _ in range(i + 1):
            assert api.send_envelope(envelope(("event", event(f"{text} {i}", fingerprint=[text, str(i)])))).ok
    wait_until(lambda: sum(i["event_count"] for i in api.issues(query=text)) == 15, what="fifteen events")
    for sort in ("events", "trend"):
        first = api.get(V1 + "/issues", query=text, sort=sort, limit=2)
        second = api.get(V1 + "/issues", query=text, sort=sort, limit=2, offset=2)
        assert first["total"] == 5 and [i["event_count"] for i in first["issues"] + second["issues"]] == [5, 4, 3, 2]
    refused(api, "/issues", "sort", sort="luck")
    refused(api, "/issues", "offset", offset=-1)

    ids = [issue["id"] for issue in api.issues(query=text)]
    put = lambda body: api.http.put(api.server.url + V1 + "/issues", json=body, timeout=10)
    gone = put({"ids": ids + [999999], "status": "ignored"})
    assert gone.status_code == 404 and "999999" in gone.text
    assert len(api.issues(query=text, status="unresolved")) == 5, "all or none"
    done = put({"ids": ids[:3], "status": "resolved", "assignee": "ada@example.com"})
    assert done.status_code == 200 and {i["status"] for i in done.json()["issues"]} == {"resolved"}
    assert len(api.issues(query=text, status="unresolved")) == 2 and len(api.issues(query=text, assignee="ada@example.com")) == 3
    for body, name in (({"status": "resolved"}, "ids"), ({"ids": ["x"], "status": "resolved"}, "ids"),
                       ({"ids": ids, "status": "gone"}, "status"), ({"ids": ids, "resolved_in": "shop@2"}, "resolved_in"),
                       ({"ids": ids, "colour": "red"}, "colour")):
        answer = put(body)
        assert answer.status_code == 400 and name in answer.json()["error"]["message"], answer.text


def test_around(module_server, traces, logs):
    api = module_server.api
    at = time.time() - 55
    found = api.get(V1 + "/around", time=at, minutes=3, service=traces["front"])
    assert found["logs"] == [] and len(found["spans"]) == 12
    assert [s["attributes"]["span.status"] for s in found["spans"]] == ["error"] * 4 + ["unset"] * 8
    failed = [s["attributes"]["duration_ns"] for s in found["spans"][:4]]
    assert failed == sorted(failed, reverse=True)
    assert len(found["errors"]) == 1 and [i["title"] for i in found["issues"]] == [found["errors"][0]["message"]]
    lines = api.get(V1 + "/around", time=at, minutes=3, service=logs)["logs"]
    levels = [line["level"] for line in lines]
    assert len(lines) == 100 and set(levels[:60]) == {"warning", "error"} and set(levels[60:]) == {"info"}
    everything = api.get(V1 + "/around", time=at)
    assert everything["logs"] and everything["spans"] and {"alerts", "releases"} <= everything.keys()
    refused(api, "/around", "time")
    refused(api, "/around", "minutes", time=at, minutes=61)


def test_search_over_everything(module_server, traces):
    api = module_server.api
    find = lambda text: api.get(V1 + "/search", query=text)
    assert traces["front"] in find(traces["front"].upper())["services"]
    assert find(traces["ids"][3])["traces"] == [traces["ids"][3]] and find(secrets.token_hex(16))["traces"] == []
    assert [i["title"] for i in find("lost " + traces["front"])["issues"]] == ["E2EError: lost " + traces["front"]]
    refused(api, "/search", "query")


def test_views_are_confined_to_the_project(make_server):
    server = make_server()
    server.stop()
    created = subprocess.run([os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale")), "project", "create", "other",
                              "--data-dir", str(server.data_dir)], capture_output=True, text=True, timeout=30)
    assert created.returncode == 0, created.stderr
    api, trace = server.start().api, secrets.token_hex(16)
    send_logs(api, "front", [(1, "ERROR", "one line", {})])
    assert api.send_spans([span("GET /", trace)], service="front").ok
    assert api.send_envelope(envelope(("event", event("front lost it", tags={"service": "front"})))).ok
    issue = wait_until(lambda: api.rows("logs") and api.trace(trace) and api.issues(), what="data of project 1")[0]["id"]
    secret = api.post(V1 + "/tokens", json={"name": "other", "role": "viewer", "project": 2}).json()["secret"]
    other = {"Authorization": f"Bearer {secret}"}
    get = lambda path, **params: requests.get(server.url + V1 + path, params=params, headers=other, timeout=10)
    assert get("/logs/histogram").json()["total"] == 0 and get("/logs/facets").json()["sampled_rows"] == 0
    assert get("/traces").json()["traces"] == [] and get("/issues").json()["total"] == 0
    assert get("/fields").json()["fields"] == []
    overview = get("/overview").json()
    assert overview["services"] == [] and overview["changes"] == []
    around = get("/around", time=time.time()).json()
    assert not any(around.values())
    found = get("/search", query="front").json()
    assert not any(found.values()) and get("/search", query=trace).json()["traces"] == []
    for path in ("/events", "/tags", "/stats"):
        assert get(f"/issues/{issue}{path}").status_code == 404
    assert get("/logs/histogram", project=1).status_code == 403


def test_answers_are_as_described(module_server, traces, logs):
    api, document = module_server.api, ApiDocument(module_server.url)
    issue = api.issues(query=traces["front"])[0]["id"]
    asked = [("/traces", {}), ("/overview", {}), ("/around", {"time": time.time() - 50}), ("/search", {"query": "a"}), ("/issues", {}),
             ("/fields", {"table": "spans"}), (f"/issues/{issue}/events", {"payload": "true"}), (f"/issues/{issue}/tags", {}),
             (f"/issues/{issue}/stats", {}), ("/traces", {"limit": 0}), ("/around", {}), ("/issues/0/tags", {}), ("/overview", {"start": "x"})]
    asked += [(f"/{table}/{view}", {}) for table in ("logs", "spans", "errors") for view in ("histogram", "facets")]
    for path, params in asked:
        document.check(api.http.get(api.server.url + V1 + path, params=params, timeout=30))
    for body in ({"ids": [issue], "assignee": "ada@example.com"}, {"ids": []}, {"ids": [999999], "status": "ignored"}):
        document.check(api.http.put(api.server.url + V1 + "/issues", json=body, timeout=30))
