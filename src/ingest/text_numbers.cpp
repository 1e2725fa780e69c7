#include "ingest/text_numbers.hpp"

#include <algorithm>

#include "base/metric_limits.hpp"
#include "ingest/metric_request.hpp"

namespace telltale::ingest {
namespace {

wire::MetricKind kind_of_type(wire::prometheus::MetricType type) {
  for (int i = 0; i <= static_cast<int>(wire::MetricKind::stateset); ++i) {
    const auto kind = static_cast<wire::MetricKind>(i);
    if (to_string(kind) == to_string(type)) return kind;
  }
  return wire::MetricKind::unknown;
}

}  // namespace

std::string family_of_series(const wire::prometheus::Scrape& text, std::string_view name) {
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string_view base = name.substr(0, name.size() - suffix.size());
    for (const auto& m : text.metadata) {
      if (m.family == base && (to_string(m.type) == "histogram" || to_string(m.type) == "summary"))
        return std::string(base);
    }
  }
  return std::string(name);
}

wire::MetricWrite write_of(const wire::prometheus::Scrape& text, const Labels& labels, UnixMillis now) {
  wire::MetricWrite out;
  wire::LabelPacker packer;
  std::size_t index = 0;
  for (const auto& sample : text.samples) {
    if (out.series.size() >= limits::kMaxWriteSeries) {
      out.refuse(index, "the request has over " + std::to_string(limits::kMaxWriteSeries) +
                            " series; the rest is dropped");
      break;
    }
    packer.clear();
    for (const Label& l : sample.labels) {
      if (!labels.has(l.name)) packer.add(l.name, l.value);
    }
    for (const Label& l : labels) packer.add(l.name, l.value);
    out.begin(packer, index++);
    Sample one;
    one.time = sample.time.value_or(now);
    one.value = sample.value;
    out.add(one);
    out.end_series();
  }
  for (const auto& m : text.metadata) out.add_family({m.family, kind_of_type(m.type), m.help, m.unit});
  return out;
}

Result<MetricOutcome> Ingest::text_import(ProjectId project, std::string_view body,
                                          wire::prometheus::TextFormat format, const Labels& labels,
                                          std::optional<UnixMillis> time) {
  TT_ASSIGN(MetricRequest request, MetricRequest::begin(*impl_, project));
  TT_ASSIGN(const auto text, wire::prometheus::parse_text(body, format));
  return request.commit(write_of(text, labels, time.value_or(request.now().to_millis())));
}

Labels Ingest::mask_labels(ProjectId project, const Labels& labels) {
  const auto rules = impl_->redactor_of(project);
  redact::Counts counts;
  std::vector<Label> masked = labels.items();
  for (Label& l : masked) impl_->clean_values.mask(project, rules, l, counts);
  impl_->count_masked(*rules, counts, project);
  return Labels(std::move(masked));
}

Result<MetricOutcome> Ingest::write_numbers(ProjectId project, wire::MetricWrite write) {
  TT_ASSIGN(MetricRequest request, MetricRequest::begin(*impl_, project));
  return request.commit(std::move(write));
}

}  // namespace telltale::ingest
