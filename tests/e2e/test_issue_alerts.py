"""People hear of issues by their project's rules: what is wrong is named, who is asked hears, links open the issue."""
import os

import pytest

from api_document import PREFIX, ApiDocument
from payloads import envelope, event
from server import wait_until

CONFIG = """
server: {{external_url: "https://telltale.example.com/"}}
net: {{outbound_allow: ["127.0.0.1"]}}
receivers:
  - {{name: hook, type: webhook, url: "{url}/hook"}}
  - {{name: chat, type: slack, url: "{url}/slack"}}
"""
NAMES = ["fatal ones", "often", "many users", "together"]


@pytest.fixture
def house(make_server, receiver, tmp_path):
    config = tmp_path / "telltale.yml"
    config.write_text(CONFIG.format(url=receiver.url))
    server = make_server(["--config", str(config)])
    server.document = ApiDocument(server.url)
    return server


def ask(house, method, body=None, expect=200):
    answer = house.api.http.request(method, f"{house.url}{PREFIX}projects/1/issue-alerts", json=body, timeout=30)
    house.document.check(answer)
    assert answer.status_code == expect, answer.text
    return answer.json() if answer.content else None


def send(house, fingerprint, times=1, **extra):
    for i in range(times):
        assert house.api.send_envelope(envelope(("event", event(fingerprint, fingerprint=[fingerprint], **extra, user={"id": f"u{i}"})))).ok


def told(receiver, path, text):
    return [body for body in receiver.at(path) if text in str(body)]


def test_rules_say_who_hears_of_what(house, receiver):
    own = ask(house, "GET")["issue_alerts"]
    assert own["is_default"] and own["rules"][0]["on"] == ["new", "regressed", "escalating", "unarchived"]
    send(house, "alpha")
    first = wait_until(lambda: told(receiver, "/hook", "alpha"), what="the new issue")[0]
    assert first["kind"] == "issue" and first["title"].startswith("New error: "), first
    issue = next(i for i in house.api.issues(query="alpha"))
    assert first["link"] == f"https://telltale.example.com/issues/{issue['id']}"
    wait_until(lambda: told(receiver, "/slack", "alpha"), what="the same in chat")

    bad = {"rules": [{"name": "x", "on": ["new"], "query": "level:"}]}
    assert "rules[0].query" in ask(house, "PUT", bad, expect=400)["error"]["message"]
    bad = {"rules": [{"name": "x", "on": ["new"], "receivers": ["nobody"]}]}
    assert ask(house, "PUT", bad, expect=400)["error"]["message"] == 'rules[0].receivers: there is none named "nobody"'
    assert ask(house, "GET")["issue_alerts"]["is_default"], "what is wrong changes nothing"

    rules = [{"name": "fatal ones", "on": ["new"], "query": "level:fatal", "receivers": ["chat"]},
             {"name": "often", "events": {"more_than": 4, "within": "5m"}, "receivers": ["hook"]},
             {"name": "many users", "users": {"more_than": 5, "within": "5m"}, "receivers": ["hook"]},
             {"name": "together", "on": ["new"], "query": "beta", "digest": "1m", "receivers": ["chat", "hook"]}]
    kept = ask(house, "PUT", {"rules": rules})["issue_alerts"]
    assert not kept["is_default"] and [r["name"] for r in kept["rules"]] == NAMES
    send(house, "beta")
    send(house, "gamma", level="fatal")
    send(house, "delta", 5)
    send(house, "epsilon", 6)
    wait_until(lambda: told(receiver, "/slack", "gamma"), what="the fatal one in chat")
    often = wait_until(lambda: told(receiver, "/hook", "delta"), 60, what="the frequent one")[0]
    assert often["title"].startswith("Frequent: ") and often["fields"]["Because"] == "5 events in 5m, more than 4"
    wait_until(lambda: len(told(receiver, "/hook", "epsilon")) >= 2, 60, what="often, and many users")
    assert {b["fields"]["Rule"] for b in told(receiver, "/hook", "epsilon")} == {"often", "many users"}
    assert not told(receiver, "/hook", "gamma") and not told(receiver, "/slack", "delta")
    assert not told(receiver, "/hook", "beta") and not told(receiver, "/slack", "beta"), "it waits to be told together"

    house.restart()
    assert [r["name"] for r in ask(house, "GET")["issue_alerts"]["rules"]] == NAMES
    ask(house, "DELETE", expect=204)
    assert ask(house, "GET")["issue_alerts"]["is_default"]


@pytest.mark.skipif("TELLTALE_SOAK" not in os.environ, reason="a digest waits a minute")
def test_a_digest_waits(house, receiver):
    ask(house, "PUT", {"rules": [{"name": "together", "on": ["new"], "digest": "1m", "receivers": ["hook"]}]})
    send(house, "alpha")
    send(house, "beta")
    digest = wait_until(lambda: told(receiver, "/hook", "digest"), 90, 0.5, what="the digest")[0]
    assert digest["kind"] == "digest" and digest["title"] == "2 notices of issues in default", digest["title"]
    assert {i["title"].split(": ")[-1] for i in digest["issues"]} == {"alpha", "beta"}
    assert all(i["link"].startswith("https://telltale.example.com/issues/") for i in digest["issues"])

