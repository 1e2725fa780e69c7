"""A fault is switched on, the rule fires, both receivers hear of it, and again when it is over."""
import time

from server import free_port, wait_until

RULES = """
groups:
  - name: e2e
    interval: 1s
    rules:
      - alert: HighErrorRate
        expr: sum(rate(http_requests_total{status=~"5.."}[10s])) / sum(rate(http_requests_total[10s])) > 0.01
        for: 1s
        labels: {severity: critical}
        annotations:
          summary: More than 1 % of requests fail
          runbook: https://docs.example.com/runbooks/high-error-rate
"""
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: stockapp
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
CONFIG = """
net: {{outbound_allow: ["127.0.0.1"]}}
alerting: {{group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - {{name: hook, type: webhook, url: "{url}/hook"}}
  - {{name: chat, type: slack, url: "{url}/slack"}}
"""


def about_rule(receiver, path, text=""):
    """Notices of new issues go to the same receivers; only the rule's are looked at."""
    return [body for body in receiver.at(path) if "HighErrorRate" in str(body) and text in str(body).lower()]


def write(path, text):
    path.write_text(text)
    return str(path)


def test_fault_fires_notifies_and_resolves(make_server, make_stockapp, receiver, tmp_path):
    port = free_port()
    rules = write(tmp_path / "rules.yml", RULES)
    prometheus = write(tmp_path / "prometheus.yml", SCRAPE.format(rules=rules, port=port))
    config = write(tmp_path / "telltale.yml", CONFIG.format(url=receiver.url))
    server = make_server(["--config", config, "--prometheus-config", prometheus])
    app, api = make_stockapp(server, port), server.api
    app.register()
    app.analyze()

    rule = wait_until(lambda: api.get("/api/v1/rules")["data"]["groups"], what="rules")[0]["rules"][0]
    assert rule["name"] == "HighErrorRate" and rule["state"] == "inactive"
    wait_until(lambda: [t for t in api.get("/api/v1/targets")["data"]["activeTargets"]
                        if t["health"] == "up" and t["scrapePool"] != "node" and t["scrapePool"] != "cadvisor"],
               what="the target to be up")

    app.fault("error_burst")

    def fail_until(condition):
        def step():
            app.analyze()
            return condition()
        return step

    hook = wait_until(fail_until(lambda: about_rule(receiver, "/hook")), 60, 0.2, "the web hook")[0]
    slack = wait_until(fail_until(lambda: about_rule(receiver, "/slack")), 20, 0.2, "the Slack message")[0]
    assert hook["status"] == "firing"
    alert = hook["alerts"][0]
    assert alert["labels"]["alertname"] == "HighErrorRate" and alert["labels"]["severity"] == "critical"
    assert "runbooks/high-error-rate" in alert["annotations"]["runbook"]
    assert "HighErrorRate" in str(slack) and ("attachments" in slack or "blocks" in slack or "text" in slack)
    assert any(a["state"] == "firing" for a in api.get("/api/v1/alerts")["data"]["alerts"])
    assert api.query('ALERTS{alertname="HighErrorRate",alertstate="firing"}')

    def told(kind):
        changes = api.get("/api/telltale/v1/overview")["changes"]
        return [c for c in changes if c["kind"] == kind and c["title"] == "HighErrorRate"]

    assert wait_until(lambda: told("alert_firing"), what="the change on the overview")[0]["link_id"] == "HighErrorRate"
    near = [a for a in api.get("/api/telltale/v1/around", time=time.time(), minutes=2)["alerts"] if a["name"] == "HighErrorRate"]
    assert near[0]["state"] == "firing" and near[0]["annotations"]["summary"]

    app.fault("error_burst", on=False)

    def calm_until(path):
        def step():
            app.analyze()
            return about_rule(receiver, path, "resolved")
        return step

    wait_until(calm_until("/hook"), 60, 0.2, "the web hook to hear it is resolved")
    wait_until(calm_until("/slack"), 20, 0.2, "Slack to hear it is resolved")
    assert about_rule(receiver, "/hook")[-1]["status"] == "resolved"
    wait_until(lambda: told("alert_resolved"), what="its end on the overview")
