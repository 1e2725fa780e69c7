#include "logmetrics/live_metric.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"

namespace telltale::logmetrics {
namespace {

// First letter of a state's key: what it is of. Stored: never change.
constexpr char kCountsKey = 'm';
constexpr char kGroupKey = 'g';
constexpr char kSliceKey = 's';  // then the slice in 16 hex digits, then the group

std::string group_key(const std::vector<std::string>& labels) {
  ByteWriter out;
  for (const auto& label : labels) out.string(label);
  return out.take();
}

std::string slice_key(std::int64_t slice, std::string_view group) {
  return fmt::format("{}{:016x}{}", kSliceKey, static_cast<std::uint64_t>(slice), group);
}

tl::unexpected<Error> damaged(std::string_view name) {
  return fail(ErrorKind::corruption, fmt::format("log metric {}: damaged state", name));
}

}  // namespace

LiveMetric::LiveMetric(storage::LogMetric record, Definition definition, logql::RowValues values)
    : record_(std::move(record)), definition_(std::move(definition)), values_(std::move(values)) {
  for (const double bound : definition_.buckets) bounds_.push_back(fmt::format("{}", bound));
  bounds_.emplace_back("+Inf");
}

Result<LiveMetric> LiveMetric::make(storage::LogMetric record, Definition definition) {
  TT_ASSIGN(auto values, compile(definition));
  return LiveMetric(std::move(record), std::move(definition), std::move(values));
}

std::int64_t LiveMetric::slice_of(UnixNanos time) const {
  const std::int64_t width = definition_.window.count() / static_cast<std::int64_t>(limits::kLogMetricSlices);
  return time.ns / width - (time.ns % width < 0 ? 1 : 0);
}

LiveMetric::Group* LiveMetric::group_of(const std::vector<std::string>& labels, UnixNanos received,
                                        std::size_t& room) {
  std::string key = group_key(labels);
  if (const auto found = groups_.find(key); found != groups_.end()) return &found->second;
  const bool distinct = definition_.kind == MetricKind::distinct;
  if (groups_.size() >= max_groups(definition_) || (distinct && room == 0)) return nullptr;
  if (distinct) --room;
  Group group;
  group.labels = labels;
  group.began = received.to_millis();
  if (definition_.kind == MetricKind::histogram) group.buckets.resize(bounds_.size());
  return &groups_.emplace(std::move(key), std::move(group)).first->second;
}

void LiveMetric::add_distinct(Group& group, const std::string& key, UnixNanos time, UnixNanos received,
                              std::uint64_t mark) {
  const std::int64_t present = slice_of(received);
  const auto [at, fresh] = group.slices.try_emplace(std::min(slice_of(time), present));
  if (fresh) gone_.erase(slice_key(at->first, key));
  Slice& slice = at->second;
  slice.values.add_hash(value_.hash);
  slice.changed = mark;
  const std::int64_t oldest = present - static_cast<std::int64_t>(limits::kLogMetricSlices);
  while (group.slices.begin()->first < oldest) {
    gone_[slice_key(group.slices.begin()->first, key)] = mark;
    group.slices.erase(group.slices.begin());
  }
}

void LiveMetric::add(const EventRow& row, UnixNanos received, Nanos max_late, std::size_t& room,
                     std::uint64_t mark) {
  const logql::RowOutcome outcome = values_.read(row, value_);
  if (outcome == logql::RowOutcome::filtered) return;
  changed_ = mark;
  last_match_ = std::max(last_match_, row.time);
  const bool distinct = definition_.kind == MetricKind::distinct;
  const Nanos allowance = distinct ? definition_.window : max_late;
  if (received - row.time > allowance) {
    ++counts_.late;
    return;
  }
  if (outcome == logql::RowOutcome::unusable || std::isnan(value_.number)) {
    ++counts_.unusable;
    return;
  }
  for (std::string& label : value_.group)
    label.resize(truncate_utf8(label, limits::kMaxLogMetricValueBytes).size());
  Group* const group = group_of(value_.group, received, room);
  if (group == nullptr) {
    ++counts_.over_limit;
    return;
  }
  ++counts_.counted;
  ++group->count;
  group->changed = mark;
  if (definition_.kind == MetricKind::histogram) {
    group->sum += value_.number;
    const auto at = std::lower_bound(definition_.buckets.begin(), definition_.buckets.end(), value_.number);
    ++group->buckets[static_cast<std::size_t>(at - definition_.buckets.begin())];
  }
  if (distinct) add_distinct(*group, group_key(group->labels), row.time, received, mark);
}

Labels LiveMetric::labels_of(const Group& group, std::string_view suffix) const {
  std::vector<Label> labels;
  labels.push_back({std::string(kMetricName), definition_.name + std::string(suffix)});
  for (std::size_t i = 0; i < group.labels.size(); ++i)
    labels.push_back({definition_.by[i], group.labels[i]});
  return Labels(std::move(labels));
}

std::uint64_t LiveMetric::distinct_at(const Group& group, UnixMillis now) const {
  const std::int64_t present = slice_of(UnixNanos::from_millis(now));
  DistinctSketch all;
  for (const auto& [number, slice] : group.slices) {
    if (number > present - static_cast<std::int64_t>(limits::kLogMetricSlices) && number <= present)
      all.merge(slice.values);
  }
  return all.estimate();
}

/// `share` is 1; 0 makes the zeros that a series begins with.
void LiveMetric::value_samples(const Group& group, UnixMillis now, double share, Samples& out) const {
  const auto put = [&](Labels labels, double value) {
    out.emplace_back(std::move(labels), Sample{now, value * share});
  };
  if (definition_.kind == MetricKind::distinct) {
    put(labels_of(group, ""), static_cast<double>(distinct_at(group, now)));
    return;
  }
  if (definition_.kind == MetricKind::counter) {
    put(labels_of(group, ""), static_cast<double>(group.count));
    return;
  }
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    below += group.buckets[i];
    Labels labels = labels_of(group, "_bucket");
    labels.set("le", bounds_[i]);
    put(std::move(labels), static_cast<double>(below));
  }
  // An infinite sum times nought is no number.
  out.emplace_back(labels_of(group, "_sum"), Sample{now, share == 0 ? 0 : group.sum});
  put(labels_of(group, "_count"), static_cast<double>(group.count));
}

void LiveMetric::samples(UnixMillis now, Samples& out, std::vector<std::string>& told) const {
  for (const auto& [key, group] : groups_) {
    if (!group.told) {
      told.push_back(key);
      if (definition_.kind != MetricKind::distinct) value_samples(group, group.began - Millis(1), 0, out);
    }
    value_samples(group, now, 1, out);
  }
}

void LiveMetric::set_told(const std::vector<std::string>& groups, std::uint64_t mark) {
  for (const auto& key : groups) {
    const auto found = groups_.find(key);
    if (found == groups_.end()) continue;
    found->second.told = true;
    found->second.changed = mark;
  }
}

void LiveMetric::end_samples(UnixMillis now, Samples& out) const {
  const std::size_t first = out.size();
  for (const auto& [key, group] : groups_)
    if (group.told) value_samples(group, now, 1, out);
  for (std::size_t i = first; i < out.size(); ++i) out[i].second.value = stale_nan();
}

std::string LiveMetric::encode(const Group& group) const {
  ByteWriter out;
  out.zigzag(group.began.ms);
  out.u8(group.told ? 1 : 0);
  out.varint(group.count);
  if (definition_.kind == MetricKind::histogram) {
    out.f64(group.sum);
    for (const auto n : group.buckets) out.varint(n);
  }
  return out.take();
}

void LiveMetric::changed(std::uint64_t mark, std::vector<storage::LogMetricState>& out) const {
  if (changed_ > mark) {
    ByteWriter counts;
    for (const auto n : {counts_.counted, counts_.late, counts_.unusable, counts_.over_limit})
      counts.varint(n);
    counts.zigzag(last_match_.ns);
    out.push_back({record_.id, std::string(1, kCountsKey), counts.take()});
  }
  for (const auto& [key, group] : groups_) {
    if (group.changed > mark) out.push_back({record_.id, kGroupKey + key, encode(group)});
    for (const auto& [number, slice] : group.slices) {
      if (slice.changed > mark) out.push_back({record_.id, slice_key(number, key), slice.values.encode()});
    }
  }
  for (const auto& [key, at] : gone_) out.push_back({record_.id, key, ""});
}

void LiveMetric::forget_gone(std::uint64_t mark) {
  std::erase_if(gone_, [mark](const auto& entry) { return entry.second <= mark; });
}

Result<> LiveMetric::decode_group(std::string_view key, std::string_view value) {
  Group group;
  ByteReader names(key);
  for (std::size_t i = 0; i < definition_.by.size(); ++i) group.labels.emplace_back(names.string());
  ByteReader in(value);
  group.began = {in.zigzag()};
  group.told = in.u8() != 0;
  group.count = in.varint();
  if (definition_.kind == MetricKind::histogram) {
    group.sum = in.f64();
    for (std::size_t i = 0; i < bounds_.size(); ++i) group.buckets.push_back(in.varint());
  }
  if (!names.ok() || !names.empty() || !in.ok() || !in.empty()) return damaged(definition_.name);
  groups_.insert_or_assign(std::string(key), std::move(group));
  return {};
}

Result<> LiveMetric::restore(const storage::LogMetricState& state) {
  if (state.key.empty()) return damaged(definition_.name);
  const std::string_view key = std::string_view(state.key).substr(1);
  switch (state.key[0]) {
    case kCountsKey: {
      ByteReader in(state.value);
      for (auto* n : {&counts_.counted, &counts_.late, &counts_.unusable, &counts_.over_limit})
        *n = in.varint();
      last_match_ = {in.zigzag()};
      return in.ok() && in.empty() ? Result<>() : damaged(definition_.name);
    }
    case kGroupKey:
      return decode_group(key, state.value);
    case kSliceKey: {
      std::uint64_t number = 0;
      if (key.size() < 16) return damaged(definition_.name);
      const auto [end, problem] = std::from_chars(key.data(), key.data() + 16, number, 16);
      const auto found = groups_.find(std::string(key.substr(16)));
      if (problem != std::errc() || end != key.data() + 16 || found == groups_.end())
        return damaged(definition_.name);
      TT_ASSIGN(auto sketch, DistinctSketch::decode(state.value));
      found->second.slices[static_cast<std::int64_t>(number)].values = std::move(sketch);
      return {};
    }
    default:
      return damaged(definition_.name);
  }
}

}  // namespace telltale::logmetrics
