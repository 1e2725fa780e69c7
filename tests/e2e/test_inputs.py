"""Inputs that are not HTTP, each with its unmodified client: syslog (rsyslog, logger, Python), OTLP over gRPC."""
import logging
import logging.handlers
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time

import pytest

from server import free_port, wait_until

RSYSLOG = """
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/in.sock" CreatePath="on")
global(workDirectory="{folder}" maxMessageSize="64k")
$DefaultNetstreamDriverCAFile {ca}
action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" template="RSYSLOG_TraditionalForwardFormat")
action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" template="RSYSLOG_SyslogProtocol23Format")
action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" template="RSYSLOG_ForwardFormat")
action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" tcp_framing="octet-counted"
       template="RSYSLOG_SyslogProtocol23Format")
action(type="omfwd" target="127.0.0.1" port="{tls}" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format"
       StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid")
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A server with all listeners, and their ports."""
    from server import Telltale
    folder = tmp_path_factory.mktemp("inputs")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    ports = {name: free_port() for name in ("udp", "tcp", "tls", "mtls", "grpc")}
    (folder / "telltale.yml").write_text(f"""
otlp: {{grpc_listen: "127.0.0.1:{ports['grpc']}"}}
tls: {{cert: {folder}/cert.pem, key: {folder}/key.pem}}
syslog:
  listen:
    - {{protocol: udp, address: "127.0.0.1:{ports['udp']}", time_zone: local}}
    - {{protocol: tcp, address: "127.0.0.1:{ports['tcp']}", time_zone: local}}
    - {{protocol: tls, address: "127.0.0.1:{ports['tls']}", time_zone: local}}
    - {{protocol: tls, address: "127.0.0.1:{ports['mtls']}", client_ca: {folder}/cert.pem}}
""")
    server = Telltale(folder, ["--config", str(folder / "telltale.yml")], tls_ca=folder / "cert.pem")
    server.start()
    server.ports, server.certificate, server.key = ports, folder / "cert.pem", folder / "key.pem"
    yield server
    assert server.stop() == 0, server.log_tail()


def found(server, marker, count=1, **params):
    rows = wait_until(lambda: (r := server.api.rows("logs", query=marker, **params)) and len(r) >= count and r,
                      what=f"{count} lines with {marker}")
    assert len(rows) == count, [r["message"] for r in rows]
    return rows


def test_rsyslog(inputs, tmp_path):
    assert shutil.which("rsyslogd") or shutil.os.path.exists("/usr/sbin/rsyslogd")
    (tmp_path / "rsyslog.conf").write_text(RSYSLOG.format(folder=tmp_path, ca=inputs.certificate, **inputs.ports))
    process = subprocess.Popen(["/usr/sbin/rsyslogd", "-n", "-f", tmp_path / "rsyslog.conf", "-i", tmp_path / "pid"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until((tmp_path / "in.sock").exists, what="rsyslog's socket")
        marker = "rsyslog" + secrets.token_hex(6)
        subprocess.run(["logger", "-u", tmp_path / "in.sock", "-t", "shopd", "-p", "local3.err", "--id=77",
                        f"order failed {marker}"], check=True)
        rows = found(inputs, marker, 5)
    finally:
        process.terminate()
        process.wait(20)
    for row in rows:
        assert row["message"].strip() == f"order failed {marker}"
        assert (row["service"], row["level"]) == ("shopd", "error")
        assert row["attributes"]["severity"] == "err" and row["attributes"]["facility"] == "local3"
        assert row["attributes"]["procid"] == "77" and row["host"] == socket.gethostname().split(".")[0]
        assert row["attributes"]["detected_level"] == "error" and row["attributes"]["service_name"] == "shopd"


@pytest.mark.parametrize("flags", [["--udp", "--rfc5424"], ["--udp", "--rfc3164"], ["--tcp", "--octet-count", "--rfc5424"],
                                   ["--tcp", "--rfc3164"]], ids=" ".join)
def test_logger(inputs, flags):
    marker = "logger" + secrets.token_hex(6)
    port = inputs.ports["udp" if "--udp" in flags else "tcp"]
    subprocess.run(["logger", "-n", "127.0.0.1", "-P", str(port), *flags, "-t", "cron.d", "-p", "daemon.warning", marker],
                   check=True)
    row = found(inputs, marker)[0]
    assert (row["message"], row["service"], row["level"]) == (marker, "cron.d", "warning")
    assert row["attributes"]["facility"] == "daemon" and abs(time.time() - parsed(row["time"])) < 60


def parsed(text):
    import datetime
    return datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_python_syslog_handler(inputs, kind):
    marker = "python" + secrets.token_hex(6)
    handler = logging.handlers.SysLogHandler(("127.0.0.1", inputs.ports[kind]), facility="local0",
                                             socktype=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    handler.ident = "shop: "
    handler.setFormatter(logging.Formatter('{"msg": "%(message)s", "request_id": "r-1", "logger": "%(name)s"}'))
    logger = logging.getLogger("inputs." + marker)
    logger.addHandler(handler)
    for i in range(3):
        logger.error("%s %d", marker, i)
    handler.close()
    rows = found(inputs, marker, 3)
    assert {(r["service"], r["level"], r["request_id"], r["attributes"]["msg"][-2:]) for r in rows} == {
        ("shop", "error", "r-1", f" {i}") for i in range(3)}


def test_loggers_at_a_few_thousand_messages_a_second(inputs):
    """Over TCP nothing is lost and nothing is doubled, and the server's memory stays bounded."""
    memory = lambda: int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{inputs.process.pid}/status").read())[1])
    marker, before, each, started = "many" + secrets.token_hex(6), memory(), 5000, time.time()
    flags = [["--octet-count", "--rfc5424"], ["--rfc3164"], ["--octet-count", "--rfc5424"], ["--rfc3164"]]
    loggers = [subprocess.Popen(["logger", "-n", "127.0.0.1", "-P", str(inputs.ports["tcp"]), "--tcp", *kind, "-t", f"{marker}-{i}"],
                                stdin=subprocess.PIPE, text=True) for i, kind in enumerate(flags)]
    for n in range(each):
        for process in loggers:
            process.stdin.write(f"message {n} of many, " + "x" * 150 + "\n")
        if n % 50 == 49:  # 4,000 a second together
            for process in loggers:
                process.stdin.flush()
            time.sleep(max(0.0, started + n / 1000 - time.time()))
    for process in loggers:
        process.stdin.close()
        assert process.wait(60) == 0
    counts = lambda: {s["metric"]["app"]: int(s["value"][1]) for s in inputs.api.get(
        "/loki/api/v1/query", query=f'sum by (app) (count_over_time({{app=~"{marker}-."}}[1h]))')["data"]["result"]}
    whole = {f"{marker}-{i}": each for i in range(len(flags))}
    wait_until(lambda: sum(counts().values()) >= each * len(flags), what="every message")
    assert counts() == whole
    last = inputs.api.rows("logs", service=f"{marker}-2", query=f"message {each - 1} of")
    assert len(last) == 1
    print(f"{each * len(flags) / (time.time() - started):.0f} messages a second, sent, stored and counted")
    assert memory() - before < 300_000, "kilobytes"


def test_mutual_tls(inputs):
    marker = "mtls" + secrets.token_hex(6)
    context = ssl.create_default_context(cafile=inputs.certificate)
    with pytest.raises((ssl.SSLError, ConnectionError)):  # nobody without a certificate is heard
        with context.wrap_socket(socket.create_connection(("127.0.0.1", inputs.ports["mtls"])), server_hostname="localhost") as s:
            for _ in range(100):
                s.sendall(b"<13>stranger " + marker.encode() + b"\n")
                time.sleep(0.02)
    context.load_cert_chain(inputs.certificate, inputs.key)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", inputs.ports["mtls"])), server_hostname="localhost") as s:
        s.sendall(b"<13>friend: " + marker.encode() + b"\n")
    assert found(inputs, marker)[0]["service"] == "friend"


def test_hostile_bytes_leave_the_listeners_alive(inputs):
    for payload in (secrets.token_bytes(50_000), b"999999999 <13>x", b"<13>" + b"x" * 600_000 + b"\n", b"\0" * 1000, b"1 2 3 4\n"):
        with socket.create_connection(("127.0.0.1", inputs.ports["tcp"])) as s:
            s.sendall(payload)
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.sendto(payload[:60_000], ("127.0.0.1", inputs.ports["udp"]))
    marker = "alive" + secrets.token_hex(6)
    with socket.create_connection(("127.0.0.1", inputs.ports["tcp"])) as s:
        s.sendall(b"<13>" + marker.encode())
    found(inputs, marker)


OTLP_PROGRAM = """
import logging, sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
import grpc
endpoint, token, ca, marker, compression = sys.argv[1:]
credentials = grpc.ssl_channel_credentials(open(ca, "rb").read())
options = dict(endpoint=endpoint, credentials=credentials, headers=(("authorization", "Bearer " + token),),
               compression=grpc.Compression.Gzip if compression == "gzip" else None)
resource = Resource.create({"service.name": "grpc-shop", "deployment.environment.name": "staging"})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(**options)))
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(**options)))
logger = logging.getLogger("grpc")
logger.addHandler(LoggingHandler(logger_provider=logs))
with tracers.get_tracer("t").start_as_current_span("checkout") as span:
    logger.warning("over grpc %s", marker)
    print(format(span.get_span_context().trace_id, "032x"))
tracers.shutdown()
logs.shutdown()
"""


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_opentelemetry_over_grpc(inputs, compression):
    marker = "otlp" + secrets.token_hex(6)
    out = subprocess.run([sys.executable, "-c", OTLP_PROGRAM, f"https://localhost:{inputs.ports['grpc']}", inputs.token,
                          str(inputs.certificate), marker, compression], check=True, capture_output=True, text=True, timeout=60)
    trace_id = out.stdout.split()[-1]
    row = found(inputs, marker)[0]
    assert (row["service"], row["level"], row["trace_id"]) == ("grpc-shop", "warning", trace_id)
    assert row["environment"] == "staging"
    spans = wait_until(lambda: inputs.api.trace(trace_id), what="the span")
    assert [s["message"] for s in spans] == ["checkout"]


def test_grpc_says_what_is_wrong(inputs):
    import grpc
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
    credentials = grpc.ssl_channel_credentials(inputs.certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{inputs.ports['grpc']}", credentials) as channel:
        logs = logs_service_pb2_grpc.LogsServiceStub(channel)
        request = logs_service_pb2.ExportLogsServiceRequest()
        for metadata, code in ((), grpc.StatusCode.UNAUTHENTICATED), ((("authorization", "Bearer no"),), grpc.StatusCode.UNAUTHENTICATED):
            with pytest.raises(grpc.RpcError) as error:
                logs.Export(request, metadata=metadata, timeout=20)
            assert error.value.code() == code
        good = (("authorization", f"Bearer {inputs.token}"),)
        record = request.resource_logs.add().scope_logs.add().log_records.add()
        record.time_unix_nano = 1  # 1970: refused, and said so
        answer = logs.Export(request, metadata=good, timeout=20)
        assert answer.partial_success.rejected_log_records == 1 and "timestamp" in answer.partial_success.error_message
        with pytest.raises(grpc.RpcError) as error:
            channel.unary_unary("/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export")(
                b"", metadata=good, timeout=20)
        assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
