"""The store for numbers through Prometheus' API: where series come from, and deleting."""
import os
import re
import subprocess
import time

import pytest

from server import ROOT, wait_until

BINARY = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))


@pytest.fixture(scope="module")
def stored(module_server):
    """Three metrics of six series, pushed as text; the time of their samples in seconds."""
    now = int(time.time()) - 30
    text = "".join(f'stored_{name}{{host="h{host}",run="store"}} {host} {now * 1000}\n'
                   for name, hosts in (("a", 3), ("b", 2), ("c", 1)) for host in range(hosts))
    answer = module_server.api.post("/api/v1/import/prometheus", data=text, headers={"Content-Type": "text/plain"})
    assert answer.status_code < 300, answer.text
    wait_until(lambda: len(module_server.api.get("/api/v1/series", **{"match[]": '{run="store"}'})["data"]) == 6, what="the series")
    return now


def test_where_series_come_from(module_server, stored):
    told = module_server.api.get("/api/v1/status/tsdb", **{"match[]": '{run="store"}', "limit": 2})["data"]
    assert told["headStats"]["numSeries"] == 6
    assert told["seriesCountByMetricName"] == [{"name": "stored_a", "value": 3}, {"name": "stored_b", "value": 2}]
    assert {"name": "host", "value": 3} in told["labelValueCountByLabelName"]
    assert {"name": "run=store", "value": 6} in told["seriesCountByLabelValuePair"]
    # Of another time there is nothing.
    told = module_server.api.get("/api/v1/status/tsdb", **{"match[]": '{run="store"}', "start": stored + 60})["data"]
    assert told["headStats"]["numSeries"] == 0
    refused = module_server.api.http.get(module_server.url + "/api/v1/status/tsdb", params={"limit": "many"}, timeout=30)
    assert refused.status_code == 400 and "limit" in refused.json()["error"]


def test_the_values_of_one_label(module_server, stored):
    def told(**more):
        return module_server.api.get("/api/v1/status/tsdb", **{"match[]": '{run="store"}', **more})["data"]

    # Also when they would not be among the first of all pairs.
    values = told(focusLabel="host", limit=2)
    assert values["seriesCountByFocusLabelValue"] == [{"name": "h0", "value": 3}, {"name": "h1", "value": 2}]
    assert len(values["seriesCountByLabelValuePair"]) == 2 and len(values["seriesCountByMetricName"]) == 2
    assert told(focusLabel="nothing")["seriesCountByFocusLabelValue"] == []
    assert "seriesCountByFocusLabelValue" not in told()


def test_what_a_query_cost(module_server, stored):
    def told(path, **params):
        return module_server.api.get(path, **params)["data"].get("stats")

    query = {"query": 'sum(stored_a{run="store"})', "time": stored}
    assert told("/api/v1/query", **query) is None
    for stats in ("all", "true"):
        cost = told("/api/v1/query", stats=stats, **query)
        # Added up as it is read: no more than one series at a time.
        assert cost["samples"] == {"totalQueryableSamples": 3, "peakSamples": 1, "seriesRead": 3, "samplesRead": 3}
        assert set(cost["timings"]) == {"evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execTotalTime"}
        assert all(seconds >= 0 for seconds in cost["timings"].values())
    ranged = told("/api/v1/query_range", query='stored_a{run="store"}', start=stored, end=stored + 20, step=10, stats="all")
    assert ranged["samples"]["totalQueryableSamples"] == 9 and ranged["samples"]["samplesRead"] == 3


def test_deleted_samples_are_gone(module_server, stored):
    def left():
        return {s["host"] for s in module_server.api.get("/api/v1/series", **{"match[]": 'stored_a{run="store"}'})["data"]}

    def delete(**params):
        return module_server.api.post("/api/v1/admin/tsdb/delete_series", params=params)

    refused = delete()
    assert refused.status_code == 400 and "match[]" in refused.json()["error"]
    assert delete(**{"match[]": 'stored_a{host="h1"}'}).status_code == 204
    assert left() == {"h0", "h2"}
    # A range that holds none of the samples deletes none.
    assert delete(**{"match[]": "stored_a", "end": stored - 60}).status_code == 204
    assert left() == {"h0", "h2"}


def test_a_snapshot_is_restored_as_a_backup_is(make_server, tmp_path):
    server = make_server()
    text = f"kept 7 {int(time.time() * 1000)}\n"
    assert server.api.post("/api/v1/import/prometheus", data=text, headers={"Content-Type": "text/plain"}).status_code < 300
    wait_until(lambda: server.api.query("kept"), what="the sample")
    path = "/api/v1/admin/tsdb/snapshot"
    assert server.api.post(path, params={"skip_head": "perhaps"}).status_code == 400
    assert server.api.http.post(server.url + path, headers={"Authorization": "Bearer nobody"}, timeout=30).status_code == 401
    told = server.api.post(path).json()
    assert told["status"] == "success", told
    name = told["data"]["name"]
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{16}", name)
    snapshot, target = server.data_dir / "snapshots" / name, tmp_path / "restored"
    for command in (["restore", str(snapshot)], ["verify"]):
        done = subprocess.run([BINARY, *command, "--data-dir", str(target)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    assert server.api.post("/api/v1/admin/tsdb/clean_tombstones").status_code == 204


def test_a_query_is_formatted(module_server):
    assert module_server.api.get("/api/v1/format_query", query="sum(rate( a[5m]))by(b)")["data"] == "sum by (b) (rate(a[5m]))"
