"""Exporters for the scraping tests: random registries of the Prometheus client library, served as text, OpenMetrics or protobuf."""
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import encoder
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.exposition import choose_encoder

PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
VALUES = ["a", "", "é ☃", 'quo"te', "back\\slash", "new\nline", "x" * 200, "0"]


def random_registry(seed: int) -> CollectorRegistry:
    rng = random.Random(seed)
    registry = CollectorRegistry()
    for i in range(rng.randint(8, 14)):
        kind = rng.choice([Counter, Gauge, Histogram, Summary, Enum, Info])
        labels = rng.sample(["path", "code", "le_", "Zone", "http.route"], rng.randint(0, 3))
        more = {"states": ["up", "down"]} if kind is Enum else {}
        if kind is Histogram:
            more["buckets"] = sorted(rng.sample([0.005, 0.1, 1, 2.5, 10, 1000, 1e6, 1.5e9], 4))
        name = f"m{i}{rng.choice(['_', '_', '.', ' é.'])}{rng.choice(['seconds', 'bytes', 'things'])}"
        metric = kind(name, 'Help with "quotes" and \\ and\nlines.', labels,
                      registry=registry, **more)
        for _ in range(rng.randint(1, 4)):
            child = metric.labels(*[rng.choice(VALUES) for _ in labels]) if labels else metric
            number = rng.choice([0, 1, 0.1, 1e-9, 123456789, 1e300, rng.random() * 1e6])
            if kind is Counter:
                child.inc(number, exemplar={"trace_id": f"{rng.getrandbits(64):016x}"} if rng.random() < 0.5 else None)
            elif kind is Gauge:
                child.set(rng.choice([number, -number, float("inf"), float("-inf")]))
            elif kind is Enum:
                child.state(rng.choice(["up", "down"]))
            elif kind is Info:
                child.info({"version": rng.choice(VALUES)})
            else:
                child.observe(number)
    return registry


def _schema():
    """io.prometheus.client, as far as is needed here."""
    file = descriptor_pb2.FileDescriptorProto(name="metrics_test.proto", package="t", syntax="proto2")
    types = {"double": 1, "uint64": 4, "int64": 3, "int32": 5, "string": 9, "enum": 5}
    messages = {
        "Label": [("name", 1, "string"), ("value", 2, "string")],
        "Stamp": [("seconds", 1, "int64"), ("nanos", 2, "int32")],
        "Exemplar": [("label", 1, "*Label"), ("value", 2, "double"), ("timestamp", 3, "Stamp")],
        "Gauge": [("value", 1, "double")],
        "Counter": [("value", 1, "double"), ("exemplar", 2, "Exemplar"), ("created", 3, "Stamp")],
        "Quantile": [("quantile", 1, "double"), ("value", 2, "double")],
        "Summary": [("count", 1, "uint64"), ("sum", 2, "double"), ("quantile", 3, "*Quantile")],
        "Bucket": [("cumulative", 1, "uint64"), ("upper_bound", 2, "double")],
        "Histogram": [("count", 1, "uint64"), ("sum", 2, "double"), ("bucket", 3, "*Bucket")],
        "Metric": [("label", 1, "*Label"), ("gauge", 2, "Gauge"), ("counter", 3, "Counter"), ("summary", 4, "Summary"),
                   ("untyped", 5, "Gauge"), ("histogram", 7, "Histogram")],
        "Family": [("name", 1, "string"), ("help", 2, "string"), ("type", 3, "enum"), ("metric", 4, "*Metric")],
    }
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            plain = kind.lstrip("*")
            one = message.field.add(name=field, number=number, label=3 if kind.startswith("*") else 1)
            if plain in types:
                one.type = types[plain]
            else:
                one.type, one.type_name = 11, f".t.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Family"))


Family = _schema()


def _metric(family, labels):
    metric = family.metric.add()
    for name, value in labels.items():
        metric.label.add(name=name, value=value)
    return metric


def _fill(family, kind, samples):
    """The family's samples, grouped by their labels but for the bounds."""
    groups = {}
    for sample in samples:
        if sample.name.endswith("_created"):
            continue
        labels = {k: v for k, v in sample.labels.items() if k != "le" or kind != "histogram"}
        groups.setdefault(tuple(sorted(labels.items())), []).append(sample)
    for key, group in groups.items():
        metric = _metric(family, dict(key))
        for sample in group:
            if kind == "counter":
                metric.counter.value = sample.value
                if sample.exemplar:
                    metric.counter.exemplar.value = sample.exemplar.value
                    for name, value in sample.exemplar.labels.items():
                        metric.counter.exemplar.label.add(name=name, value=value)
            elif kind == "gauge":
                metric.gauge.value = sample.value
            else:
                part = metric.histogram if kind == "histogram" else metric.summary
                if sample.name.endswith("_count"):
                    part.count = int(sample.value)
                elif sample.name.endswith("_sum"):
                    part.sum = sample.value
                else:
                    part.bucket.add(cumulative=int(sample.value), upper_bound=float(sample.labels["le"]))


def protobuf_body(registry) -> bytes:
    body = b""
    numbers = {"counter": 0, "gauge": 1, "summary": 2, "histogram": 4}
    for metric in registry.collect():
        # The protobuf exposition knows neither info nor stateset: both go as gauges under their sample's name.
        kind = metric.type if metric.type in numbers else "gauge"
        suffix = {"counter": "_total", "info": "_info"}.get(metric.type, "")
        family = Family(name=metric.name + suffix, help=metric.documentation, type=numbers[kind])
        _fill(family, kind, metric.samples)
        data = family.SerializeToString()
        body += encoder._VarintBytes(len(data)) + data
    return body


class Exporter:
    """Serves `registry` in the format that Accept asks for; `asked` holds the Accept headers that came."""

    def __init__(self, registry):
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                accept = self.headers.get("Accept", "")
                outer.asked.append(accept)
                if accept.startswith("application/vnd.google.protobuf"):
                    body, kind = protobuf_body(registry), PROTOBUF
                else:
                    encode, kind = choose_encoder(accept)
                    body = encode(registry)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
