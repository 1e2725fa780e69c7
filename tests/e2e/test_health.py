"""Sessions, releases, scheduled jobs and feedback: sent by the unmodified SDK, kept over a kill, and shown by the API."""
import json
import secrets
import subprocess
import sys
import time
import uuid

import pytest
import requests

from api_document import PREFIX, ApiDocument
from server import wait_until

RELEASE = "shop@2.1.0"

SESSIONS_PROGRAM = """
import sys, sentry_sdk
from sentry_sdk.sessions import track_session
sentry_sdk.init(dsn=sys.argv[1], release=sys.argv[2], environment="production", auto_session_tracking=False)
def session(user, crash=False, error=False):
    with sentry_sdk.isolation_scope() as scope:
        scope.set_user({"id": user})
        scope.start_session(session_mode=sys.argv[3])
        if error:
            try: raise ValueError("handled")
            except ValueError: sentry_sdk.capture_exception()
        if crash:
            scope._session.update(status="crashed")
        scope.end_session()
for i in range(10):
    session("u%d" % (i % 5), crash=i == 0, error=i in (1, 2))
client = sentry_sdk.get_client()
client.session_flusher.flush()
sentry_sdk.flush(10)
"""

CRON_PROGRAM = """
import sys, sentry_sdk
from sentry_sdk.crons import monitor, capture_checkin
sentry_sdk.init(dsn=sys.argv[1], release="jobs@1", environment="production")
CONFIG = {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/Berlin", "checkin_margin": 5, "max_runtime": 30}
@monitor(monitor_slug="nightly-report", monitor_config=CONFIG)
def good(): pass
@monitor(monitor_slug="broken-job", monitor_config=CONFIG)
def bad(): raise RuntimeError("no disk")
good()
try: bad()
except RuntimeError: pass
sentry_sdk.flush(10)
"""

FEEDBACK_PROGRAM = """
import sys, sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef
sentry_sdk.init(dsn=sys.argv[1], release="shop@2.1.0", environment="production")
try: {}["absent"]
except KeyError as error: event_id = sentry_sdk.capture_exception(error)
feedback = {"type": "feedback", "release": "shop@2.1.0", "timestamp": sys.argv[3], "contexts": {"feedback": {"message": sys.argv[2],
    "contact_email": "ann@example.com", "name": "Ann", "associated_event_id": event_id, "url": "https://shop.example/cart"}}}
envelope = Envelope()
envelope.add_item(Item(PayloadRef(json=feedback), type="feedback"))
envelope.add_item(Item(PayloadRef(json={"event_id": event_id, "name": "Bob", "email": "bob@example.com", "comments": "It broke"}), type="user_report"))
sentry_sdk.get_client().transport.capture_envelope(envelope)
sentry_sdk.flush(10)
print(event_id)
"""


def run(program, *arguments):
    return subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


class Rig:
    def __init__(self, server):
        self.server, self.document = server, ApiDocument(server.url)

    def ask(self, method, path, status=200, params=None, body=None, **members):
        body = body or members
        answer = self.server.api.http.request(method, self.server.url + PREFIX + path, params=params, json=body or None, timeout=30)
        found = self.document.check(answer) if status != 204 else None
        assert answer.status_code == status, f"{method} {path} -> {answer.status_code} {answer.text[:300]}"
        return found

    def release(self, version=RELEASE):
        path = "releases/" + requests.utils.quote(version, safe="")
        answer = self.server.api.http.get(self.server.url + PREFIX + path, timeout=30)
        return answer.json()["release"] if answer.ok else None

    def envelope(self, *items):
        lines = [json.dumps({})]
        for kind, payload in items:
            lines += [json.dumps({"type": kind}), json.dumps(payload)]
        return self.server.api.send_envelope("\n".join(lines).encode())


@pytest.fixture
def rig(make_server):
    return Rig(make_server())


def session(release=RELEASE, **more):
    return {"sid": str(uuid.uuid4()), "did": "u1", "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "init": True,
            "status": "ok", "errors": 0, "attrs": {"release": release, "environment": "production"}, **more}


@pytest.mark.parametrize("mode", ["application", "request"])
def test_sessions_of_the_sdk(rig, mode):
    run(SESSIONS_PROGRAM, rig.server.dsn, RELEASE, mode)
    want = {"started": 10, "exited": 7, "errored": 2, "abnormal": 0, "crashed": 1}
    wait_until(lambda: (r := rig.release()) and r["health"]["sessions"] == want, what=f"{want}; it is {rig.release()}")
    health = rig.release()["health"]
    assert health["crash_free_sessions"] == 0.9 and health["adoption"] == 1.0
    assert (health["users"], health["crashed_users"]) == ((5, 1) if mode == "application" else (0, 0)), health
    series = rig.ask("GET", f"releases/{RELEASE}/health", params={"step": 3600})
    assert sum(p["sessions"]["started"] for p in series["points"]) == 10 and series["environments"] == ["production"]


def test_updates_count_once_and_survive_a_kill(rig):
    first = session()
    other = session("shop@2.0.0", status="exited", did="u2")
    assert rig.envelope(("session", first), ("session", other)).ok
    wait_until(lambda: (r := rig.release()) and r["health"]["sessions"]["started"] == 1, what="the session")
    rig.server.kill()
    rig.server.start()
    crashed = {**first, "init": False, "status": "crashed", "errors": 1}
    assert rig.envelope(("session", first), ("session", crashed)).ok
    assert rig.envelope(("session", crashed)).ok
    wait_until(lambda: rig.release()["health"]["sessions"]["crashed"] == 1, what="the crash")
    assert rig.release()["health"]["sessions"] == {"started": 1, "exited": 0, "errored": 0, "abnormal": 0, "crashed": 1}
    assert rig.release()["health"]["adoption"] == 0.5
    assert rig.release()["previous"] == "shop@2.0.0"
    found = rig.ask("GET", f"releases/{RELEASE}/comparison", params={"with": "shop@2.0.0"})
    assert found["order"] == "newer" and found["with"]["release"]["health"]["crash_free_sessions"] == 1.0


def test_what_makes_no_sense_is_named_and_the_rest_is_kept(rig):
    old = session(started="2020-01-01T00:00:00Z")
    answer = rig.envelope(("session", old))
    assert answer.status_code == 400 and "5 days" in answer.json()["detail"], answer.text
    answer = rig.envelope(("session", {"sid": "x"}))
    assert answer.status_code == 400 and "attrs" in answer.json()["detail"], answer.text
    answer = rig.envelope(("session", old), ("session", session()), ("check_in", {"monitor_slug": "no spaces please", "status": "ok"}))
    assert answer.ok, answer.text
    wait_until(lambda: (r := rig.release()) and r["health"]["sessions"]["started"] == 1, what="the good one")
    assert rig.ask("GET", "monitors")["monitors"] == []


def test_a_release_by_the_api(rig):
    made = rig.ask("POST", "releases", 201, version="shop@3.0.0-rc.1/x", ref="main", url="https://ci.example/7", commits=[
        {"id": "a1b2c3", "message": "Fix the price\n\nIt was wrong", "author_name": "Ann", "author_email": "ann@example.com",
         "timestamp": "2026-01-08T09:30:00Z", "files": [{"path": "src/price.py", "type": "M"}, {"path": "new.py", "type": "A"}]}])["release"]
    assert made["commit_count"] == 1 and made["released"] is None and made["health"]["crash_free_sessions"] is None
    path = "releases/" + requests.utils.quote(made["version"], safe="")
    commits = rig.ask("GET", path + "/commits")["commits"]
    assert commits[0]["files"] == [{"path": "src/price.py", "type": "M"}, {"path": "new.py", "type": "A"}]
    assert rig.ask("PUT", path, released="2026-01-09T00:00:00Z")["release"]["released"] == "2026-01-09T00:00:00Z"
    rig.ask("POST", path + "/deploys", 201, environment="production", name="blue")
    assert [d["environment"] for d in rig.ask("GET", path)["release"]["deploys"]] == ["production"]
    assert rig.ask("GET", "releases", params={"query": "3.0.0"})["total"] == 1
    for wrong, why in [({"version": ""}, "version"), ({"version": "a", "url": "javascript:alert(1)"}, "url"),
                       ({"version": "a", "commits": [{}]}, "id"), ({"version": "a", "flavour": "x"}, "flavour"), ({"version": "x" * 300}, "version")]:
        assert why in rig.ask("POST", "releases", 400, **wrong)["error"]["message"]
    rig.ask("DELETE", path, 204)
    rig.ask("GET", path, 404)


def test_releases_count_the_issues_that_began_and_came_back(rig):
    api = rig.server.api

    def error(release):
        body = {"event_id": secrets.token_hex(16), "platform": "python", "release": release,
                "exception": {"values": [{"type": "OddError", "value": "x"}]}}
        assert rig.envelope(("event", body)).ok

    error("shop@1.0.0")
    issue = wait_until(lambda: api.issues(), what="the issue")[0]
    rig.ask("PUT", f"issues/{issue['id']}", body={"status": "resolved"})
    time.sleep(0.01)
    error("shop@1.1.0")
    wait_until(lambda: api.issues()[0]["substatus"] == "regressed", what="the regression")
    wait_until(lambda: rig.release("shop@1.1.0"), 40, what="the releases")
    assert (rig.release("shop@1.0.0")["new_issues"], rig.release("shop@1.0.0")["regressed_issues"]) == (1, 0)
    assert (rig.release("shop@1.1.0")["new_issues"], rig.release("shop@1.1.0")["regressed_issues"]) == (0, 1)


def test_monitors_of_the_sdk(rig):
    run(CRON_PROGRAM, rig.server.dsn)
    monitors = wait_until(lambda: (m := rig.ask("GET", "monitors")["monitors"]) and len(m) == 2 and
                          all(x["environments"][0]["state"] != "active" for x in m) and m, what="both monitors")
    broken, nightly = monitors
    assert (nightly["slug"], nightly["schedule"], nightly["environments"][0]["state"]) == ("nightly-report", "0 3 * * *", "ok")
    assert nightly["environments"][0]["next_expected"].endswith(("01:00:00Z", "02:00:00Z")), "three in Berlin"
    assert broken["environments"][0]["state"] == "error" and broken["check_ins"][0]["status"] == "error"
    assert len(broken["check_ins"]) == 1 and broken["check_ins"][0]["duration_ms"] is not None
    issue = wait_until(lambda: [i for i in rig.server.api.issues() if "broken-job" in i["title"]], what="its issue")[0]
    assert issue["title"] == "Scheduled job broken-job failed" and issue["level"] == "error"


def test_a_check_in_without_an_sdk(rig):
    key = rig.server.dsn.split("//")[1].split("@")[0]
    base = f"{rig.server.url}/api/1/cron/backup"
    made = rig.ask("POST", "monitors", 201, slug="backup", config={"schedule": {"type": "interval", "value": 1, "unit": "day"}}, environments=["production"])["monitor"]
    assert requests.get(f"{base}/{key}/", params={"status": "in_progress"}, timeout=10).status_code == 202
    assert requests.post(f"{base}/", params={"status": "error", "sentry_key": key}, timeout=10).status_code == 202
    wait_until(lambda: (c := rig.ask("GET", f"monitors/{made['id']}/check-ins")["check_ins"]) and c[0]["status"] == "error" and len(c) == 1, what="one failed run")
    assert wait_until(lambda: [i for i in rig.server.api.issues() if "backup" in i["title"]], what="its issue")
    assert requests.get(f"{base}/{key}", params={"status": "ok"}, timeout=10).status_code == 202
    issue = wait_until(lambda: [i for i in rig.server.api.issues() if "backup" in i["title"] and i["status"] == "resolved"], what="resolved: the job is well again")[0]
    activity = rig.ask("GET", f"issues/{issue['id']}/activity")["activity"]
    assert [(a["action"], a["detail"]) for a in activity if a["action"] == "resolved"] == [("resolved", "the scheduled job is well again")]
    assert requests.get(f"{base}/{key}", params={"status": "error"}, timeout=10).status_code == 202
    wait_until(lambda: [i for i in rig.server.api.issues() if i["id"] == issue["id"] and i["substatus"] == "regressed"], what="it came back")
    assert requests.get(f"{base}/{key}", params={"status": "fine"}, timeout=10).status_code == 400
    assert requests.get(f"{base}/{'0' * 32}", params={"status": "ok"}, timeout=10).status_code in (401, 403)
    muted = rig.ask("PUT", f"monitors/{made['id']}", muted=True, name="Nightly backup")["monitor"]
    assert muted["muted"] and muted["name"] == "Nightly backup"
    assert "schedule" in rig.ask("PUT", f"monitors/{made['id']}", 400, config={"schedule": {"type": "crontab", "value": "61 * * * *"}})["error"]["message"]
    rig.ask("POST", "monitors", 409, slug="backup")
    rig.ask("DELETE", f"monitors/{made['id']}", 204)
    rig.ask("GET", f"monitors/{made['id']}", 404)


def test_feedback_finds_its_issue(rig):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = run(FEEDBACK_PROGRAM, rig.server.dsn, "The cart is empty, my card is 4111 1111 1111 1111", now).strip()
    wait_until(lambda: rig.ask("GET", "feedback")["total"] == 2, what="both")
    issue = wait_until(lambda: rig.server.api.issues(), what="the issue")[0]
    linked = wait_until(lambda: (f := rig.ask("GET", f"issues/{issue['id']}/feedback")) and f["total"] == 2 and f, what="both linked")
    said = {f["source"]: f for f in linked["feedback"]}
    assert said["user_report"]["message"] == "It broke" and said["user_report"]["name"] == "Bob"
    assert "4111" not in json.dumps(said) and said["feedback"]["event_id"] == event
    assert said["feedback"]["issue"]["short_id"] == issue["short_id"] and said["feedback"]["release"] == "shop@2.1.0"
    done = rig.ask("PUT", f"feedback/{said['feedback']['id']}", body={"status": "resolved"})
    assert done["feedback"]["status"] == "resolved"
    assert rig.ask("GET", "feedback", params={"status": "open"})["total"] == 1
    assert rig.ask("GET", "feedback", params={"query": "broke"})["total"] == 1
    rig.server.kill()
    rig.server.start()
    assert rig.ask("GET", "feedback", params={"status": "resolved"})["total"] == 1


def test_what_a_client_left_out(rig):
    report = {"timestamp": time.time(), "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 3},
                                                             {"reason": "sample_rate", "category": "transaction", "quantity": 40}]}
    assert rig.envelope(("client_report", report)).ok
    found = wait_until(lambda: rig.ask("GET", "projects/1/outcomes")["outcomes"], what="the outcomes")
    assert found[0] == {"source": "client", "category": "transaction", "reason": "sample_rate", "quantity": 40} and found[1]["quantity"] == 3
    rig.ask("GET", "projects/9/outcomes", 404)
