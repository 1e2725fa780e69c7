"""A project's own rules of grouping: refused by line, tried on what is kept, in force at once and after a restart; and
why an event belongs to its issue."""
import pytest

from payloads import envelope, event
from server import wait_until

RULES = "/api/telltale/v1/projects/1/grouping"


def frame(function, module, in_app=True):
    return {"function": function, "module": module, "filename": module.replace(".", "/") + ".py", "lineno": 3, "in_app": in_app}


def failure(type_, *frames):
    return event("", exception={"values": [{"type": type_, "value": "none free", "stacktrace": {"frames": list(frames)}}]})


@pytest.fixture
def send(server_alone):
    def sending(payload, expected):
        assert server_alone.api.send_envelope(envelope(("event", payload))).ok
        return wait_until(lambda: (i := server_alone.api.issues()) and sum(x["event_count"] for x in i) == expected and i, what=f"{expected} events")
    return sending


@pytest.fixture
def server_alone(make_server):
    return make_server()


def test_rules_of_a_project(server_alone, send):
    api = server_alone.api
    put = lambda rules: api.http.put(server_alone.url + RULES, json=rules, timeout=30)
    refused = put({"stack_rules": "path:**/lib/** -app\nfunction:retry"})
    assert refused.status_code == 400 and "stack_rules, line 2" in refused.text
    send(failure("PoolTimeout", frame("cart", "shop.web"), frame("take", "shop.pool")), 1)
    send(failure("PoolTimeout", frame("order", "shop.web"), frame("take", "shop.pool")), 2)
    issues = send(failure("KeyError", frame("cart", "shop.web")), 3)
    assert len(issues) == 3

    # The preview: both timeouts would meet in a new issue. Nothing changes by it.
    rules = {"fingerprint_rules": 'error.type:Pool* -> pool title="No connection free"'}
    preview = api.post(RULES + "/preview", json=rules).json()
    assert (preview["events"], preview["unchanged"]) == (3, 1)
    assert [(m["events"], m["new_issue"], m["title"]) for m in preview["moves"]] == [(1, 1, "No connection free")] * 2
    assert {m["from"]["title"] for m in preview["moves"]} == {"PoolTimeout: none free"}
    assert len(api.issues()) == 3

    assert put(rules).json()["grouping"]["fingerprint_rules"] == rules["fingerprint_rules"]
    send(failure("PoolTimeout", frame("cart", "shop.web"), frame("take", "shop.pool")), 4)
    server_alone.restart()
    issues = send(failure("PoolTimeout", frame("order", "shop.web"), frame("take", "shop.pool")), 5)
    assert sorted((i["title"], i["event_count"]) for i in issues) == [
        ("KeyError: none free", 1), ("No connection free", 2), ("PoolTimeout: none free", 1), ("PoolTimeout: none free", 1)]

    by_rule = next(i for i in issues if i["event_count"] == 2)
    why = api.get(f"/api/telltale/v1/issues/{by_rule['id']}/grouping")
    assert why["rule"].startswith("error.type:Pool*")
    assert [(v["name"], v["bound"], v["parts"]) for v in why["variants"]] == [
        ("custom", True, [{"kind": "fingerprint", "text": "pool", "counts": True}])]


def test_why_an_event_is_where_it_is(server_alone, send):
    first = failure("KeyError", frame("wsgi_app", "flask.app", in_app=False), frame("cart", "shop.web"))
    [issue] = send(first, 1)
    send(failure("KeyError", frame("dispatch", "flask.views", in_app=False), frame("cart", "shop.web")), 2)
    path = f"/api/telltale/v1/issues/{issue['short_id']}/grouping"
    why = server_alone.api.get(path, event=first["event_id"])
    assert why["event_id"] == first["event_id"] and why["rule"] == ""
    app, system = why["variants"]
    assert (app["name"], app["bound"], system["name"], system["bound"]) == ("app", True, "system", True)
    assert [(p["text"], p["counts"], p.get("why")) for p in app["parts"]] == [
        ("KeyError", True, None),
        ("flask.app in wsgi_app", False, "not the application's own"),
        ("shop.web in cart", True, None),
        ("none free", False, "the stack tells more"),
    ]
    assert server_alone.api.http.get(server_alone.url + path, params={"event": "0" * 32}, timeout=30).status_code == 404
