"""Numbers and alerts out of log lines: made through the API, read through PromQL, told to receivers, over restarts and kills."""
import time

import pytest
import requests

from api_document import PREFIX, ApiDocument
from server import wait_until

CONFIG = """
net: {{outbound_allow: ["127.0.0.1"]}}
alerting: {{group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
rules: {{files: ["{rules}"]}}
receivers:
  - {{name: ops, type: webhook, url: "{url}/ops"}}
  - {{name: web, type: webhook, url: "{url}/web"}}
"""
RULES = """
groups:
  - name: lines
    type: logql
    interval: 1s
    rules:
      - record: lines:rate1m
        expr: sum by (app) (rate({app="shop"}[1m]))
      - alert: FileTimeouts
        expr: sum by (app) (count_over_time({app="shop"} |= "file-timeout" [5m])) > 1
        annotations: {summary: "{{ $value }} timeouts of {{ $labels.app }}"}
"""


class Rig:
    def __init__(self, server):
        self.server, self.document = server, ApiDocument(server.url)

    def ask(self, method, path, status, **body):
        answer = self.server.api.http.request(method, self.server.url + PREFIX + path, json=body or None, timeout=30)
        found = self.document.check(answer)
        assert answer.status_code == status, f"{method} {path} -> {answer.status_code} {answer.text[:300]}"
        return found

    def metric(self, **body):
        return self.ask("POST", "log-metrics", 201, **body)["metric"]

    def push(self, *lines, age_s=0, **labels):
        assert self.server.api.push_lines(list(lines), {"app": "shop", **labels}, start_ns=time.time_ns() - int(age_s * 1e9)).ok

    def value(self, promql):
        found = self.server.api.query(promql)
        return float(found[0]["value"][1]) if found else None

    def wait_value(self, promql, want, timeout=40):
        wait_until(lambda: self.value(promql) == want, timeout, 0.5, f"{promql} to be {want}; it is {self.value(promql)}")


@pytest.fixture()
def rig(make_server, receiver, tmp_path):
    rules, config = tmp_path / "rules.yml", tmp_path / "telltale.yml"
    rules.write_text(RULES)
    config.write_text(CONFIG.format(url=receiver.url, rules=rules))
    return Rig(make_server(["--config", str(config)]))


def test_metrics_out_of_log_lines_over_restarts_and_kills(rig):
    rig.push("failed before it was made", route="/a")
    counter = rig.metric(name="failed_total", kind="counter", query='{app="shop"} |= "failed"', by=["route"])
    rig.metric(name="took_seconds", kind="histogram", query='{app="shop"} | logfmt', field="took", conversion="duration", buckets=[0.1, 1])
    rig.metric(name="users_1d", kind="distinct", query='{app="shop"} | logfmt', field="user", window="1d")
    rig.push("failed took=50ms user=ada", "failed took=500ms user=bob", "fine took=5s user=ada", route="/a")
    rig.push("failed, late", route="/a", age_s=600)
    rig.push("failed, too late", route="/a", age_s=7200)
    rig.push("failed user=eve token=ghp_" + "a1B2" * 9, route="/b")
    rig.wait_value('failed_total{route="/a"}', 3)
    rig.wait_value("users_1d", 3)
    assert rig.value('failed_total{route="/b"}') == 1
    assert rig.value('took_seconds_bucket{le="0.1"}') == 1 and rig.value('took_seconds_bucket{le="+Inf"}') == 3
    assert rig.value("took_seconds_sum") == 5.55
    assert rig.value("increase(failed_total[5m])") is not None
    state = rig.ask("GET", f"log-metrics/{counter['id']}", 200)["metric"]["state"]
    assert state["matched"] == 4 and state["late"] == 1 and state["series"] == 2
    # A rate over the first lines is there, because the series began with a zero.
    assert rig.value('max_over_time(failed_total{route="/a"}[5m])') == 3 and rig.value('min_over_time(failed_total{route="/a"}[5m])') == 0
    assert rig.value('histogram_quantile(0.5, sum by (le) (rate(took_seconds_bucket[5m])))') > 0

    rig.server.restart()
    rig.push("failed again", route="/a")
    rig.wait_value('failed_total{route="/a"}', 4)
    rig.push(*["failed and killed"] * 5, route="/a")
    rig.server.kill()
    rig.server.start()
    rig.push("failed after the kill", route="/a")
    rig.wait_value('failed_total{route="/a"}', 10)
    assert rig.value('resets(failed_total{route="/a"}[10m])') == 0, "a counter never falls"
    assert rig.value("users_1d") == 3

    rig.ask("POST", "log-metrics", 409, name="failed_total", kind="counter", query="{}")
    rig.ask("POST", "log-metrics", 400, name="bad name", kind="counter", query="{}")
    rig.ask("POST", "log-metrics", 400, name="x", kind="counter", query="rate({}[5m])")
    rig.ask("POST", "log-metrics", 400, name="x", kind="counter", query="{}", project=77)
    assert [m["name"] for m in rig.ask("GET", "log-metrics", 200)["metrics"]] == ["failed_total", "took_seconds", "users_1d"]
    rig.ask("DELETE", f"log-metrics/{counter['id']}", 204)
    rig.ask("GET", f"log-metrics/{counter['id']}", 404)
    rig.ask("DELETE", f"log-metrics/{counter['id']}", 404)
    wait_until(lambda: rig.value("failed_total") is None, what="the series to end")


def test_rules_over_log_lines_from_the_api_and_from_files(rig, receiver):
    api = rig.server.api
    assert {r["name"] for r in rig.ask("GET", "receivers", 200)["receivers"]} == {"ops", "web"}
    made = rig.ask("POST", "alert-rules", 201, name="Timeouts", language="logql", interval="5s", receivers=["ops"], severity="page",
                   expr='sum by (app) (count_over_time({app="shop"} |= "api-timeout" [5m])) > 1',
                   annotations={"summary": "{{ $value }} timeouts of {{ $labels.app }}"})["rule"]
    assert made["status"]["state"] == "inactive" and made["labels"] == {"severity": "page"} and made["for"] == "0s"
    rig.push("an api-timeout and a file-timeout", "an api-timeout and a file-timeout")

    def heard(path, name):
        return [body for body in receiver.at(path) if body.get("groupLabels", {}).get("alertname") == name]

    told = wait_until(lambda: heard("/ops", "Timeouts"), 30, 0.2, "the API's alert")[0]
    assert told["status"] == "firing" and told["alerts"][0]["annotations"]["summary"] == "2 timeouts of shop"
    assert told["alerts"][0]["labels"] == {"alertname": "Timeouts", "app": "shop", "severity": "page"}
    wait_until(lambda: heard("/web", "FileTimeouts") and heard("/ops", "FileTimeouts"), 30, 0.2, "the file's alert, to everybody")
    assert not heard("/web", "Timeouts"), "a rule's receivers are the only ones"

    rule = rig.ask("GET", f"alert-rules/{made['id']}", 200)["rule"]
    assert rule["status"]["state"] == "firing" and rule["status"]["health"] == "ok" and rule["status"]["alerts"][0]["value"] == 2
    alerts = {a["labels"]["alertname"]: a for a in api.get("/api/v1/alerts")["data"]["alerts"]}
    assert alerts["Timeouts"]["origin"] == "api" and alerts["Timeouts"]["ruleId"] == made["id"]
    assert alerts["FileTimeouts"]["origin"] == "file" and "ruleId" not in alerts["FileTimeouts"]
    groups = {g["name"]: g for g in api.get("/prometheus/api/v1/rules")["data"]["groups"]}
    assert set(groups) == {"lines", "Timeouts"} and groups["Timeouts"]["rules"][0]["language"] == "logql"
    text = api.http.get(rig.server.url + "/loki/api/v1/rules", timeout=10).text
    assert 'alert: "FileTimeouts"' in text and "record:" in text
    assert rig.value("ALERTS{alertname='Timeouts',alertstate='firing'}") == 1
    wait_until(lambda: (rig.value("lines:rate1m{app='shop'}") or 0) > 0, what="the recording rule over lines")

    # It outlives a restart, firing all along; then it is changed, and taken away.
    told_before = len(heard("/ops", "Timeouts"))
    rig.server.restart()
    wait_until(lambda: len(heard("/ops", "Timeouts")) > told_before, 30, 0.2, "the alert after a restart")
    wait_until(lambda: rig.ask("GET", f"alert-rules/{made['id']}", 200)["rule"]["status"]["state"] == "firing", 20, 0.2, "it to fire on")
    changed = rig.ask("PUT", f"alert-rules/{made['id']}", 200, annotations={"summary": "many"}, keep_firing_for="1m")["rule"]
    assert changed["expr"] == made["expr"] and changed["keep_firing_for"] == "1m" and changed["status"]["state"] == "firing"
    for bad in ({"expr": "sum("}, {"expr": '{app="shop"}'}, {"receivers": ["nobody"]}, {"interval": "1s"}, {"color": "red"}):
        rig.ask("PUT", f"alert-rules/{made['id']}", 400, **bad)
    rig.ask("POST", "alert-rules", 409, name="Timeouts", expr="up")
    rig.ask("DELETE", f"alert-rules/{made['id']}", 204)
    wait_until(lambda: any(b["status"] == "resolved" for b in heard("/ops", "Timeouts")), 30, 0.2, "the end of the alert")
    assert rig.ask("GET", "alert-rules", 200)["rules"] == []
    rig.ask("GET", f"alert-rules/{made['id']}", 404)


def test_who_may_make_metrics_and_rules(module_server):
    rig, api = Rig(module_server), module_server.api
    other = api.post(PREFIX + "projects", json={"slug": "other"}).json()["project"]["id"]

    def token(name, role, project):
        made = api.post(PREFIX + "tokens", json={"name": name, "role": role, "project": project})
        assert made.status_code == 201, made.text
        session = requests.Session()
        session.headers["Authorization"] = "Bearer " + made.json()["secret"]
        return session

    viewer, editor, stranger = token("viewer", "viewer", 1), token("editor", "editor", 1), token("stranger", "editor", other)
    metric = {"name": "n", "kind": "counter", "query": "{}"}
    rule = {"name": "R", "expr": "vector(1)"}
    ids = {}
    for path, body, kind in (("log-metrics", metric, "metric"), ("alert-rules", rule, "rule")):
        url = module_server.url + PREFIX + path
        ask = lambda who, method, at="", **kw: rig.document.check(a := who.request(method, url + at, timeout=10, **kw)) and None or a.status_code
        assert ask(viewer, "POST", json=body) == 403
        assert ask(editor, "POST", json={**body, "project": other}) == 403
        assert ask(editor, "POST", json=body) == 201
        assert ask(stranger, "POST", json=body) == 201, "names are each project's own"
        mine = viewer.get(url, timeout=10).json()[kind + "s"]
        assert [m["project"] for m in mine] == [1]
        ids[path] = "/" + str(mine[0]["id"])
        assert ask(stranger, "GET", ids[path]) == 404 and ask(viewer, "GET", ids[path]) == 200
        assert ask(viewer, "DELETE", ids[path]) == 403 and ask(stranger, "DELETE", ids[path]) == 404
        assert ask(editor, "DELETE", ids[path]) == 204
