#include "wire/prometheus/remote_write_parts.hpp"

#include "base/metric_limits.hpp"

namespace telltale::wire::prometheus {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using protozero::tag_and_type;

BucketSpan read_span(pbf_reader r) {
  BucketSpan span;
  while (r.next()) {
    switch (r.tag_and_type()) {
      case tag_and_type(1, pbf_wire_type::varint):
        span.offset = r.get_sint32();
        break;
      case tag_and_type(2, pbf_wire_type::varint):
        span.length = r.get_uint32();
        break;
      default:
        r.skip();
    }
  }
  return span;
}

/// Reads one Histogram message; `why` says what is wrong with it.
class HistogramMessage {
 public:
  HistogramMessage(protozero::data_view message, MetricWrite& out) : reader_(message), out_(out) {}

  bool read(Sample& sample, std::string& why) {
    auto h = std::make_shared<Histogram>();
    while (reader_.next()) {
      if (!field(*h, sample)) {
        why = "histogram: more buckets than a request may have";
        return false;
      }
    }
    sample.value = h->sum;
    if (!is_stale_nan(h->sum)) {
      if (const auto valid = h->validate(); !valid) {
        why = valid.error().message();
        return false;
      }
    } else if (!h->well_formed()) {
      why = "histogram: spans do not fit the counts";
      return false;
    }
    sample.histogram = std::move(h);
    return true;
  }

 private:
  bool fits() const {
    const auto type = reader_.wire_type();
    switch (reader_.tag()) {
      case 2:
      case 3:
      case 5:
      case 7:
        return type == pbf_wire_type::fixed64;
      case 8:
      case 11:
        return type == pbf_wire_type::length_delimited;
      case 9:
      case 12:
        return type == pbf_wire_type::varint || type == pbf_wire_type::length_delimited;
      case 10:
      case 13:
      case 16:
        return type == pbf_wire_type::fixed64 || type == pbf_wire_type::length_delimited;
      default:
        return type == pbf_wire_type::varint;
    }
  }
  /// False when there are too many buckets.
  bool field(Histogram& h, Sample& sample) {
    if (!fits()) {
      reader_.skip();
      return true;
    }
    switch (reader_.tag()) {
      case 1:
        h.count = static_cast<double>(reader_.get_uint64());
        h.integer = true;
        return true;
      case 2:
        h.count = reader_.get_double();
        return true;
      case 3:
        h.sum = reader_.get_double();
        return true;
      case 4:
        h.schema = reader_.get_sint32();
        return true;
      case 5:
        h.zero_threshold = reader_.get_double();
        return true;
      case 6:
        h.zero_count = static_cast<double>(reader_.get_uint64());
        return true;
      case 7:
        h.zero_count = reader_.get_double();
        return true;
      case 8:
        return span(h.negative_spans);
      case 9:
        return deltas(h.negative, last_negative_);
      case 10:
        return counts(h.negative);
      case 11:
        return span(h.positive_spans);
      case 12:
        return deltas(h.positive, last_positive_);
      case 13:
        return counts(h.positive);
      case 14:
        h.reset_hint = static_cast<ResetHint>(reader_.get_uint32() & 3);
        return true;
      case 15:
        sample.time.ms = reader_.get_int64();
        return true;
      case 16:
        return counts(h.custom_values);
      case 17:
        sample.start.ms = reader_.get_int64();
        return true;
      default:
        reader_.skip();
        return true;
    }
  }

  bool room(std::size_t used) {
    return used < limits::kMaxBucketsPerHistogram && ++out_.buckets <= limits::kMaxWriteBuckets;
  }
  bool span(std::vector<BucketSpan>& spans) {
    if (!room(spans.size())) return false;
    spans.push_back(read_span(reader_.get_message()));
    return true;
  }
  /// Each is the difference to the bucket before it, the first to 0.
  bool deltas(std::vector<double>& to, std::uint64_t& last) {
    const auto add = [&](std::int64_t delta) {
      if (!room(to.size())) return false;
      last += static_cast<std::uint64_t>(delta);
      to.push_back(static_cast<double>(static_cast<std::int64_t>(last)));
      return true;
    };
    if (reader_.wire_type() == pbf_wire_type::varint) return add(reader_.get_sint64());
    for (const std::int64_t delta : reader_.get_packed_sint64()) {
      if (!add(delta)) return false;
    }
    return true;
  }
  bool counts(std::vector<double>& to) {
    const auto add = [&](double value) {
      if (!room(to.size())) return false;
      to.push_back(value);
      return true;
    };
    if (reader_.wire_type() == pbf_wire_type::fixed64) return add(reader_.get_double());
    for (const double value : reader_.get_packed_double()) {
      if (!add(value)) return false;
    }
    return true;
  }

  pbf_reader reader_;
  MetricWrite& out_;
  std::uint64_t last_negative_ = 0;
  std::uint64_t last_positive_ = 0;
};

bool cut_suffix(std::string& name, std::string_view suffix) {
  if (name.size() <= suffix.size() || !name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

}  // namespace

void add_histogram(protozero::data_view message, MetricWrite& out) {
  Sample sample;
  std::string why;
  if (HistogramMessage(message, out).read(sample, why)) {
    out.add(sample);
  } else {
    out.refuse(out.series.back().index, std::move(why));
  }
}

std::string family_of(std::string name, MetricKind kind) {
  if (kind == MetricKind::histogram || kind == MetricKind::gauge_histogram || kind == MetricKind::summary) {
    (void)(cut_suffix(name, "_bucket") || cut_suffix(name, "_sum") || cut_suffix(name, "_count"));
  }
  return name;
}

}  // namespace telltale::wire::prometheus
