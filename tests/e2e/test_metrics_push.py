"""Numbers that clients push: Prometheus itself as an agent, and remote write 2.0 from Google's protobuf runtime."""
import secrets
import shutil
import subprocess
import sys
import time

import pytest
import requests

import remote_write
from server import Telltale, free_port, wait_until


@pytest.fixture
def run():
    return "run" + secrets.token_hex(6)


@pytest.fixture(scope="module")
def ingest_token(module_server):
    answer = module_server.api.post("/api/telltale/v1/tokens", json={"name": "agent", "role": "ingest"})
    assert answer.status_code == 201, answer.text
    return answer.json()["secret"]


def instant(url, query, time_s=None, **headers):
    """Values by labels; the server's own when it is ours."""
    params = {"query": query, **({"time": time_s} if time_s else {})}
    answer = requests.get(url + "/api/v1/query", params=params, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return {tuple(sorted(r["metric"].items())): r.get("value", r.get("histogram"))[1] for r in answer.json()["data"]["result"]}


def ours(server, query, time_s=None):
    return instant(server.url, query, time_s, Authorization=f"Bearer {server.token}")


class Prometheus:
    """Debian's, as a child process."""

    def __init__(self, folder, config, *arguments):
        self.url = f"http://127.0.0.1:{free_port()}"
        (folder / "prometheus.yml").write_text(config.replace("SELF", self.url.removeprefix("http://")))
        self.log = folder / "prometheus.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [shutil.which("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}", *arguments], stdout=log, stderr=log)
        wait_until(self.ready, 30, 0.1, "prometheus")

    def ready(self):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return requests.get(self.url + "/-/ready", timeout=2).ok
        except requests.RequestException:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def prometheus(tmp_path):
    made = []

    def make(config, *arguments):
        made.append(Prometheus(tmp_path, config, *arguments))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_prometheus_writes_to_us_what_it_scrapes(module_server, ingest_token, prometheus, run):
    peer = prometheus(f"""
global: {{scrape_interval: 1s, external_labels: {{run: {run}}}}}
scrape_configs: [{{job_name: self, static_configs: [{{targets: [SELF]}}]}}]
remote_write:
- url: {module_server.url}/api/v1/write
  authorization: {{credentials: {ingest_token}}}
  queue_config: {{batch_send_deadline: 200ms}}
""")
    wait_until(lambda: ours(module_server, f'count_over_time(up{{run="{run}"}}[1m]) > 3'), 40, what="four scrapes")
    at = time.time() - 1
    names = ours(module_server, f'count by (__name__) ({{run="{run}"}})', at)
    assert len(names) > 100
    # The same expressions over the same samples; external labels are put on only on the way out.
    for query in ("up{}", "prometheus_build_info{}", "scrape_samples_scraped{}", "prometheus_tsdb_head_series{}",
                  "prometheus_http_requests_total{}", "prometheus_http_request_duration_seconds_bucket{}"):
        theirs = instant(peer.url, query, at)
        assert theirs
        expected = {tuple(sorted([*labels, ("run", run)])): value for labels, value in theirs.items()}
        wait_until(lambda: ours(module_server, query.replace("{}", f'{{run="{run}"}}'), at) == expected, 20, what=query)
    failed = instant(peer.url, "sum(prometheus_remote_storage_samples_failed_total)")
    assert list(failed.values()) == ["0"]


def v2_request(run, now_ms):
    symbols = remote_write.Symbols()
    request = remote_write.v2["Request"]()
    counter = request.timeseries.add(labels_refs=symbols.labels(__name__="orders_total", run=run))
    counter.samples.add(value=5, timestamp=now_ms - 1000, start_timestamp=now_ms - 60_000)
    counter.samples.add(value=7, timestamp=now_ms, start_timestamp=now_ms - 60_000)
    counter.exemplars.add(labels_refs=symbols.labels(trace_id="0af7651916cd43dd8448eb211c80319c"), value=1, timestamp=now_ms)
    counter.metadata.type = 1
    counter.metadata.help_ref = symbols.ref("Orders taken.")
    native = request.timeseries.add(labels_refs=symbols.labels(__name__="wait_seconds", run=run))
    h = native.histograms.add(count_int=6, sum=12.5, schema=2, zero_threshold=0.001, zero_count_int=1, reset_hint=2, timestamp=now_ms)
    h.positive_spans.add(offset=-1, length=3)
    h.positive_deltas.extend([1, 1, -1])
    h.positive_spans.add(offset=2, length=1)
    h.positive_deltas.append(0)
    request.symbols.extend(symbols.texts)
    return request


def test_remote_write_2_from_an_independent_encoder(module_server, ingest_token, run):
    now_ms = int(time.time() * 1000)
    answer = remote_write.send(module_server, v2_request(run, now_ms), remote_write.V2, ingest_token)
    assert answer.status_code == 204, answer.text
    assert remote_write.written(answer)[:2] == (2, 1)
    wait_until(lambda: list(ours(module_server, f'orders_total{{run="{run}"}}').values()) == ["7"], what="the counter")


def test_what_is_wrong_is_told_and_the_rest_is_stored(module_server, run):
    now_ms = int(time.time() * 1000)
    request = remote_write.v1["WriteRequest"]()

    def series(*samples, **labels):
        one = request.timeseries.add()
        for name, value in labels.items():
            one.labels.add(name=name, value=value)
        for value, ms in samples:
            one.samples.add(value=value, timestamp=ms)

    series((1, now_ms), __name__="good", run=run)
    series((1, now_ms), run=run)
    series((1, now_ms + 3_600_000), __name__="early", run=run)
    series((1, now_ms), __name__="long", run=run, path="x" * 5000)
    answer = remote_write.send(module_server, request, remote_write.V1)
    assert answer.status_code == 400
    assert remote_write.written(answer) == (1, 0, 0)
    assert "3 of 4 samples refused" in answer.text
    for reason in ("series 1: a series without a metric name", "series 2: timestamp", "series 3: long: label path: 5000 bytes"):
        assert reason in answer.text
    wait_until(lambda: list(ours(module_server, f'{{run="{run}"}}')) and True, what="the good one")
    assert len(ours(module_server, f'{{run="{run}"}}')) == 1


def test_who_may_write_and_how(module_server, ingest_token):
    request = remote_write.v1["WriteRequest"]()
    assert remote_write.send(module_server, request, remote_write.V1, ingest_token).status_code == 204
    assert remote_write.send(module_server, request, "application/json").status_code == 415
    assert remote_write.send(module_server, request, remote_write.V1, encoding="gzip").status_code == 415
    answer = remote_write.send(module_server, request, remote_write.V1, token="nobody")
    assert answer.status_code == 401
    assert remote_write.written(answer) == (0, 0, 0)
    basic = requests.post(module_server.url + "/api/v1/write", data=remote_write.snappy(b""), auth=("any", ingest_token), timeout=30)
    assert basic.status_code == 204
    broken = module_server.api.post("/api/v1/write", data=b"\xff\xff", headers={"Content-Type": remote_write.V1})
    assert broken.status_code == 400
    bomb = module_server.api.post("/api/v1/write", data=b"\x80\x80\x80\x80\x08\x00", headers={"Content-Type": remote_write.V1})
    assert bomb.status_code == 413
    assert module_server.alive()


def test_what_was_answered_survives_a_kill(make_server, run):
    server = make_server()
    now_ms = int(time.time() * 1000)
    for i in range(20):
        request = v2_request(run, now_ms - 20_000 + i * 1000)
        assert remote_write.send(server, request, remote_write.V2).status_code == 204
    server.kill()
    server.start()
    assert list(ours(server, f'orders_total{{run="{run}"}}').values()) == ["7"]
    assert list(ours(server, f'count_over_time(orders_total{{run="{run}"}}[1m])').values()) == ["21"]
    exemplars = server.api.get("/api/v1/query_exemplars", query=f'orders_total{{run="{run}"}}')["data"]
    assert len(exemplars[0]["exemplars"]) == 20
    # Known series are looked up anew.
    assert remote_write.send(server, v2_request(run, now_ms), remote_write.V2).status_code == 204
    wait_until(lambda: list(ours(server, f'count_over_time(orders_total{{run="{run}"}}[1m])').values()) == ["22"], what="one more")


# ---- OpenTelemetry

OTLP_PROGRAM = """
import sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
protocol, endpoint, token, run, temporality = sys.argv[1:]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    options = dict(endpoint=endpoint, insecure=True, headers=(("authorization", "Bearer " + token),))
else:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    options = dict(endpoint=endpoint, headers={"Authorization": "Bearer " + token})
if temporality == "delta":
    options["preferred_temporality"] = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
reader = PeriodicExportingMetricReader(OTLPMetricExporter(**options), export_interval_millis=3_600_000)
resource = Resource.create({"service.name": "shop", "service.namespace": "acme", "service.instance.id": run, "host.name": "web-1"})
meters = MeterProvider([reader], resource, views=[View(instrument_name="wait", aggregation=ExponentialBucketHistogramAggregation())])
meter = meters.get_meter("e2e")
orders = meter.create_counter("shop.orders", "{order}", "Orders taken.")
open_carts = meter.create_up_down_counter("shop.carts")
duration = meter.create_histogram("shop.duration", "ms", explicit_bucket_boundaries_advisory=[5, 10, 25])
wait = meter.create_histogram("wait", "s")
tracers = TracerProvider()
for round in range(3):
    orders.add(2, {"payment.method": "card"})
    open_carts.add(1)
    with tracers.get_tracer("t").start_as_current_span("pay") as span:
        duration.record(7 + round, {"route": "/pay"})
        wait.record(0.25)
        last_trace = format(span.get_span_context().trace_id, "032x")
    assert meters.force_flush(20_000)
print(last_trace)
meters.shutdown()
"""


@pytest.fixture(scope="module")
def otlp_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("otlp")
    port = free_port()
    (folder / "telltale.yml").write_text(f'otlp: {{grpc_listen: "127.0.0.1:{port}"}}\n')
    server = Telltale(folder, ["--config", str(folder / "telltale.yml")])
    server.start()
    server.grpc = f"http://127.0.0.1:{port}"
    yield server
    assert server.stop() == 0, server.log_tail()


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("protocol", ["http", "prometheus-path", "grpc"])
def test_opentelemetry_sdk(otlp_server, run, protocol, temporality):
    endpoint = {"http": otlp_server.url + "/v1/metrics", "prometheus-path": otlp_server.url + "/api/v1/otlp/v1/metrics",
                "grpc": otlp_server.grpc}[protocol]
    done = subprocess.run([sys.executable, "-c", OTLP_PROGRAM, protocol, endpoint, otlp_server.token, run, temporality],
                          capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-3000:]
    who = f'instance="{run}",job="acme/shop"'

    def value(query):
        return [float(v) for v in ours(otlp_server, query).values()]

    wait_until(lambda: value(f'shop_orders_total{{{who},payment_method="card"}}') == [6], what="the counter")
    assert value(f"shop_carts{{{who}}}") == [3]
    assert value(f'shop_duration_milliseconds_bucket{{{who},route="/pay",le="5"}}') == [0]
    assert value(f'shop_duration_milliseconds_bucket{{{who},route="/pay",le="10"}}') == [3]
    assert value(f'shop_duration_milliseconds_count{{{who}}}') == [3]
    assert value(f'shop_duration_milliseconds_sum{{{who}}}') == [24]
    assert value(f'target_info{{{who},host_name="web-1"}}') == [1]
    # Descriptions and exemplars are another store's, which may be a moment behind.
    about = wait_until(lambda: otlp_server.api.get("/api/v1/metadata", metric="shop_orders_total")["data"].get("shop_orders_total"),
                       what="the description")
    assert about[0]["type"] == "counter" and about[0]["help"] == "Orders taken."

    def traces():
        series = otlp_server.api.get("/api/v1/query_exemplars", query=f'rate(shop_duration_milliseconds_bucket{{{who}}}[5m])')
        return [e["labels"]["trace_id"] for s in series["data"] for e in s["exemplars"]]

    wait_until(lambda: done.stdout.split()[-1] in traces(), what="the exemplar")


def test_grafanas_question_about_exemplars(otlp_server):
    now_ms = int(time.time() * 1000)
    answer = otlp_server.api.get("/api/v1/query_exemplars", query="test", start=now_ms - 1000, end=now_ms)
    assert answer == {"status": "success", "data": []}


# ---- InfluxDB

def test_influxdb_client(module_server, ingest_token, run):
    from influxdb_client import InfluxDBClient, Point
    from influxdb_client.client.write_api import SYNCHRONOUS
    from influxdb_client.rest import ApiException
    for url in (module_server.url, module_server.url + "/influx"):
        with InfluxDBClient(url, ingest_token, org="acme") as client:
            assert client.ping()
            assert client.health().status == "pass"
            writer = client.write_api(write_options=SYNCHRONOUS)
            kind = "b" if url.endswith("influx") else "a"
            writer.write("plant", record=[Point("weather").tag("run", run).tag("kind", kind).field("temp", 21.5).field("rain", True),
                                          Point("weather").tag("run", run).tag("kind", kind).field("count", 7).field("note", "mild")])
            with pytest.raises(ApiException) as error:
                writer.write("plant", record=f"weather,run={run} temp=\nafter,run={run},kind={kind} v=1")
            assert error.value.status == 400 and "line 1" in str(error.value.body)
    got = wait_until(lambda: (r := ours(module_server, f'{{run="{run}",db="plant"}}')) and len(r) == 8 and r, what="eight series")
    by_name = {(dict(k)["__name__"], dict(k)["kind"]): v for k, v in got.items()}
    assert by_name["weather_temp", "a"] == "21.5" and by_name["weather_rain", "b"] == "1" and by_name["weather_count", "a"] == "7"
    assert by_name["after_v", "b"] == "1"


def test_influxdb_version_1(module_server, ingest_token, run):
    url = module_server.url
    now_s = int(time.time())
    answer = requests.post(f"{url}/write", params={"db": f"db-{run}", "precision": "s", "u": "any", "p": ingest_token},
                           data=f"cpu,run={run} idle=1i {now_s}\n", timeout=30)
    assert answer.status_code == 204, answer.text
    assert requests.get(f"{url}/ping", timeout=30).status_code == 204
    wait_until(lambda: list(ours(module_server, f'cpu_idle{{run="{run}"}}').values()) == ["1"], what="the field")
    shown = module_server.api.get("/query", q="SHOW DATABASES")["results"][0]["series"][0]["values"]
    assert [f"db-{run}"] in shown
    assert requests.post(f"{url}/query", params={"q": "CREATE DATABASE x", "u": "a", "p": ingest_token}, timeout=30).ok
    assert requests.post(f"{url}/write", params={"u": "a", "p": "wrong"}, data="m v=1", timeout=30).status_code == 401
    refused = requests.post(f"{url}/write", params={"precision": "weeks", "p": ingest_token}, data="m v=1", timeout=30)
    assert refused.status_code == 400 and "precision" in refused.json()["error"]
    assert ingest_token not in module_server.log_path.read_text()


# ---- Pushgateway, and text

def test_pushgateway_with_prometheus_client(make_server, run):
    from prometheus_client import CollectorRegistry, Counter, Gauge, delete_from_gateway, push_to_gateway, pushadd_to_gateway
    from prometheus_client.exposition import basic_auth_handler

    server = make_server()

    def auth(url, method, timeout, headers, data):
        return basic_auth_handler(url, method, timeout, headers, data, "any", server.token)

    def pushed():
        return {dict(k)["__name__"]: v for k, v in ours(server, f'{{job="{run}",shift="night/1"}}').items()}

    registry = CollectorRegistry()
    Gauge("rows_copied", "Rows.", registry=registry).set(5)
    Counter("errors", "Errors.", registry=registry).inc(2)
    push_to_gateway(server.url, run, registry, {"shift": "night/1"}, handler=auth)
    got = wait_until(lambda: len(pushed()) >= 3 and pushed(), what="the group")
    assert got["rows_copied"] == "5" and got["errors_total"] == "2" and float(got["push_time_seconds"]) > 1.7e9
    other = CollectorRegistry()
    Gauge("rows_copied", "Rows.", registry=other).set(6)
    pushadd_to_gateway(server.url, run, other, {"shift": "night/1"}, handler=auth)
    wait_until(lambda: pushed()["rows_copied"] == "6" and "errors_total" in pushed(), what="the addition")
    push_to_gateway(server.url, run, other, {"shift": "night/1"}, handler=auth)
    wait_until(lambda: "errors_total" not in pushed(), what="the replacement")
    server.restart()
    assert pushed()["rows_copied"] == "6"
    delete_from_gateway(server.url, run, {"shift": "night/1"}, handler=auth)
    wait_until(lambda: pushed() == {}, what="the deletion")
    bad = server.api.http.put(f"{server.url}/metrics/job/{run}", data="a 1\nb{ 2\n", timeout=30)
    assert bad.status_code == 400 and "line 2" in bad.text
    assert server.api.http.put(f"{server.url}/metrics/job/{run}/alone", data="a 1\n", timeout=30).status_code == 400


def test_text_import(module_server, run):
    post = module_server.api.post
    at = int(time.time() * 1000) - 60_000
    answer = post(f"/api/v1/import/prometheus?extra_label=run={run}&timestamp={at}", data='a{x="1"} 2\nb 3\n')
    assert answer.status_code == 204, answer.text
    wait_until(lambda: len(ours(module_server, f'{{run="{run}"}}')) == 2, what="both")
    assert ours(module_server, f'timestamp(a{{run="{run}"}})') != {}
    answer = post(f"/api/v1/import/prometheus?extra_label=run={run}", data="ok 1\nbroken{ 2\n")
    assert answer.status_code == 400 and "line 2" in answer.text


# ---- Out again

def test_queries_cost_what_prometheus_says(module_server, ingest_token, prometheus, run):
    """`totalQueryableSamples` of queries over what Prometheus scraped of itself and wrote to us."""
    config = f"""
global: {{scrape_interval: 1s, external_labels: {{run: {run}}}}}
scrape_configs: [{{job_name: self, static_configs: [{{targets: [SELF]}}]}}]
remote_write:
  - url: {module_server.url}/api/v1/write
    authorization: {{credentials: {ingest_token}}}
    queue_config: {{batch_send_deadline: 500ms}}
"""
    peer = prometheus(config)
    wait_until(lambda: ours(module_server, f'count_over_time(up{{run="{run}"}}[1m]) >= 12'), 40, what="samples of twelve scrapes")
    # Odd, so that the even steps of a subquery are not on a window's edge, which 2.42 takes in on the left.
    end = (int(time.time()) - 4) | 1

    def cost(url, query, **headers):
        answer = requests.get(f"{url}/api/v1/query_range", headers=headers, timeout=30,
                              params={"query": query, "start": end - 6, "end": end, "step": 2, "stats": "all"})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["stats"]["samples"]["totalQueryableSamples"]

    for query in ("up{}", "sum by (job) (prometheus_http_requests_total{})", "rate(prometheus_http_requests_total{}[4s])", "up{} + up{}",
                  "max_over_time(up{}[6s:2s])", f"sum_over_time(up{{}}[5s] @ {end - 1})", "1 + 1"):
        mine = query.replace("{}", f'{{run="{run}"}}')
        assert cost(module_server.url, mine, Authorization=f"Bearer {module_server.token}") == cost(peer.url, query.replace("{}", "")), query


def test_prometheus_federates_from_us(module_server, prometheus, run):
    now_ms = int(time.time() * 1000)
    assert remote_write.send(module_server, v2_request(run, now_ms), remote_write.V2).status_code == 204
    peer = prometheus(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: federate
  honor_labels: true
  metrics_path: /federate
  params: {{"match[]": ['{{run="{run}"}}']}}
  authorization: {{credentials: {module_server.token}}}
  static_configs: [{{targets: ["{module_server.url.removeprefix('http://')}"]}}]
""")
    wait_until(lambda: list(instant(peer.url, f'orders_total{{run="{run}"}}').values()) == ["7"], 40, what="the counter")


def test_prometheus_reads_from_us(module_server, prometheus, run):
    now_ms = int(time.time() * 1000)
    request = remote_write.v1["WriteRequest"]()
    for name in ("a", "b"):
        one = request.timeseries.add()
        for label, value in {"__name__": "read_" + name, "run": run}.items():
            one.labels.add(name=label, value=value)
        for i in range(200):
            one.samples.add(value=i * 1.5, timestamp=now_ms - (200 - i) * 1000)
    assert remote_write.send(module_server, request, remote_write.V1).status_code == 204
    peer = prometheus(f"""
remote_read:
- url: {module_server.url}/api/v1/read
  authorization: {{credentials: {module_server.token}}}
  read_recent: true
""")
    for query in (f'sum_over_time(read_a{{run="{run}"}}[5m])', f'count_over_time(read_b{{run="{run}"}}[5m])', f'read_b{{run="{run}"}}'):
        wait_until(lambda: len(ours(module_server, query, now_ms / 1000)) > 0, what=query)
        assert instant(peer.url, query, now_ms / 1000) == ours(module_server, query, now_ms / 1000)
    refused = module_server.api.post("/api/v1/read", data=b"\xff\xff\xff")
    assert refused.status_code == 400


def test_native_histograms_come_back_as_they_were_sent(module_server, run):
    now_ms = int(time.time() * 1000)
    assert remote_write.send(module_server, v2_request(run, now_ms), remote_write.V2).status_code == 204
    read = remote_write.v1["ReadRequest"]()
    query = read.queries.add(start_timestamp_ms=now_ms - 3_600_000, end_timestamp_ms=now_ms + 1000)
    query.matchers.add(type=0, name="run", value=run)

    def answer():
        got = module_server.api.post("/api/v1/read", data=remote_write.snappy(read.SerializeToString()))
        assert got.status_code == 200, got.text
        response = remote_write.v1["ReadResponse"].FromString(remote_write.unsnappy(got.content))
        return {{l.name: l.value for l in s.labels}["__name__"]: s for s in response.results[0].timeseries}

    series = wait_until(lambda: (a := answer()) and "wait_seconds" in a and a, what="the histogram")
    if not series["wait_seconds"].histograms:
        pytest.skip("the embedded store keeps no native histograms yet")
    h = series["wait_seconds"].histograms[0]
    assert (h.count_int, h.sum, h.schema, h.zero_count_int, list(h.positive_deltas)) == (6, 12.5, 2, 1, [1, 1, -1, 0])


# ---- Sentry

SENTRY_PROGRAM = """
import sys, sentry_sdk
dsn, run = sys.argv[1:]
sentry_sdk.init(dsn=dsn, release="shop@1.4.2", environment="production", traces_sample_rate=1.0)
sentry_sdk.set_user({"id": "u-77"})
with sentry_sdk.start_transaction(name="pay") as transaction:
    for i in range(5):
        sentry_sdk.metrics.count("shop.clicks", 2, attributes={"run": run})
        sentry_sdk.metrics.distribution("shop.latency", 12.5 * (i + 1), unit="millisecond", attributes={"run": run})
    sentry_sdk.metrics.gauge("shop.queue", 42, attributes={"run": run})
    print(transaction.trace_id)
sentry_sdk.flush(20)
"""


def test_trace_metrics_of_sentrys_sdk(module_server, run):
    done = subprocess.run([sys.executable, "-c", SENTRY_PROGRAM, module_server.dsn, run], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-3000:]

    def one(name):
        found = ours(module_server, f'{{__name__="{name}",run="{run}"}}')
        return next(iter(found.items())) if len(found) == 1 else None

    labels, value = wait_until(lambda: one("shop_clicks_total"), what="the counter")
    assert value == "10"
    assert dict(labels)["release"] == "shop@1.4.2" and dict(labels)["environment"] == "production"
    assert "u-77" not in str(labels)
    assert one("shop_queue")[1] == "42"
    assert one("shop_latency_milliseconds") is not None
    exemplars = wait_until(lambda: module_server.api.get("/api/v1/query_exemplars",
                                                         query=f'shop_latency_milliseconds{{run="{run}"}}')["data"],
                           what="the exemplar")
    assert exemplars[0]["exemplars"][0]["labels"]["trace_id"] == done.stdout.split()[-1]
