"""A hundred PromQL queries that mean harm, under a fixed cap of memory: each ends cleanly, with Prometheus' error or an answer, while
samples that are written meanwhile all arrive, and the server answers as before."""
import concurrent.futures
import json
import os
import threading
import time

import pytest
import requests

from remote_write import V1, send, v1
from server import Telltale, wait_until

CAP_GIB = 2
SERIES = 5_000
SAMPLES = 20
STEP_S = 15
QUERY_S = 5
ERRORS = {400: {"bad_data"}, 422: {"execution"}, 503: {"timeout", "canceled", "unavailable"}, 413: {"bad_data"}, 429: {"execution", "unavailable"}}


class Capped:
    """A server whose address space ends at CAP_GIB, with very many series, and a writer that never stops."""

    def __init__(self, folder):
        settings = folder / "telltale.yml"
        settings.write_text(json.dumps({"query": {"max_memory": "16MiB", "timeout": f"{QUERY_S}s"}, "host": {"enabled": False}}))
        # A sanitizer's shadow memory alone is larger than any cap; there the queries run without one.
        cap = [] if os.environ.get("TELLTALE_SANITIZED") else ["prlimit", f"--as={CAP_GIB * 2**30}"]
        self.server = Telltale(folder, ["--config", str(settings)], prefix=cap).start()
        self.end = int(time.time()) - 60
        self.start = self.end - STEP_S * SAMPLES
        for part in range(10):
            request = v1["WriteRequest"]()
            for i in range(part * SERIES // 10, (part + 1) * SERIES // 10):
                one = request.timeseries.add()
                for name, value in (("__name__", "many"), ("host", f"h{i % 500}"), ("id", f"{i:05d}"), ("long", f"{i % 7}" * 200)):
                    one.labels.add(name=name, value=value)
                for k in range(SAMPLES):
                    one.samples.add(timestamp=(self.start + k * STEP_S) * 1000, value=(i * 7919 + k * 104729) % 100_003 + 0.5)
            assert send(self.server, request, V1).status_code == 204
        wait_until(lambda: self.count() == SERIES, 60, what="the series")
        self.written, self.stop_writing = 0, threading.Event()
        self.writer = threading.Thread(target=self.write)
        self.writer.start()

    def count(self):
        found = self.server.api.get("/api/v1/query", query="count(many)", time=self.end - 20)["data"]["result"]
        return int(found[0]["value"][1]) if found else 0

    def write(self):
        """One sample a request, each a second after the one before in its own time."""
        while not self.stop_writing.is_set():
            request = v1["WriteRequest"]()
            one = request.timeseries.add()
            one.labels.add(name="__name__", value="beside")
            one.samples.add(timestamp=(self.end - 86_400 + self.written) * 1000, value=self.written)
            if send(self.server, request, V1).status_code == 204:
                self.written += 1
            time.sleep(0.02)

    def resident_gib(self):
        for line in open(f"/proc/{self.server.process.pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 2**20
        return 0

    def ask(self, path, **params):
        return requests.post(f"{self.server.url}/api/v1/{path}", data=params, timeout=QUERY_S + 60,
                             headers={"Authorization": f"Bearer {self.server.token}"})


@pytest.fixture(scope="module")
def capped(tmp_path_factory):
    made = Capped(tmp_path_factory.mktemp("hostile"))
    yield made
    made.stop_writing.set()
    made.writer.join()
    server = made.server
    assert server.process.poll() is None, server.log_tail()
    query = dict(query="count_over_time(beside[2d])", time=made.end)
    wait_until(lambda: int(server.api.get("/api/v1/query", **query)["data"]["result"][0]["value"][1]) == made.written, 30, what="every sample written beside")
    assert made.written > 20
    print(f"{made.written} samples written beside, resident at most {made.resident_gib():.2f} GiB")
    assert server.stop() == 0


def deep(before, inner, after, n):
    return before * n + inner + after * n


# Name: query. Asked at one time and over a range.
BOMBS = {
    # Products and joins
    "cartesian by on ()": "many * on () group_left () many",
    "cartesian by host": "many * on (host) group_left () many",
    "many to many": "many + on (host) many",
    "many times many": " * ".join(["many"] * 40),
    "join of joins": "(many * on (id) many) * on (id) (many * on (id) many) * on (id) (many * on (id) many)",
    "group_right of all labels": "sum by (id) (many) * on (id) group_right (host, long) many",
    "or of many": " or ".join(f"label_replace(many, 'x', '{i}', '', '')" for i in range(60)),
    "or of itself": " or ".join(["many"] * 200),
    "unless of itself": " unless ".join(["many"] * 200),
    "and of itself": " and ".join(["many"] * 500),
    "and on ()": "many and on () many",
    # Labels that grow
    "label_replace that doubles": deep("label_replace(", "many", ', "long", "$1$1", "long", "(.*)")', 20),
    "label_replace of everything": deep("label_replace(", "many", ', "a", "$1", "id", "(.*)")', 100),
    "label_replace of a long text": f'label_replace(many, "x", "{"y" * 100_000}", "", "")',
    "label_join of itself": deep("label_join(", "many", ', "long", "", "long", "long")', 20),
    "label_join of very many": 'label_join(many, "x", ",", ' + ", ".join(['"long"'] * 5000) + ")",
    "count_values": 'count_values("v", many)',
    "count_values by id": 'count_values by (id, host, long) ("v", many)',
    "count_values of count_values": 'count_values("w", count_values("v", many))',
    "count_values of irrationals": 'count_values("v", sqrt(many))',
    # Regular expressions
    "regex of doubt": 'many{id=~"(0+0+)+1"}',
    "regex of repetitions": 'many{id=~"((a{100}){100}){100}"}',
    "regex of stars": 'many{long=~"(.*)*(.*)*(.*)*(.*)*z{1000}"}',
    "regex of ten thousand": 'many{id=~"' + "|".join(f"{i}x.*" for i in range(10_000)) + '"}',
    "regex of literals": 'many{id=~"' + "|".join(f"{i:05d}" for i in range(20_000)) + '"}',
    "regex as long as can be": 'many{id=~"' + "(a|b)?" * 20_000 + '"}',
    "regex in label_replace": 'label_replace(many, "x", "$1", "long", "(.*)(.*)(.*)(.*)(.*)(.*)z")',
    "regex of deep groups": 'many{id=~"' + deep("(", "0", ")*", 900) + '"}',
    "regex that is none": 'many{id=~"("}',
    "five hundred matchers": "many{" + ",".join(f'id!="{i}"' for i in range(500)) + "}",
    "all names": '{__name__=~".+"}',
    "all names twice": '{__name__=~".+"} + {__name__=~".+"}',
    # Depth and length
    "deep parentheses": deep("(", "many", ")", 5000),
    "deeper parentheses": deep("(", "many", ")", 200_000),
    "deep sums": deep("sum(", "many", ")", 5000),
    "deep signs": deep("-", "many", "", 5000),
    "deep functions": deep("abs(", "many", ")", 3000),
    "deep subqueries": deep("max_over_time(", "many", "[1m:15s])", 12),
    "deeper subqueries": deep("max_over_time(", "many", "[1m:15s])", 300),
    "long sum": "+".join(["1"] * 20_000),
    "long power": "^".join(["2"] * 20_000),
    "long comparison": "1 " + "== bool 1 " * 20_000,
    "long chain of vectors": "many" + " + 1" * 5000,
    "long text": '"' + "x" * 900_000 + '"',
    "long name": "x" * 500_000,
    "long label": "many{" + "x" * 500_000 + '="y"}',
    "long comment": "# " + "x" * 900_000 + "\n1",
    "long number": "1" * 100_000,
    "unfinished text": '"' + "x" * 100_000,
    "unfinished braces": "many" + "{" * 100_000,
    "unfinished parentheses": "(" * 100_000,
    "by very many": "sum by (" + ",".join(f"l{i}" for i in range(20_000)) + ") (many)",
    "zero bytes": "many\x00{id=\"\x00\"}",
    "right to left": "sum(\u202emany\u202c)",
    "grandmother": "many{id=\"" + "\U0001F475" * 50_000 + "\"}",
    # Windows
    "a century": "sum_over_time(many[100y])",
    "many centuries": "sum_over_time(many[9999999999y])",
    "window of a millisecond": "rate(many[1ms])",
    "offset of a century": "many offset 100y",
    "offset to come": "many offset -100y",
    "offset that overflows": "many offset 300000000y",
    "at the end of time": "many @ 9223372036854775",
    "at before time": "many @ -9223372036854775",
    "at infinity": "many @ Inf",
    "subquery of milliseconds": "max_over_time(many[1h:1ms])",
    "subquery of a year of milliseconds": "max_over_time(vector(1)[1y:1ms])",
    "subquery of a century": "count_over_time(vector(1)[100y:1s])",
    "subquery of a rate of subqueries": "sum(max_over_time(rate(max_over_time(many[5m:1s])[5m:1s])[5m:1s]))",
    "subquery of a join": "max_over_time((many * on (id) many)[10m:1s])",
    "subquery that is wide": "quantile_over_time(0.5, (many)[1d:1s])",
    "absent_over_time of a century": "absent_over_time(nothing[100y:1s])",
    "predict far": "predict_linear(many[5m], 1e300)",
    "quantiles of windows": "quantile_over_time(0.99, many[5m])",
    "deviation of windows": "stddev_over_time(many[1h])",
    # Numbers
    "topk of a milliard": "topk(1e9, many)",
    "topk of nothing": "topk(-1, many)",
    "topk of NaN": "topk(NaN, many)",
    "topk of infinity": "topk(Inf, many)",
    "topk beyond integers": "topk(1e19, many)",
    "bottomk by id": "bottomk by (id) (1e18, many)",
    "quantile of infinity": "quantile(Inf, many)",
    "round to nothing": "round(many, 0)",
    "round to a denormal": "round(many, 5e-324)",
    "power of power": "many ^ 1e308 ^ 1e308",
    "modulo nothing": "many % 0",
    "clamp to nothing": "clamp(many, Inf, -Inf)",
    "clamp to NaN": "clamp(many, NaN, NaN)",
    "histogram of no buckets": "histogram_quantile(0.9, many)",
    "histogram of everything": 'histogram_quantile(0.9, label_replace(many, "le", "$1", "id", "0*(.+)"))',
    "scalar of many": "scalar(many) + many",
    "year of everything": "year(many * 1e300)",
    "duration of ten thousand units": "many[" + "1h" * 10_000 + "]",
    "range that is computed": "max_over_time(many[5m * 1e300])",
    "range of nothing": "max_over_time(many[5m - 5m])",
    "range of powers": "max_over_time(many[2 ^ 2 ^ 2 ^ 2 ^ 2])",
    "sort of everything": "sort_desc(sort(sort_desc(many)))",
    "group by all": "group by (id, host, long, __name__) (many)",
    "without nothing": "sum without () (many)",
    "stddev of everything": "stddev without (id) (many)",
    "absent of many things": "absent(" + "absent(" * 200 + "many" + ")" * 201,
    "name that is a label": '{"many", __name__="many"}',
    "a thousand selectors": " + ".join(f'sum(many{{host="h{i % 500}"}})' for i in range(1000)),
    "a thousand rates": " + ".join(f'sum(rate(many{{host="h{i % 500}"}}[5m]))' for i in range(1000)),
}


def ends_cleanly(answer, name):
    body = answer.json()
    if answer.status_code == 200:
        assert body["status"] == "success", name
        return
    assert answer.status_code in ERRORS, (name, answer.status_code, answer.text[:300])
    assert body["status"] == "error" and body["errorType"] in ERRORS[answer.status_code] and body["error"], (name, answer.text[:300])
    assert len(answer.text) < 20_000, (name, len(answer.text))


def still_well(capped):
    assert capped.server.process.poll() is None, capped.server.log_tail()
    assert capped.count() == SERIES
    assert capped.resident_gib() < CAP_GIB


def test_there_are_a_hundred():
    assert len(BOMBS) >= 100


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_cleanly(capped, name):
    ends_cleanly(capped.ask("query", query=BOMBS[name], time=capped.end - 20), name)
    ends_cleanly(capped.ask("query_range", query=BOMBS[name], start=capped.start, end=capped.end, step=5), name)
    still_well(capped)


@pytest.mark.parametrize("params", [
    {"start": 0, "end": 4102444800, "step": 1}, {"start": 0, "end": 4102444800, "step": 372_950},
    {"start": 0, "end": 11_000, "step": 1}, {"start": 0, "end": 10_999, "step": 1}, {"start": 0, "end": 10_998.9, "step": 0.9999},
    {"start": "-9223372036854775808", "end": "9223372036854775807", "step": 1e9}, {"start": "1e308", "end": "1e309", "step": 1},
    {"start": 0, "end": 100, "step": "1e-300"}, {"start": 0, "end": 100, "step": 0}, {"start": 0, "end": 100, "step": -1},
    {"start": 0, "end": 100, "step": "NaN"}, {"start": "NaN", "end": "Inf", "step": 1}, {"start": 100, "end": 0, "step": 1},
    {"start": 0, "end": 100, "step": "9" * 10_000}, {"start": "x" * 100_000, "end": 0, "step": 1}], ids=lambda p: str(p)[:40])
def test_ranges_and_steps(capped, params):
    for query in ("many", "sum(rate(many[1h]))", "vector(1)"):
        ends_cleanly(capped.ask("query_range", query=query, **params), (query, params))
    ends_cleanly(capped.ask("query", query="many", time=params["end"], lookback_delta=params["step"]), params)
    ends_cleanly(capped.ask("query", query="many", time=params["end"], timeout=params["step"]), params)
    still_well(capped)


def test_eleven_thousand_points(capped):
    """As Prometheus: 11,000 steps after the start are answered, one more is refused with the way out."""
    most = capped.ask("query_range", query="vector(1)", start=0, end=11_000, step=1)
    assert most.status_code == 200 and len(most.json()["data"]["result"][0]["values"]) == 11_001
    over = capped.ask("query_range", query="vector(1)", start=0, end=11_001, step=1)
    assert over.status_code == 400 and over.json()["errorType"] == "bad_data" and "11000" in over.json()["error"].replace(",", "")


def test_all_at_once(capped):
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = pool.map(lambda name: (name, capped.ask("query_range", query=BOMBS[name], start=capped.start, end=capped.end, step=5)), list(BOMBS)[::2])
        for name, answer in answers:
            ends_cleanly(answer, name)
    still_well(capped)
