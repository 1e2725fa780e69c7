"""Some hundred kilobytes of a request must not become gigabytes of the server, whatever way in they take."""
import gzip
import json
import os
import struct
import time
import zlib

import pytest
import requests

from payloads import envelope, event
from server import wait_until

MUCH = 190 << 20  # under what a body may have once it is unpacked
# A sanitizer keeps shadows of all memory.
MAX_PEAK_KB = 1_000_000 * (4 if os.environ.get("TELLTALE_SANITIZED") else 1)


def packed(start: bytes, unit: bytes, count: int, end: bytes) -> bytes:
    """gzip of `unit` many times between two texts; never there as a whole."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    block = unit * 10_000
    parts = [packer.compress(start)]
    parts += [packer.compress(block) for _ in range(count // 10_000)]
    parts += [packer.compress(unit * (count % 10_000)), packer.compress(end), packer.flush()]
    return b"".join(parts)


def zeros(start: bytes, size: int, end: bytes) -> bytes:
    return packed(start, b"0,", size // 2, b"0" + end)


@pytest.fixture(autouse=True)
def stays_small(module_server):
    pid = module_server.process.pid
    yield
    assert module_server.alive() and module_server.process.pid == pid
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < MAX_PEAK_KB, f"peak memory {peak} kB"


def post(server, path, body, content_type="application/json", **headers) -> requests.Response:
    assert len(body) < 2_000_000
    return server.api.http.post(server.url + path, data=body, timeout=120,
                                headers={"Content-Encoding": "gzip", "Content-Type": content_type, **headers})


@pytest.mark.parametrize("kind", ["log", "span", "trace_metric"])
@pytest.mark.parametrize("size", [15 << 20, MUCH])
def test_a_long_list_of_nothing_in_an_envelope(module_server, kind, size):
    body = zeros(b'{}\n{"type":"%s"}\n{"items":[' % kind.encode(), size, b"]}\n")
    answer = module_server.api.send_envelope(body, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 400, answer.text[:300]
    assert ("values" if size == MUCH else "items[0]") in answer.json()["detail"]


@pytest.mark.parametrize("size", [15 << 20, MUCH])
def test_a_long_list_of_nothing_in_a_push(module_server, size):
    answer = post(module_server, "/loki/api/v1/push", zeros(b'{"streams":[{"stream":{"a":"b"},"values":[', size, b"]}]}"))
    assert answer.status_code in (400, 413), answer.text[:300]
    if size < MUCH:
        assert f"{size // 2 + 1} of {size // 2 + 1} entries refused" in answer.text


def test_many_lines_of_nothing(module_server):
    answer = post(module_server, "/insert/jsonline", packed(b"", b"0\n", MUCH // 2, b""))
    assert answer.status_code == 400, answer.text[:300]
    told = answer.json()
    assert told["rejected"] == MUCH // 2 and len(told["errors"]) == 100


@pytest.mark.parametrize("path, start", [("/insert/jsonline", b""), ("/_bulk", b'{"create":{"_index":"x"}}\n')], ids=["line", "bulk"])
def test_one_large_document(module_server, path, start):
    """As a list in it, which is kept as text."""
    answer = post(module_server, path, zeros(start + b'{"msg":"x","list":[', MUCH, b"]}\n"))
    assert "document: over" in answer.text, answer.text[:300]


def varint(n: int) -> bytes:
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
def test_many_empty_records(module_server, path):
    """Two bytes each, in one scope of one resource."""
    records = 2 * (MUCH // 2)
    scope = b"\x12" + varint(records)
    start = b"\x0a" + varint(len(scope) + records) + scope
    answer = post(module_server, path, packed(start, b"\x12\x00", records // 2, b""), "application/x-protobuf")
    assert answer.status_code == 200, answer.text[:300]
    assert b"limit" in answer.content or b"trace" in answer.content


def test_many_scopes_of_a_large_resource(module_server):
    """Each with one record, so that none can be left out."""
    attribute = b"\x0a\x01k\x12" + varint(900_004) + b"\x0a" + varint(900_000) + b"x" * 900_000
    resource = b"\x0a" + varint(len(attribute)) + attribute
    holder = b"\x0a" + varint(len(resource)) + resource
    scopes = 90_000 * 4
    start = b"\x0a" + varint(len(holder) + scopes) + holder
    answer = post(module_server, "/v1/logs", packed(start, b"\x12\x02\x12\x00", 90_000, b""), "application/x-protobuf")
    assert answer.status_code == 200, answer.text[:300]


def test_labels_that_many_lines_share(module_server):
    labels = {f"label_{i}": "x" * 4096 for i in range(200)}
    now = time.time_ns()
    start = json.dumps({"streams": [{"stream": labels}]})[:-3].encode() + b',"values":[["%d","first"]' % now
    answer = post(module_server, "/loki/api/v1/push", packed(start, b',["%d","x"]' % now, 99_000, b"]}]}"))
    assert answer.status_code == 400, answer.text[:300]
    assert "the others were stored" in answer.text and "bytes" in answer.text
    assert " of 99001 entries refused" in answer.text


def test_attributes_that_many_records_share(module_server):
    attributes = [{"key": f"k{i}", "value": {"stringValue": "x" * 4096}} for i in range(200)]
    start = json.dumps({"resourceLogs": [{"resource": {"attributes": attributes}}]})[:-3].encode() + b',"scopeLogs":[{"logRecords":[{}'
    answer = post(module_server, "/v1/logs", packed(start, b",{}", 99_000, b"]}]}]}"))
    assert answer.status_code == 200, answer.text[:300]
    partial = answer.json()["partialSuccess"]
    assert int(partial["rejectedLogRecords"]) > 90_000 and "bytes" in partial["errorMessage"]


def test_distributions_from_the_smallest_to_the_largest_number(module_server):
    now = time.time()
    items = [{"timestamp": now, "trace_id": "5b8efff798038103d269b633813fc60c", "name": f"wide_{i}", "type": "distribution", "value": value}
             for i in range(5_000) for value in (1e-300, 1e300, -1e-300, -1e300)]
    body = gzip.compress(envelope(("trace_metric", {"items": items})))
    for _ in range(2):
        answer = module_server.api.send_envelope(body, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 200, answer.text[:300]
    wait_until(lambda: module_server.api.query('histogram_count(wide_4999)') or None, what="the last histogram")
    assert module_server.api.query("histogram_count(wide_4999)")[0]["value"][1] == "8"


@pytest.mark.parametrize("path", ["auth/login", "auth/setup", "auth/password", "setup", "tokens", "users", "projects"])
def test_small_documents_are_small(module_server, path):
    """Some of them are read before anybody has signed in."""
    url = f"{module_server.url}/api/telltale/v1/{path}"
    large = json.dumps({"email": "a" * 70_000}).encode()
    assert requests.post(url, data=large, timeout=30).status_code == 413
    bomb = zeros(b"[", MUCH, b"]")
    assert requests.post(url, data=bomb, timeout=30, headers={"Content-Encoding": "gzip"}).status_code == 413


def test_nothing_behind_the_first_line_is_read_for_strangers(module_server):
    url = f"{module_server.url}/api/1/envelope/"
    for body in (zeros(b'{"x":[', MUCH, b"]}\n"), packed(b"{}\n", b"not an envelope\n", 1_000_000, b"")):
        answer = requests.post(url, data=body, timeout=60, headers={"Content-Encoding": "gzip"})
        assert answer.status_code in (401, 403), answer.text[:300]


def test_a_header_line_is_bounded_for_everybody(module_server):
    body = b'{"x":"' + b"x" * (64 << 10) + b'"}\n{"type":"event"}\n' + json.dumps(event("late")).encode() + b"\n"
    answer = module_server.api.send_envelope(body)
    assert answer.status_code == 413, answer.text[:300]
    assert "envelope header" in answer.json()["detail"]


def test_an_event_that_cannot_be_read_takes_its_files_with_it(module_server):
    name = f"of-nothing-{struct.unpack('>I', os.urandom(4))[0]}"
    event_id = os.urandom(16).hex()
    session = {"sid": os.urandom(16).hex(), "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "attrs": {"release": name}}
    head = json.dumps({"event_id": event_id}).encode() + b'\n{"type":"event"}\n{"broken\n'
    files = b'{"type":"attachment","length":2,"filename":"a.txt"}\nhi\n'
    alone = module_server.api.send_envelope(head + files)
    assert alone.status_code == 400, alone.text
    beside = module_server.api.send_envelope(head + files + b'{"type":"session"}\n' + json.dumps(session).encode() + b"\n")
    assert beside.status_code == 200, beside.text
    assert "id" not in beside.json(), "nothing has this id"
