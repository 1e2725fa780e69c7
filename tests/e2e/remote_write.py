"""Prometheus' remote write from Google's protobuf runtime: an encoder that knows nothing of ours. The schemas are written
from the specification's field numbers."""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

V1 = "application/x-protobuf;proto=prometheus.WriteRequest"
V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

HISTOGRAM = """count_int 1 uint64; count_float 2 double; sum 3 double; schema 4 sint32; zero_threshold 5 double;
 zero_count_int 6 uint64; zero_count_float 7 double; negative_spans 8 *BucketSpan; negative_deltas 9 *sint64;
 negative_counts 10 *double; positive_spans 11 *BucketSpan; positive_deltas 12 *sint64; positive_counts 13 *double;
 reset_hint 14 int32; timestamp 15 int64; custom_values 16 *double"""
COMMON = {"BucketSpan": "offset 1 sint32; length 2 uint32"}
SCHEMAS = {
    "prometheus": {
        **COMMON,
        "Label": "name 1 string; value 2 string",
        "Sample": "value 1 double; timestamp 2 int64",
        "Exemplar": "labels 1 *Label; value 2 double; timestamp 3 int64",
        "Histogram": HISTOGRAM,
        "MetricMetadata": "type 1 int32; metric_family_name 2 string; help 4 string; unit 5 string",
        "TimeSeries": "labels 1 *Label; samples 2 *Sample; exemplars 3 *Exemplar; histograms 4 *Histogram",
        "WriteRequest": "timeseries 1 *TimeSeries; metadata 3 *MetricMetadata",
        "LabelMatcher": "type 1 int32; name 2 string; value 3 string",
        "Query": "start_timestamp_ms 1 int64; end_timestamp_ms 2 int64; matchers 3 *LabelMatcher",
        "ReadRequest": "queries 1 *Query; accepted_response_types 2 *int32",
        "QueryResult": "timeseries 1 *TimeSeries",
        "ReadResponse": "results 1 *QueryResult",
        "Chunk": "min_time_ms 1 int64; max_time_ms 2 int64; type 3 int32; data 4 bytes",
        "ChunkedSeries": "labels 1 *Label; chunks 2 *Chunk",
        "ChunkedReadResponse": "chunked_series 1 *ChunkedSeries; query_index 2 int64",
    },
    "io.prometheus.write.v2": {
        **COMMON,
        "Sample": "value 1 double; timestamp 2 int64; start_timestamp 3 int64",
        "Exemplar": "labels_refs 1 *uint32; value 2 double; timestamp 3 int64",
        "Histogram": HISTOGRAM + "; start_timestamp 17 int64",
        "Metadata": "type 1 int32; help_ref 3 uint32; unit_ref 4 uint32",
        "TimeSeries": "labels_refs 1 *uint32; samples 2 *Sample; histograms 3 *Histogram; exemplars 4 *Exemplar; metadata 5 Metadata",
        "Request": "symbols 4 *string; timeseries 5 *TimeSeries",
    },
}


def _messages(package, schema):
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name=package + ".e2e.proto", package=package, syntax="proto3")
    for name, text in schema.items():
        message = file.message_type.add(name=name)
        for part in text.split(";"):
            field_name, number, kind = part.split()
            f = message.field.add(name=field_name, number=int(number))
            f.label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind in schema:
                f.type, f.type_name = field.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                f.type = getattr(field, "TYPE_" + kind.upper())
            # Which of count_int and count_float is there must be told: in the real schema they are a oneof.
            if f.label == field.LABEL_OPTIONAL and name == "Histogram" and "count" in field_name:
                f.proto3_optional = True
                f.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name="_" + field_name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in schema}


v1 = _messages("prometheus", SCHEMAS["prometheus"])
v2 = _messages("io.prometheus.write.v2", SCHEMAS["io.prometheus.write.v2"])


def snappy(plain: bytes) -> bytes:
    """A block of literals only: valid, if not small."""
    out, n = bytearray(), len(plain)
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    for at in range(0, len(plain), 65536):
        piece = plain[at:at + 65536]
        out += bytes([61 << 2]) + (len(piece) - 1).to_bytes(2, "little") + piece
    return bytes(out)


class Symbols:
    """The table that a request of version 2 refers to."""

    def __init__(self):
        self.texts = [""]

    def ref(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def labels(self, **labels) -> list[int]:
        return [self.ref(text) for pair in sorted(labels.items()) for text in pair]


def send(server, message, content_type, token=None, encoding="snappy"):
    headers = {"Content-Type": content_type, "Content-Encoding": encoding, "Authorization": f"Bearer {token or server.token}"}
    return server.api.post("/api/v1/write", data=snappy(message.SerializeToString()), headers=headers)


def written(answer) -> tuple[int, int, int]:
    """Samples, histograms and exemplars, as the answer's headers say."""
    return tuple(int(answer.headers[f"X-Prometheus-Remote-Write-{what}-Written"]) for what in ("Samples", "Histograms", "Exemplars"))


def unsnappy(block: bytes) -> bytes:
    """Reads a snappy block (github.com/google/snappy, format_description.txt)."""
    size = shift = at = 0
    while True:
        size |= (block[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if block[at - 1] < 0x80:
            break
    out = bytearray()
    while at < len(block):
        tag = block[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(block[at:at + extra], "little")
                at += extra
            out += block[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | block[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(block[at:at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)
