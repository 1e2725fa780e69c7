"""Rows as files, streamed: every row once, in order, whatever is in them, and refused as searches are."""
import csv
import io
import json
import secrets
import time

import pytest

from api_document import PREFIX
from server import wait_until

ROWS = 30_000


@pytest.fixture(scope="module")
def lines(module_server):
    """Many lines of one service, some of them hard on CSV."""
    service = "export-" + secrets.token_hex(4)
    hard = ['=HYPERLINK("http://evil.example")', "+1+2", "-5", "@cmd", 'say "hi", twice', "two\nlines", "\u202etac", "", "a,b"]
    texts = [hard[i] if i < len(hard) else f"line {i} " + "x" * (i % 97) for i in range(ROWS)]
    texts[7] = "empty was here"
    for at in range(0, ROWS, 5000):
        assert module_server.api.push_lines(texts[at:at + 5000], {"service": service}).ok
    api = module_server.api
    wait_until(lambda: api.get(PREFIX + "logs/histogram", where=f"service={service}")["total"] == ROWS, 60, what="the lines")
    return service, texts


def instant(row) -> str:
    """A time that sorts as text: fractions are as long as they need be."""
    second, _, fraction = row["time"].rstrip("Z").partition(".")
    return f"{second}.{fraction:0<9}"


def export(server, **params):
    answer = server.api.http.get(server.url + PREFIX + "logs/export", params=params, timeout=120, stream=True)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="logs-') and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers.get("Transfer-Encoding") == "chunked"
    return answer


def test_ndjson_has_every_row(module_server, lines):
    service, texts = lines
    answer = export(module_server, where=f"service={service}", order="oldest")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.iter_lines()]
    assert len(rows) == ROWS and sorted(r["message"] for r in rows) == sorted(texts)
    assert [instant(r) for r in rows] == sorted(map(instant, rows))
    newest = [json.loads(line) for line in export(module_server, where=f"service={service}", limit=10).iter_lines()]
    assert [r["time"] for r in newest] == [r["time"] for r in rows[:-11:-1]]


def test_csv_is_read_back_and_runs_nothing(module_server, lines):
    service, texts = lines
    answer = export(module_server, where=f"service={service}", order="oldest", format="csv", fields="time,service,message,nowhere")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert rows[0] == ["time", "service", "message", "nowhere"] and len(rows) == ROWS + 1
    messages = sorted(r[2] for r in rows[1:])
    guarded = {"=HYPERLINK(\"http://evil.example\")", "@cmd", "+1+2"}
    assert messages == sorted("'" + t if t in guarded else t for t in texts)
    assert {r[1] for r in rows[1:]} == {service} and {r[3] for r in rows[1:]} == {""}


def test_a_slow_reader_costs_no_memory_and_one_that_leaves_costs_nothing(module_server, lines):
    service, _ = lines
    answers = [export(module_server, where=f"service={service}") for _ in range(8)]
    for answer in answers:
        assert next(answer.iter_content(1024))
    time.sleep(0.5)
    for answer in answers:
        answer.close()
    assert module_server.alive()
    assert sum(1 for _ in export(module_server, where=f"service={service}").iter_lines()) == ROWS


@pytest.mark.parametrize("params, word", [({"format": "xml"}, "format"), ({"limit": "0"}, "limit"), ({"where": "level"}, "where"),
                                          ({"fields": ",".join("abcdefgh"[i % 8] + str(i) for i in range(65))}, "fields"), ({"start": "noon"}, "start")])
def test_refusals_name_the_parameter(module_server, params, word):
    answer = module_server.api.http.get(module_server.url + PREFIX + "logs/export", params=params, timeout=10)
    assert answer.status_code == 400 and word in answer.json()["error"]["message"], answer.text


def test_an_export_is_confined_to_the_tokens_project(module_server, lines):
    api = module_server.api
    made = api.post(PREFIX + "tokens", json={"name": "exporter", "role": "ingest", "project": 1}).json()
    answer = api.http.get(module_server.url + PREFIX + "logs/export", headers={"Authorization": f"Bearer {made['secret']}"}, timeout=10)
    assert answer.status_code == 403
