"""Loki's live tail: history and live lines without a gap or a repetition, pushed, in order, under load."""
import json
import secrets
import statistics
import threading
import time

import pytest
import requests
import websocket

from loki_data import LOKI


def open_tail(server, query, token=None, **params):
    query = requests.compat.urlencode({"query": query, **params})
    address = server.url.replace("http://", "ws://") + f"{LOKI}/tail?{query}"
    return websocket.create_connection(address, header=[f"Authorization: Bearer {token or server.token}"], timeout=20)


def push(server, labels, entries):
    answer = requests.post(f"{server.url}{LOKI}/push", json={"streams": [{"stream": labels, "values": entries}]}, timeout=30,
                           headers={"Authorization": f"Bearer {server.token}"})
    assert answer.status_code == 204, answer.text


def entries_of(lines):
    now = time.time_ns()
    return [[str(now + i), line] for i, line in enumerate(lines)]


def read_lines(tail, count):
    lines = []
    while len(lines) < count:
        frame = json.loads(tail.recv())
        assert set(frame) <= {"streams", "encodingFlags"}, frame
        lines += sorted((v for s in frame["streams"] for v in s["values"]), key=lambda v: int(v[0]))
    return [v[1] for v in lines]


def test_history_comes_first_and_then_what_is_pushed(module_server):
    mark = secrets.token_hex(6)
    push(module_server, {"app": mark}, entries_of([f"old {i}" for i in range(30)]))
    tail = open_tail(module_server, f'{{app="{mark}"}} |= "o"', limit=10)
    assert read_lines(tail, 10) == [f"old {i}" for i in range(20, 30)]
    push(module_server, {"app": mark}, entries_of(["nothing", "one more", "two more"]))
    push(module_server, {"app": "other" + mark}, entries_of(["one of others"]))
    push(module_server, {"app": mark}, entries_of(["for the end"]))
    assert read_lines(tail, 4) == ["nothing", "one more", "two more", "for the end"]
    tail.close()


def test_frames_have_the_forms_of_queries(module_server):
    mark = secrets.token_hex(6)
    flags = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
    address = module_server.url.replace("http://", "ws://") + f"{LOKI}/tail?" + requests.compat.urlencode({"query": f'{{app="{mark}"}} | json'})
    header = [f"Authorization: Bearer {module_server.token}", *(f"{k}: {v}" for k, v in flags.items())]
    tail = websocket.create_connection(address, header=header, timeout=20)
    at = str(time.time_ns())
    push(module_server, {"app": mark}, [[at, '{"user":"ada"}', {"trace": "t1"}]])
    frame = json.loads(tail.recv())
    assert frame["encodingFlags"] == ["categorize-labels"]
    stream, = frame["streams"]
    assert stream["stream"]["app"] == mark and "trace" not in stream["stream"]
    (time_text, line, extra), = stream["values"]
    assert (time_text, line) == (at, '{"user":"ada"}')
    assert extra["structuredMetadata"]["trace"] == "t1" and extra["parsed"]["user"] == "ada"
    tail.close()


@pytest.mark.parametrize("query, params, status", [
    ("{", {}, 400), ("rate({a=\"b\"}[1m])", {}, 400), ('{a="b"}', {"delay_for": "6"}, 400), ('{a="b"}', {"limit": "x"}, 400)])
def test_refused_tails(module_server, query, params, status):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_tail(module_server, query, **params)
    assert refused.value.status_code == status


def test_a_tail_ends_with_its_token(module_server):
    mark = secrets.token_hex(6)
    api = module_server.api
    made = api.post("/api/telltale/v1/tokens", json={"name": "tail-" + mark, "role": "viewer", "project": 1}).json()
    tail = open_tail(module_server, f'{{app="{mark}"}}', token=made["secret"])
    push(module_server, {"app": mark}, entries_of(["seen"]))
    assert read_lines(tail, 1) == ["seen"]
    assert api.http.delete(f"{module_server.url}/api/telltale/v1/tokens/{made['token']['id']}", timeout=10).ok
    while True:
        opcode, data = tail.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            assert int.from_bytes(data[:2], "big") == 1008
            break
    tail.close()


def test_late_lines_find_their_place_within_the_delay(module_server):
    mark = secrets.token_hex(6)
    tail = open_tail(module_server, f'{{app="{mark}"}}', delay_for="2")
    now = time.time_ns()
    push(module_server, {"app": mark}, [[str(now), "second"]])
    push(module_server, {"app": mark}, [[str(now - 10**9), "first"]])
    push(module_server, {"app": mark}, [[str(now + 10**6), "third"]])
    assert read_lines(tail, 3) == ["first", "second", "third"]
    tail.close()


def test_every_line_once_and_in_order_under_load(module_server):
    """Four writers; tails that open in the middle. Each writer's lines arrive complete and in its order, history included."""
    mark = secrets.token_hex(6)
    writers, batches, size = 4, 40, 25
    total = batches * size
    opened = threading.Barrier(writers + 1)

    def write(w):
        for b in range(batches):
            if b == batches // 3:
                opened.wait(30)
            push(module_server, {"app": mark, "writer": f"w{w}"}, entries_of([f"{w} {b * size + i}" for i in range(size)]))

    threads = [threading.Thread(target=write, args=(w,)) for w in range(writers)]
    for thread in threads:
        thread.start()
    opened.wait(30)  # lines are on their way while the tails open
    tails = [open_tail(module_server, f'{{app="{mark}"}}', limit=5000) for _ in range(3)]
    for thread in threads:
        thread.join()
    for tail in tails:
        seen = {w: [] for w in range(writers)}
        while sum(map(len, seen.values())) < writers * total:
            for s in json.loads(tail.recv())["streams"]:
                for _, line in s["values"]:
                    w, i = line.split()
                    seen[int(w)].append(int(i))
        for w in range(writers):
            assert sorted(seen[w]) == list(range(total)), f"writer {w}: not each line once"
            assert seen[w] == sorted(seen[w]), f"writer {w}: out of order"
        tail.close()


def test_latency_is_printed(module_server, capsys):
    mark = secrets.token_hex(6)
    tail = open_tail(module_server, f'{{app="{mark}"}}', limit=0)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {module_server.token}"
    took = []
    for i in range(100):
        sent = time.perf_counter()
        answer = session.post(f"{module_server.url}{LOKI}/push", json={"streams": [{"stream": {"app": mark}, "values": [[str(time.time_ns()), f"n {i}"]]}]}, timeout=30)
        assert answer.status_code == 204
        assert read_lines(tail, 1) == [f"n {i}"]
        took.append((time.perf_counter() - sent) * 1000)
    tail.close()
    with capsys.disabled():
        print(f"\nlive tail, push to client: median {statistics.median(took):.1f} ms, p99 {sorted(took)[98]:.1f} ms, worst {max(took):.1f} ms")
