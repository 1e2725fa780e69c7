"""What a project takes: limits of keys by category, filters, samples of bodies, and the exact count of all of it, with the
unmodified SDK, under a flood, and over kill -9."""
import http.client
import json
import queue
import secrets
import subprocess
import sys
import threading
import time

import pytest

from api_document import PREFIX, ApiDocument
from payloads import envelope, event
from server import wait_until

LONG = 31 * 86_400  # a window that does not end while a test runs

SDK_ERRORS = """
import sys, sentry_sdk
sentry_sdk.init(dsn=sys.argv[1], release="shop@1", traces_sample_rate=1.0, shutdown_timeout=10)
for i in range(int(sys.argv[2])):
    try: raise ValueError("limited")
    except ValueError as error: sentry_sdk.capture_exception(error)
    sentry_sdk.flush(10)
with sentry_sdk.start_transaction(name="checkout", op="task"): pass
sentry_sdk.flush(10)
sentry_sdk.get_client().transport._flush_client_reports(force=True)
sentry_sdk.flush(10)
"""

SDK_FILTERS = """
import sys, sentry_sdk
class NotFound(Exception): pass
def send(release, error, **scope):
    client = sentry_sdk.Client(dsn=sys.argv[1], release=release, traces_sample_rate=1.0)
    with sentry_sdk.isolation_scope() as s:
        s.set_client(client)
        for name, value in scope.items(): s.set_context(name, value)
        if isinstance(error, Exception):
            try: raise error
            except Exception as e: sentry_sdk.capture_exception(e)
        else:
            with sentry_sdk.start_transaction(name=error, op="http.server"): pass
        client.flush(10)
send("shop@0.9.1", ValueError("old"))
send("shop@2", ValueError("the disk is full of cats"))
send("shop@2", NotFound("/favicon.ico"))
send("shop@2", ValueError("answered"), response={"status_code": 404, "type": "response"})
send("shop@2", "GET /healthz")
send("shop@2", ValueError("kept"))
send("shop@2", "checkout")
"""


def run(program, *arguments):
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True, timeout=120)


class Rig:
    def __init__(self, server):
        self.server = server

    @property
    def key(self):
        return self.server.dsn_key

    def ask(self, method, path, status=200, **kwargs):
        answer = self.server.api.http.request(method, self.server.url + PREFIX + path, timeout=60, **kwargs)
        assert answer.status_code == status, f"{method} {path} -> {answer.status_code} {answer.text[:300]}"
        return ApiDocument(self.server.url).check(answer)

    def limit(self, *limits, key=None):
        body = {"limits": [{"category": c, "events": n, "window_seconds": w} for c, n, w in limits]}
        return self.ask("PUT", f"projects/1/keys/{key or self.key}/limits", json=body)

    def usage(self, **params):
        """{(kind, category, reason): quantity}"""
        out = {}
        for t in self.ask("GET", "projects/1/usage", params=params)["totals"]:
            name = (t["kind"], t["category"], t["reason"])
            out[name] = out.get(name, 0) + t["quantity"]
        return out

    def issues(self):
        return self.server.api.issues()


@pytest.fixture
def rig(make_server):
    return Rig(make_server())


def of(usage, kind, category):
    return sum(n for (k, c, _), n in usage.items() if (k, c) == (kind, category))


def test_an_sdk_is_limited_by_category_and_nothing_is_uncounted(rig):
    rig.limit(("error", 5, LONG))
    run(SDK_ERRORS, rig.server.dsn, "12")
    usage = wait_until(lambda: (u := rig.usage()) and of(u, "client", "error") and u, what="the client's report")
    assert of(usage, "accepted", "error") == 5
    assert of(usage, "rate_limited", "error") >= 1
    # The SDK held back after the first 429, and said so.
    assert usage[("client", "error", "ratelimit_backoff")] >= 1
    assert sum(of(usage, kind, "error") for kind in ("accepted", "rate_limited", "client")) == 12
    assert of(usage, "accepted", "transaction") == 1, "other categories go on"
    assert [i["event_count"] for i in rig.issues()] == [5]


def test_a_partial_envelope_keeps_what_is_not_limited(rig):
    rig.limit(("error", 0, LONG), ("log_item", 3, LONG))
    logs = {"version": 2, "items": [{"timestamp": time.time(), "trace_id": secrets.token_hex(16), "level": "info",
                                     "body": f"line {i}", "attributes": {}} for i in range(5)]}
    check_in = {"check_in_id": secrets.token_hex(16), "monitor_slug": "nightly", "status": "ok"}
    answer = rig.server.api.send_envelope(envelope(("event", event("refused")), ("log", logs), ("check_in", check_in)))
    assert answer.status_code == 429
    limits = {part.strip().split(":")[1]: part.strip().split(":") for part in answer.headers["X-Sentry-Rate-Limits"].split(",")}
    assert set(limits) == {"error", "log_item"}
    for seconds, _, scope, reason in limits.values():
        assert 0 < int(seconds) <= LONG and (scope, reason) == ("key", "key_limit")
    assert answer.headers["Retry-After"] == max((p[0] for p in limits.values()), key=int)
    usage = rig.usage()
    assert usage[("rate_limited", "error", f"0 in {LONG} s")] == 1
    assert usage[("accepted", "log_item", "")] == 3 and usage[("rate_limited", "log_item", f"3 in {LONG} s")] == 2
    assert usage[("accepted", "monitor", "")] == 1
    assert len(rig.server.api.rows("logs")) == 3 and rig.server.api.rows("errors") == []
    # The older endpoint, and check-ins without an SDK.
    url = f"{rig.server.url}/api/1/store/?sentry_key={rig.key}"
    answer = rig.server.api.http.post(url, json=event("refused"), headers={"Authorization": ""}, timeout=30)
    assert answer.status_code == 429 and "error" in answer.headers["X-Sentry-Rate-Limits"]
    rig.limit(("all", 0, LONG))
    answer = rig.server.api.http.get(f"{rig.server.url}/api/1/cron/nightly/{rig.key}/?status=ok", timeout=30)
    assert answer.status_code == 429 and answer.headers["X-Sentry-Rate-Limits"].split(":")[1] == ""
    usage = rig.usage()
    assert of(usage, "rate_limited", "error") == 2 and of(usage, "rate_limited", "monitor") == 1
    rig.limit()
    assert rig.server.api.send_envelope(envelope(("event", event("taken again")))).status_code == 200


def test_what_is_invalid_or_sent_again_is_counted(rig):
    taken = event("once")
    for _ in range(2):
        assert rig.server.api.send_envelope(envelope(("event", taken))).status_code == 200
    assert rig.server.api.send_envelope(envelope(("event", b"no JSON"))).status_code == 400
    usage = rig.usage()
    assert usage == {("accepted", "error", ""): 1, ("invalid", "error", "duplicate"): 1, ("invalid", "error", "malformed"): 1}
    assert [i["event_count"] for i in rig.issues()] == [1]
    assert rig.server.stop() == 0
    rig.server.start()
    assert rig.usage() == usage


def test_settings_are_checked_and_kept(rig):
    path = f"projects/1/keys/{rig.key}/limits"
    for limits, member in [([{"category": "cats", "events": 1, "window_seconds": 60}], "limits[0].category"),
                           ([{"category": "error", "events": -1, "window_seconds": 60}], "limits[0].events"),
                           ([{"category": "error", "events": 1, "window_seconds": 0}], "limits[0].window_seconds")]:
        assert member in rig.ask("PUT", path, 400, json={"limits": limits})["error"]["message"]
    for body, member in [({"filters": {"addresses": ["10.0.0.0/99"]}}, "filters.addresses"),
                         ({"filters": {"releases": ["[a"]}}, "filters.releases[0]"),
                         ({"filters": {"cats": True}}, "filters.cats"), ({"bodies": {"mode": "some"}}, "bodies.mode")]:
        assert member in rig.ask("PUT", "projects/1/intake", 400, json=body)["error"]["message"]
    rig.ask("PUT", "projects/7/intake", 404, json={})
    rig.ask("PUT", f"projects/1/keys/{secrets.token_hex(16)}/limits", 404, json={"limits": []})
    rig.limit(("error", 5, 60), ("all", 9, 3600))
    rig.ask("PUT", "projects/1/intake", json={"filters": {"releases": ["0.*"], "localhost": True}, "bodies": {"mode": "fixed", "per_minute": 7}})
    rig.server.kill()
    rig.server.start()
    kept = rig.ask("GET", "projects/1/limits")["keys"]
    assert [k["limits"] for k in kept if k["key"] == rig.key] == [[
        {"category": "error", "events": 5, "window_seconds": 60}, {"category": "all", "events": 9, "window_seconds": 3600}]]
    intake = rig.ask("GET", "projects/1/intake")
    assert intake["intake"]["filters"]["releases"] == ["0.*"] and intake["intake"]["filters"]["localhost"] is True
    assert intake["intake"]["filters"]["web_crawlers"] is False and intake["bodies_per_minute"] == 7


def test_filters_by_the_sdk(rig):
    rig.ask("PUT", "projects/1/intake", json={"filters": {
        "releases": ["shop@0.*"], "error_messages": ["*full of cats*"], "expected_types": ["NotFound"], "expected_statuses": ["404"],
        "health_checks": True}})
    run(SDK_FILTERS, rig.server.dsn)
    usage = wait_until(lambda: (u := rig.usage()) and of(u, "accepted", "transaction") and u, what="the last of them")
    assert {name[1:]: n for name, n in usage.items() if name[0] == "filtered"} == {
        ("error", "release"): 1, ("error", "error_message"): 1, ("error", "expected_error"): 2, ("transaction", "health_check"): 1}
    assert of(usage, "accepted", "error") == 1
    assert [i["title"] for i in rig.issues()] == ["ValueError: kept"]
    assert {s["message"] for s in rig.server.api.rows("spans")} == {"checkout"}


@pytest.mark.parametrize("switch, reason, extra", [
    ("browser_extensions", "browser_extension", {"exception": {"values": [{"type": "TypeError", "value": "x", "stacktrace": {"frames": [
        {"abs_path": "chrome-extension://abcdef/content.js", "function": "f"}]}}]}}),
    ("localhost", "localhost", {"request": {"url": "http://localhost:3000/cart"}}),
    ("legacy_browsers", "legacy_browser", {"request": {"url": "https://a.example/", "headers": [
        ["User-Agent", "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko"]]}}),
    ("web_crawlers", "web_crawler", {"request": {"url": "https://a.example/", "headers": {
        "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}}}),
    ("addresses", "ip_address", {"user": {"ip_address": "203.0.113.9"}}),
])
def test_other_filters(rig, switch, reason, extra):
    sent = event("no thanks", **extra)
    assert rig.server.api.send_envelope(envelope(("event", {**sent, "event_id": secrets.token_hex(16)}))).status_code == 200
    rig.ask("PUT", "projects/1/intake", json={"filters": {switch: ["203.0.113.0/24"] if switch == "addresses" else True}})
    body = envelope(("event", sent), ("attachment", b"a file of it"))
    answer = rig.server.api.send_envelope(body)
    assert answer.status_code == 200 and answer.json()["id"] == sent["event_id"]
    usage = rig.usage()
    assert usage[("filtered", "error", reason)] == 1 and of(usage, "accepted", "error") == 1
    assert usage[("filtered", "attachment", reason)] == 1, "of no use without its event"
    assert len(rig.server.api.rows("errors")) == 1


class Flood:
    """Sends envelopes from a few threads, each over one connection; what gets no answer is sent again until it has one."""

    THREADS = 4

    def __init__(self, server, key, bodies):
        self.server, self.key, self.statuses, self.retried = server, key, {}, 0
        self.todo, self.lock = queue.SimpleQueue(), threading.Lock()
        for body in bodies:
            self.todo.put(body)
        self.limited = set()
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(self.THREADS)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        connection = None
        while True:
            try:
                body = self.todo.get_nowait()
            except queue.Empty:
                return
            while True:
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
                    connection.request("POST", f"/api/1/envelope/?sentry_key={self.key}&sentry_version=7", body)
                    answer = connection.getresponse()
                    answer.read()
                    break
                except OSError:
                    connection = None
                    with self.lock:
                        self.retried += 1
                    time.sleep(0.05)
                except http.client.HTTPException:
                    connection = None
            with self.lock:
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                if answer.status == 429:
                    self.limited.add(answer.headers["X-Sentry-Rate-Limits"].split(":", 1)[1])

    def answered(self):
        with self.lock:
            return sum(self.statuses.values())

    def join(self):
        for thread in self.threads:
            thread.join(180)
            assert not thread.is_alive()


def small_event(message, user, tag):
    return envelope(("event", event(message, user={"id": f"user-{user}"}, tags={"shard": f"s{tag}"},
                                   fingerprint=[message], extra={"padding": "x" * 300})))


def test_counts_stay_exact_under_a_flood_and_over_kill9(rig):
    """100 times what a key may send, beside a key whose events all count while few of their bodies are kept."""
    allowed, accepted, exact = 80, 12_000, 9_000
    other = rig.ask("POST", "projects/1/keys", 201)["key"]["public_key"]
    rig.limit(("error", allowed, LONG), key=other)
    rig.ask("PUT", "projects/1/intake", json={"bodies": {"mode": "fixed", "per_minute": 50}})

    refused = Flood(rig.server, other, [small_event("limited", i, 0) for i in range(100 * allowed)])
    first = Flood(rig.server, rig.key, [small_event("spike", i, i % 3) for i in range(exact)])
    wait_until(lambda: first.answered() > exact // 3, 120, what="a third of them")
    rig.server.kill()
    rig.server.start()
    first.join()
    refused.join()
    assert first.statuses == {200: exact}, first.statuses
    # A restart begins the window anew: the limit holds on either side of it.
    assert refused.limited == {"error:key:key_limit"} and set(refused.statuses) == {200, 429}

    def spike():
        return next((i for i in rig.issues() if "spike" in i["title"]), None)

    assert of(rig.usage(), "accepted", "error") >= exact  # and everything is applied
    assert (spike()["event_count"], spike()["user_count"], spike()["users_estimated"]) == (exact, exact, False)
    second = Flood(rig.server, rig.key, [small_event("spike", i, i % 3) for i in range(exact, accepted)])
    second.join()
    usage = rig.usage()
    issue = spike()
    assert issue["event_count"] == accepted
    assert issue["users_estimated"] and abs(issue["user_count"] - accepted) <= accepted / 100

    totals = rig.ask("GET", "projects/1/usage")["totals"]
    by_key = {(t["key"], t["kind"], t["reason"]): t["quantity"] for t in totals if t["category"] == "error"}
    assert by_key[(rig.key, "accepted", "")] == accepted
    # Of what was accepted before the kill, only what was never answered was sent again.
    assert by_key.get((rig.key, "invalid", "duplicate"), 0) <= first.retried
    limited = next(i for i in rig.issues() if "limited" in i["title"])
    assert by_key[(other, "accepted", "")] == limited["event_count"]
    assert refused.statuses[200] <= limited["event_count"] + by_key.get((other, "invalid", "duplicate"), 0) <= 2 * allowed + Flood.THREADS

    # Bodies: few are kept, and what is counted is counted.
    one = rig.ask("GET", f"issues/{issue['id']}")["issue"]
    rows = rig.server.api.get(f"/api/telltale/v1/issues/{issue['id']}/events", limit=10_000, payload="true")["rows"]
    kept = [r for r in rows if "payload" in r]
    assert all(r["attributes"].get("body_left_out") is True for r in rows if "payload" not in r)
    assert one["bodies_left_out"] > accepted // 2
    if len(rows) == accepted:
        assert len(kept) == accepted - one["bodies_left_out"]
    tags = {t["key"]: t for t in rig.ask("GET", f"issues/{issue['id']}/tags")["tags"]}
    assert sum(v["count"] for v in tags["shard"]["values"]) == accepted
    hours = rig.ask("GET", f"issues/{issue['id']}/stats")["hours"]
    assert sum(n for _, n in hours) == accepted

    # What has been reported survives a kill, and a clean stop.
    rig.server.kill()
    rig.server.start()
    assert rig.usage() == usage and spike() == issue
    assert rig.server.stop() == 0, rig.server.log_tail()
    rig.server.start()
    assert rig.usage() == usage and spike() == issue
    assert rig.ask("GET", f"issues/{issue['id']}")["issue"]["bodies_left_out"] == one["bodies_left_out"]


def test_refusals_are_exact_without_a_crash(rig):
    rig.limit(("error", 20, LONG))
    flood = Flood(rig.server, rig.key, [small_event("limited", i, 0) for i in range(2_000)])
    flood.join()
    assert flood.statuses == {200: 20, 429: 1_980}
    usage = rig.usage()
    assert usage == {("accepted", "error", ""): 20, ("rate_limited", "error", f"20 in {LONG} s"): 1_980}
    steps = rig.ask("GET", "projects/1/usage", params={"points": 24})
    assert steps["step"] % 600 == 0
    assert sum(s["quantity"] for s in steps["over_time"] if s["kind"] == "rate_limited") == 1_980
    rig.server.kill()
    rig.server.start()
    assert rig.usage() == usage


SDK_SECRETS = """
import sys, sentry_sdk
sentry_sdk.init(dsn=sys.argv[1], release="shop@1", include_local_variables=True)
def pay(note, api_token):
    raise ValueError("no money on " + note)
try: pay("card " + "4111 1111 " + "1111 1111", "hunter2hunter2")
except ValueError as error:
    sentry_sdk.set_extra("note", "card " + "4111 1111 " + "1111 1111")
    sentry_sdk.capture_exception(error)
sentry_sdk.flush(10)
"""


def test_what_was_masked_is_told_in_the_event(rig):
    run(SDK_SECRETS, rig.server.dsn)
    issue = wait_until(rig.issues, what="the issue")[0]
    rig.server.kill()
    rig.server.start()
    row = rig.server.api.get(f"/api/telltale/v1/issues/{issue['id']}/events", payload="true")["rows"][0]
    payload, meta = row["payload"], row["payload"]["_meta"]
    assert "4111" not in json.dumps(row) and "hunter2" not in json.dumps(row)
    # What the SDK quotes is one longer than what it says.
    assert payload["extra"]["note"] == "card [card]" or payload["extra"]["note"] == "'card [card]'"
    place = payload["extra"]["note"].index("[card]")
    assert meta["extra"]["note"][""] == {"rem": [["@card", "s", place, place + 6]], "len": len(payload["extra"]["note"]) + 13}
    value = meta["exception"]["values"]["0"]["value"][""]
    assert value["rem"][0][:2] == ["@card", "s"]
    frames = payload["exception"]["values"][0]["stacktrace"]["frames"]
    variables = meta["exception"]["values"]["0"]["stacktrace"]["frames"][str(len(frames) - 1)]["vars"]
    assert variables["note"][""]["rem"][0][:2] == ["@card", "s"]
    # The SDK has masked this one itself, and its remark is kept beside ours.
    assert frames[-1]["vars"]["api_token"] == "[Filtered]" and variables["api_token"][""]["rem"]
