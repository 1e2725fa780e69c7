"""Live tail: rows reach whoever watches as soon as they are accepted, and nobody else."""
import json
import secrets

import pytest
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
