"""Unmodified log shippers and handlers send real records; each is found again by request id, with its columns in place."""
import importlib
import json
import logging
import secrets
import socket
import subprocess
import time
from datetime import datetime, timezone

import boto3
import pytest
import requests
import watchtower
from botocore.config import Config
from botocore.exceptions import ClientError

from server import ROOT, free_port, wait_until

CLIENTS = ROOT / "tests" / "e2e" / "clients"
AWS_CONFIG = Config(retries={"max_attempts": 1})


@pytest.fixture(scope="module")
def ingest_token(module_server):
    answer = module_server.api.post("/api/telltale/v1/tokens", json={"name": "shipper", "role": "ingest"})
    assert answer.status_code == 201, answer.text
    return answer.json()["secret"]


@pytest.fixture
def run():
    return "run-" + secrets.token_hex(6)


def found(server, run, count, **columns):
    """The rows of this request id, once all are there; each must have the columns."""
    rows = wait_until(lambda: (r := server.api.rows("logs", request_id=run)) and len(r) >= count and r, what=f"{count} rows of {run}")
    assert len(rows) == count
    for row in rows:
        assert {name: row.get(name) for name in columns} == columns, row
    return rows


def ship(client, server, token, run, *more):
    """Runs one client of tests/e2e/clients/ship.mjs."""
    done = subprocess.run(["node", "ship.mjs", client, server.url, token, run, *more], cwd=CLIENTS, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-3000:]


# ---- Elasticsearch

def ecs(run, level, message):
    return {"@timestamp": datetime.now(timezone.utc).isoformat(), "message": message, "log": {"level": level, "logger": "shop.cart"},
            "service": {"name": "es-py"}, "host": {"name": "web-1"}, "http": {"request": {"id": run}}, "user": {"id": "u-5"}}


@pytest.mark.parametrize("version", ["7", "8", "9"])
def test_elasticsearch_py(module_server, ingest_token, run, version):
    es = importlib.import_module(f"elasticsearch{version}")
    helpers = importlib.import_module(f"elasticsearch{version}.helpers")
    auth = {"http_auth": ("any", ingest_token)} if version == "7" else {"api_key": ingest_token}
    with es.Elasticsearch(module_server.url, **auth) as client:
        assert client.ping() and client.info()["tagline"] == "You Know, for Search"
        assert client.cluster.health()["status"] == "green"
        actions = [{"_op_type": op, "_index": "logs-shop", "_source": ecs(run, level, f"{op} {level}")}
                   for op in ("create", "index") for level in ("warning", "ERROR")]
        bad = {"_op_type": "create", "_index": "logs-shop", "_source": {**ecs(run, "info", "never"), "@timestamp": "yesterday"}}
        done, errors = helpers.bulk(client, [*actions, bad], raise_on_error=False)
        assert done == 4 and len(errors) == 1
        refused_item = errors[0]["create"]
        assert refused_item["status"] == 400 and "@timestamp" in refused_item["error"]["reason"]
        one = {"index": "logs-shop", "id": "doc-" + run, ("body" if version == "7" else "document"): ecs(run, "info", "single")}
        assert client.create(**one)["result"] == "created"
        with pytest.raises(es.ConflictError):
            client.create(**one)
    rows = found(module_server, run, 5, service="es-py", host="web-1", user_id="u-5")
    assert sorted(row["level"] for row in rows) == ["error", "error", "info", "warning", "warning"]
    assert {row["attributes"]["index"] for row in rows} == {"logs-shop"}
    assert {row["attributes"]["log.logger"] for row in rows} == {"shop.cart"}


def test_elasticsearch_py_with_a_wrong_token(module_server):
    es = importlib.import_module("elasticsearch8")
    with es.Elasticsearch(module_server.url + "/elasticsearch", api_key="wrong") as client, pytest.raises(es.AuthenticationException):
        client.index(index="i", document={})


def test_elasticsearch_js(module_server, ingest_token, run):
    ship("elasticsearch", module_server, ingest_token, run)
    rows = found(module_server, run, 4, service="es-js")
    assert sorted(row["level"] for row in rows) == ["error", "info", "info", "warning"]


RSYSLOG_CONF = """
global(workDirectory="{folder}")
module(load="imtcp")
module(load="omelasticsearch")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="doc" type="list" option.jsonf="on") {{
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="service" name="programname" format="jsonf")
  property(outname="level" name="syslogseverity-text" format="jsonf")
  property(outname="request_id" name="msgid" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
action(type="omelasticsearch" server="127.0.0.1" serverport="{to}" uid="any" pwd="{token}" template="doc" bulkmode="on"
       searchIndex="rsyslog" searchType="" errorfile="{folder}/errors.json" action.resumeRetryCount="-1")
"""


def test_rsyslog_omelasticsearch(module_server, ingest_token, run, tmp_path):
    port = free_port()
    (tmp_path / "rsyslog.conf").write_text(RSYSLOG_CONF.format(folder=tmp_path, port=port, to=module_server.port, token=ingest_token))
    with open(tmp_path / "out", "wb") as out:
        daemon = subprocess.Popen(["/usr/sbin/rsyslogd", "-n", "-f", tmp_path / "rsyslog.conf", "-i", tmp_path / "pid"], stdout=out, stderr=out)
    try:
        wait_until(lambda: daemon.poll() is None and not socket.socket().connect_ex(("127.0.0.1", port)), what="rsyslog")
        now = datetime.now(timezone.utc).isoformat()
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            for severity in (3, 4, 6):
                connection.sendall(f"<{8 + severity}>1 {now} web-2 cart 77 {run} - line of severity {severity}\n".encode())
        rows = found(module_server, run, 3, service="cart", host="web-2")
    finally:
        daemon.terminate()
        daemon.wait(20)
    assert sorted(row["level"] for row in rows) == ["error", "info", "warning"], (tmp_path / "out").read_text()
    assert all(row["message"].strip().startswith("line of severity") for row in rows)
    assert not (tmp_path / "errors.json").exists()


def elastic(server, token, method, path, agent, **kwargs):
    headers = {"Authorization": f"Bearer {token}", "User-Agent": agent, **kwargs.pop("headers", {})}
    answer = requests.request(method, server.url + path, headers=headers, timeout=10, **kwargs)
    if answer.ok:
        assert answer.headers["X-Elastic-Product"] == "Elasticsearch", path
    return answer


def ndjson(*lines):
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize("prefix", ["", "/elasticsearch"])
def test_what_filebeat_asks(module_server, ingest_token, run, prefix):
    """After the Beats documentation: version, licence, template and policy set up, then bulk with filter_path."""
    agent = "Elastic-filebeat/8.17.1 (linux; amd64; 0123456789; 2025-01-10 10:00:00 +0000 UTC)"
    def ask(method, path, **kwargs):
        return elastic(module_server, ingest_token, method, prefix + path, agent, **kwargs)
    banner = ask("GET", "/").json()
    # A Beat refuses a server that is older than itself.
    assert banner["version"]["number"] == "8.17.1" and banner["version"]["build_flavor"] == "default"
    assert ask("GET", "/_license?human=false").json()["license"]["status"] == "active"
    assert ask("HEAD", "/_ilm/policy/filebeat").status_code == 404
    assert ask("PUT", "/_ilm/policy/filebeat", json={"policy": {}}).json()["acknowledged"]
    assert ask("HEAD", "/_index_template/filebeat-8.17.1").status_code == 404
    assert ask("PUT", "/_index_template/filebeat-8.17.1", json={}).json()["acknowledged"]
    assert ask("GET", "/_data_stream/filebeat-8.17.1").status_code == 404
    assert ask("PUT", "/_data_stream/filebeat-8.17.1").json()["acknowledged"]
    body = ndjson({"create": {"_index": "filebeat-8.17.1"}},
                  {"@timestamp": "2026-01-08T09:30:00.000Z", "message": "too old"},
                  {"create": {"_index": "filebeat-8.17.1"}},
                  {**ecs(run, "warn", json.dumps({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "deep": {"a": 1}})), "agent": {"type": "filebeat"}})
    answer = ask("POST", "/_bulk?filter_path=errors%2Citems.%2A.error%2Citems.%2A.status", data=body,
                 headers={"Content-Type": "application/json"}).json()
    assert answer["errors"] is True and answer["items"][0]["create"]["status"] == 400
    assert answer["items"][1] == {"create": {"status": 201}}
    row = found(module_server, run, 1, level="warning")[0]
    # A line that is JSON is read, too.
    assert row["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736" and row["attributes"]["deep.a"] == 1


def test_what_logstash_asks(module_server, ingest_token, run):
    agent = "logstash/9.1.2 (OS=Linux-6.1; JVM=Eclipse Adoptium-21) logstash-output-elasticsearch/12.0.4"
    def ask(method, path, **kwargs):
        return elastic(module_server, ingest_token, method, path, agent, **kwargs)
    assert ask("HEAD", "/").status_code == 200
    assert ask("GET", "/").json()["version"]["number"] == "9.1.2"
    assert ask("GET", "/_license").json()["license"]["type"] == "basic"
    publish = ask("GET", "/_nodes/http").json()["nodes"]["telltale"]["http"]["publish_address"]
    assert publish == f"127.0.0.1:{module_server.port}"
    assert ask("HEAD", "/_index_template/logstash").status_code == 404
    assert ask("PUT", "/_index_template/logstash", json={}).status_code == 200
    import gzip
    body = gzip.compress(ndjson({"index": {"_id": None, "_index": "logstash-2026", "routing": None}}, ecs(run, "info", "by logstash")).encode())
    answer = ask("POST", "/_bulk", data=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}).json()
    assert answer["errors"] is False and answer["items"][0]["index"]["status"] == 201 and answer["items"][0]["index"]["_id"]
    found(module_server, run, 1, service="es-py")


def test_what_fluent_bit_and_vector_ask(module_server, ingest_token, run):
    old = ndjson({"create": {"_index": "fluent-bit", "_type": "_doc"}}, {"@timestamp": datetime.now(timezone.utc).isoformat(), "log": "by fluent bit",
                                                                      "request_id": run, "level": "debug", "service": "fb"})
    answer = elastic(module_server, ingest_token, "POST", "/_bulk", "Fluent-Bit", data=old, headers={"Content-Type": "application/x-ndjson"})
    assert '"errors":false' in answer.text and answer.json()["items"][0]["create"]["status"] == 201
    agent = "Vector/0.50.0 (x86_64-unknown-linux-gnu)"
    assert elastic(module_server, ingest_token, "GET", "/", agent).json()["version"]["number"].startswith("8.")
    assert elastic(module_server, ingest_token, "GET", "/_cluster/health", agent).status_code == 200
    body = ndjson({"create": {"_index": "vector-2026"}}, {"timestamp": datetime.now(timezone.utc).isoformat(), "text": "by vector", "request_id": run,
                                                          "level": "debug", "app": "fb"})
    # With the parameters of VictoriaLogs, which its users have in `query:`.
    answer = elastic(module_server, ingest_token, "POST", "/_bulk?timeout=60s&_msg_field=text&_stream_fields=app", agent, data=body,
                     headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["errors"] is False
    rows = found(module_server, run, 2, level="debug", service="fb")
    assert {row["message"] for row in rows} == {"by fluent bit", "by vector"}


def test_media_types_of_8_and_9(module_server, ingest_token):
    for major in ("8", "9"):
        kind = f"application/vnd.elasticsearch+json; compatible-with={major}"
        answer = elastic(module_server, ingest_token, "GET", "/", "x", headers={"Accept": kind})
        assert answer.json()["version"]["number"].split(".")[0] == major
        assert answer.headers["Content-Type"] == f"application/vnd.elasticsearch+json;compatible-with={major}"


def test_the_root_is_still_the_ui(module_server):
    page = requests.get(module_server.url + "/", headers={"Accept": "text/html", "User-Agent": "Mozilla/5.0"}, timeout=10)
    assert page.ok and "X-Elastic-Product" not in page.headers
    assert "X-Elastic-Product" not in requests.get(module_server.url + "/", timeout=10).headers
    assert requests.get(module_server.url + "/elasticsearch/", timeout=10).status_code == 401


# ---- JSON lines

def test_json_lines_as_for_victorialogs(module_server, ingest_token, run):
    now = time.time()
    lines = [{"date": now, "log": {"text": "one", "level": "warn"}, "app": "jl", "noise": 1, "rid": run, "request_id": run},
             {"date": int(now * 1e9), "log": {"text": "two", "level": "warn"}, "app": "jl", "request_id": run}]
    body = json.dumps(lines[0]) + "\nnot json\n\n" + json.dumps(lines[1])
    answer = requests.post(module_server.url + "/insert/jsonline", data=body.encode(), timeout=10,
                           params={"_time_field": "date", "_msg_field": "log.text", "_stream_fields": "app", "ignore_fields": "noise,ri*", "extra_fields": "cluster=c1"},
                           headers={"Authorization": f"Bearer {ingest_token}", "Content-Type": "application/stream+json"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (2, 1) and told["errors"][0]["line"] == 2
    rows = found(module_server, run, 2, service="jl", level="warning")
    assert {row["message"] for row in rows} == {"one", "two"}
    assert all("noise" not in row["attributes"] and "rid" not in row["attributes"] and row["attributes"]["cluster"] == "c1" for row in rows)


def test_json_lines_by_header_as_a_list_and_streamed(module_server, ingest_token, run):
    headers = {"Authorization": f"Bearer {ingest_token}", "VL-Msg-Field": "text", "VL-Stream-Fields": "app"}
    address = module_server.url + "/insert/jsonline"
    listed = requests.post(address, json=[{"text": f"{i}", "request_id": run, "app": "jl"} for i in range(2)], headers=headers, timeout=10)
    assert listed.json()["accepted"] == 2
    chunks = (json.dumps({"text": f"{i}", "request_id": run, "app": "jl"}).encode() + b"\n" for i in range(2, 40))
    assert requests.post(address, data=chunks, headers=headers, timeout=10).json()["accepted"] == 38
    rows = found(module_server, run, 40, service="jl")
    assert {row["message"] for row in rows} == {str(i) for i in range(40)}
    preview = requests.post(address + "?debug=1", data=b'{"text":"seen, not stored","request_id":"p-%s"}' % run.encode(), headers=headers, timeout=10).json()
    assert preview["stored"] is False and preview["rows"][0]["message"] == "seen, not stored"
    assert not module_server.api.rows("logs", request_id="p-" + run)


# ---- CloudWatch Logs

def aws(service, server, token, key="shipper", **more):
    return boto3.client(service, endpoint_url=server.url, region_name="eu-central-1", aws_access_key_id=key, aws_secret_access_key=token,
                        config=AWS_CONFIG, **more)


def test_boto3(module_server, ingest_token, run):
    logs = aws("logs", module_server, ingest_token)
    names = {"logGroupName": f"/app/{run}", "logStreamName": "worker/1"}
    now = int(time.time() * 1000)
    events = [{"timestamp": now - 2, "message": f"ERROR plain {run}"}, {"timestamp": now, "message": json.dumps(
        {"level": "warning", "message": "as json", "request_id": run, "service": "boto"})}]
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.put_log_events(**names, logEvents=events)
    logs.create_log_group(logGroupName=names["logGroupName"], tags={"team": "shop"})
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=names["logGroupName"])
    logs.create_log_stream(**names)
    logs.put_retention_policy(logGroupName=names["logGroupName"], retentionInDays=30)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_retention_policy(logGroupName=names["logGroupName"], retentionInDays=31)
    assert "rejectedLogEventsInfo" not in logs.put_log_events(**names, logEvents=events)
    group = logs.describe_log_groups(logGroupNamePrefix=f"/app/{run}")["logGroups"][0]
    assert group["retentionInDays"] == 30
    logs.tag_resource(resourceArn=group["logGroupArn"], tags={"env": "test"})
    assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "shop", "env": "test"}
    assert [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=names["logGroupName"])["logStreams"]] == ["worker/1"]
    row = found(module_server, run, 1, service="boto", level="warning")[0]
    assert row["attributes"]["log_group"] == f"/app/{run}" and row["attributes"]["log_stream"] == "worker/1"
    plain = wait_until(lambda: module_server.api.rows("logs", query=f"plain {run}"), what="the plain line")[0]
    assert plain["level"] == "error" and plain["service"] == f"/app/{run}"
    # What would promise that events are gone is refused; what never had any goes.
    with pytest.raises(logs.exceptions.OperationAbortedException):
        logs.delete_log_group(logGroupName=names["logGroupName"])
    logs.create_log_stream(logGroupName=names["logGroupName"], logStreamName="empty")
    logs.delete_log_stream(logGroupName=names["logGroupName"], logStreamName="empty")
    old = logs.put_log_events(**names, logEvents=[{"timestamp": now - 400 * 86_400_000, "message": "old"}, {"timestamp": now, "message": "new"}])
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert aws("sts", module_server, ingest_token).get_caller_identity()["Account"] == "000000000001"


def test_log_groups_by_the_page(module_server, ingest_token, run):
    logs = aws("logs", module_server, ingest_token)
    names = [f"{run}/{i:03}" for i in range(53)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    pages = list(logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=run))
    assert len(pages) == 2 and [g["logGroupName"] for page in pages for g in page["logGroups"]] == names


def test_watchtower(module_server, ingest_token, run):
    handler = watchtower.CloudWatchLogHandler(log_group_name=f"watch-{run}", boto3_client=aws("logs", module_server, ingest_token), send_interval=1,
                                              log_group_retention_days=30, log_stream_name="{program_name}")
    handler.setFormatter(logging.Formatter('{"level":"%(levelname)s","message":"%(message)s","service":"watch","request_id":"' + run + '"}'))
    logger = logging.getLogger("watchtower-" + run)
    logger.addHandler(handler)
    logger.propagate = False
    for i in range(5):
        logger.error("line %d", i)
    handler.close()
    rows = found(module_server, run, 5, service="watch", level="error")
    assert {row["attributes"]["log_group"] for row in rows} == {f"watch-{run}"}


def test_aws_sdk_js(module_server, ingest_token, run):
    ship("cloudwatch", module_server, ingest_token, run, "shipper")
    rows = found(module_server, run, 3, service="cw-js")
    assert sorted(row["level"] for row in rows) == ["error", "info", "warning"]


def test_signatures_are_checked(module_server, ingest_token):
    wrong = aws("logs", module_server, ingest_token + "x")
    with pytest.raises(ClientError) as refused:
        wrong.describe_log_groups()
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    text = refused.value.response["Error"]["Message"]
    with pytest.raises(ClientError) as refused:
        aws("logs", module_server, ingest_token, key="nobody").describe_log_groups()
    assert refused.value.response["Error"] == {"Code": "InvalidSignatureException", "Message": text}
    viewer = module_server.api.post("/api/telltale/v1/tokens", json={"name": "watcher", "role": "viewer"}).json()["secret"]
    with pytest.raises(ClientError) as refused:
        aws("logs", module_server, viewer, key="watcher").describe_log_groups()
    assert refused.value.response["Error"] == {"Code": "InvalidSignatureException", "Message": text}, "names are not told"
    unsigned = requests.post(module_server.url + "/", headers={"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, data=b"{}", timeout=10)
    assert unsigned.status_code == 400 and unsigned.json()["__type"] == "MissingAuthenticationTokenException"


def test_a_signing_token_outlives_a_restart(make_server):
    server = make_server()
    token = server.api.post("/api/telltale/v1/tokens", json={"name": "shipper", "role": "ingest"}).json()["secret"]
    aws("logs", server, token).create_log_group(logGroupName="before")
    server.restart()
    assert aws("logs", server, token).describe_log_groups()["logGroups"][0]["logGroupName"] == "before"


# ---- What holds for all of them

def test_secrets_are_masked_on_every_way_in(module_server, ingest_token, run):
    secret, card = "planted-" + secrets.token_hex(8), "4111 1111 1111 1111"
    document = {"message": f"card {card} refused, password={secret}", "password": secret, "auth": {"api_key": secret}, "request_id": run, "service": "leaky"}
    headers = {"Authorization": f"Bearer {ingest_token}", "Content-Type": "application/json"}
    bulk = requests.post(module_server.url + "/_bulk", data=ndjson({"create": {"_index": "leaky", "_id": run}}, document), headers=headers, timeout=10)
    assert bulk.json()["errors"] is False
    assert requests.post(module_server.url + "/leaky/_doc", json=document, headers=headers, timeout=10).status_code == 201
    assert requests.post(module_server.url + "/insert/jsonline", json=[document], headers=headers, timeout=10).json()["accepted"] == 1
    preview = requests.post(module_server.url + "/insert/jsonline?debug=1", json=[document], headers=headers, timeout=10).text
    logs, names = aws("logs", module_server, ingest_token), {"logGroupName": f"leaky-{run}", "logStreamName": "s"}
    logs.create_log_group(logGroupName=names["logGroupName"])
    logs.create_log_stream(**names)
    logs.put_log_events(**names, logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(document)}])
    shown = json.dumps(found(module_server, run, 4, service="leaky")) + preview
    assert secret not in shown and card not in shown
    for path in module_server.data_dir.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_what_was_answered_survives_kill_9(make_server, run):
    server = make_server()
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    for i in range(20):
        body = ndjson({"create": {"_id": f"{run}-{i}"}}, ecs(run, "info", f"bulk {i}"))
        assert requests.post(server.url + "/kept/_bulk", data=body, headers=headers, timeout=10).json()["errors"] is False
        assert requests.post(server.url + "/insert/jsonline", json=[ecs(run, "info", f"line {i}")], headers=headers, timeout=10).ok
    server.kill()
    server.start()
    # A shipper that heard nothing sends again; under its own id a document is kept once.
    again = ndjson(*(line for i in range(20) for line in ({"create": {"_id": f"{run}-{i}"}}, ecs(run, "info", f"bulk {i}"))))
    assert requests.post(server.url + "/kept/_bulk", data=again, headers=headers, timeout=10).json()["errors"] is False
    messages = sorted(row["message"] for row in found(server, run, 40))
    assert messages == sorted([f"bulk {i}" for i in range(20)] + [f"line {i}" for i in range(20)])


# ---- Loki's handlers

@pytest.mark.parametrize("client", ["winston-loki", "pino-loki"])
def test_loki_handlers_of_npm(module_server, ingest_token, run, client):
    ship(client, module_server, ingest_token, run)
    rows = found(module_server, run, 3, service=client.split("-")[0] + "-js")
    assert sorted(row["level"] for row in rows) == ["error", "info", "warning"]
