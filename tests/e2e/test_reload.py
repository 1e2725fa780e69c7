"""Every setting that docs/settings.md marks as reloadable takes effect on POST /-/reload; every other one is refused by name."""
import json
import re
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from payloads import envelope, event, span
from server import ROOT, wait_until

DAY_S = 86_400


def documented() -> dict[str, dict]:
    rows = re.findall(r"^\| `([\w.]+)` \| `\w+` \| (\w+) \| (\S+) \| (yes|no) \|", (ROOT / "docs" / "settings.md").read_text(), re.M)
    return {name: {"type": kind, "default": default.strip("`"), "reload": reload == "yes"} for name, kind, default, reload in rows}


class Settings:
    """The server's file: what is given to change() stands over the base, and is in force when it returns."""

    def __init__(self, folder, base):
        self.path, self.base, self.server = folder / "telltale.yml", base, None
        self.write({})

    def write(self, changes):
        tree = {}
        for name, value in {**self.base, **changes}.items():
            section, _, key = name.partition(".")
            if key:
                tree.setdefault(section, {})[key] = value
            else:
                tree[name] = value
        self.path.write_text(json.dumps(tree))

    def try_change(self, **changes):
        self.write({name.replace("__", "."): value for name, value in changes.items()})
        return self.server.api.post("/-/reload")

    def change(self, **changes):
        answer = self.try_change(**changes)
        assert answer.status_code == 200, answer.text


class Exporter(ThreadingHTTPServer):
    """One page of samples for scraping."""

    def __init__(self, page: str):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_args):
                """Quiet."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Postbox(ThreadingTCPServer):
    """A mail server that takes everything."""
    daemon_threads = True

    def __init__(self):
        self.letters = letters = []

        class Handler(StreamRequestHandler):
            def handle(self):
                said, data = [], False
                self.wfile.write(b"220 here\r\n")
                for raw in self.rfile:
                    line = raw.decode().strip()
                    if data and line == ".":
                        data = False
                        letters.append("\n".join(said))
                    elif data:
                        said.append(line)
                        continue
                    elif line == "DATA":
                        data = True
                        said.clear()
                        self.wfile.write(b"354 go on\r\n")
                        continue
                    elif line == "QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    self.wfile.write(b"250 ok\r\n")

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class World:
    """A server, its settings, a web hook, a mail server."""

    def __init__(self, folder, make_server, receiver):
        self.folder, self.receiver, self.postbox = folder, receiver, Postbox()
        self.rules = folder / "rules.yml"
        self.rules.write_text("groups: []\n")
        hook = {"name": "hook", "type": "webhook", "url": receiver.url + "/hook"}
        self.settings = Settings(folder, {
            "net.outbound_allow": ["127.0.0.1"], "rules.files": [str(self.rules)], "receivers": [hook],
            "rules.evaluation_interval": "1s"})
        self.mail = {"receivers": [hook, {"name": "mail", "type": "email", "to": "team@example.com"}],
                     "smtp__url": f"smtp://127.0.0.1:{self.postbox.server_address[1]}?tls=none", "smtp__from": "telltale@example.com"}
        self.server = make_server(["--config", str(self.settings.path)])
        self.settings.server = self.server
        self.api, self.change = self.server.api, self.settings.change

    def rule(self, expr="vector(1)") -> str:
        name = "Rule" + secrets.token_hex(4)
        self.rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [{"alert": name, "expr": expr}]}]}))
        return name

    def notices(self, name) -> list[dict]:
        return [body for body in self.receiver.at("/hook") if name in json.dumps(body)]

    def push(self, age_s: float, line="line", **labels) -> int:
        return self.api.push_lines([line], {"service": "s", **labels}, time.time_ns() - int(age_s * 1e9)).status_code

    def metric(self, start: str) -> float | None:
        text = self.api.http.get(self.server.url + "/metrics", timeout=10).text
        found = re.search("^" + re.escape(start) + r" (\S+)$", text, re.M)
        return float(found[1]) if found else None

    def error(self) -> str:
        """A new issue; its name."""
        name = "Boom" + secrets.token_hex(4)
        payload = event("e")
        payload["exception"]["values"][0]["type"] = name
        assert self.api.send_envelope(envelope(("event", payload), event_id=payload["event_id"])).ok
        return name

    def make_durable(self):
        answer = self.api.post(f"/api/telltale/v1/backup?directory={self.folder / secrets.token_hex(4)}")
        assert answer.ok, answer.text


def ask_marked(w) -> str:
    mark = "/-/healthy/" + secrets.token_hex(8)
    w.api.http.get(w.server.url + mark, timeout=10)
    return mark


def check_log_level(w):
    def logged(mark):
        return mark in w.server.log_path.read_text()
    first = ask_marked(w)
    wait_until(lambda: logged(first), what="a line in the log")
    w.change(log__level="error")
    silent = ask_marked(w)
    w.change()
    last = ask_marked(w)
    wait_until(lambda: logged(last), what="a line in the log")
    assert not logged(silent)


def check_max_past(w):
    assert w.push(7200) == 204
    w.change(ingest__max_past="1h")
    assert w.push(7200) == 400 and w.push(60) == 204


def check_max_future(w):
    assert w.push(-300) == 204
    w.change(ingest__max_future="1m")
    assert w.push(-300) == 400


def check_max_late(w):
    made = w.api.post("/api/telltale/v1/log-metrics", json={"name": "late_total", "kind": "counter", "query": "{}"})
    assert made.status_code == 201, made.text
    path = f"/api/telltale/v1/log-metrics/{made.json()['metric']['id']}"

    def counts():
        state = w.api.get(path)["metric"]["state"]
        return state["matched"], state["late"]
    assert w.push(600) == 204
    wait_until(lambda: counts() == (1, 0), what="the line to count")
    w.change(log_metrics__max_late="1m")
    assert w.push(600) == 204
    wait_until(lambda: counts() == (1, 1), what="the line to be too late")


def check_max_bytes(w):
    w.change(storage__max_bytes="10GB")
    wait_until(lambda: w.metric('telltale_disk_table_share_bytes{table="logs"}') == 4e9, what="the new shares")


def check_reserve_bytes(w):
    w.change(storage__reserve_bytes="1000TB")
    assert w.push(0) == 503
    w.change()
    wait_until(lambda: w.push(0) == 204, what="writing to resume")


def retention_check(table, send, read):
    def check(w):
        send(w)
        wait_until(lambda: read(w), what="old data to be there")
        w.make_durable()
        w.change(**{f"retention__{table}": "1d"})
        wait_until(lambda: not read(w), what="old data to go")
    return check


def send_old_span(w):
    old = span("old span")
    for key in ("startTimeUnixNano", "endTimeUnixNano"):
        old[key] = str(int(old[key]) - 3 * DAY_S * 10**9)
    assert w.api.send_spans([old]).ok


def send_old_event(w):
    payload = event("old event", timestamp=time.time() - 3 * DAY_S)
    assert w.api.send_envelope(envelope(("event", payload), event_id=payload["event_id"])).ok


def send_old_sample(w):
    exporter = Exporter(f"old_sample 1 {int((time.time() - 3 * DAY_S) * 1000)}\n")
    prometheus = w.folder / "prometheus.yml"
    target = f"127.0.0.1:{exporter.server_address[1]}"
    prometheus.write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [
        {"job_name": "old", "static_configs": [{"targets": [target]}]}]}))
    w.change(prometheus__config_file=str(prometheus))
    wait_until(lambda: old_samples(w), what="the scrape")
    w.change()
    exporter.shutdown()
    exporter.server_close()


def old_samples(w) -> list:
    return w.api.get("/api/v1/query", query="last_over_time(old_sample[1h])", time=time.time() - 3 * DAY_S + 1200)["data"]["result"]


def check_prometheus_file(w):
    send_old_sample(w)
    wait_until(lambda: not w.api.get("/api/v1/targets", scrapePool="old")["data"]["activeTargets"], what="the target to go")


def push_numbers(w, *names):
    return w.api.post("/api/v1/import/prometheus", data="".join(f"{name} 1\n" for name in names), headers={"Content-Type": "text/plain"})


def series_limit_check(name, message):
    """New series are refused by name whatever way they come in, known ones go on, and all is well again without the limit."""
    def check(w):
        assert push_numbers(w, "known").status_code < 300
        w.change(**{f"metrics__{name}": 1})
        answer = push_numbers(w, "known", "fresh_a", "fresh_b")
        assert answer.status_code == 400 and "fresh_b: project 1" in answer.text and message in answer.text, answer.text
        assert "series 0" not in answer.text and w.metric(f'telltale_tsdb_refused_series_total{{limit="metrics.{name}"}}') >= 1
        point = {"timeUnixNano": str(time.time_ns()), "asDouble": 1}
        metrics = [{"name": name, "gauge": {"dataPoints": [point]}} for name in ("known", "fresh_c", "fresh_d")]
        answer = w.api.post("/v1/metrics", json={"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})
        told = answer.json()["partialSuccess"]
        assert answer.status_code == 200 and int(told["rejectedDataPoints"]) >= 1 and message in told["errorMessage"], answer.text
        exporter = Exporter("known 1\nfresh_e 1\nfresh_f 1\n")
        prometheus = w.folder / "prometheus.yml"
        prometheus.write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [
            {"job_name": "limited", "static_configs": [{"targets": [f"127.0.0.1:{exporter.server_address[1]}"]}]}]}))
        w.change(**{f"metrics__{name}": 1, "prometheus__config_file": str(prometheus)})

        def last_error():
            targets = w.api.get("/api/v1/targets", scrapePool="limited")["data"]["activeTargets"]
            return targets and message in targets[0]["lastError"]
        wait_until(last_error, what="the target's error")
        exporter.shutdown()
        exporter.server_close()
        use = w.api.get("/api/v1/status/tsdb")["data"]["seriesLimits"][0]
        assert use["series"] >= 1 and 1 in (use["maxSeries"], use["maxNewPerHour"]), use
        w.change()
        assert push_numbers(w, "fresh_a", "fresh_b").status_code < 300
    return check


def check_host_enabled(w):
    w.change()
    wait_until(lambda: w.api.query('up{job="node"}'), what="the host to be measured")
    w.change(host__enabled=False)
    wait_until(lambda: not w.api.query('up{job="node"}'), what="the host's series to end")
    w.change()


def check_host_interval(w):
    def interval():
        targets = w.api.get("/api/v1/targets", scrapePool="node")["data"]["activeTargets"]
        return targets[0]["scrapeInterval"] if targets else None

    w.change(host__interval="7s")
    wait_until(lambda: interval() == "7s", what="the new interval")
    w.change()
    wait_until(lambda: interval() == "15s", what="the old interval")


def check_rules_files(w):
    other = w.folder / "other.yml"
    other.write_text("groups: [{name: elsewhere, rules: [{record: a, expr: vector(1)}]}]\n")
    w.change(rules__files=[str(other)])
    assert [g["name"] for g in w.api.get("/api/v1/rules")["data"]["groups"]] == ["elsewhere"]


def check_evaluation_interval(w):
    w.rule()
    w.change(rules__evaluation_interval="7s")
    assert w.api.get("/api/v1/rules")["data"]["groups"][0]["interval"] == 7


def check_group_wait(w):
    name = w.rule()
    w.change(alerting__group_wait="0s")  # else half a minute, longer than the patience here
    wait_until(lambda: w.notices(name), what="an alert at once")


def check_group_interval(w):
    name = w.rule(f"vector(time()) < {time.time() + 4}")
    w.change(alerting__group_wait="0s", alerting__group_interval="1s")
    wait_until(lambda: [n for n in w.notices(name) if n["status"] == "resolved"], what="its end")


def check_repeat_interval(w):
    name = w.rule()
    w.change(alerting__group_wait="0s", alerting__group_interval="1s", alerting__repeat_interval="1s")
    wait_until(lambda: len(w.notices(name)) > 2, what="repetition")


def check_outbound_allow(w):
    w.change(net__outbound_allow=[], **w.mail)
    name = w.error()
    wait_until(lambda: [letter for letter in w.postbox.letters if name in letter], what="the mail of the same round")
    assert not w.notices(name)
    w.change(**w.mail)
    wait_until(lambda: w.notices(name), what="the second attempt")


def check_mail(w):
    w.change(**w.mail)
    name = w.error()
    letters = wait_until(lambda: [letter for letter in w.postbox.letters if name in letter], what="mail")
    assert "From: telltale@example.com" in letters[0] and "To: team@example.com" in letters[0]
    w.change(**{**w.mail, "smtp__from": "other@example.com"})
    name = w.error()
    letters = wait_until(lambda: [letter for letter in w.postbox.letters if name in letter], what="mail")
    assert "From: other@example.com" in letters[0]


def redaction_check(name, value, line, kept, gone):
    """Under the setting the stored line has `kept` and not `gone`."""
    def check(w):
        mark = secrets.token_hex(4)
        w.change(**{f"redaction__{name}": value})
        assert w.push(1, f"{mark} {line}") == 204
        text = wait_until(lambda: w.api.rows("logs", query=mark), what="the line")[0]["message"]
        assert kept in text and gone not in text, text
    return check


CHECKS = {
    "redaction.enable": redaction_check("enable", ["email"], "sent to ann@example.com", "sent to", "ann@example.com"),
    "redaction.disable": redaction_check("disable", ["iban"], "paid to GB82WEST12345698765432", "GB82WEST12345698765432", "[iban]"),
    "redaction.sensitive_keys": redaction_check("sensitive_keys", ["favourite"], "favourite=blue", "favourite=", "blue"),
    "redaction.safe_keys": redaction_check("safe_keys", ["passwd"], "passwd=shown", "passwd=shown", "[Filtered]"),
    "redaction.method": redaction_check("method", "mask", "passwd=hidden-away", "passwd=", "hidden-away"),
    "log.level": check_log_level,
    "ingest.max_past": check_max_past, "ingest.max_future": check_max_future,
    "log_metrics.max_late": check_max_late,
    "storage.max_bytes": check_max_bytes, "storage.reserve_bytes": check_reserve_bytes,
    "retention.logs": retention_check("logs", lambda w: w.push(3 * DAY_S, "old line"), lambda w: w.api.rows("logs", query="old line")),
    "retention.spans": retention_check("spans", send_old_span, lambda w: w.api.rows("spans", query="old span")),
    "retention.errors": retention_check("errors", send_old_event, lambda w: w.api.rows("errors", query="old event")),
    "retention.metrics": retention_check("metrics", send_old_sample, old_samples),
    "metrics.max_series": series_limit_check("max_series", "has reached its limit of 1 series (metrics.max_series)"),
    "metrics.max_new_series_per_hour": series_limit_check("max_new_series_per_hour", "has reached its limit of 1 new series an hour"),
    "prometheus.config_file": check_prometheus_file, "rules.files": check_rules_files,
    "host.enabled": check_host_enabled, "host.interval": check_host_interval,
    "rules.evaluation_interval": check_evaluation_interval, "alerting.group_wait": check_group_wait,
    "alerting.group_interval": check_group_interval, "alerting.repeat_interval": check_repeat_interval,
    "net.outbound_allow": check_outbound_allow, "smtp.url": check_mail, "smtp.from": check_mail,
}




@pytest.fixture
def world(make_server, receiver, tmp_path):
    return World(tmp_path, make_server, receiver)


def test_every_reloadable_setting_has_a_check():
    assert {name for name, row in documented().items() if row["reload"]} == set(CHECKS)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_reload_applies(world, name):
    CHECKS[name](world)


def test_a_project_may_keep_logs_for_a_time_of_its_own(world):
    world.change(retention__projects=[{"project": 1, "logs": "1d"}])
    assert world.push(3 * DAY_S, "old line") == 204
    wait_until(lambda: world.api.rows("logs", query="old line"), what="the line")
    world.make_durable()
    world.change(retention__projects=[{"project": 1, "logs": "1d"}])
    wait_until(lambda: not world.api.rows("logs", query="old line"), what="the line to go")


def test_rows_that_a_rule_matches_are_kept_for_a_time_of_their_own(world):
    rule = {"selector": '{service="s", part="fleeting"}', "keep": "1d"}
    world.change(retention__rules=[rule])
    assert world.push(3 * DAY_S, "a fleeting line", part="fleeting") == 204
    assert world.push(3 * DAY_S, "a lasting line", part="lasting") == 204
    wait_until(lambda: len(world.api.rows("logs", query="ing line")) == 2, what="the lines")
    world.make_durable()
    world.change(retention__rules=[rule])
    wait_until(lambda: not world.api.rows("logs", query="fleeting line"), what="the line to go")
    assert world.api.rows("logs", query="lasting line")


@pytest.mark.parametrize("keeping", [
    {"retention__rules": [{"selector": '{__name__=~"old_.*"}', "keep": "1d", "table": "metrics"}]},
    {"retention__projects": [{"project": 1, "metrics": "1d"}]}])
def test_series_are_kept_for_a_time_of_their_own(world, keeping):
    send_old_sample(world)
    world.make_durable()
    world.change(**{"retention__rules": [{"selector": "another", "keep": "1d", "table": "metrics"}]})
    assert old_samples(world)
    world.change(**keeping)
    wait_until(lambda: not old_samples(world), what="old data to go")
    wait_until(lambda: world.api.query('up{job="node"}'), what="what is measured now, which stays")


def test_a_wrong_rule_is_refused_by_its_line_and_nothing_changes(world):
    for rule, problem in (
        ({"selector": '{service="s"', "keep": "1d"}, "selector: parse error"),
        ({"selector": "{}", "keep": "1d"}, "names no label"),
        ({"selector": '{service=~"("}', "keep": "1d"}, "selector"),
        ({"selector": 'sum(a)', "keep": "1d", "table": "metrics"}, "selector"),
        ({"selector": "{}", "keep": "1d", "table": "metrics"}, "selector"),
    ):
        answer = world.settings.try_change(retention__rules=[rule])
        assert answer.status_code == 400 and "retention.rules" in answer.text and problem in answer.text, answer.text


def test_what_needs_a_restart_is_refused_by_name_and_nothing_changes(world):
    other = {"text": "other", "boolean": True, "number": 3, "size": "3MiB", "duration": "90s", "list": ["10.0.0.1"]}
    by_flag = {"server.listen", "server.data_dir"}  # stronger than the file
    fixed = {name: row for name, row in documented().items() if not row["reload"] and name not in by_flag}
    assert len(fixed) > 8
    for name, row in fixed.items():
        change = {name: other[row["type"]]}
        if name in ("tls.cert", "tls.key"):
            change = {"tls.cert": "a.pem", "tls.key": "b.pem"}
        if name == "otlp.grpc_listen":
            change = {name: "127.0.0.1:4317"}
        answer = world.settings.try_change(**{n.replace(".", "__"): v for n, v in change.items()}, ingest__max_past="1h")
        assert answer.status_code == 409 and name in answer.text and "restart" in answer.text, (name, answer.text)
    assert world.push(7200) == 204, "nothing of the file was taken over"
    answer = world.settings.try_change(bootstrap={"projects": [{"id": 5, "slug": "five"}]})
    assert answer.status_code == 409 and "bootstrap" in answer.text
    world.change(server__listen="127.0.0.1:1")


def test_a_wrong_file_changes_nothing_and_says_where(world):
    for wrong, words in (({"ingest__max_past": "soon"}, "ingest.max_past"), ({"smtp__url": "http://x"}, "smtp.url"),
                         ({"net__outbound_allow": ["not a host!"]}, "net.outbound_allow")):
        answer = world.settings.try_change(log__level="error", **wrong)
        assert answer.status_code == 400 and words in answer.text, answer.text
    world.rules.write_text("groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]\n")
    answer = world.settings.try_change(log__level="error")
    assert answer.status_code == 400 and "rules.yml:1" in answer.text
    mark = ask_marked(world)
    wait_until(lambda: mark in world.server.log_path.read_text(), what="a log that still has its level")
