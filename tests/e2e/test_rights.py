"""What one project's credentials, and other people's mistakes, can do to a whole server: nothing."""
import json
import secrets
import threading
import time

import pytest
import requests

from server import Telltale, free_port, wait_until

V1 = "/api/telltale/v1"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Two projects, a token of every role for the second, and gRPC."""
    folder, port = tmp_path_factory.mktemp("rights"), free_port()
    (folder / "telltale.yml").write_text(f'otlp: {{grpc_listen: "127.0.0.1:{port}"}}\n')
    server = Telltale(folder, ["--config", str(folder / "telltale.yml")])
    server.start()
    server.grpc_port = port
    made = server.api.post(V1 + "/projects", json={"slug": "second"})
    assert made.status_code == 201, made.text
    server.second = made.json()["project"]["id"]
    server.secrets = {}
    for name, body in (("admin2", {"role": "admin", "project": server.second}), ("viewer2", {"role": "viewer", "project": server.second}),
                       ("viewer", {"role": "viewer"}), ("ingest", {"role": "ingest"})):
        made = server.api.post(V1 + "/tokens", json={"name": name, **body})
        assert made.status_code == 201, made.text
        server.secrets[name] = made.json()["secret"]
    yield server
    assert server.stop() == 0, server.log_tail()


def ask(house, method, path, secret, **kwargs):
    return requests.request(method, house.url + path, headers={"Authorization": f"Bearer {secret}"}, timeout=30, **kwargs)


def test_an_admin_of_one_project_does_not_run_the_server(house, tmp_path):
    wanted = tmp_path / "stolen"
    for method, path in (("POST", f"{V1}/backup?directory={wanted}"), ("POST", "/-/reload"), ("POST", "/api/v1/admin/tsdb/snapshot"),
                         ("GET", "/api/v1/status/flags"), ("GET", "/api/v1/status/config"), ("GET", f"{V1}/users"),
                         ("POST", f"{V1}/projects"), ("GET", f"{V1}/storage")):
        answer = ask(house, method, path, house.secrets["admin2"])
        assert answer.status_code == 403, (path, answer.status_code, answer.text)
        assert "project" in answer.text, answer.text
    assert not wanted.exists() and not (house.data_dir / "snapshots").exists()
    # Its own project is its own.
    assert ask(house, "PUT", f"{V1}/projects/{house.second}", house.secrets["admin2"], json={"name": "Second"}).status_code == 200
    assert ask(house, "PUT", f"{V1}/projects/1", house.secrets["admin2"], json={"name": "First"}).status_code == 404
    answer = ask(house, "POST", f"{V1}/backup?directory={wanted}", house.token)
    assert answer.status_code == 200 and wanted.exists(), answer.text


def test_a_project_s_reader_sees_no_other_project_s_numbers(house):
    # A planted secret is masked and counted by project.
    for project in (1, house.second):
        secret = house.api.post(V1 + "/tokens", json={"name": f"in{project}", "role": "ingest", "project": project}).json()["secret"]
        body = {"streams": [{"stream": {"app": "a"}, "values": [[str(time.time_ns()), "password=hunter2hunter2"]]}]}
        assert ask(house, "POST", "/loki/api/v1/push", secret, json=body).status_code == 204
    labels = [f'project="{project}"' for project in (1, house.second)]
    everything = ask(house, "GET", "/metrics", house.secrets["viewer"]).text
    assert all(label in everything for label in labels), everything
    own = ask(house, "GET", "/metrics", house.secrets["viewer2"]).text
    assert labels[0] not in own and labels[1] in own and "telltale_http_requests_total{" in own


def test_guesses_do_not_shut_the_others_out(house):
    statuses = [ask(house, "GET", f"{V1}/projects", "guess" + secrets.token_hex(8)).status_code for _ in range(30)]
    assert statuses[0] == 401 and statuses[-1] == 429 and "Retry-After" in ask(house, "GET", f"{V1}/projects", "guess").headers
    # From the same address, as behind a proxy: whoever has a token goes on.
    assert ask(house, "GET", f"{V1}/projects", house.secrets["viewer"]).status_code == 200
    assert ask(house, "GET", f"{V1}/projects", house.token).status_code == 200


def test_silent_grpc_calls_leave_room_on_a_connection(house):
    """Each connection has its share of calls; what a call without a message costs ends with it."""
    import grpc
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
    method = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    target, options = f"127.0.0.1:{house.grpc_port}", [("grpc.use_local_subchannel_pool", 1)]
    marker = "grpc" + secrets.token_hex(6)
    request = logs_service_pb2.ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano, record.body.string_value = time.time_ns(), marker
    gate = threading.Event()

    def nothing():
        gate.wait(60)
        return
        yield

    with grpc.insecure_channel(target, options=options) as noisy, grpc.insecure_channel(target, options=options) as good:
        calls = [noisy.stream_unary(method).future(nothing(), timeout=60) for _ in range(300)]
        try:
            logs = logs_service_pb2_grpc.LogsServiceStub(good)
            logs.Export(request, metadata=(("authorization", f"Bearer {house.secrets['ingest']}"),), timeout=30)
        finally:
            gate.set()
            for call in calls:
                call.cancel()
    wait_until(lambda: house.api.rows("logs", query=marker), what="the line")


def test_the_list_of_events_far_back(house):
    """The cursor of sentry-cli's list: a page is a page, however far back."""
    base = time.time() - 600
    for number in range(150):
        event = json.dumps({"event_id": secrets.token_hex(16), "message": f"number {number}.", "timestamp": base + number}).encode()
        body = b"{}\n" + json.dumps({"type": "event", "length": len(event)}).encode() + b"\n" + event + b"\n"
        assert house.api.send_envelope(body).status_code == 200
    path = "/api/0/projects/telltale/1/events/"
    wait_until(lambda: len(house.api.get(path, cursor="0:100:0")) == 50, what="150 events")
    page = house.api.get(path, cursor="0:140:0")
    assert [event["title"] for event in page] == [f"number {n}." for n in range(9, -1, -1)]
    assert house.api.get(path, cursor="0:1000000:0") == []
