#include "wire/prometheus/protobuf_messages.hpp"

#include <cmath>
#include <cstdlib>

#include "base/scrape_limits.hpp"
#include "base/text.hpp"
#include "wire/prometheus/text_line.hpp"

namespace telltale::wire::prometheus {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

constexpr std::int64_t kMaxEpochSeconds = 9'000'000'000'000;  // whose milliseconds fit 64 bits

}  // namespace

Result<UnixMillis> read_proto_timestamp(pbf_reader in) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kProtoVarint):
        seconds = in.get_int64();
        break;
      case tag_and_type(2, kProtoVarint):
        nanos = in.get_int32();
        break;
      default:
        in.skip();
    }
  }
  if (std::abs(seconds) > kMaxEpochSeconds) return malformed("a timestamp is out of range");
  return UnixMillis{seconds * 1000 + nanos / 1'000'000};
}

Result<Label> read_proto_label(pbf_reader in) {
  Label label;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kProtoBytes):
        label.name = in.get_string();
        break;
      case tag_and_type(2, kProtoBytes):
        label.value = in.get_string();
        break;
      default:
        in.skip();
    }
  }
  if (label.name.empty()) return malformed("a label has no name");
  if (!is_utf8(label.name) || !is_utf8(label.value))
    return malformed("label " + quoted_excerpt(repair_utf8(label.name)) + " is not valid UTF-8");
  return label;
}

Result<ScrapedExemplar> read_proto_exemplar(pbf_reader in) {
  ScrapedExemplar exemplar;
  std::vector<Label> labels;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kProtoBytes): {
        TT_ASSIGN(labels.emplace_back(), read_proto_label(in.get_message()));
        break;
      }
      case tag_and_type(2, kProtoFixed64):
        exemplar.value = in.get_double();
        break;
      case tag_and_type(3, kProtoBytes): {
        TT_ASSIGN(exemplar.time, read_proto_timestamp(in.get_message()));
        break;
      }
      default:
        in.skip();
    }
  }
  TT_TRY(check_label_names(labels));
  exemplar.labels = Labels(std::move(labels));
  return exemplar;
}

namespace {

/// The native part as it stands on the wire: buckets as differences of integers, or as floats.
struct RawHistogram {
  std::uint64_t count = 0;
  double count_float = 0;
  std::int32_t schema = 0;
  double zero_threshold = 0;
  std::uint64_t zero_count = 0;
  double zero_count_float = 0;
  std::vector<BucketSpan> positive_spans, negative_spans;
  std::vector<std::int64_t> positive_deltas, negative_deltas;
  std::vector<double> positive_counts, negative_counts;
};

Result<ProtoBucket> read_proto_bucket(pbf_reader in) {
  ProtoBucket bucket;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kProtoVarint):
        if (const auto count = in.get_uint64(); count > 0) bucket.count = static_cast<double>(count);
        break;
      case tag_and_type(2, kProtoFixed64):
        bucket.upper_bound = in.get_double();
        break;
      case tag_and_type(3, kProtoBytes): {
        TT_ASSIGN(bucket.exemplar, read_proto_exemplar(in.get_message()));
        break;
      }
      case tag_and_type(4, kProtoFixed64):
        if (const double count = in.get_double(); count > 0) bucket.count = count;
        break;
      default:
        in.skip();
    }
  }
  return bucket;
}

BucketSpan read_proto_span(pbf_reader in) {
  BucketSpan span;
  while (in.next()) {
    switch (in.tag_and_type()) {
      case tag_and_type(1, kProtoVarint):
        span.offset = in.get_sint32();
        break;
      case tag_and_type(2, kProtoVarint):
        span.length = in.get_uint32();
        break;
      default:
        in.skip();
    }
  }
  return span;
}

/// One side of a native histogram: `shift` is 0 for the negative fields and 3 for the positive ones. False:
/// the field is none of them.
bool read_proto_side(pbf_reader& in, std::uint32_t shift, std::vector<BucketSpan>& spans,
                     std::vector<std::int64_t>& deltas, std::vector<double>& counts) {
  const std::uint32_t tag = in.tag();
  const pbf_wire_type type = in.wire_type();
  if (tag == 9 + shift && type == kProtoBytes) {
    spans.push_back(read_proto_span(in.get_message()));
  } else if (tag == 10 + shift && type == kProtoBytes) {
    for (const std::int64_t d : in.get_packed_sint64()) deltas.push_back(d);
  } else if (tag == 10 + shift && type == kProtoVarint) {
    deltas.push_back(in.get_sint64());
  } else if (tag == 11 + shift && type == kProtoBytes) {
    for (const double d : in.get_packed_double()) counts.push_back(d);
  } else if (tag == 11 + shift && type == kProtoFixed64) {
    counts.push_back(in.get_double());
  } else {
    return false;
  }
  return true;
}

Result<bool> read_classic_field(pbf_reader& in, ProtoHistogram& out) {
  switch (in.tag_and_type()) {
    case tag_and_type(2, kProtoFixed64):
      out.sum = in.get_double();
      return true;
    case tag_and_type(3, kProtoBytes): {
      if (out.buckets.size() >= limits::kMaxScrapeSamples)
        return fail(ErrorKind::too_large, "a histogram has too many buckets");
      TT_ASSIGN(out.buckets.emplace_back(), read_proto_bucket(in.get_message()));
      return true;
    }
    case tag_and_type(15, kProtoBytes): {
      TT_ASSIGN(out.start, read_proto_timestamp(in.get_message()));
      return true;
    }
    case tag_and_type(16, kProtoBytes): {
      TT_ASSIGN(auto exemplar, read_proto_exemplar(in.get_message()));
      if (out.exemplars.size() < limits::kMaxScrapeExemplars && exemplar_fits(exemplar.labels))
        out.exemplars.push_back(std::move(exemplar));
      return true;
    }
    default:
      return false;
  }
}

bool read_native_field(pbf_reader& in, RawHistogram& h) {
  switch (in.tag_and_type()) {
    case tag_and_type(1, kProtoVarint):
      h.count = in.get_uint64();
      return true;
    case tag_and_type(4, kProtoFixed64):
      h.count_float = in.get_double();
      return true;
    case tag_and_type(5, kProtoVarint):
      h.schema = in.get_sint32();
      return true;
    case tag_and_type(6, kProtoFixed64):
      h.zero_threshold = in.get_double();
      return true;
    case tag_and_type(7, kProtoVarint):
      h.zero_count = in.get_uint64();
      return true;
    case tag_and_type(8, kProtoFixed64):
      h.zero_count_float = in.get_double();
      return true;
    default:
      return read_proto_side(in, 0, h.negative_spans, h.negative_deltas, h.negative_counts) ||
             read_proto_side(in, 3, h.positive_spans, h.positive_deltas, h.positive_counts);
  }
}

/// Counts out of differences; nullopt when they leave 64 bits.
std::optional<std::vector<double>> absolute_counts(const std::vector<std::int64_t>& deltas) {
  std::vector<double> out;
  out.reserve(deltas.size());
  std::int64_t count = 0;
  for (const std::int64_t delta : deltas) {
    if (__builtin_add_overflow(count, delta, &count)) return std::nullopt;
    out.push_back(static_cast<double>(count));
  }
  return out;
}

/// Without the classic part's sum. nullptr when there is no native part: what tells one without observations
/// is its zero bucket or an empty span.
Result<std::shared_ptr<Histogram>> native_of(RawHistogram raw, double sum) {
  if (raw.positive_spans.empty() && raw.negative_spans.empty() && !(raw.zero_threshold > 0) &&
      raw.zero_count == 0 && !(raw.zero_count_float > 0))
    return std::shared_ptr<Histogram>();
  auto h = std::make_shared<Histogram>();
  h->integer = !(raw.count_float > 0 || raw.zero_count_float > 0 || !raw.positive_counts.empty() ||
                 !raw.negative_counts.empty());
  h->schema = raw.schema;
  h->sum = sum;
  h->count = h->integer ? static_cast<double>(raw.count) : raw.count_float;
  h->zero_threshold = raw.zero_threshold;
  h->zero_count = h->integer ? static_cast<double>(raw.zero_count) : raw.zero_count_float;
  if (h->integer) {
    auto positive = absolute_counts(raw.positive_deltas);
    auto negative = absolute_counts(raw.negative_deltas);
    if (!positive || !negative) return malformed("a histogram's buckets leave 64 bits");
    h->positive = *std::move(positive);
    h->negative = *std::move(negative);
  } else {
    h->positive = std::move(raw.positive_counts);
    h->negative = std::move(raw.negative_counts);
  }
  h->positive_spans = std::move(raw.positive_spans);
  h->negative_spans = std::move(raw.negative_spans);
  if (h->is_custom()) return malformed("histogram schema -53 cannot stand here");
  TT_TRY(h->validate());
  return h;
}

}  // namespace

Result<ProtoHistogram> read_proto_histogram(pbf_reader in) {
  ProtoHistogram out;
  RawHistogram raw;
  while (in.next()) {
    TT_ASSIGN(const bool classic, read_classic_field(in, out));
    if (!classic && !read_native_field(in, raw)) in.skip();
  }
  out.count = raw.count_float > 0 ? raw.count_float : static_cast<double>(raw.count);
  TT_ASSIGN(out.native, native_of(std::move(raw), out.sum));
  return out;
}

}  // namespace telltale::wire::prometheus
