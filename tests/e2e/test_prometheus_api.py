"""What Prometheus' API tells of the server itself and of a query's text: true values, and who may see them."""
import json
import os
import socket
import time
from datetime import datetime, timezone

import pytest
import requests

from server import Telltale


@pytest.fixture
def served(tmp_path):
    settings = tmp_path / "telltale.yml"
    settings.write_text(json.dumps({"query": {"timeout": "77s"}, "smtp": {"url": "smtp://me:hunter2@127.0.0.1:2525"},
                                    "promql": {"features": ["promql-binop-fill-modifiers"]}}))
    server = Telltale(tmp_path, ["--config", str(settings)]).start()
    yield server, settings
    assert server.stop() == 0, server.log_tail()


def data(server, path, **params):
    answer = server.api.get(f"/api/v1/{path}", **params)
    assert answer["status"] == "success"
    return answer["data"]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc).timestamp()


def test_the_server_tells_of_itself(served):
    server, settings = served
    told = data(server, "status/runtimeinfo")
    assert told["hostname"] == socket.gethostname() and told["CWD"] == os.getcwd()
    assert abs(seconds(told["serverTime"]) - time.time()) < 60
    assert seconds(told["startTime"]) <= seconds(told["serverTime"])
    assert told["reloadConfigSuccess"] is True and told["storageRetention"]
    assert data(server, "status/walreplay")["state"] == "done"
    assert data(server, "alertmanagers") == {"activeAlertmanagers": [], "droppedAlertmanagers": []}
    flags = data(server, "status/flags")
    assert flags["query.timeout"] == "1m17s" and flags["server.data_dir"] == str(server.data_dir)
    for path in ("status/flags", "status/config"):
        assert "hunter2" not in json.dumps(data(server, path))
    config = data(server, "status/config")["yaml"]
    assert 'query.timeout: "1m17s"' in config and "<secret>@127.0.0.1:2525" in config
    assert data(server, "notifications") == []
    settings.write_text("query: {timeout: never}\n")
    assert server.api.post("/-/reload").status_code == 400
    assert data(server, "status/runtimeinfo")["reloadConfigSuccess"] is False
    (notice,) = data(server, "notifications")
    assert notice["active"] and "reload" in notice["text"] and abs(seconds(notice["date"]) - time.time()) < 60


def test_features_are_those_that_are_on(served):
    server, _settings = served
    told = data(server, "features")
    assert told["promql"]["fill"] is True and told["promql"]["anchored"] is False
    assert told["promql_functions"]["rate"] is True and told["promql_functions"]["mad_over_time"] is False
    for name, on in told["promql_functions"].items():
        if not on:
            continue
        refused = server.api.http.get(server.url + "/api/v1/parse_query", params={"query": f"{name}(1, 2, 3, 4, 5, 6, 7, 8)"}, timeout=30)
        assert "unknown function" not in refused.text, name


def test_settings_are_for_administrators(served):
    server, _settings = served
    token = server.api.post("/api/telltale/v1/tokens", json={"name": "reader", "role": "viewer"})
    assert token.status_code in (200, 201), token.text
    secret = token.json()["secret"]
    for path, status in (("status/flags", 403), ("status/config", 403), ("status/runtimeinfo", 200), ("features", 200)):
        answer = requests.get(f"{server.url}/api/v1/{path}", headers={"Authorization": f"Bearer {secret}"}, timeout=30)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        assert requests.get(f"{server.url}/api/v1/{path}", timeout=30).status_code == 401


def test_a_query_is_shown_as_a_tree(served):
    server, _settings = served
    tree = data(server, "parse_query", query='sum by (a) (rate(x_total{b=~"c.*"}[5m] offset 1m)) > bool on (a) group_left (d) y @ 12.5')
    assert (tree["type"], tree["op"], tree["bool"]) == ("binaryExpr", ">", True)
    assert tree["matching"] == {"card": "many-to-one", "labels": ["a"], "on": True, "include": ["d"]}
    total = tree["lhs"]
    assert (total["type"], total["op"], total["grouping"], total["without"], total["param"]) == ("aggregation", "sum", ["a"], False, None)
    call = total["expr"]
    assert call["type"] == "call" and call["func"] == {"name": "rate", "argTypes": ["matrix"], "variadic": 0, "returnType": "vector"}
    (selected,) = call["args"]
    assert (selected["type"], selected["name"], selected["range"], selected["offset"]) == ("matrixSelector", "x_total", 300000, 60000)
    assert {"type": "=~", "name": "b", "value": "c.*"} in selected["matchers"]
    right = tree["rhs"]
    assert (right["type"], right["timestamp"], right["startOrEnd"]) == ("vectorSelector", 12500, None)
    tree = data(server, "parse_query", query="-(max_over_time(x[1h:5m] @ end()) + 1.5)")
    assert tree["type"] == "unaryExpr" and tree["expr"]["type"] == "parenExpr"
    added = tree["expr"]["expr"]
    assert added["matching"] is None and added["rhs"] == {"type": "numberLiteral", "val": "1.5"}
    sub = added["lhs"]["args"][0]
    assert (sub["type"], sub["range"], sub["step"], sub["startOrEnd"]) == ("subquery", 3600000, 300000, "end")
    refused = server.api.http.get(server.url + "/api/v1/parse_query", params={"query": "sum("}, timeout=30)
    assert refused.status_code == 400 and refused.json()["errorType"] == "bad_data" and "1:5" in refused.json()["error"]


def test_a_limit_cuts_and_says_so(served):
    server, _settings = served
    api = server.api
    lines = "".join(f'limited{{pod="p{i}",zone="z{i % 2}"}} {i}\n' for i in range(5))
    assert api.post("/api/v1/import/prometheus", data=lines, headers={"Content-Type": "text/plain"}).status_code < 300
    cut = ["results truncated due to limit"]
    now = time.time()
    asked = {"label/pod/values": ({}, [f"p{i}" for i in range(5)]),
             "labels": ({"match[]": "limited"}, ["__name__", "pod", "zone"]),
             "series": ({"match[]": ['limited{zone="z1"}', "limited"]},
                        [{"__name__": "limited", "pod": f"p{i}", "zone": f"z{i % 2}"} for i in range(5)])}
    for path, (params, whole) in asked.items():
        for limit in (0, 2, len(whole), len(whole) + 1):
            answer = api.get(f"/api/v1/{path}", limit=limit, **params)
            cuts = 0 < limit < len(whole)
            assert answer["data"] == (whole[:limit] if cuts else whole), (path, limit)
            assert answer.get("warnings", []) == (cut if cuts else []), (path, limit)
    # Of two selectors the union is cut, not each of them.
    both = api.get("/api/v1/label/pod/values", limit=3, **{"match[]": ['limited{zone="z1"}', 'limited{zone="z0"}']})
    assert (both["data"], both["warnings"]) == (["p0", "p1", "p2"], cut)
    for path, params in (("query", {"query": "sort(limited)", "time": now}),
                         ("query_range", {"query": "limited", "start": now, "end": now, "step": 1})):
        answer = api.get(f"/api/v1/{path}", limit=2, **params)
        assert [s["metric"]["pod"] for s in answer["data"]["result"]] == ["p0", "p1"] and answer["warnings"] == cut
        assert len(api.get(f"/api/v1/{path}", limit=5, **params)["data"]["result"]) == 5
    for path in ("label/pod/values", "labels", "series?match[]=limited", "query?query=1", "query_range?query=1&start=1&end=1&step=1"):
        mark = "&" if "?" in path else "?"
        refused = api.http.get(f"{server.url}/api/v1/{path}{mark}limit=-1", timeout=30)
        assert refused.status_code == 400 and "limit" in refused.json()["error"], path
