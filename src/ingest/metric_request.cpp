#include "ingest/metric_request.hpp"

#include <iterator>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/metric_limits.hpp"
#include "base/text.hpp"
#include "ingest/metric_labels.hpp"

namespace telltale::ingest {
namespace {

constexpr std::size_t kExemplarSeriesBytes = 512;  // the series' labels, about

}  // namespace

Result<MetricRequest> MetricRequest::begin(Ingest::Impl& impl, ProjectId project) {
  TT_ASSIGN(WorkSlots::Slot slot, impl.slots.take());
  return MetricRequest(impl, project, std::move(slot));
}

MetricRequest::MetricRequest(Ingest::Impl& impl, ProjectId project, WorkSlots::Slot slot)
    : impl_(impl),
      project_(project),
      slot_(std::move(slot)),
      now_(impl.clock.now()),
      rules_(impl.redactor_of(project)),
      oldest_((now_ - impl.max_past.load()).to_millis()),
      newest_((now_ + impl.max_future.load()).to_millis()) {
  batch_.project = project;
  batch_.received = now_;
}

Result<Labels> MetricRequest::labels_of(const wire::MetricWrite& write, const Series& series) {
  TT_TRY(wire::labels_of(write, series, views_));
  return checked_labels(views_,
                        [&](Label& label) { impl_.clean_values.mask(project_, rules_, label, counts_); });
}

std::optional<SeriesId> MetricRequest::resolve(wire::MetricWrite& write, const Series& series) {
  const auto refuse = [&](std::string reason) -> std::optional<SeriesId> {
    write.refuse(series.index, std::move(reason), series.samples);
    return std::nullopt;
  };
  const auto labels = labels_of(write, series);
  if (!labels) return refuse(labels.error().message());
  const auto id = impl_.pipeline.resolve(project_, *labels, batch_.new_series);
  if (!id) return refuse(fmt::format("{}: {}", labels->get(kMetricName), id.error().message()));
  fresh_.emplace_back(series.key, *id);
  return *id;
}

void MetricRequest::add_samples(wire::MetricWrite& write, const Series& series, SeriesId id) {
  std::size_t lost = 0;
  UnixMillis lost_time;
  for (std::uint32_t i = 0; i < series.samples; ++i) {
    Sample& sample = write.samples[series.first_sample + i];
    if (sample.time < oldest_ || sample.time > newest_) {
      ++lost;
      lost_time = sample.time;
      continue;
    }
    if (sample.histogram) {
      ++outcome_.histograms;
      batch_.row_bytes += sample.histogram->bytes();
    } else {
      ++outcome_.samples;
    }
    batch_.samples.push_back({id, std::move(sample)});
  }
  if (lost == 0) return;
  write.refuse(series.index,
               fmt::format("timestamp {} ms: outside of ingest.max_past and ingest.max_future", lost_time.ms),
               lost);
}

// An exemplar is a hint to look at: one that is of no use is left out and counted, and no error for its
// sender.
void MetricRequest::add_exemplars(const wire::MetricWrite& write, const std::vector<SeriesId>& ids) {
  std::uint32_t last = UINT32_MAX;
  Labels series;
  for (const auto& e : write.exemplars) {
    std::size_t bytes = 0;
    for (const Label& l : e.labels) bytes += l.name.size() + l.value.size();
    if (ids[e.series].value == 0 || bytes > limits::kMaxExemplarBytes || e.time < oldest_ ||
        e.time > newest_) {
      impl_.rejected.add();
      continue;
    }
    if (e.series != last) {
      auto labels = labels_of(write, write.series[e.series]);
      if (!labels) continue;
      series = *std::move(labels);
      last = e.series;
    }
    storage::ExemplarItem item{series, e.time, e.value, {}};
    std::vector<Label> labels = e.labels;
    for (Label& l : labels) impl_.clean_values.mask(project_, rules_, l, counts_);
    item.labels = Labels(std::move(labels));
    batch_.row_bytes += sizeof item + bytes + kExemplarSeriesBytes;
    batch_.items.exemplars.push_back(std::move(item));
    ++outcome_.exemplars;
  }
}

void MetricRequest::add_families(wire::MetricWrite& write) {
  for (auto& family : write.families) {
    if (family.name.empty() || family.name.size() > limits::kMaxLabelNameBytes) continue;
    family.help = std::string(truncate_utf8(family.help, limits::kMaxFamilyTextBytes));
    family.unit = std::string(truncate_utf8(family.unit, limits::kMaxLabelNameBytes));
    if (!impl_.known_families.is_news(project_, family)) continue;
    rules_->redact_value("help", family.help, &counts_);  // it may be JSON
    batch_.items.metadata.push_back({std::move(family.name), static_cast<std::uint8_t>(family.kind),
                                     std::move(family.help), std::move(family.unit)});
  }
}

void MetricRequest::collect(wire::MetricWrite& write) {
  std::vector<Id128> keys;
  keys.reserve(write.series.size());
  for (const Series& s : write.series) keys.push_back(s.key);
  auto ids = impl_.known_series.find(project_, rules_, keys, now_);
  batch_.samples.reserve(write.samples.size());
  for (std::size_t i = 0; i < write.series.size(); ++i) {
    if (ids[i].value == 0) {
      const auto id = resolve(write, write.series[i]);
      if (!id) continue;
      ids[i] = *id;
    }
    add_samples(write, write.series[i], ids[i]);
  }
  add_exemplars(write, ids);
  add_families(write);
  impl_.count_masked(*rules_, counts_, project_);
  outcome_.rejected = write.errors;
  outcome_.refused = write.refused;
  outcome_.refused_samples = write.refused_samples;
}

void MetricRequest::added() { impl_.known_series.add(project_, rules_, fresh_, now_); }

MetricOutcome MetricRequest::add_to(storage::Batch& batch, wire::MetricWrite& write) {
  collect(write);
  const auto move_all = [](auto& from, auto& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_all(batch_.new_series, batch.new_series);
  move_all(batch_.samples, batch.samples);
  move_all(batch_.items.exemplars, batch.items.exemplars);
  move_all(batch_.items.metadata, batch.items.metadata);
  batch.row_bytes += batch_.row_bytes;
  return std::move(outcome_);
}

Result<MetricOutcome> MetricRequest::commit(wire::MetricWrite write) {
  collect(write);
  impl_.rejected.add(write.refused);
  slot_.release();
  if (batch_.empty()) return std::move(outcome_);
  const bool families = !batch_.items.metadata.empty();
  if (auto done = impl_.pipeline.commit(std::move(batch_)); !done) {
    if (families) impl_.known_families.forget();
    return tl::unexpected<Error>(std::move(done).error());
  }
  added();
  return std::move(outcome_);
}

}  // namespace telltale::ingest
