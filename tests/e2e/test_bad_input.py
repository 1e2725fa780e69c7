"""Bad input gets a clear answer in the protocol's form, spares the good part of a batch and never stops the server."""
import functools
import gzip
import json
import os
import random
import secrets
import socket
import time
import zlib

import pytest
import requests

from payloads import envelope, event, span
from server import wait_until

MANY_ZEROS = 1 << 30

# A sanitizer keeps shadows of all memory.
MAX_PEAK_KB = 1_000_000 * (4 if os.environ.get("TELLTALE_SANITIZED") else 1)


@pytest.fixture(autouse=True)
def still_up(module_server):
    pid = module_server.process.pid
    yield
    assert module_server.alive() and module_server.process.pid == pid


@functools.cache
def zip_bomb() -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(MANY_ZEROS >> 20)) + packer.flush()


def refused(answer, *statuses) -> dict:
    """Checks for a 4xx of JSON; returns it."""
    assert answer.status_code in (statuses or range(400, 500)), f"{answer.status_code}: {answer.text[:300]}"
    return answer.json()


def otlp(api, body, content_type="application/json", **headers):
    return api.post("/v1/logs", data=body, headers={"Content-Type": content_type, **headers})


@pytest.mark.parametrize("body", [b"", b"{", b"not json\n", b"{}\n{\"type\":\"event\",\"length\":999}\n{}", b"\xff\xfe\n\x00", b"[]\n", b"{}\n{\"type\":7}\n"],
                         ids=["empty", "cut header", "no json", "length too long", "no utf-8", "array header", "type is a number"])
def test_broken_envelopes(module_server, body):
    answer = module_server.api.send_envelope(body)
    assert answer.status_code in (200, 400), answer.text
    assert isinstance(answer.json(), dict)
    if answer.status_code == 400:
        assert answer.json()["detail"]


def test_wrong_sentry_keys(module_server):
    body = envelope(("event", event("never stored")))
    for key in ("0" * 32, "short", "' OR 1=1 --", "f" * 5000):
        assert refused(module_server.api.send_envelope(body, key=key), 400, 401, 403)["detail"]
    other = requests.post(f"{module_server.url}/api/99/envelope/?sentry_key={module_server.dsn_key}", data=body, timeout=10)
    refused(other, 400, 401, 403, 404)


def test_good_items_of_a_bad_envelope_are_kept(module_server):
    marker = secrets.token_hex(8)
    good = event("kept " + marker)
    body = envelope(("event", b'{"broken'), ("unknown_kind", b"\x00\x01\x02"), ("event", good))
    module_server.api.send_envelope(body)
    wait_until(lambda: module_server.api.rows("errors", query=marker), what="the good event")


def test_wrong_types_inside_an_event(module_server):
    marker = secrets.token_hex(8)
    odd = event("odd " + marker, tags=[1, None, ["a"]], user="me", request=[], contexts=7, breadcrumbs="x", extra=None, release=3.5,
                timestamp="yesterday", level=["error"])
    answer = module_server.api.send_envelope(envelope(("event", odd)))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        wait_until(lambda: module_server.api.rows("errors", query=marker), what="the odd event")


@pytest.mark.parametrize("path", ["/api/1/envelope/", "/loki/api/v1/push", "/v1/logs", "/v1/traces", "/_bulk", "/insert/jsonline"])
def test_zip_bombs(module_server, path):
    bomb = zip_bomb()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json",
               "X-Sentry-Auth": f"Sentry sentry_key={module_server.dsn_key}, sentry_version=7",
               "Authorization": f"Bearer {module_server.token}"}
    started = time.monotonic()
    answer = requests.post(module_server.url + path, data=bomb, headers=headers, timeout=60)
    assert answer.status_code in (400, 413), answer.text[:200]
    assert time.monotonic() - started < 30
    with open(f"/proc/{module_server.process.pid}/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert peak < MAX_PEAK_KB, f"peak memory {peak} kB"


def test_not_really_gzip(module_server):
    api = module_server.api
    refused(api.send_envelope(b"plain", headers={"Content-Encoding": "gzip"}), 400)
    cut = gzip.compress(json.dumps({"streams": []}).encode())[:-9]
    assert api.post("/loki/api/v1/push", data=cut, headers={"Content-Encoding": "gzip"}).status_code == 400
    assert api.post("/v1/logs", data=b"{}", headers={"Content-Encoding": "nonsense"}).status_code in (400, 415)


@pytest.mark.parametrize("body", ["", "[]", '{"streams":7}', '{"streams":[{"stream":{"a":1},"values":[["x","y"]]}]}',
                                  '{"streams":[{"stream":{"a":"b"},"values":[[12,"number time"]]}]}', '{"streams":[{"values":[[]]}]}'])
def test_broken_loki_bodies(module_server, body):
    answer = module_server.api.post("/loki/api/v1/push", data=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.text.strip(), answer.text


def test_good_lines_of_a_bad_push_are_kept(module_server):
    marker = secrets.token_hex(8)
    now = time.time_ns()
    body = {"streams": [{"stream": {"service": "half"}, "values": [[str(now), "good " + marker], ["never", "bad " + marker],
                                                                  [str(now + 1), "also good " + marker]]}]}
    answer = module_server.api.post("/loki/api/v1/push", json=body)
    assert answer.status_code in (204, 400)
    rows = wait_until(lambda: module_server.api.rows("logs", query=marker), what="the good lines")
    assert {row["message"].split()[0] for row in rows} == {"good", "also"}


def test_invalid_utf8_is_kept_readable(module_server):
    marker = secrets.token_hex(8).encode()
    raw = b'{"streams":[{"stream":{"service":"u"},"values":[["%d","bad \xff\xfe bytes %s"]]}]}' % (time.time_ns(), marker)
    answer = module_server.api.post("/loki/api/v1/push", data=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (204, 400), answer.text
    if answer.status_code == 204:
        wait_until(lambda: module_server.api.rows("logs", query=marker.decode()), what="the repaired line")


def test_broken_otlp(module_server):
    api = module_server.api
    for body, kind in ((b"{", "application/json"), (b'{"resourceLogs":5}', "application/json"),
                       (b"\x0a\xff\xff\xff\xff\x0f", "application/x-protobuf"), (b"\x00" * 64, "application/x-protobuf")):
        answer = otlp(api, body, kind)
        assert answer.status_code == 400, (body, answer.status_code, answer.text)
    assert otlp(api, b"x", "text/plain").status_code in (400, 415)
    good, bad = span("good span"), {**span("bad span"), "traceId": "zz"}
    answer = api.send_spans([bad, good])
    assert answer.status_code in (200, 400)
    wait_until(lambda: api.rows("spans", trace_id=good["traceId"]), what="the good span")


def test_random_bytes_everywhere(module_server):
    seed = secrets.randbits(32)
    print("seed", seed)
    rng = random.Random(seed)
    for path in ("/api/1/envelope/", "/api/1/store/", "/loki/api/v1/push", "/api/prom/push", "/v1/logs", "/v1/traces", "/_bulk",
                 "/elasticsearch/i/_doc", "/insert/jsonline"):
        for kind in ("application/json", "application/x-protobuf", "application/x-sentry-envelope"):
            for encoding in ("", "gzip", "deflate", "snappy", "zstd"):
                headers = {"Content-Type": kind, "X-Sentry-Auth": f"Sentry sentry_key={module_server.dsn_key}, sentry_version=7"}
                headers.update({"Content-Encoding": encoding} if encoding else {})
                answer = module_server.api.post(path, data=rng.randbytes(rng.randrange(400)), headers=headers)
                assert answer.status_code < 500, (path, kind, encoding, answer.text)


def test_bad_queries(module_server):
    api = module_server.api
    for path, params in (("/api/v1/query", {"query": "sum("}), ("/api/v1/query", {}), ("/api/v1/query_range", {"query": "up", "start": "x"}),
                         ("/api/v1/query_range", {"query": "up", "start": 0, "end": 1e10, "step": 1})):
        body = refused(api.http.get(module_server.url + path, params=params, timeout=20), 400)
        assert body["status"] == "error" and body["errorType"] and body["error"]
    for params in ({"limit": "many"}, {"start": "noon"}, {"limit": -1}):
        refused(api.http.get(module_server.url + "/api/telltale/v1/logs", params=params, timeout=20), 400)
    refused(api.http.get(module_server.url + "/api/telltale/v1/traces/xyz", timeout=20), 400, 404)
    refused(api.http.get(module_server.url + "/api/telltale/v1/issues/999999999", timeout=20), 404)


def raw_exchange(server, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.settimeout(20)
        try:
            connection.sendall(data)
            return connection.recv(4096)
        except (ConnectionResetError, BrokenPipeError):
            return b""


def test_ten_thousand_headers(module_server):
    lines = b"".join(b"X-H%d: v\r\n" % i for i in range(10_000))
    answer = raw_exchange(module_server, b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    assert not answer or answer.split()[1] in (b"400", b"431"), answer[:200]


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/logs HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                                  b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
                                  b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"\x00" * 2000],
                         ids=["tls", "http 9.9", "negative length", "length overflow", "100 GB", "zeros"])
def test_broken_http(module_server, data):
    answer = raw_exchange(module_server, data)
    assert not answer or answer.split()[1].startswith(b"4") or answer.split()[1] == b"505", answer[:200]


# ---- Elasticsearch, JSON lines, CloudWatch

def test_broken_bulk_bodies(module_server):
    api = module_server.api
    for body in ("nonsense\n", "{}\n{}\n", '{"drop":{}}\n{}\n', '[1]\n', '{"index":5}\n{}\n'):
        told = refused(api.post("/_bulk", data=body.encode(), headers={"Content-Type": "application/x-ndjson"}), 400)
        assert told["status"] == 400 and "line [1]" in told["error"]["reason"], told
    refused(api.post("/_bulk", data=b"x", headers={"Content-Type": "image/png"}), 415)
    refused(requests.post(module_server.url + "/_bulk", data=b"{}", headers={"Content-Type": "application/json", "Authorization": "ApiKey wrong"}, timeout=10), 401)
    huge = b'{"create":{"_index":"i"}}\n{"message":"' + b"x" * 300_000 + b'"}\n{"create":{"_index":"i"}}\n{"message":"small"}\n'
    items = api.post("/_bulk", data=huge, headers={"Content-Type": "application/json"}).json()["items"]
    assert [item["create"]["status"] for item in items] == [400, 201] and "message" in items[0]["create"]["error"]["reason"]
    many = b'{"delete":{"_index":"i","_id":"1"}}\n' * 100_001
    assert refused(api.post("/_bulk", data=many, headers={"Content-Type": "application/json"}), 413)["error"]["type"] == "content_too_long_exception"


def test_good_lines_of_bad_json_lines_are_kept(module_server):
    api, marker = module_server.api, secrets.token_hex(8)
    body = f'{{"message":"good {marker}"}}\n{{"message":"bad {marker}"\n\xff\n7\n{{"_time":"never","message":"bad {marker}"}}\n{{"message":"also good {marker}"}}'
    answer = api.post("/insert/jsonline?_time_field=_time", data=body.encode("latin-1"))
    assert answer.status_code == 200 and answer.json()["accepted"] == 2, answer.text
    assert [e["line"] for e in answer.json()["errors"]] == [2, 3, 4, 5]
    rows = wait_until(lambda: (r := api.rows("logs", query=marker)) and len(r) == 2 and r, what="the good lines")
    assert {row["message"].split()[0] for row in rows} == {"good", "also"}
    assert refused(api.post("/insert/jsonline", data=b"nothing good\n"), 400)["accepted"] == 0
    refused(api.post("/insert/jsonline?extra_fields=novalue", data=b"{}"), 400)
    refused(api.post("/insert/jsonline?_stream_fields=" + ",".join("f%d" % i for i in range(101)), data=b"{}"), 400)
    refused(requests.post(module_server.url + "/insert/jsonline", data=b"{}", headers={"Authorization": "Bearer wrong"}, timeout=10), 401)


def cloudwatch(api, operation, body, **headers):
    return api.post("/", data=body, headers={"X-Amz-Target": "Logs_20140328." + operation, "Content-Type": "application/x-amz-json-1.1", **headers})


def test_broken_cloudwatch_requests(module_server):
    api = module_server.api
    for operation, body, code in (("PutLogEvents", b"{", "InvalidParameterException"), ("PutLogEvents", b"{}", "InvalidParameterException"),
                                  ("StartQuery", b"{}", "UnknownOperationException"), ("CreateLogStream", b'{"logGroupName":"none","logStreamName":"s"}', "ResourceNotFoundException"),
                                  ("CreateLogGroup", b'{"logGroupName":"a b"}', "InvalidParameterException")):
        told = refused(cloudwatch(api, operation, body), 400)
        assert told["__type"] == code and told["message"], told
    assert refused(cloudwatch(api, "PutLogEvents", zip_bomb(), **{"Content-Encoding": "gzip"}), 400, 413)["__type"] == "InvalidParameterException"
    assert refused(api.post("/", data=b"{}"), 400)["__type"] == "UnknownOperationException"
    for header in ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64):
        told = refused(requests.post(module_server.url + "/", data=b"{}", timeout=10,
                                     headers={"X-Amz-Target": "Logs_20140328.PutLogEvents", "Authorization": header}), 400)
        assert told["__type"] == "IncompleteSignatureException"
