// Field numbers: opentelemetry/proto/metrics/v1/metrics.proto.
#include "base/metric_limits.hpp"
#include "wire/otlp/metrics_impl.hpp"

namespace telltale::wire::otlp {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;
constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr auto kFixed64 = pbf_wire_type::fixed64;
constexpr auto kVarint = pbf_wire_type::varint;
constexpr std::uint32_t kNoRecordedValue = 1;

std::int64_t nanos(pbf_reader& in) { return static_cast<std::int64_t>(in.get_fixed64()); }

/// A list that is over its limit stops growing; checked_metric() then refuses the metric.
template <class List, class Range>
void append_bounded(List& to, const Range& range) {
  for (const auto v : range) {
    if (to.size() > limits::kMaxBucketsPerHistogram) return;
    to.push_back(v);
  }
}

PointExemplar read_exemplar(pbf_reader in) {
  PointExemplar out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(2, kFixed64):
        out.time.ns = nanos(in);
        break;
      case tag_and_type(3, kFixed64):
        out.value = in.get_double();
        break;
      case tag_and_type(4, kBytes):
        out.span_id = Id64::from_bytes(in.get_string()).value_or(Id64{});
        break;
      case tag_and_type(5, kBytes):
        out.trace_id = Id128::from_bytes(in.get_string()).value_or(Id128{});
        break;
      case tag_and_type(6, kFixed64):
        out.value = static_cast<double>(in.get_sfixed64());
        break;
      case tag_and_type(7, kBytes):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      default:
        in.skip();
    }
  }
  return out;
}

/// Without a time it is of no use, and many of them fit into a few bytes.
void add_exemplar(pbf_reader in, DataPoint& to) {
  PointExemplar exemplar = read_exemplar(in);
  if (exemplar.time.ns != 0) to.exemplars.push_back(std::move(exemplar));
}

DataPoint read_number(pbf_reader in) {
  DataPoint out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(2, kFixed64):
        out.start.ns = nanos(in);
        break;
      case tag_and_type(3, kFixed64):
        out.time.ns = nanos(in);
        break;
      case tag_and_type(4, kFixed64):
        out.value = in.get_double();
        break;
      case tag_and_type(5, kBytes):
        add_exemplar(in.get_message(), out);
        break;
      case tag_and_type(6, kFixed64):
        out.value = static_cast<double>(in.get_sfixed64());
        break;
      case tag_and_type(7, kBytes):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      case tag_and_type(8, kVarint):
        out.no_value = (in.get_uint32() & kNoRecordedValue) != 0;
        break;
      default:
        in.skip();
    }
  }
  return out;
}

DataPoint read_histogram(pbf_reader in) {
  DataPoint out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(2, kFixed64):
        out.start.ns = nanos(in);
        break;
      case tag_and_type(3, kFixed64):
        out.time.ns = nanos(in);
        break;
      case tag_and_type(4, kFixed64):
        out.count = in.get_fixed64();
        break;
      case tag_and_type(5, kFixed64):
        out.sum = in.get_double();
        break;
      case tag_and_type(6, kBytes):
        append_bounded(out.counts, in.get_packed_fixed64());
        break;
      case tag_and_type(6, kFixed64):
        append_bounded(out.counts, std::initializer_list<std::uint64_t>{in.get_fixed64()});
        break;
      case tag_and_type(7, kBytes):
        append_bounded(out.bounds, in.get_packed_double());
        break;
      case tag_and_type(7, kFixed64):
        append_bounded(out.bounds, std::initializer_list<double>{in.get_double()});
        break;
      case tag_and_type(8, kBytes):
        add_exemplar(in.get_message(), out);
        break;
      case tag_and_type(9, kBytes):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      case tag_and_type(10, kVarint):
        out.no_value = (in.get_uint32() & kNoRecordedValue) != 0;
        break;
      default:
        in.skip();
    }
  }
  return out;
}

BucketRow read_buckets(pbf_reader in) {
  BucketRow out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kVarint):
        out.offset = in.get_sint32();
        break;
      case tag_and_type(2, kBytes):
        append_bounded(out.counts, in.get_packed_uint64());
        break;
      case tag_and_type(2, kVarint):
        append_bounded(out.counts, std::initializer_list<std::uint64_t>{in.get_uint64()});
        break;
      default:
        in.skip();
    }
  }
  return out;
}

DataPoint read_exponential(pbf_reader in) {
  DataPoint out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kBytes):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      case tag_and_type(2, kFixed64):
        out.start.ns = nanos(in);
        break;
      case tag_and_type(3, kFixed64):
        out.time.ns = nanos(in);
        break;
      case tag_and_type(4, kFixed64):
        out.count = in.get_fixed64();
        break;
      case tag_and_type(5, kFixed64):
        out.sum = in.get_double();
        break;
      case tag_and_type(6, kVarint):
        out.scale = in.get_sint32();
        break;
      case tag_and_type(7, kFixed64):
        out.zero_count = in.get_fixed64();
        break;
      case tag_and_type(8, kBytes):
        out.positive = read_buckets(in.get_message());
        break;
      case tag_and_type(9, kBytes):
        out.negative = read_buckets(in.get_message());
        break;
      case tag_and_type(10, kVarint):
        out.no_value = (in.get_uint32() & kNoRecordedValue) != 0;
        break;
      case tag_and_type(11, kBytes):
        add_exemplar(in.get_message(), out);
        break;
      case tag_and_type(14, kFixed64):
        out.zero_threshold = in.get_double();
        break;
      default:
        in.skip();
    }
  }
  return out;
}

std::pair<double, double> read_quantile(pbf_reader in) {
  std::pair<double, double> out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kFixed64):
        out.first = in.get_double();
        break;
      case tag_and_type(2, kFixed64):
        out.second = in.get_double();
        break;
      default:
        in.skip();
    }
  }
  return out;
}

DataPoint read_summary(pbf_reader in) {
  DataPoint out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(2, kFixed64):
        out.start.ns = nanos(in);
        break;
      case tag_and_type(3, kFixed64):
        out.time.ns = nanos(in);
        break;
      case tag_and_type(4, kFixed64):
        out.count = in.get_fixed64();
        break;
      case tag_and_type(5, kFixed64):
        out.sum = in.get_double();
        break;
      case tag_and_type(6, kBytes):
        if (out.quantiles.size() <= limits::kMaxBucketsPerHistogram)
          out.quantiles.push_back(read_quantile(in.get_message()));
        else
          in.skip();
        break;
      case tag_and_type(7, kBytes):
        add_proto_attr(in.get_message(), out.attributes);
        break;
      case tag_and_type(8, kVarint):
        out.no_value = (in.get_uint32() & kNoRecordedValue) != 0;
        break;
      default:
        in.skip();
    }
  }
  return out;
}

Temporality temporality_from(std::uint64_t n) {
  return n == 1 ? Temporality::delta : n == 2 ? Temporality::cumulative : Temporality::unspecified;
}

void read_data(pbf_reader in, PointKind kind, DataPoint (*read)(pbf_reader), Metric& out) {
  out.kind = kind;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kBytes):
        // parse_metrics() refuses what has more.
        if (out.points.size() <= limits::kMaxWriteSamples)
          out.points.push_back(read(in.get_message()));
        else
          in.skip();
        break;
      case tag_and_type(2, kVarint):
        out.temporality = temporality_from(in.get_uint64());
        break;
      case tag_and_type(3, kVarint):
        out.monotonic = in.get_bool();
        break;
      default:
        in.skip();
    }
  }
}

}  // namespace

Result<Metric> read_proto_metric(pbf_reader in) {
  Metric out;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kBytes):
        out.name = utf8(in.get_string());
        break;
      case tag_and_type(2, kBytes):
        out.description = utf8(in.get_string());
        break;
      case tag_and_type(3, kBytes):
        out.unit = utf8(in.get_string());
        break;
      case tag_and_type(5, kBytes):
        read_data(in.get_message(), PointKind::gauge, read_number, out);
        break;
      case tag_and_type(7, kBytes):
        read_data(in.get_message(), PointKind::sum, read_number, out);
        break;
      case tag_and_type(9, kBytes):
        read_data(in.get_message(), PointKind::histogram, read_histogram, out);
        break;
      case tag_and_type(10, kBytes):
        read_data(in.get_message(), PointKind::exponential, read_exponential, out);
        break;
      case tag_and_type(11, kBytes):
        read_data(in.get_message(), PointKind::summary, read_summary, out);
        break;
      default:
        in.skip();
    }
  }
  return checked_metric(std::move(out));
}

}  // namespace telltale::wire::otlp
