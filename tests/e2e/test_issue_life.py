"""The life of issues over the API: merged and taken apart, archived and back, escalating, talked about, owned; also over
kill and restart. Every answer is as the API's description says."""
import time
from urllib.parse import quote

import pytest

from api_document import PREFIX, ApiDocument
from payloads import envelope, event
from server import wait_until
from test_sessions import Browser, new_user

NOTICED_WITHIN_S = 60


@pytest.fixture
def house(make_server):
    server = make_server()
    server.document = ApiDocument(server.url)
    return server


def ask(house, method, path, body=None, expect=200, **params):
    answer = house.api.http.request(method, house.url + PREFIX + path, json=body, params=params, timeout=30)
    house.document.check(answer)
    assert answer.status_code == expect, answer.text
    return answer.json()


def send(house, fingerprint, times=1, **extra):
    """Events of one issue; answers the issue once they are counted."""
    find = lambda: next((i for i in house.api.issues(query=fingerprint) if fingerprint in i["title"]), None)
    before = (find() or {"event_count": 0})["event_count"]
    for _ in range(times):
        assert house.api.send_envelope(envelope(("event", event(fingerprint, fingerprint=[fingerprint], **extra)))).ok
    return wait_until(lambda: (i := find()) and i["event_count"] == before + times and i, what=f"{fingerprint} counted")


def one(house, issue):
    return ask(house, "GET", f"issues/{issue['id']}")["issue"]


def activity(house, issue):
    entries = ask(house, "GET", f"issues/{issue['id']}/activity")["activity"]
    return [" ".join(filter(None, (e["action"], e["detail"]))) for e in reversed(entries)]


def test_merged_and_taken_apart(house):
    a = send(house, "alpha", 3, user={"id": "ann"}, release="shop@1.0")
    b = send(house, "beta", 2, user={"id": "ann"}, release="shop@1.1")
    c = send(house, "gamma", 1, user={"id": "bob"})
    merged = ask(house, "POST", "issues/merge", {"ids": [c["id"], b["id"], a["id"]]})["issue"]
    assert (merged["id"], merged["event_count"], merged["user_count"], merged["parts"]) == (a["id"], 6, 2, 3)
    assert [i["id"] for i in house.api.issues()] == [a["id"]]
    for old in (b["id"], b["short_id"], b["short_id"].lower()):
        found = ask(house, "GET", f"issues/{old}")["issue"]
        assert found["id"] == a["id"] and {m["short_id"] for m in found["merged_from"]} == {b["short_id"], c["short_id"]}
    assert len(ask(house, "GET", f"issues/{a['id']}/events")["rows"]) == 6
    stats = ask(house, "GET", f"issues/{b['id']}/stats")
    assert sum(n for _, n in stats["hours"]) == 6 and [r["release"] for r in stats["releases"]] == ["shop@1.0", "shop@1.1"]
    assert house.api.issues(release="shop@1.1")[0]["id"] == a["id"]

    # What comes now counts in both, and a kill loses nothing of it.
    assert house.api.send_envelope(envelope(("event", event("beta", fingerprint=["beta"], user={"id": "cid"})))).ok
    wait_until(lambda: one(house, a)["event_count"] == 7, what="the seventh event")
    house.kill()
    house.start()
    assert (one(house, a)["event_count"], one(house, a)["user_count"]) == (7, 3)
    parts = ask(house, "GET", f"issues/{a['id']}/parts")["parts"]
    assert [(p["short_id"], p["event_count"], p["user_count"]) for p in parts] == [
        (a["short_id"], 3, 1), (b["short_id"], 3, 2), (c["short_id"], 1, 1)]
    assert all(p["hashes"][0]["title"] for p in parts)

    for body, name in (({"ids": [a["id"], b["id"]]}, "ids"), ({"ids": []}, "ids"), ({"ids": [a["id"]], "into": "x"}, "into"), ({"colour": 1}, "colour")):
        assert name in ask(house, "POST", "issues/merge", body, 400)["error"]["message"]
    ask(house, "POST", "issues/merge", {"ids": [a["id"], 999999]}, 404)

    apart = ask(house, "POST", f"issues/{a['id']}/unmerge", {"part": b["id"]})
    assert (apart["issue"]["short_id"], apart["issue"]["event_count"], apart["issue"]["status"]) == (b["short_id"], 3, "unresolved")
    assert (apart["from"]["event_count"], apart["from"]["user_count"]) == (4, 2)
    assert len(ask(house, "GET", f"issues/{b['id']}/events")["rows"]) == 3
    ask(house, "POST", f"issues/{a['id']}/unmerge", {"part": b["id"]}, 404)
    assert activity(house, a) == [f"merged {c['short_id']}", f"merged {b['short_id']}", f"unmerged {b['short_id']}"]


def test_hashes_taken_out_count_from_now_on(house):
    a, b = send(house, "alpha", 2), send(house, "beta", 1)
    ask(house, "POST", "issues/merge", {"ids": [a["id"], b["id"]]})
    parts = ask(house, "GET", f"issues/{a['id']}/parts")["parts"]
    own = parts[0]["hashes"][0]["hash"]
    assert "hashes" in ask(house, "POST", f"issues/{a['id']}/unmerge", {"hashes": [p["hashes"][0]["hash"] for p in parts]}, 400)["error"]["message"]
    assert "hashes" in ask(house, "POST", f"issues/{a['id']}/unmerge", {"hashes": ["0" * 32]}, 400)["error"]["message"]
    too_many = ask(house, "POST", f"issues/{a['id']}/unmerge", {"hashes": [f"{n:032x}" for n in range(201)]}, 422)
    assert too_many["error"]["message"].startswith("hashes: more than 200")
    apart = ask(house, "POST", f"issues/{a['id']}/unmerge", {"hashes": [own]})
    fresh = apart["issue"]
    assert fresh["id"] not in (a["id"], b["id"]) and fresh["event_count"] == 0 and "alpha" in fresh["title"]
    assert apart["from"]["event_count"] == 3
    assert len(ask(house, "GET", f"issues/{fresh['id']}/events")["rows"]) == 2, "events follow their hash"
    assert house.api.send_envelope(envelope(("event", event("alpha", fingerprint=["alpha"])))).ok
    wait_until(lambda: one(house, fresh)["event_count"] == 1, what="the new issue counts")
    assert one(house, a)["event_count"] == 3


def test_archived_until(house):
    issue = send(house, "noisy", 2)
    put = lambda body, expect=200: ask(house, "PUT", f"issues/{issue['id']}", body, expect)
    archived = put({"status": "ignored", "archive": {"until": "events", "count": 3}})["issue"]
    assert archived["substatus"] == "archived_until_condition_met" and archived["archive"] == {"until": "events", "count": 3}
    send(house, "noisy", 2)
    assert one(house, issue)["status"] == "ignored"
    back = send(house, "noisy", 1)
    assert (back["status"], back["substatus"]) == ("unresolved", "ongoing")
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    put({"status": "ignored", "archive": {"until": "time", "time": until}})
    wait_until(lambda: one(house, issue)["status"] == "unresolved", NOTICED_WITHIN_S, 0.5, "back in time")
    for body, name in (({"status": "ignored", "archive": {"until": "luck"}}, "archive.until"), ({"status": "ignored", "archive": {"until": "events"}}, "archive.count"),
                       ({"status": "ignored", "archive": {"until": "time", "time": "2020-01-01T00:00:00Z"}}, "archive.time"),
                       ({"archive": {"until": "forever"}}, "archive"), ({"priority": "urgent"}, "priority"),
                       ({"status": "ignored", "archive": {"until": "users", "count": 1, "window_hours": 999}}, "archive.window_hours"),
                       ({"status": "resolved", "resolved_in": "a", "resolved_in_next": True}, "resolved_in_next")):
        assert name in put(body, 400)["error"]["message"]
    assert put({"status": "ignored"})["issue"]["substatus"] == "archived_forever"
    assert activity(house, issue)[:2] == ["archived until 3 more events", "unarchived 3 more events"]


def test_escalates_within_a_minute(house):
    old = time.time() - 3600
    issue = send(house, "spike", 1, timestamp=old)
    ask(house, "PUT", f"issues/{issue['id']}", {"status": "ignored", "archive": {"until": "escalating"}})
    send(house, "spike", 11)
    found = wait_until(lambda: (i := one(house, issue))["status"] == "unresolved" and i, NOTICED_WITHIN_S, 0.5, "escalation")
    assert found["substatus"] == "escalating" and found["priority"] == "high"
    assert house.api.issues(substatus="escalating")[0]["id"] == issue["id"]
    assert house.api.issues(substatus="new") == []
    ask(house, "PUT", f"issues/{issue['id']}", {"status": "ignored", "archive": {"until": "escalating"}})
    noticed = send(house, "other", 1, timestamp=old)
    send(house, "other", 11)
    wait_until(lambda: one(house, noticed)["substatus"] == "escalating", NOTICED_WITHIN_S, 0.5, "another look")
    assert one(house, issue)["substatus"] == "archived_until_escalating", "nothing came since it was archived"


def test_resolved_in_the_next_release(house):
    issue = send(house, "fixed", 1, release="shop@2.0")
    resolved = ask(house, "PUT", "issues", {"ids": [issue["id"]], "status": "resolved", "resolved_in_next": True})["issues"][0]
    assert (resolved["resolved_in"], resolved["resolved_in_next"]) == ("shop@2.0", True)
    assert send(house, "fixed", 2, release="shop@2.0")["status"] == "resolved"
    assert send(house, "fixed", 1)["status"] == "resolved", "no release says nothing"
    assert send(house, "fixed", 1, release="shop@2.0.1")["substatus"] == "regressed"


def test_people_talk_mark_and_own(house):
    new_user(house, "ada", "editor")
    new_user(house, "bob", "editor")
    new_user(house, "eve", "viewer")
    people = {}
    for name in ("ada", "bob", "eve"):
        people[name] = Browser(house.url)
        assert people[name].login(f"{name}@example.com").status_code == 200
    issue = send(house, "talk", 1)

    def by(name, method, path, body=None, expect=200):
        answer = people[name].send(method, path, body)
        house.document.check(answer)
        assert answer.status_code == expect, answer.text
        return answer.json()

    path = f"issues/{issue['id']}"
    comment = by("ada", "POST", path + "/comments", {"text": "The pool is too small."})["activity"]
    assert comment["who"] == "ada" and comment["mine"]
    mine = lambda name: [e["mine"] for e in by(name, "GET", path + "/activity")["activity"]]
    assert mine("ada") == [True] and mine("bob") == [False]
    by("bob", "PUT", f"{path}/comments/{comment['id']}", {"text": "No."}, 403)
    by("bob", "DELETE", f"{path}/comments/{comment['id']}", None, 403)
    by("eve", "POST", path + "/comments", {"text": "I only read."}, 403)
    assert "text" in by("ada", "POST", path + "/comments", {"text": "  "}, 400)["error"]["message"]
    changed = by("ada", "PUT", f"{path}/comments/{comment['id']}", {"text": "The pool was too small."})["activity"]
    assert changed["text"] == "The pool was too small." and "edited" in changed
    assert by("ada", "GET", path)["issue"]["comment_count"] == 1
    by("ada", "PUT", path, {"assignee": "bob@example.com", "priority": "low"})
    assert activity(house, issue) == ["comment", "assigned bob@example.com", "priority low"]
    by("ada", "DELETE", f"{path}/comments/{comment['id']}")
    by("ada", "DELETE", f"{path}/comments/{comment['id']}", None, 404)

    assert by("eve", "GET", path)["issue"]["bookmarked"] is False
    by("eve", "PUT", "issues/marks", {"ids": [issue["id"]], "bookmarked": True, "seen": True})
    shown = by("eve", "GET", "issues?bookmarked=true")["issues"]
    assert [(i["id"], i["bookmarked"], i["seen"]) for i in shown] == [(issue["id"], True, True)]
    assert by("bob", "GET", "issues?bookmarked=true")["issues"] == []
    for query, whose in (("bookmarked:me", ["eve"]), ("is:bookmarked", ["eve"]), ("is:[bookmarked,resolved]", ["eve"]),
                         ("!bookmarked:me", ["ada", "bob"])):
        for name in people:
            found = by(name, "GET", f"issues?query={quote(query)}")["issues"]
            assert [i["id"] for i in found] == ([issue["id"]] if name in whose else []), (query, name)
    for query in ("bookmarked:bob", "bookmarked:*", "has:bookmarked"):
        assert "bookmarked" in by("eve", "GET", f"issues?query={quote(query)}", None, 400)["error"]["message"]
    assert "nobody is signed in" in ask(house, "GET", "issues", None, 400, query="is:bookmarked")["error"]["message"]
    assert "bookmarked" in [k["key"] for k in by("eve", "GET", "suggest?for=issues&text=book")["keys"]]
    assert [v["value"] for v in by("eve", "GET", "suggest?for=issues&key=bookmarked")["values"]] == ["me"]
    ask(house, "PUT", f"issues/{issue['id']}", {"status": "resolved"})
    assert send(house, "talk", 1)["substatus"] == "regressed"
    assert by("eve", "GET", path)["issue"]["seen"] is False, "it came back since"
    by("eve", "PUT", "issues/marks", {"ids": [issue["id"], 999999], "seen": True}, 404)

    older = send(house, "older", 1)
    by("ada", "POST", "issues/merge", {"ids": [older["id"], issue["id"]], "into": older["id"]})
    assert by("eve", "GET", f"issues/{older['id']}")["issue"]["bookmarked"] is True, "one of its parts is"
    assert len(by("eve", "GET", "issues?bookmarked=true")["issues"]) == 1
    marks = by("eve", "PUT", "issues/marks", {"ids": [older["id"]], "bookmarked": False})["marks"]
    assert marks == [{"issue": older["id"], "bookmarked": False, "seen": False}]
    assert by("eve", "GET", "issues?bookmarked=true")["issues"] == []


def test_all_that_match_are_changed_together(house):
    """As the list of issues does it once all of its page is selected: by the list's own parameters."""
    names = [f"many-{i:02}" for i in range(12)]
    for name in names:
        send(house, name, 1, level="warning" if name < "many-04" else "error")
    resolved = ask(house, "PUT", "issues", {"status": "resolved"}, query=" ", status="unresolved", level="warning")["issues"]
    assert len(resolved) == 4 and {i["status"] for i in resolved} == {"resolved"}
    left = ask(house, "GET", "issues", status="unresolved", limit=5)
    assert (len(left["issues"]), left["total"]) == (5, 8), "the page is not all"
    changed = ask(house, "PUT", "issues", {"status": "ignored"}, query="many", status="unresolved")["issues"]
    assert len(changed) == 8 and ask(house, "GET", "issues", status="unresolved")["total"] == 0
    assert ask(house, "PUT", "issues", {"status": "ignored"}, query="many", status="unresolved")["issues"] == []
    assert "ids" in ask(house, "PUT", "issues", {"status": "ignored"}, 400, status="unresolved")["error"]["message"]
    both = {"resolved_in_commit": "9f2c1e7a", "status": "unresolved"}
    assert "resolved_in_commit" in ask(house, "PUT", "issues", both, 400, query="many", status="ignored")["error"]["message"]
    commit = {"resolved_in_commit": "9f2c1e7a"}
    assert len(ask(house, "PUT", "issues", commit, query="many", status="ignored")["issues"]) == 8


def test_a_whole_id_of_an_event_finds_its_issue(house):
    """In local variables, which no column has; parts of it with a star only."""
    def with_variable(name, value):
        frames = {"frames": [{"function": "f", "vars": {"order": value}}]}
        return send(house, name, 1, exception={"values": [{"type": "E", "value": name, "stacktrace": frames}]})

    a = with_variable("one-order", "<Order 99123456 at 0x7f00ab12>")
    b = with_variable("other-order", "<Order 12345 at 3bad4f>")
    for stored in (False, True):
        if stored:
            house.restart()
        for query, want in (("99123456", [a]), ("stack.vars:0x7F00AB12", [a]), ("12345", [b]), ("*12345*", [a, b]),
                            ("0x7f00*", [a]), ("0x7f00", []), ("bad", []), ("stack.vars:*bad4f", [b])):
            answer = ask(house, "GET", "issues", query=query)
            assert {i["id"] for i in answer["issues"]} == {i["id"] for i in want}, query
            assert answer["complete"]


def test_owners_get_new_issues(house):
    where = "projects/1/ownership"
    bad = ask(house, "PUT", where, {"rules": "path:**/x a\nfile:y b"}, 400)["error"]["message"]
    assert bad.startswith("rules, line 2")
    texts = {"codeowners": "*.py @python\n", "rules": "tags.area:pay* pay@example.com second@example.com"}
    assert ask(house, "PUT", where, texts)["ownership"] == texts
    assert send(house, "owned", 1)["assignee"] == "@python", "the frame is e2e.py"
    paid = send(house, "paid", 1, tags={"area": "payments"})
    assert paid["assignee"] == "pay@example.com"
    house.restart()
    assert ask(house, "GET", where)["ownership"] == texts
    ask(house, "PUT", f"issues/{paid['id']}", {"assignee": ""})
    assert send(house, "paid", 1, tags={"area": "payments"})["assignee"] == "", "never assigned again"
    assert activity(house, paid) == ["assigned pay@example.com", "assigned"]
