// Fields may come in any order, so that a family's metrics are collected as views and read when its name and
// type are known. What is repeated for every bucket is counted against a budget before it is made.
#include "wire/prometheus/protobuf.hpp"

#include <cmath>

#include "base/limits.hpp"
#include "base/scrape_limits.hpp"
#include "base/text.hpp"
#include "wire/prometheus/protobuf_messages.hpp"
#include "wire/prometheus/text_line.hpp"

namespace telltale::wire::prometheus {
namespace {

using protozero::pbf_reader;
using protozero::tag_and_type;

// MetricType of client_model.
enum class FamilyType : int { counter, gauge, summary, untyped, histogram, gauge_histogram };

struct ProtoFamily {
  std::string name;
  std::string help;
  std::string unit;
  FamilyType type = FamilyType::counter;  // the wire's default
  std::vector<protozero::data_view> metrics;
};

struct ProtoQuantile {
  double quantile = 0;
  double value = 0;
};

/// A metric's whole message, whichever type it is of.
struct ProtoMetric {
  std::vector<Label> labels;
  std::optional<UnixMillis> time;
  protozero::data_view value;  // the message of its type
  bool has_value = false;
};

class ProtobufParser {
 public:
  ProtobufParser(std::string_view body, HistogramChoice histograms) : body_(body), histograms_(histograms) {}

  Result<Scrape> run() {
    const char* at = body_.data();
    const char* const end = at + body_.size();
    while (at != end) {
      ProtoFamily family;
      try {
        const std::uint64_t size = protozero::decode_varint(&at, end);
        if (size > static_cast<std::uint64_t>(end - at))
          return malformed("a metric family reaches over the end of the body");
        TT_TRY(read_family({at, static_cast<std::size_t>(size)}, family));
        at += size;
      } catch (const protozero::exception& e) {
        const std::string where = family.name.empty() ? "" : "metric " + quoted_excerpt(family.name) + ": ";
        return malformed(where + "malformed protobuf: " + e.what());
      }
    }
    return std::move(out_);
  }

 private:
  Result<> read_family(protozero::data_view bytes, ProtoFamily& family) {
    pbf_reader in(bytes);
    while (in.next()) {
      switch (in.tag_and_type()) {
        case tag_and_type(1, kProtoBytes):
          family.name = in.get_string();
          break;
        case tag_and_type(2, kProtoBytes):
          family.help = in.get_string();
          break;
        case tag_and_type(3, kProtoVarint):
          family.type = static_cast<FamilyType>(in.get_enum());
          break;
        case tag_and_type(4, kProtoBytes):
          family.metrics.push_back(in.get_view());
          break;
        case tag_and_type(5, kProtoBytes):
          family.unit = in.get_string();
          break;
        default:
          in.skip();
      }
    }
    if (family.name.empty()) return malformed("a metric family has no name");
    if (!is_utf8(family.name)) return malformed("a metric family's name is not valid UTF-8");
    TT_ASSIGN(const MetricType type, metric_type(family));
    out_.metadata.push_back({family.name, type, repair_utf8(family.help), repair_utf8(family.unit)});
    for (const auto& bytes_of_metric : family.metrics) {
      if (auto done = read_metric(family, bytes_of_metric); !done)
        return tl::unexpected(std::move(done).error().within("metric " + quoted_excerpt(family.name)));
    }
    return {};
  }

  static Result<MetricType> metric_type(const ProtoFamily& family) {
    switch (family.type) {
      case FamilyType::counter:
        return MetricType::counter;
      case FamilyType::gauge:
        return MetricType::gauge;
      case FamilyType::summary:
        return MetricType::summary;
      case FamilyType::untyped:
        return MetricType::unknown;
      case FamilyType::histogram:
        return MetricType::histogram;
      case FamilyType::gauge_histogram:
        return MetricType::gauge_histogram;
    }
    return malformed("metric " + quoted_excerpt(family.name) + ": unknown type " +
                     std::to_string(static_cast<int>(family.type)));
  }

  /// Number of the metric's field that holds a value of this type.
  static std::uint32_t value_tag(FamilyType type) {
    constexpr std::uint32_t kTags[] = {3, 2, 4, 5, 7, 7};
    return kTags[static_cast<std::size_t>(type)];
  }

  Result<> read_metric(const ProtoFamily& family, protozero::data_view bytes) {
    ProtoMetric metric;
    pbf_reader in(bytes);
    while (in.next()) {
      if (in.tag() == 1 && in.wire_type() == kProtoBytes) {
        if (metric.labels.size() >= limits::kMaxScrapeLabels)
          return fail(ErrorKind::too_large,
                      "a metric has over " + std::to_string(limits::kMaxScrapeLabels) + " labels");
        TT_ASSIGN(metric.labels.emplace_back(), read_proto_label(in.get_message()));
      } else if (in.tag() == 6 && in.wire_type() == kProtoVarint) {
        if (const std::int64_t ms = in.get_int64(); ms != 0) metric.time = UnixMillis{ms};
      } else if (in.tag() == value_tag(family.type) && in.wire_type() == kProtoBytes) {
        metric.value = in.get_view();
        metric.has_value = true;
      } else {
        in.skip();
      }
    }
    TT_TRY(check_label_names(metric.labels));
    if (!metric.has_value) return malformed("a metric has no value of its family's type");
    label_bytes_ = 0;
    for (const Label& l : metric.labels) label_bytes_ += l.name.size() + l.value.size();
    switch (family.type) {
      case FamilyType::summary:
        return read_summary(family, metric);
      case FamilyType::histogram:
      case FamilyType::gauge_histogram:
        return read_histograms(family, metric);
      default:
        return read_simple(family, metric);
    }
  }

  Result<> read_simple(const ProtoFamily& family, const ProtoMetric& metric) {
    double value = 0;
    std::optional<UnixMillis> start;
    std::optional<ScrapedExemplar> exemplar;
    pbf_reader in(metric.value);
    const bool counter = family.type == FamilyType::counter;
    while (in.next()) {
      if (in.tag() == 1 && in.wire_type() == kProtoFixed64) {
        value = in.get_double();
      } else if (counter && in.tag() == 2 && in.wire_type() == kProtoBytes) {
        TT_ASSIGN(exemplar, read_proto_exemplar(in.get_message()));
      } else if (counter && in.tag() == 3 && in.wire_type() == kProtoBytes) {
        TT_ASSIGN(start, read_proto_timestamp(in.get_message()));
      } else {
        in.skip();
      }
    }
    TT_ASSIGN(ScrapedSample * sample, add(metric, family.name, {}, {}, value));
    sample->start = start;
    keep(std::move(exemplar), *sample);
    return {};
  }

  Result<> read_summary(const ProtoFamily& family, const ProtoMetric& metric) {
    double count = 0;
    double sum = 0;
    std::vector<ProtoQuantile> quantiles;
    std::optional<UnixMillis> start;
    pbf_reader in(metric.value);
    while (in.next()) {
      switch (in.tag_and_type()) {
        case tag_and_type(1, kProtoVarint):
          count = static_cast<double>(in.get_uint64());
          break;
        case tag_and_type(2, kProtoFixed64):
          sum = in.get_double();
          break;
        case tag_and_type(3, kProtoBytes):
          quantiles.push_back(read_quantile(in.get_message()));
          break;
        case tag_and_type(4, kProtoBytes): {
          TT_ASSIGN(start, read_proto_timestamp(in.get_message()));
          break;
        }
        default:
          in.skip();
      }
    }
    const std::size_t first = out_.samples.size();
    TT_TRY(add(metric, family.name + "_count", {}, {}, count));
    TT_TRY(add(metric, family.name + "_sum", {}, {}, sum));
    for (const ProtoQuantile& q : quantiles)
      TT_TRY(add(metric, family.name, "quantile", bound_text(q.quantile), q.value));
    date(first, start);
    return {};
  }

  static ProtoQuantile read_quantile(pbf_reader in) {
    ProtoQuantile q;
    while (in.next()) {
      switch (in.tag_and_type()) {
        case tag_and_type(1, kProtoFixed64):
          q.quantile = in.get_double();
          break;
        case tag_and_type(2, kProtoFixed64):
          q.value = in.get_double();
          break;
        default:
          in.skip();
      }
    }
    return q;
  }

  Result<> read_histograms(const ProtoFamily& family, const ProtoMetric& metric) {
    TT_ASSIGN(ProtoHistogram read, read_proto_histogram(pbf_reader(metric.value)));
    const std::size_t first = out_.samples.size();
    const bool native = histograms_.native && read.native;
    if (native) {
      TT_ASSIGN(ScrapedSample * sample, add(metric, family.name, {}, {}, read.sum));
      for (ScrapedExemplar& e : read.exemplars) sample->exemplars.push_back(std::move(e));
      for (const ProtoBucket& b : read.buckets)
        if (sample->exemplars.size() < limits::kMaxScrapeExemplars) keep(b.exemplar, *sample);
      if (family.type == FamilyType::gauge_histogram) read.native->reset_hint = ResetHint::gauge;
      sample->histogram = std::move(read.native);
    }
    if (!native || (histograms_.classic_too && !read.buckets.empty()))
      TT_TRY(add_classic(family, metric, read));
    date(first, read.start);
    return {};
  }

  Result<> add_classic(const ProtoFamily& family, const ProtoMetric& metric, ProtoHistogram& read) {
    TT_TRY(add(metric, family.name + "_count", {}, {}, read.count));
    TT_TRY(add(metric, family.name + "_sum", {}, {}, read.sum));
    const std::string name = family.name + "_bucket";
    bool infinite = false;
    for (ProtoBucket& bucket : read.buckets) {
      infinite = infinite || (std::isinf(bucket.upper_bound) && bucket.upper_bound > 0);
      TT_ASSIGN(ScrapedSample * sample,
                add(metric, name, "le", bound_text(bucket.upper_bound), bucket.count));
      keep(std::move(bucket.exemplar), *sample);
    }
    if (!infinite) TT_TRY(add(metric, name, "le", "+Inf", read.count));
    return {};
  }

  static void keep(std::optional<ScrapedExemplar> exemplar, ScrapedSample& sample) {
    if (exemplar && exemplar_fits(exemplar->labels)) sample.exemplars.push_back(*std::move(exemplar));
  }

  void date(std::size_t first, std::optional<UnixMillis> start) {
    for (std::size_t i = first; start && i < out_.samples.size(); ++i) out_.samples[i].start = start;
  }

  /// The sample stays where it is until the next one is added.
  Result<ScrapedSample*> add(const ProtoMetric& metric, const std::string& name, std::string_view bound_name,
                             std::string_view bound, double value) {
    expanded_bytes_ += label_bytes_ + name.size() + bound.size();
    if (out_.samples.size() >= limits::kMaxScrapeSamples || expanded_bytes_ > limits::kMaxScrapeLabelBytes)
      return fail(ErrorKind::too_large, "scrape: over " + std::to_string(limits::kMaxScrapeSamples) +
                                            " samples or " + std::to_string(limits::kMaxScrapeLabelBytes) +
                                            " bytes of labels");
    std::vector<Label> labels = metric.labels;
    labels.push_back({std::string(kMetricName), name});
    if (!bound_name.empty()) labels.push_back({std::string(bound_name), std::string(bound)});
    ScrapedSample& sample = out_.samples.emplace_back();
    sample.labels = Labels(std::move(labels));
    sample.value = value;
    sample.time = metric.time;
    return &sample;
  }

  std::string_view body_;
  const HistogramChoice histograms_;
  Scrape out_;
  std::size_t label_bytes_ = 0;     // of the metric under way
  std::size_t expanded_bytes_ = 0;  // of all samples
};

}  // namespace

Result<Scrape> parse_protobuf(std::string_view body, HistogramChoice histograms) {
  if (body.size() > limits::kMaxScrapeBodyBytes)
    return fail(ErrorKind::too_large,
                "scrape: over " + std::to_string(limits::kMaxScrapeBodyBytes) + " bytes");
  return ProtobufParser(body, histograms).run();
}

}  // namespace telltale::wire::prometheus
