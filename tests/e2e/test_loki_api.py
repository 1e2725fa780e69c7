"""Loki's read API, request by request as Grafana's data source and its Logs Drilldown app send them."""
import gzip
import json
import secrets
import time

import pytest
import requests

from loki_data import LOKI, Shop


@pytest.fixture(scope="module")
def shop(module_server):
    return Shop(module_server.api)


def values_of(answer) -> list:
    return sorted((v for s in answer["data"]["result"] for v in s["values"]), key=lambda v: int(v[0]))


# ---- The data source's health check, and what it asks first

def test_health_check(shop):
    answer = shop.raw("query", query="vector(1)+vector(1)", time="1700000000500000000")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["resultType"] == "vector"
    assert data["result"] == [{"metric": {}, "value": [1700000000.5, "2"]}]
    assert answer.headers["Content-Type"] == "application/json"


def test_buildinfo_limits_and_ready(shop):
    info = shop.raw("status/buildinfo").json()
    assert info["version"].split(".")[0] == "3" and "telltale" in info["revision"]
    limits = shop.raw("drilldown-limits").json()
    assert limits["pattern_ingester_enabled"] is True and limits["limits"]["volume_enabled"] is True
    assert limits["limits"]["max_entries_limit_per_query"] >= 5000
    assert requests.get(shop.api.server.url + "/ready", timeout=5).text == "ready\n"


# ---- Explore: logs with their volume

def test_range_query_backward_and_forward(shop):
    answer = shop.get("query_range", query=f'{{service_name="{shop.pay}"}}', limit=10, direction="backward", step="2000ms")
    assert answer["status"] == "success" and answer["data"]["resultType"] == "streams"
    assert [[t, line] for t, line in values_of(answer)] == [[str(t), line] for t, line in shop.pay_lines[-10:]]
    for s in answer["data"]["result"]:
        assert s["stream"]["service_name"] == shop.pay and s["stream"]["env"] == "prod"
        times = [int(t) for t, _ in s["values"]]
        assert times == sorted(times, reverse=True)
    forward = shop.get("query_range", query=f'{{service_name="{shop.pay}"}}', limit=10, direction="forward")
    assert values_of(forward) == [[str(t), line] for t, line in shop.pay_lines[:10]]
    summary = answer["data"]["stats"]["summary"]
    assert summary["totalEntriesReturned"] == 10 and summary["totalLinesProcessed"] >= 10 and summary["execTime"] > 0


def test_categorised_and_folded_labels(shop):
    query = f'{{service_name="{shop.web}"}} | json'
    folded = shop.get("query_range", query=query, limit=5)
    assert "encodingFlags" not in folded["data"]
    for s in folded["data"]["result"]:
        assert s["stream"]["pod"] == "web-1" and s["stream"]["trace"].startswith("t") and s["stream"]["req_id"].startswith("r-")
        assert all(len(v) == 2 for v in s["values"])
    answer = shop.raw("query_range", headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"}, query=query, limit=5, **shop.window()).json()
    assert answer["data"]["encodingFlags"] == ["categorize-labels"]
    stream, = answer["data"]["result"]
    assert stream["stream"] == {"service_name": shop.web, "env": "prod", "pod": "web-1"}
    for _, line, extra in stream["values"]:
        assert extra["structuredMetadata"]["trace"].startswith("t")
        assert extra["parsed"]["req_id"] == json.loads(line)["req"]["id"]


def test_metric_query_as_the_volume_of_explore(shop):
    answer = shop.get("query_range", query=f"sum by (service_name) (count_over_time({shop.both}[1m]))", step="60s")
    assert answer["data"]["resultType"] == "matrix"
    totals = {s["metric"]["service_name"]: sum(float(v) for _, v in s["values"]) for s in answer["data"]["result"]}
    assert totals == {shop.web: 120, shop.pay: 60}
    for s in answer["data"]["result"]:
        for t, v in s["values"]:
            assert isinstance(t, (int, float)) and isinstance(v, str)


@pytest.mark.parametrize("form", ["ns", "seconds", "float", "rfc3339"])
def test_forms_of_time(shop, form):
    def text(ns):
        return {"ns": str(ns), "seconds": str(ns // 10**9), "float": f"{ns / 1e9:.3f}",
                "rfc3339": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // 10**9))}[form]
    answer = shop.get("query_range", query=f'{{service_name="{shop.pay}"}}', start=text(shop.at(600)), end=text(shop.at(570)), limit=100)
    assert values_of(answer) == [[str(t), line] for t, line in shop.pay_lines[:3]]  # the end is not in it


@pytest.mark.parametrize("step", ["30", "30s", "0.5m" , "30000ms", "30.0"])
def test_forms_of_step(shop, step):
    answer = shop.raw("query_range", query=f"count_over_time({shop.both}[30s])", step=step, **shop.window())
    if step == "0.5m":
        assert answer.status_code == 400 and "step" in answer.text
        return
    assert answer.status_code == 200, answer.text
    times = sorted({t for s in answer.json()["data"]["result"] for t, _ in s["values"]})
    assert all(b - a == 30 for a, b in zip(times, times[1:])), times


def test_since_interval_and_post(shop):
    since = shop.api.get(f"{LOKI}/query_range", query=shop.both, since="20m", limit=1000)
    assert len(values_of(since)) == 180
    thinned = shop.get("query_range", query=f'{{service_name="{shop.pay}"}}', interval="60s", direction="forward", limit=1000)
    assert [int(v[0]) for v in values_of(thinned)] == [t for t, _ in shop.pay_lines[::6]]
    posted = shop.api.post(f"{LOKI}/query_range", data={"query": shop.both, "limit": "1000", **shop.window()})
    assert posted.status_code == 200 and len(values_of(posted.json())) == 180


def test_answers_are_compressed(shop):
    answer = requests.get(shop.api.server.url + f"{LOKI}/query_range", params={"query": shop.both, "limit": 1000, **shop.window()},
                          headers={"Authorization": f"Bearer {shop.api.server.token}", "Accept-Encoding": "gzip"}, stream=True, timeout=30)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(values_of(json.loads(gzip.decompress(answer.raw.read())))) == 180


# ---- Errors

@pytest.mark.parametrize("query, words", [
    ('{app="x"', "parse error at line 1, col "), ('{app="x"} | json |', "parse error at line 1, col "),
    ('{app=~"("}', "parse error at line 1, col "), ("sum(", "parse error at line 1, col ")])
def test_parse_errors_are_plain_text_with_a_place(shop, query, words):
    answer = shop.raw("query_range", query=query, **shop.window())
    assert answer.status_code == 400 and answer.text.startswith(words), answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path, params, words", [
    ("query_range", {"query": "{}", "limit": "x"}, "limit"), ("query_range", {"query": "{}", "direction": "up"}, "direction"),
    ("query_range", {"query": "{}", "start": "soon"}, "start"), ("query_range", {"query": "{}", "step": "0"}, "step"),
    ("query_range", {"query": "{}", "start": "20", "end": "10"}, "end"), ("query_range", {}, "query"),
    ("query_range", {"query": "rate({}[1m])", "start": "1", "end": "100000000", "step": "1"}, "step"),
    ("query", {"query": '{a="b"}'}, "query"), ("index/volume", {"query": "{", }, "parse error"),
    ("index/volume", {"aggregateBy": "moon"}, "aggregateBy"), ("patterns", {"query": "vector(1)"}, "query")])
def test_bad_parameters_are_named(shop, path, params, words):
    answer = shop.raw(path, **params)
    assert answer.status_code == 400 and words in answer.text, (answer.status_code, answer.text)


def test_unknown_labels_are_empty_successes(shop):
    nothing = '{service_name="nobody-has-this"}'
    assert shop.get("query_range", query=nothing)["data"]["result"] == []
    assert shop.get("query_range", query=f"count_over_time({nothing}[1m])", step="60")["data"]["result"] == []
    assert shop.get("labels", query=nothing)["data"] == []
    assert shop.get("label/no_such_label/values")["data"] == []
    assert shop.get("series", **{"match[]": nothing})["data"] == []
    assert shop.get("index/stats", query=nothing) == {"streams": 0, "chunks": 0, "bytes": 0, "entries": 0}
    assert shop.get("index/volume", query=nothing)["data"] == {"resultType": "vector", "result": []}
    assert shop.get("detected_labels", query=nothing) == {"detectedLabels": []}
    assert shop.get("detected_fields", query=nothing) == {"fields": [], "limit": 1000}
    assert shop.get("detected_field/none/values", query=nothing) == {"values": [], "limit": 1000}
    assert shop.get("patterns", query=nothing) == {"status": "success", "data": []}


# ---- The label browser

def test_labels_values_and_series(shop):
    names = shop.get("labels", query=shop.both)
    assert names == {"status": "success", "data": ["env", "pod", "service_name", "zone"]}
    assert shop.get("label", query=shop.both) == names
    everything = shop.get("labels")["data"]
    assert {"env", "pod", "service_name", "zone"} <= set(everything) and "trace" not in everything
    assert shop.get("label/env/values", query=shop.both)["data"] == ["prod"]
    assert set(shop.get("label/service_name/values", query=shop.both)["data"]) == {shop.web, shop.pay}
    assert {shop.web, shop.pay} <= set(shop.get("label/service_name/values")["data"])
    sets = shop.get("series", **{"match[]": [f'{{service_name="{shop.web}"}}', f'{{service_name="{shop.pay}"}}']})["data"]
    assert sorted(sets, key=lambda s: s["service_name"]) == [{"service_name": shop.pay, "env": "prod", "zone": "eu"},
                                                             {"service_name": shop.web, "env": "prod", "pod": "web-1"}]


def test_stats_are_counts(shop):
    found = shop.get("index/stats", query=shop.both)
    size = sum(len(line) for _, line in shop.web_lines + shop.pay_lines)
    assert found["entries"] == 180 and found["streams"] == 2 and found["chunks"] >= 1
    assert abs(found["bytes"] - size) <= size * 0.01


# ---- Logs Drilldown: services by volume, then one service's labels, fields and patterns

def test_volume_by_service_and_by_label(shop):
    sizes = {shop.web: sum(len(line) for _, line in shop.web_lines), shop.pay: sum(len(line) for _, line in shop.pay_lines)}
    answer = shop.get("index/volume", query=shop.both, limit=100)
    assert answer["status"] == "success" and answer["data"]["resultType"] == "vector"
    found = {s["metric"]["service_name"]: float(s["value"][1]) for s in answer["data"]["result"]}
    assert found.keys() == sizes.keys()
    for service, size in sizes.items():
        assert abs(found[service] - size) <= size * 0.01
    assert [s["metric"] for s in answer["data"]["result"]] == [{"service_name": shop.web}, {"service_name": shop.pay}]
    pods = shop.get("index/volume", query=shop.both, targetLabels="pod")["data"]["result"]
    assert [s["metric"] for s in pods] == [{"pod": "web-1"}]
    labels = shop.get("index/volume", query=shop.both, aggregateBy="labels")["data"]["result"]
    assert {name for s in labels for name in s["metric"]} == {"service_name", "env", "pod", "zone"}
    one = shop.get("index/volume", query=shop.both, limit=1)["data"]["result"]
    assert len(one) == 1


def test_volume_over_time(shop):
    answer = shop.get("index/volume_range", query=shop.both, step="60s", targetLabels="service_name")
    assert answer["data"]["resultType"] == "matrix"
    assert {s["metric"]["service_name"] for s in answer["data"]["result"]} == {shop.web, shop.pay}
    for s in answer["data"]["result"]:
        assert len(s["values"]) >= 10 and all(float(v) > 0 for _, v in s["values"])


def test_levels_of_a_volume(shop):
    answer = shop.get("query_range", query=f'sum by (detected_level) (count_over_time({{service_name="{shop.pay}"}}[11m]))', step="660s")
    found = {}
    for s in answer["data"]["result"]:
        assert set(s["metric"]) == {"detected_level"}
        found[s["metric"]["detected_level"]] = max(float(v) for _, v in s["values"])
    assert found == {"error": 15, "info": 45}


def test_detected_labels(shop):
    found = {f["label"]: f["cardinality"] for f in shop.get("detected_labels", query=shop.both)["detectedLabels"]}
    assert found == {"service_name": 2, "env": 1, "pod": 1, "zone": 1}


def test_detected_fields_of_json_and_logfmt(shop):
    answer = shop.get("detected_fields", query=f'{{service_name="{shop.web}"}} | json | logfmt | drop __error__, __error_details__', limit=1000)
    fields = {f["label"]: f for f in answer["fields"]}
    assert answer["limit"] == 1000
    assert fields["status"]["type"] == "int" and fields["status"]["parsers"] == ["json"] and fields["status"]["cardinality"] == 2
    assert fields["took_s"]["type"] == "float" and fields["req_ok"]["type"] == "boolean"
    assert fields["req_id"] == {"label": "req_id", "type": "string", "cardinality": 120, "parsers": ["json"], "jsonPath": ["req", "id"]}
    assert fields["trace"]["parsers"] is None and fields["trace"]["cardinality"] == 120
    assert not {"service_name", "env", "pod", "tags", "req"} & set(fields)
    pay = {f["label"]: f for f in shop.get("detected_fields", query=f'{{service_name="{shop.pay}"}}')["fields"]}
    assert {name: pay[name]["type"] for name in ("amount", "took", "size", "ok", "msg")} == {
        "amount": "float", "took": "duration", "size": "bytes", "ok": "boolean", "msg": "string"}
    assert pay["user"]["parsers"] == ["logfmt"] and pay["user"]["cardinality"] == 3
    few = shop.get("detected_fields", query=f'{{service_name="{shop.web}"}}', limit=2)
    assert len(few["fields"]) == 2 and few["limit"] == 2


def test_values_of_a_detected_field(shop):
    found = shop.get("detected_field/user/values", query=f'{{service_name="{shop.pay}"}}')
    assert sorted(found["values"]) == ["u0", "u1", "u2"]
    assert shop.get("detected_field/status/values", query=f'{{service_name="{shop.web}"}}', limit=1)["values"] in (["200"], ["500"])


def test_patterns_count_over_time_and_select_their_lines(shop):
    answer = shop.get("patterns", query=f'{{service_name="{shop.pay}"}}', step="60s")
    assert answer["status"] == "success"
    totals = {}
    for entry in answer["data"]:
        assert set(entry) == {"pattern", "level", "samples"}
        for at, count in entry["samples"]:
            assert at % 60 == 0 and count > 0
        totals[entry["pattern"]] = totals.get(entry["pattern"], 0) + sum(c for _, c in entry["samples"])
    assert sum(totals.values()) == 60
    assert {e["level"] for e in answer["data"]} == {"error", "info"}
    for pattern, total in totals.items():
        lines = values_of(shop.get("query_range", query=f'{{service_name="{shop.pay}"}} |> {json.dumps(pattern)}', limit=1000))
        assert len(lines) >= total, pattern
        without = values_of(shop.get("query_range", query=f'{{service_name="{shop.pay}"}} !> {json.dumps(pattern)}', limit=1000))
        assert len(lines) + len(without) == 60


def test_lines_around_a_line_as_explore_asks(shop):
    at, line = shop.pay_lines[30]
    stream = f'{{service_name="{shop.pay}"}}'
    after = shop.get("query_range", query=stream, start=str(at), end=str(at + 7200 * 10**9), direction="forward", limit=11)
    assert values_of(after)[0] == [str(at), line] and len(values_of(after)) == 11
    before = shop.get("query_range", query=stream, start=str(at - 7200 * 10**9), end=str(at), direction="backward", limit=10)
    assert values_of(before) == [[str(t), text] for t, text in shop.pay_lines[20:30]]


def test_format_query(shop):
    good = shop.raw("format_query", query='{app="x"}|="y"')
    assert good.json() == {"status": "success", "data": '{app="x"} |= "y"'}
    bad = shop.raw("format_query", query="{")
    assert bad.status_code == 400 and bad.json()["status"] == "invalid-query" and "parse error" in bad.json()["error"]


# ---- Whose logs

def test_the_credential_decides_and_the_tenant_only_narrows(shop):
    api, url = shop.api, shop.api.server.url
    slug = "other-" + shop.mark
    other = api.post("/api/telltale/v1/projects", json={"slug": slug, "name": slug})
    assert other.status_code in (200, 201), other.text
    project = other.json()["project"]["id"]
    token = api.post("/api/telltale/v1/tokens", json={"name": "loki-" + secrets.token_hex(4), "role": "viewer", "project": project}).json()["secret"]

    def ask(secret, tenant=None, auth=None):
        headers = {"Authorization": f"Bearer {secret}"} if auth is None else {}
        return requests.get(f"{url}{LOKI}/query_range", params={"query": shop.both, **shop.window()}, timeout=10, auth=auth,
                            headers={**headers, **({"X-Scope-OrgID": tenant} if tenant else {})})

    assert ask(token).json()["data"]["result"] == []
    assert ask(token, "1").status_code == 403 and ask(token, slug + "|1").status_code == 403
    assert ask(token, "nobody").status_code == 403
    assert ask(api.server.token, slug).json()["data"]["result"] == []
    for tenant in (None, "1", "1|" + slug, "fake"):
        assert len(values_of(ask(api.server.token, tenant).json())) == 100
    assert len(values_of(ask("", auth=("grafana", api.server.token)).json())) == 100
    assert ask("wrong" * 4).status_code == 401
    ingest = api.post("/api/telltale/v1/tokens", json={"name": "push-" + secrets.token_hex(4), "role": "ingest", "project": 1}).json()["secret"]
    assert ask(ingest).status_code == 403
