"""Live tail: rows reach whoever watches as soon as they are accepted, and nobody else."""
import json
import secrets

import pytest
import requests
import websocket

from server import wait_until


def open_tail(server, token=None, **params):
    address = server.url.replace("http://", "ws://") + "/api/telltale/v1/tail"
    query = "&".join(f"{name}={value}" for name, value in params.items())
    headers = [f"Authorization: Bearer {server.token if token is None else token}"] if token != "" else []
    return websocket.create_connection(f"{address}?{query}", header=headers, timeout=20)


def read_rows(tail, count):
    rows = []
    while len(rows) < count:
        frame = json.loads(tail.recv())
        assert set(frame) == {"rows", "dropped"} and frame["dropped"] == 0, frame
        rows += frame["rows"]
    return rows


def test_tail_pushes_the_lines_that_match(module_server):
    mark = secrets.token_hex(6)
    tail = open_tail(module_server, query=mark, service="shop")
    api = module_server.api
    assert api.push_lines([f"not for {mark}"], {"service": "other"}).ok
    assert api.push_lines(["nothing of the kind"], {"service": "shop"}).ok
    lines = [f"{mark} line {i}" for i in range(1200)]  # more than one frame holds
    assert api.push_lines(lines, {"service": "shop"}).ok
    rows = read_rows(tail, len(lines))
    assert [row["message"] for row in rows] == lines
    assert {row["service"] for row in rows} == {"shop"}
    tail.close()


def test_tail_of_errors_has_the_event_without_its_payload(module_server):
    mark = secrets.token_hex(6)
    tail = open_tail(module_server, table="errors", query=mark)
    event = {"event_id": secrets.token_hex(16), "level": "error",
             "exception": {"values": [{"type": "ValueError", "value": mark}]}}
    body = "\n".join([json.dumps({"event_id": event["event_id"]}), json.dumps({"type": "event"}), json.dumps(event)])
    assert module_server.api.send_envelope(body.encode()).ok
    row, = read_rows(tail, 1)
    assert mark in row["message"] and "payload" not in row
    tail.close()


@pytest.mark.parametrize("token, params, status", [("", {}, 401), ("wrong" * 4, {}, 401), (None, {"table": "samples"}, 400)])
def test_refused_tails_say_why(module_server, token, params, status):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_tail(module_server, token, **params)
    assert refused.value.status_code == status


def test_tail_is_confined_to_the_tokens_project(module_server):
    api = module_server.api
    made = api.post("/api/telltale/v1/tokens", json={"name": "tail-reader", "role": "viewer", "project": 1})
    assert made.status_code == 201, made.text
    mark = secrets.token_hex(6)
    tail = open_tail(module_server, made.json()["secret"], query=mark)
    assert api.push_lines([mark], {"service": "shop"}).ok
    assert read_rows(tail, 1)[0]["project"] == 1
    tail.close()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_tail(module_server, made.json()["secret"], project=2)
    assert refused.value.status_code == 403


def test_closed_tails_free_their_places(module_server):
    for _ in range(3):
        tails = [open_tail(module_server, query="nothing") for _ in range(30)]
        for tail in tails:
            tail.close()
        # Their places are given back once the server has seen them go.
        wait_until(lambda: "telltale_" in module_server.api.http.get(module_server.url + "/metrics", timeout=5).text)
    open_tail(module_server).close()


def watched(server, mark, tail):
    """The tail shows a line that is pushed now."""
    assert server.api.push_lines([mark], {"service": "shop"}).ok
    assert read_rows(tail, 1)[0]["message"] == mark


def assert_ended(server, tail, mark):
    """The server closes the tail by itself, for good (1008), and nothing more reaches it."""
    rows = []
    while True:
        opcode, data = tail.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            assert int.from_bytes(data[:2], "big") == 1008
            break
        rows += json.loads(data)["rows"]
    assert rows == []
    assert server.api.push_lines([mark], {"service": "shop"}).ok
    tail.close()


def test_a_tail_ends_with_its_token(module_server):
    mark = secrets.token_hex(6)
    made = module_server.api.post("/api/telltale/v1/tokens", json={"name": "leaving", "role": "viewer", "project": 1}).json()
    tail = open_tail(module_server, made["secret"], query=mark)
    watched(module_server, mark, tail)
    assert module_server.api.http.delete(f"{module_server.url}/api/telltale/v1/tokens/{made['token']['id']}", timeout=10).ok
    assert_ended(module_server, tail, mark)


@pytest.mark.parametrize("how", ["logout", "logout-everywhere", "disable", "password"])
def test_a_tail_ends_with_its_session(module_server, how):
    api, url = module_server.api, module_server.url
    mark = secrets.token_hex(6)
    person = {"email": f"{mark}@example.com", "name": "Ada", "role": "viewer", "password": "a long walk by the sea"}
    user = api.post("/api/telltale/v1/users", json=person).json()["user"]
    browser = requests.Session()
    browser.headers.update({"X-Telltale": "1", "Origin": url})
    assert browser.post(f"{url}/api/telltale/v1/auth/login", json={k: person[k] for k in ("email", "password")}, timeout=30).ok
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    address = url.replace("http://", "ws://") + f"/api/telltale/v1/tail?query={mark}"
    tail = websocket.create_connection(address, header=[f"Cookie: {cookie}"], origin=url, timeout=20)
    watched(module_server, mark, tail)
    if how == "disable":
        done = api.http.put(f"{url}/api/telltale/v1/users/{user['id']}", json={"disabled": True}, timeout=10)
    elif how == "password":  # set by an administrator: every session of the user ends
        done = api.http.put(f"{url}/api/telltale/v1/users/{user['id']}", json={"password": "another walk by the sea"}, timeout=30)
    else:
        done = browser.post(f"{url}/api/telltale/v1/auth/{how}", timeout=10)
    assert done.ok, done.text
    assert_ended(module_server, tail, mark)
