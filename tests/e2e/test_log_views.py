"""Patterns, the lines around a line, and exports of the own API."""
import csv
import io
import json
import secrets
import time

import pytest
import requests

from api_document import ApiDocument
from loki_data import Shop
from server import wait_until

V1 = "/api/telltale/v1"


@pytest.fixture(scope="module")
def shop(module_server):
    return Shop(module_server.api)


def own(shop, path, **params):
    return shop.api.get(V1 + path, start=shop.at(700) / 1e9, end=shop.now / 1e9 + 1, **params)


def test_patterns_have_filters_that_select_and_exclude_their_lines(shop):
    found = own(shop, "/logs/patterns", service=shop.pay, buckets=20)
    assert found["total"] == 60 and found["exact"] and found["sampled_rows"] == 60
    assert sum(p["count"] for p in found["patterns"]) == 60
    for pattern in found["patterns"]:
        assert pattern["service"] == shop.pay and sum(pattern["counts"]) == pattern["count"]
        assert len(pattern["counts"]) == len(found["buckets"]) and abs(pattern["share"] - pattern["count"] / 60) < 1e-9
        for form in ("where", "logql"):
            kept = own(shop, "/logs", service=shop.pay, limit=1000, **{form: pattern["select"][form]})["rows"]
            rest = own(shop, "/logs", service=shop.pay, limit=1000, **{form: pattern["exclude"][form]})["rows"]
            assert len(kept) >= pattern["count"] and len(kept) + len(rest) == 60
    ApiDocument(shop.api.server.url).check(shop.api.http.get(
        shop.api.server.url + V1 + "/logs/patterns", params={"service": shop.pay}, timeout=30))


def test_lines_around_a_line(shop):
    at, line = shop.pay_lines[30]
    found = own_context(shop, time=ns_text(at), service=shop.pay, before=5, after=7)
    assert found["line"]["message"] == line
    assert [r["message"] for r in found["before"]] == [text for _, text in shop.pay_lines[25:30]]
    assert [r["message"] for r in found["after"]] == [text for _, text in shop.pay_lines[31:38]]
    assert found["more_before"] and found["more_after"]
    ends = own_context(shop, time=ns_text(shop.pay_lines[0][0]), service=shop.pay, before=5, after=100)
    assert ends["before"] == [] and not ends["more_before"] and len(ends["after"]) == 59 and not ends["more_after"]


def ns_text(ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


def own_context(shop, **params):
    answer = shop.api.http.get(shop.api.server.url + V1 + "/logs/context", params=params, timeout=30)
    return ApiDocument(shop.api.server.url).check(answer)


def test_context_is_exact_where_lines_share_a_time(shop):
    """Sixty lines of one nanosecond, twins among them, in two streams of one service."""
    mark = secrets.token_hex(4)
    at = shop.at(30)
    lines = [f"line {i // 2 if i < 20 else i}" for i in range(60)]
    for i, line in enumerate(lines):
        shop.push({"service_name": mark, "pod": "ab"[i % 3 == 0]}, [(at, line, {})])
    stream = [line for i, line in enumerate(lines) if i % 3 != 0]
    wait_until(lambda: len(shop.api.rows("logs", service=mark)) == 60, what="60 lines")
    for scope, expected in (("service", lines), ("stream", stream)):
        for place in range(len(expected)):
            line = expected[place]
            twin = expected[:place].count(line)
            found = own_context(shop, time=ns_text(at), message=line, place=twin, scope=scope, before=100, after=100, service=mark,
                                **({} if scope == "service" else {"pod": "a"}))
            got = [r["message"] for r in found["before"]] + ["*" + found["line"]["message"]] + [r["message"] for r in found["after"]]
            assert got == expected[:place] + ["*" + line] + expected[place + 1:], (scope, place)
    missing = shop.api.http.get(shop.api.server.url + V1 + "/logs/context", params={"time": ns_text(at), "message": "no such line"}, timeout=10)
    assert missing.status_code == 404


def export(shop, **params):
    answer = shop.api.http.get(shop.api.server.url + V1 + "/logs/export", params=params, timeout=60)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["Content-Disposition"] and answer.headers.get("Transfer-Encoding") == "chunked"
    return answer


def test_export_as_ndjson_and_csv(shop):
    answer = export(shop, service=shop.web, order="oldest")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["message"] for row in rows] == [line for _, line in shop.web_lines]
    assert rows == own(shop, "/logs", service=shop.web, order="oldest", limit=1000)["rows"]
    table = list(csv.DictReader(io.StringIO(export(shop, service=shop.web, order="oldest", format="csv").text)))
    assert [row["message"] for row in table] == [line for _, line in shop.web_lines]
    assert list(table[0]) == ["time", "level", "service", "message", "trace_id", "request_id", "user_id", "attributes"]
    assert json.loads(table[0]["attributes"])["pod"] == "web-1"
    chosen = list(csv.reader(io.StringIO(export(shop, service=shop.web, format="csv", columns="message,pod", limit=3).text)))
    assert chosen[0] == ["message", "pod"] and [row[1] for row in chosen[1:]] == ["web-1"] * 3


def test_export_of_more_than_one_piece_is_whole(shop):
    mark = secrets.token_hex(4)
    lines = [f"{mark} {i} " + "x" * 400 + ' "quoted", \n and broken' for i in range(6000)]
    for part in range(0, 6000, 2000):
        shop.push({"service_name": mark}, [(shop.at(20) + part + i, line, {}) for i, line in enumerate(lines[part:part + 2000])])
    wait_until(lambda: own(shop, "/logs/patterns", service=mark)["total"] == 6000, what="6,000 lines")
    answer = export(shop, service=mark, order="oldest")
    assert [json.loads(line)["message"] for line in answer.text.splitlines()] == lines
    answer = export(shop, service=mark, order="oldest", format="csv", columns="message")
    assert [row[0] for row in csv.reader(io.StringIO(answer.text, newline=""))] == ["message", *lines]


def test_no_cell_of_a_table_is_a_formula(shop):
    mark = secrets.token_hex(4)
    lines = ['=HYPERLINK("http://x.example","y")', "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "-5", "+4.5", "-1e3", "plain", "a=b"]
    shop.push({"service_name": mark}, [(shop.at(20) + i, line, {}) for i, line in enumerate(lines)])
    wait_until(lambda: own(shop, "/logs/patterns", service=mark)["total"] == len(lines), what="the lines")
    answer = export(shop, service=mark, order="oldest", format="csv", columns="message")
    cells = [row[0] for row in csv.reader(io.StringIO(answer.text, newline=""))][1:]
    assert cells == ["'" + line for line in lines[:5]] + lines[5:]
    raw = [json.loads(line)["message"] for line in export(shop, service=mark, order="oldest").text.splitlines()]
    assert raw == lines


@pytest.mark.parametrize("path, params, name", [
    ("export", {"format": "xml"}, "format"), ("export", {"limit": "0"}, "limit"),
    ("export", {"columns": ",".join("abcdefgh" + str(i) for i in range(200))}, "columns"), ("context", {}, "time"),
    ("context", {"time": "1", "scope": "world"}, "scope"), ("patterns", {"buckets": "0"}, "buckets")])
def test_bad_parameters_are_named(shop, path, params, name):
    answer = shop.api.http.get(f"{shop.api.server.url}{V1}/logs/{path}", params=params, timeout=10)
    assert answer.status_code == 400 and name in answer.json()["error"]["message"], answer.text


def test_only_for_those_who_read(shop):
    for path in ("export", "context?time=1", "patterns"):
        assert requests.get(f"{shop.api.server.url}{V1}/logs/{path}", timeout=10).status_code == 401


# ---- By LogQL

def test_rows_by_logql(shop):
    rows = own(shop, "/logs", logql=f'{{service_name="{shop.web}"}} | json | status=500', limit=1000)["rows"]
    assert len(rows) == 12 and all(row["attributes"]["status"] for row in rows)
    assert all(json.loads(row["message"])["status"] == 500 for row in rows)
    refused = shop.api.http.get(shop.api.server.url + V1 + "/logs", params={"logql": "rate({}[1m])"}, timeout=10)
    assert refused.status_code == 400 and "logql" in refused.json()["error"]["message"]


def test_patterns_and_exports_by_logql(shop):
    by_query = own(shop, "/logs/patterns", logql=f'{{service_name="{shop.web}"}} | json | line_format "{{{{.message}}}}"')
    assert [(p["pattern"], p["count"]) for p in by_query["patterns"]] == [("GET /cart/<_> done", 120)]
    by_query = export(shop, logql=f'{{service_name="{shop.web}"}} | json | status=500')
    assert len(by_query.text.splitlines()) == 12
    answer = shop.api.http.get(f"{shop.api.server.url}{V1}/logs/export", params={"logql": "{"}, timeout=10)
    assert answer.status_code == 400 and "parse error" in answer.json()["error"]["message"], answer.text


def test_own_tail_by_logql(shop):
    import websocket
    server, mark = shop.api.server, secrets.token_hex(4)
    query = requests.compat.urlencode({"logql": f'{{app="{mark}"}} | json | n>1 | line_format "n is {{{{.n}}}}"'})
    tail = websocket.create_connection(server.url.replace("http://", "ws://") + f"{V1}/tail?{query}", header=[f"Authorization: Bearer {server.token}"], timeout=20)
    shop.push({"app": mark}, [(shop.now + i, json.dumps({"n": i}), {}) for i in range(4)])
    rows = []
    while len(rows) < 2:
        rows += json.loads(tail.recv())["rows"]
    assert [row["message"] for row in rows] == ["n is 2", "n is 3"]
    tail.close()
