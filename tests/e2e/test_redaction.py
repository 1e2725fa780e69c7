"""Secrets planted by a careless application are found in no answer and nowhere on the disk."""
import base64
import json
import os
import random
import re
import secrets
import socket
import subprocess
import sys
import time

import pytest
import requests
import remote_write
from payloads import envelope, event
from secrets_planted import planted
from server import ROOT, free_port, wait_until
from tail_listener import Tail

sys.path.insert(0, str(ROOT / "examples" / "stockapp"))
from stockapp.faults import PLANTED_SECRETS  # noqa: E402

EXTRA = {"pem": "MIIEplantedKeyMaterial0123456789abcdefPLANTED", "body_password": "b0dy-planted-pass"}


def variants(secret: str) -> set[str]:
    return {secret, secret.replace(" ", ""), secret.replace("-", "")} if re.fullmatch(r"[\d -]+", secret) else {secret}


def files_with(folder, needle: bytes) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_planted_secrets_are_nowhere(make_server, make_stockapp):
    server = make_server()
    app, api = make_stockapp(server), server.api
    user = app.register()
    app.fault("secrets_in_logs")
    login = app.http.post(app.url + "/api/login", json={"email": user["email"], "password": user["password"]}, timeout=30)
    request_id = login.headers["X-Request-ID"]
    planted = event("card 4111 1111 1111 1111 was refused",
                    request={"url": "http://x/pay?api_key=" + PLANTED_SECRETS["aws_key"], "method": "POST",
                             "data": {"password": EXTRA["body_password"]},
                             "headers": {"Authorization": "Bearer " + PLANTED_SECRETS["bearer"]}},
                    extra={"key": "-----BEGIN PRIVATE KEY-----\n" + EXTRA["pem"] + "\n-----END PRIVATE KEY-----"})
    assert api.send_envelope(envelope(("event", planted), event_id=planted["event_id"])).status_code == 200
    api.push_lines([f"password={PLANTED_SECRETS['password']} kept for later"], {"service": "careless"})
    wait_until(lambda: api.rows("errors", query="refused") and api.rows("logs", query="reconnecting")
               and api.rows("logs", service="careless") and len(api.rows("logs", request_id=request_id)) >= 4, what="everything to arrive")

    answers = [api.http.get(server.url + path, params=params, timeout=30).text for path, params in (
        ("/api/telltale/v1/logs", {"limit": 5000}), ("/api/telltale/v1/spans", {"limit": 5000}),
        ("/api/telltale/v1/errors", {"limit": 5000, "payload": "true"}), ("/api/telltale/v1/issues", {"project": 1}),
        ("/api/telltale/v1/related", {"request_id": request_id}))]
    leaks = []
    secrets = {**PLANTED_SECRETS, **EXTRA, "user_password": user["password"]}
    for name, secret in secrets.items():
        for text in variants(secret):
            leaks += [f"{name}: answer {i}" for i, answer in enumerate(answers) if text in answer]
            leaks += [f"{name}: {path}" for path in files_with(server.data_dir, text.encode())]
            leaks += [f"{name}: server's own log"] if text in server.log_path.read_text(errors="replace") else []
    assert leaks == []
    server.stop()
    for name, secret in secrets.items():
        assert not any(files_with(server.data_dir, t.encode()) for t in variants(secret)), f"{name} on disk after a clean stop"


def decoded_store(server) -> bytes:
    """Everything the server kept, decompressed: a restored copy answers, so that journal and parts are both read by the server."""
    return b"".join(server.api.http.get(server.url + f"/api/telltale/v1/{table}", params={"limit": 5000, "payload": "true"}, timeout=60).content
                    for table in ("logs", "spans", "errors"))


def loki_json(api, lines):
    return api.push_lines(lines, {"service": "planted"})


def loki_legacy(api, lines):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return api.post("/api/prom/push", json={"streams": [{"labels": '{service="planted"}', "entries": [{"ts": now, "line": line} for line in lines]}]})


def loki_labels(api, lines):
    """The secret as a label, and as structured metadata."""
    now = str(time.time_ns())
    return api.post("/loki/api/v1/push", json={"streams": [{"stream": {"service": "planted", "note": line}, "values": [[now, "x", {"meta": line}]]} for line in lines]})


def otlp_logs(api, lines):
    value = lambda text: {"stringValue": text}
    records = [{"timeUnixNano": str(time.time_ns()), "body": value(line), "attributes": [
        {"key": "note", "value": value(line)}, {"key": "list", "value": {"arrayValue": {"values": [value(line)]}}}]} for line in lines]
    return api.post("/v1/logs", json={"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": value("planted")}]},
                                                        "scopeLogs": [{"logRecords": records}]}]})


def otlp_spans(api, lines):
    now = time.time_ns()
    return api.send_spans([{"traceId": secrets.token_hex(16), "spanId": secrets.token_hex(8), "name": line, "kind": 2,
                            "startTimeUnixNano": str(now - 10**6), "endTimeUnixNano": str(now),
                            "attributes": [{"key": "db.statement", "value": {"stringValue": line}}]} for line in lines], service="planted")


def sentry_events(api, lines):
    for line in lines:
        one = event(line, extra={"note": line, "deep": [{"x": line}]}, breadcrumbs={"values": [{"message": line}]})
        assert api.send_envelope(envelope(("event", one), event_id=one["event_id"])).ok
    return True


def sentry_store(api, lines):
    for line in lines:
        answer = requests.post(f"{api.server.url}/api/1/store/?sentry_key={api.server.dsn_key}", json=event(line, tags={"note": line[:190]}), timeout=30)
    return answer


def otlp_protobuf(api, lines):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    body = ExportLogsServiceRequest()
    records = body.resource_logs.add().scope_logs.add().log_records
    for line in lines:
        record = records.add(time_unix_nano=time.time_ns())
        record.body.string_value = line
        note = record.attributes.add(key="note")
        note.value.string_value = line
    return api.post("/v1/logs", data=body.SerializeToString(), headers={"Content-Type": "application/x-protobuf"})


def sentry_logs(api, lines):
    items = [{"timestamp": time.time(), "trace_id": secrets.token_hex(16), "level": "info", "body": line,
              "attributes": {"note": {"value": line, "type": "string"}}} for line in lines]
    head = {"type": "log", "item_count": len(items), "content_type": "application/vnd.sentry.items.log+json"}
    return api.send_envelope("\n".join(json.dumps(part) for part in ({}, head, {"items": items})).encode())


def bulk(api, lines):
    documents = [{"@timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "message": line, "service": {"name": "planted"},
                  "labels": {"note": line}, "list": [line, {"x": line}]} for line in lines]
    body = "".join(json.dumps(part) + "\n" for document in documents for part in ({"create": {"_index": "planted"}}, document))
    return api.post("/_bulk", data=body.encode(), headers={"Content-Type": "application/x-ndjson"})


def json_lines(api, lines):
    body = "".join(json.dumps({"_time": time.time_ns(), "_msg": line, "app": "planted", "note": line, "deep": {"x": [line]}}) + "\n" for line in lines)
    return api.post("/insert/jsonline?_time_field=_time&_msg_field=_msg&_stream_fields=app", data=body.encode())


def json_lines_without_message(api, lines):
    """The whole document is the line."""
    body = "".join(json.dumps({"_time": time.time_ns(), "note": line, "deep": {"x": [line]}}) + "\n" for line in lines)
    return api.post("/insert/jsonline?_time_field=_time&_msg_field=_msg", data=body.encode())


def cloudwatch_client(api):
    import boto3
    secret = api.post("/api/telltale/v1/tokens", json={"name": "planted", "role": "ingest"}).json()["secret"]
    return boto3.client("logs", endpoint_url=api.server.url, region_name="eu-central-1", aws_access_key_id="planted", aws_secret_access_key=secret)


def cloudwatch(api, lines):
    logs = cloudwatch_client(api)
    names = {"logGroupName": "/planted", "logStreamName": "one"}
    logs.create_log_group(logGroupName="/planted")
    logs.create_log_stream(**names)
    logs.put_log_events(**names, logEvents=[{"timestamp": int(time.time() * 1000), "message": line} for line in lines])
    return True


def telling_words(lines, alphabet=r"\S", longest=48):
    """Of each line the word that is a secret by itself, as far as a name may be made of it."""
    tells = r"(?!sid)\w+=\S{12,}|\d{15,16}|DE\d{20}|\d{3}-\d\d-\d{4}|(AKIA|ghp_|github_pat_|glpat-|xoxb-|sk_live_|npm_|pypi-|shpat_|dckr_pat_|hvs\.|glsa_)\S+"
    words = [word for line in lines for word in line.split() if re.fullmatch(tells, word) and re.fullmatch(alphabet + "+", word)]
    words = [word for word in words if len(word) <= longest]
    assert len(words) >= 8
    return words


def cloudwatch_names(api, lines):
    """The secret in the names of groups and streams, and in tags."""
    logs = cloudwatch_client(api)
    event = lambda: [{"timestamp": int(time.time() * 1000), "message": "x"}]

    def made(create, **names):
        try:
            create(**names)
            return True
        except logs.exceptions.ResourceAlreadyExistsException:
            return False  # masked, it may be the name of another

    groups, streams = telling_words(lines, r"[\w./#-]", 200), telling_words(lines, r"[^:*\s]", 200)
    for group in groups:
        names = {"logGroupName": "/app/" + group, "logStreamName": "one"}
        made(logs.create_log_group, logGroupName="/app/" + group, tags={"note": group, "password": "tagged-" + group})
        assert not made(logs.create_log_group, logGroupName="/app/" + group)
        made(logs.create_log_stream, **names)
        logs.put_log_events(**names, logEvents=event())
        assert len(logs.describe_log_groups(logGroupNamePrefix="/app/" + group)["logGroups"]) >= 1
    made(logs.create_log_group, logGroupName="/planted")
    for stream in streams:
        names = {"logGroupName": "/planted", "logStreamName": stream}
        made(logs.create_log_stream, **names)
        logs.put_log_events(**names, logEvents=event())
        assert len(logs.describe_log_streams(logGroupName="/planted", logStreamNamePrefix=stream)["logStreams"]) >= 1
    return len(groups) + len(streams)


def syslog_udp(api, lines):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        for i, line in enumerate(lines):
            s.sendto(f"<13>1 - host app - - [note@1 text=\"{escaped(line)}\"] {line}".encode(), ("127.0.0.1", api.server.ports["udp"]))
            time.sleep(0.001 if i % 10 else 0.01)
    return True


def syslog_tcp(api, lines):
    with socket.create_connection(("127.0.0.1", api.server.ports["tcp"])) as s:
        for i, line in enumerate(lines):
            message = f"<13>app: {line}".encode() if i % 2 else f"<13>1 - host app - - - {line}".encode()
            s.sendall(message + b"\n" if i % 2 else b"%d %s" % (len(message), message))
    return True


def escaped(text):
    return re.sub(r'(["\\\]])', r"\\\1", text)


def syslog_names(api, lines):
    """The secret as the program's or the host's name, as process and message id."""
    words = telling_words(lines)
    with socket.create_connection(("127.0.0.1", api.server.ports["tcp"])) as s:
        for word in words:
            for head in (f"host {word} - -", f"{word} app - -", f"host app {word} {word[:32]}"):
                s.sendall(f"<13>1 - {head} - x\n".encode())
            s.sendall(f"<13>Nov 25 10:00:00 host {word}[1]: x\n".encode())
    return 4 * len(words)


def followed_file(api, lines):
    (api.server.logs / "app.log").write_text("".join(line + "\n" for line in lines))
    return True


def otlp_grpc(api, lines):
    import grpc
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
    body = logs_service_pb2.ExportLogsServiceRequest()
    for line in lines:
        resource = body.resource_logs.add()
        for key in ("service.name", "host.name", "k8s.pod.name"):
            resource.resource.attributes.add(key=key).value.string_value = line
        record = resource.scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
        record.body.string_value = line
        record.attributes.add(key="note").value.string_value = line
    with grpc.insecure_channel(f"127.0.0.1:{api.server.ports['grpc']}") as channel:
        logs_service_pb2_grpc.LogsServiceStub(channel).Export(body, metadata=(("authorization", f"Bearer {api.server.token}"),), timeout=30)
    return True


def varint(n):
    return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])


def part(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def snappy(data):
    """Without compressing: runs of literals."""
    out = varint(len(data))
    for at in range(0, len(data), 60_000):
        run = data[at:at + 60_000]
        out += bytes([61 << 2]) + (len(run) - 1).to_bytes(2, "little") + run
    return out


def loki_snappy(api, lines):
    streams = b""
    for line in lines:
        stamp = part(1, b"\x08" + varint(time.time_ns() // 10**9))
        entry = stamp + part(2, line) + part(3, part(1, "meta") + part(2, line))
        labels = "{service=\"planted\", note=%s}" % json.dumps(line)
        streams += part(1, part(1, labels) + part(2, entry))
    return api.post("/loki/api/v1/push", data=snappy(streams), headers={"Content-Type": "application/x-protobuf"})


def now_ms():
    return time.time_ns() // 1_000_000


def remote_write_labels(api, lines):
    """In a label's value, an exemplar's, and what is said of a family."""
    request = remote_write.v1["WriteRequest"]()
    for i, line in enumerate(lines):
        series = request.timeseries.add()
        for name, value in (("__name__", "planted"), ("i", str(i)), ("note", line)):
            series.labels.add(name=name, value=value)
        series.samples.add(value=1, timestamp=now_ms())
        series.exemplars.add(value=1, timestamp=now_ms()).labels.add(name="note", value=line)
        request.metadata.add(type=2, metric_family_name=f"planted_{i}", help=line)
    answer = remote_write.send(api.server, request, remote_write.V1)
    assert remote_write.written(answer)[0] == len(lines), answer.text
    return answer


def otlp_metrics(api, lines):
    value = lambda line: {"stringValue": line}
    points = [{"timeUnixNano": str(time.time_ns()), "asDouble": 1, "attributes": [{"key": "note", "value": value(line)}, {"key": "i", "value": value(str(i))}],
               "exemplars": [{"timeUnixNano": str(time.time_ns()), "asDouble": 1, "filteredAttributes": [{"key": "sql", "value": value(line)}]}]}
              for i, line in enumerate(lines)]
    resources = [{"resource": {"attributes": [{"key": "service.name", "value": value(line)}, {"key": "host.name", "value": value(line)}]},
                  "scopeMetrics": [{"metrics": [{"name": "planted.otlp", "description": line, "gauge": {"dataPoints": points[i:i + 1]}}]}]}
                 for i, line in enumerate(lines)]
    return api.post("/v1/metrics", json={"resourceMetrics": resources})


def influx_tags(api, lines):
    text = "".join("planted,i=%d,note=%s v=1\n" % (i, re.sub(r"([,= ])", r"\\\1", line)) for i, line in enumerate(lines) if "\n" not in line)
    return api.post("/write", params={"db": lines[0]}, data=text.encode())


def pushed_groups(api, lines):
    quoted = lambda line: line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    for line in lines[:5]:
        in_path = base64.urlsafe_b64encode(line.encode()).decode()
        assert api.post(f"/metrics/job/planted/note@base64/{in_path}", data=b"planted 1\n").status_code == 200
    text = "".join(f'planted{{i="{i}",note="{quoted(line)}"}} 1\n' for i, line in enumerate(lines))
    assert api.post("/api/v1/import/prometheus", data=text.encode()).status_code == 204
    return api.post("/metrics/job/planted", data=text.encode())


# A new way in is one row here.
WAYS_IN = {"loki json": loki_json, "loki legacy": loki_legacy, "loki labels": loki_labels, "loki snappy": loki_snappy,
           "otlp logs": otlp_logs, "otlp protobuf": otlp_protobuf, "otlp grpc": otlp_grpc, "otlp spans": otlp_spans,
           "sentry events": sentry_events, "sentry store": sentry_store, "sentry logs": sentry_logs, "bulk": bulk,
           "json lines": json_lines, "json lines without message": json_lines_without_message,
           "cloudwatch": cloudwatch, "cloudwatch names": cloudwatch_names, "syslog udp": syslog_udp, "syslog tcp": syslog_tcp,
           "syslog names": syslog_names, "followed file": followed_file}


NUMBERS_IN = {"remote write": remote_write_labels, "otlp metrics": otlp_metrics, "influx": influx_tags, "pushed groups": pushed_groups}


def with_inputs(make_server, tmp_path):
    """A server with every input that is not HTTP."""
    ports, logs = {name: free_port() for name in ("udp", "tcp", "grpc")}, tmp_path / "logs"
    logs.mkdir()
    listen = [{"protocol": name, "address": f"127.0.0.1:{ports[name]}"} for name in ("udp", "tcp")]
    settings = tmp_path / "telltale.yml"
    settings.write_text(json.dumps({"syslog": {"listen": listen}, "otlp": {"grpc_listen": f"127.0.0.1:{ports['grpc']}"},
                                    "files": [{"paths": [f"{logs}/*.log"], "labels": {"service": "planted"}}]}))
    server = make_server(["--config", str(settings)])
    server.ports, server.logs = ports, logs
    return server


@pytest.mark.parametrize("way", WAYS_IN)
def test_fifty_shapes_are_nowhere(make_server, tmp_path, way):
    seed = random.randrange(2**32)
    server, shapes = with_inputs(make_server, tmp_path), planted(seed)
    tail = Tail(server)
    try:
        sent = WAYS_IN[way](server.api, [line for line, _ in shapes.values()])
        assert getattr(sent, "ok", sent), getattr(sent, "text", "")
        expected = sent if type(sent) is int else len(shapes)  # not a boolean
        done = lambda: sum(len(server.api.rows(table)) for table in ("logs", "spans", "errors")) >= expected
        wait_until(done, what="everything to arrive")
        heard = tail.take()
        answers = decoded_store(server)
        for label in server.api.get("/loki/api/v1/labels")["data"]:
            answers += json.dumps(server.api.get(f"/loki/api/v1/label/{label}/values")["data"]).encode()
        metrics = requests.get(server.url + "/metrics", headers=server.api.http.headers, timeout=30).text
        assert "telltale_redacted_total{" in metrics and 'rule="card"' in metrics
        # After kill -9 the journal is read back: what it holds is what is answered again.
        server.kill()
        server.start()
        wait_until(done, what="everything to come back")
        answers += decoded_store(server)
        raw = b"".join(path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file()) + server.log_path.read_bytes()
        leaks = [f"{name}: {where}" for name, (_, secret) in shapes.items()
                 for where, text in (("answers", answers), ("tail", heard), ("files or own log", raw)) if secret.encode() in text]
        assert leaks == [], f"seed {seed}"
    finally:
        tail.close()


@pytest.mark.parametrize("way", NUMBERS_IN)
def test_fifty_shapes_in_numbers_are_nowhere(make_server, way):
    seed = random.randrange(2**32)
    server, shapes = make_server(), planted(seed)
    sent = NUMBERS_IN[way](server.api, [line for line, _ in shapes.values()])
    assert sent.ok, sent.text
    everything = {"/api/v1/series": {"match[]": '{__name__!=""}'}, "/api/v1/query_exemplars": {"query": '{__name__!=""}'},
                  "/api/v1/metadata": {}, "/api/v1/labels": {}, "/federate": {"match[]": '{__name__!=""}'}}

    def answers():
        return b"".join(server.api.http.get(server.url + path, params=params, timeout=30).content for path, params in everything.items())

    wait_until(lambda: b"planted" in answers(), what="the numbers")
    told = answers()
    assert b"[card]" in told
    server.restart()  # the checkpoint writes what is beside the journal
    told += answers()
    raw = b"".join(path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file()) + server.log_path.read_bytes()
    leaks = [f"{name}: {where}" for name, (_, secret) in shapes.items()
             for where, text in (("answers", told), ("files or own log", raw)) if secret.encode() in text]
    assert leaks == [], f"seed {seed}"


def test_a_projects_policy_holds_at_once(make_server):
    server = make_server()
    url = server.url + "/api/telltale/v1/projects/1/redaction"
    put = lambda policy: server.api.http.put(url, json=policy, timeout=30)
    say = lambda line: (server.api.push_lines([line], {"service": "policy"}),
                        wait_until(lambda: server.api.rows("logs", service="policy"), what="the line"))
    assert put({"patterns": [{"name": "broken", "regex": "("}]}).status_code == 400
    assert put({"unknown": 1}).status_code == 400
    policy = {"enable": ["email"], "sensitive_keys": ["badge_no"], "safe_values": ["4111111111111111"],
              "patterns": [{"name": "order_code", "regex": "ORD-[0-9]{6}"}], "methods": {"email": "hash"}}
    assert put(policy).status_code == 200
    assert server.api.get("/api/telltale/v1/projects/1/redaction")["redaction"]["methods"] == {"email": "hash"}
    say("first ORD-123456 badge_no=77 Ann@Example.com 4111111111111111 4242424242424242")
    server.restart()
    server.api.push_lines(["second ann@example.com ORD-654321"], {"service": "policy"})
    rows = wait_until(lambda: len(found := server.api.rows("logs", service="policy")) == 2 and found, what="both lines")
    first, second = sorted(row["message"] for row in rows)
    assert "ORD-" not in first + second and "badge_no=[Filtered]" in first and "4111111111111111" in first and "4242" not in first
    hashes = re.findall(r"\[email#[0-9a-f]{16}\]", first + second)
    assert len(hashes) == 2 and hashes[0] == hashes[1], "equal addresses stay equal, over a restart, too"
    assert put({}).status_code == 200
    server.api.push_lines(["third ann@example.com"], {"service": "policy"})
    wait_until(lambda: any("ann@example.com" in row["message"] for row in server.api.rows("logs", service="policy")), what="an address that may stay")


def test_check_redaction(tmp_path):
    binary = os.environ.get("TELLTALE_BIN", str(ROOT / "build" / "telltale"))
    run = lambda *args, **kw: subprocess.run([binary, "check", "redaction", *map(str, args)], capture_output=True, text=True, timeout=60, **kw)
    log = tmp_path / "app.log"
    log.write_text("nothing here\ncard 4111 1111 1111 1111 refused, password=hunter2\n")
    found = run(log)
    assert found.returncode == 1 and f"{log}:2: key, card" in found.stdout and "hunter2" not in found.stdout
    assert run("-", input="nothing\n").returncode == 0
    assert run(tmp_path / "missing.log").returncode == 2
