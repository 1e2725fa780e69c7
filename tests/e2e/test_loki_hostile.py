"""Queries that mean harm, under a fixed cap of memory: each is refused or answered in bounded time, and the server answers
afterwards as before."""
import os
import concurrent.futures
import json
import secrets
import time

import pytest
import requests
import websocket

from loki_data import LOKI
from server import wait_until

CAP_GIB = 3
QUERY_SECONDS = 60


@pytest.fixture(scope="module")
def capped(tmp_path_factory):
    """A server whose address space ends at CAP_GIB, with lines of very many streams."""
    from server import Telltale
    folder = tmp_path_factory.mktemp("capped")
    settings = folder / "telltale.yml"
    settings.write_text("query: {max_memory: 64MiB, timeout: 20s}\n")
    # A sanitizer's shadow memory alone is larger than any cap; there the queries run without one.
    cap = [] if os.environ.get("TELLTALE_SANITIZED") else ["prlimit", f"--as={CAP_GIB * 2**30}"]
    server = Telltale(folder, ["--config", str(settings)], prefix=cap)
    server.start()
    now = time.time_ns()
    for part in range(10):
        streams = [{"stream": {"app": "many", "id": f"{part}-{i}", "host": f"h{i % 500}"},
                    "values": [[str(now - (part * 2000 + i) * 10**6), json.dumps({"n": i, "text": f"word{i} " * 20, "id": secrets.token_hex(8)})]]}
                   for i in range(2000)]
        assert server.api.post(f"{LOKI}/push", json={"streams": streams}).status_code == 204
    wait_until(lambda: server.api.get(f"{LOKI}/index/stats", query='{app="many"}')["entries"] == 20_000, what="20,000 lines")
    yield server
    assert server.process.poll() is None, server.log_tail()
    assert server.stop() == 0


def ask(server, path, **params):
    return requests.get(f"{server.url}{LOKI}/{path}", params=params, timeout=QUERY_SECONDS + 30, headers={"Authorization": f"Bearer {server.token}"})


def still_well(server):
    assert server.alive(), server.log_tail()
    assert ask(server, "index/stats", query='{app="many"}').json()["entries"] == 20_000


BOMBS = {
    "regex": '{app="many"} |~ "(x+x+)+y"',
    "regex of repetitions": '{app="many"} |~ "((a{100}){100}){100}"',
    "regex in the selector": '{app=~"(.*)*(.*)*(.*)*(.*)*(.*)*z{1000}"}',
    "many alternatives": '{app="many"} |~ "' + "|".join(f"w{i}x" for i in range(5000)) + '"',
    "deep parentheses": "(" * 5000 + "vector(1)" + ")" * 5000,
    "deep filters": '{app="many"} | ' + "(" * 5000 + 'a="b"' + ")" * 5000,
    "long chain": '{app="many"}' + ' |= "a"' * 5000,
    "deep sum": "sum(" * 5000 + "vector(1)" + ")" * 5000,
    "every stream a series": 'count_over_time({app="many"} | json [5m])',
    "series by a random field": 'sum by (id_extracted, text) (count_over_time({app="many"} | json [1h]))',
    "template that grows": '{app="many"} | line_format "' + "{{.text}}" * 2000 + '"',
    "repeat": '{app="many"} | line_format "{{ repeat 1000000 .text }}"',
    "label growth": '{app="many"} | json | label_format a="{{.text}}{{.text}}", b="{{.a}}{{.a}}", c="{{.b}}{{.b}}"',
    "cartesian": 'count_over_time({app="many"}[1h]) * on() group_left() count_over_time({app="many"}[1h])',
    "huge numbers": 'topk(9223372036854775807, count_over_time({app="many"}[1h])) ^ 99999',
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_cleanly(capped, name):
    now = time.time_ns()
    params = {"query": BOMBS[name], "start": now - 3600 * 10**9, "end": now, "step": "15", "limit": 5000}
    answer = requests.post(f"{capped.url}{LOKI}/query_range", data=params, timeout=QUERY_SECONDS + 30,
                           headers={"Authorization": f"Bearer {capped.token}"})
    assert answer.status_code in (200, 400, 413, 503), (answer.status_code, answer.text[:300])
    if answer.status_code != 200:
        assert answer.text.strip() and len(answer.text) < 4000
    still_well(capped)


@pytest.mark.parametrize("params", [
    {"query": 'rate({app="many"}[1h])', "start": "0", "end": "4102444800", "step": "1"},
    {"query": 'rate({app="many"}[100000d])', "start": "1", "end": "4102444800", "step": "400000"},
    {"query": '{app="many"}', "start": "0", "end": "4102444800", "limit": "99999999999"},
    {"query": '{app="many"}', "start": "0", "end": "4102444800", "limit": "100000"},
    {"query": '{app="many"}', "start": "-9223372036854775808", "end": "9223372036854775807"},
    {"query": '{app="many"}', "start": "0", "end": "7258118399", "interval": "1ns", "limit": "100000"}], ids=lambda p: str(sorted(p))[:40])
def test_huge_ranges_steps_and_limits(capped, params):
    answer = ask(capped, "query_range", **params)
    assert answer.status_code in (200, 400, 503), (answer.status_code, answer.text[:300])
    still_well(capped)


def test_metadata_of_very_many_streams(capped):
    for path, params in (("series", {"match[]": '{app="many"}'}), ("label/id/values", {}), ("detected_labels", {}),
                         ("index/volume", {"query": '{app="many"}', "targetLabels": "id,host"}),
                         ("index/volume_range", {"query": '{app="many"}', "targetLabels": "id", "step": "1"}),
                         ("index/volume", {"aggregateBy": "labels"}), ("patterns", {"query": '{app="many"}', "step": "1"}),
                         ("detected_fields", {"query": '{app="many"} | json', "line_limit": "5000"})):
        answer = ask(capped, path, **params)
        assert answer.status_code in (200, 400, 503), (path, answer.status_code, answer.text[:300])
    still_well(capped)


def test_all_at_once_beside_ten_tails(capped):
    address = capped.url.replace("http://", "ws://") + f"{LOKI}/tail?" + requests.compat.urlencode({"query": '{app="many"} |~ "word.*"', "limit": 5000})
    tails = [websocket.create_connection(address, header=[f"Authorization: Bearer {capped.token}"], timeout=30) for _ in range(10)]
    now = time.time_ns()
    names = list(BOMBS) * 2
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda name: requests.post(
            f"{capped.url}{LOKI}/query_range", timeout=QUERY_SECONDS * 3, headers={"Authorization": f"Bearer {capped.token}"},
            data={"query": BOMBS[name], "start": now - 3600 * 10**9, "end": now, "step": "15", "limit": 5000}).status_code, names))
    assert set(answers) <= {200, 400, 413, 503}, answers
    for tail in tails:
        assert json.loads(tail.recv())["streams"]
        tail.close()
    still_well(capped)


def test_exports_that_nobody_reads(capped):
    """More exports than may run, all of them stalled: the ones over the limit are refused, and others are served meanwhile."""
    held = []
    for _ in range(12):
        answer = requests.get(f"{capped.url}/api/telltale/v1/logs/export", params={"limit": 20000}, stream=True, timeout=30,
                              headers={"Authorization": f"Bearer {capped.token}"})
        held.append(answer)
    statuses = [answer.status_code for answer in held]
    assert set(statuses) <= {200, 429}, statuses
    still_well(capped)
    for answer in held:
        answer.close()
    def free():
        answer = requests.get(f"{capped.url}/api/telltale/v1/logs/export", params={"limit": 5}, timeout=30, headers={"Authorization": f"Bearer {capped.token}"})
        return answer.status_code == 200 and len(answer.text.splitlines()) == 5
    wait_until(free, what="a place for an export")
