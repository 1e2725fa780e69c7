#include "ingest/metric_labels.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/limits.hpp"
#include "base/metric_limits.hpp"
#include "base/text.hpp"

namespace telltale::ingest {
namespace {

constexpr std::size_t kToldNameBytes = 128;  // of a name in an error

/// A name for people: whole characters, not too long.
std::string told(std::string_view name) {
  return repair_utf8(name.size() <= kToldNameBytes ? name : truncate_utf8(name, kToldNameBytes));
}

std::string problem_of(const wire::LabelView& label) {
  if (label.name.empty()) return "a label without a name";
  if (label.name.size() > limits::kMaxLabelNameBytes)
    return fmt::format("label {}…: the name's {} bytes are over the limit of {}", told(label.name),
                       label.name.size(), limits::kMaxLabelNameBytes);
  if (label.value.size() > limits::kMaxLabelValueBytes)
    return fmt::format("label {}: {} bytes are over the limit of {}", told(label.name), label.value.size(),
                       limits::kMaxLabelValueBytes);
  if (!is_utf8(label.name)) return fmt::format("label {}: the name is not UTF-8", told(label.name));
  if (!is_utf8(label.value)) return fmt::format("label {}: not UTF-8", told(label.name));
  return {};
}

}  // namespace

Result<Labels> checked_labels(std::span<const wire::LabelView> views, const MaskLabel& mask) {
  std::vector<wire::LabelView> sorted(views.begin(), views.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::string_view metric;
  for (const auto& label : sorted) {
    if (label.name == kMetricName) metric = label.value;
  }
  if (metric.empty()) return fail(ErrorKind::invalid_argument, "a series without a metric name (__name__)");
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", told(metric), why));
  };
  if (sorted.size() > limits::kMaxLabelsPerSeries) {
    return refuse(
        fmt::format("{} labels are over the limit of {}", sorted.size(), limits::kMaxLabelsPerSeries));
  }
  std::vector<Label> labels;
  labels.reserve(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (const std::string problem = problem_of(sorted[i]); !problem.empty()) return refuse(problem);
    if (i > 0 && sorted[i].name == sorted[i - 1].name)
      return refuse(fmt::format("label {}: stands twice", told(sorted[i].name)));
    if (sorted[i].value.empty()) continue;
    labels.push_back({std::string(sorted[i].name), std::string(sorted[i].value)});
    mask(labels.back());
  }
  return Labels(std::move(labels));
}

void CleanValues::mask(ProjectId project, const std::shared_ptr<const redact::Redactor>& rules, Label& label,
                       redact::Counts& counts) {
  if (label.name == kMetricName || label.name == "le" || label.name == "quantile") return;
  const std::uint64_t hash = hash64(label.value, hash64(label.name));
  {
    const MutexLock lock(mutex_);
    Project& known = projects_[project];
    if (known.rules.owner_before(rules) || rules.owner_before(known.rules)) {
      known.clean.clear();
      known.rules = rules;
    }
    if (known.clean.count(hash) > 0) return;
  }
  bool struck = rules->redact_value(label.name, label.value, &counts);
  if (const redact::KeyFacts& facts = rules->facts(label.name); facts.secret) {
    label.name = facts.renamed;
    counts.add(redact::kKeyRule);
    struck = true;
  }
  if (struck) return;
  const MutexLock lock(mutex_);
  Project& known = projects_[project];
  if (known.rules.owner_before(rules) || rules.owner_before(known.rules)) return;
  if (known.clean.size() >= limits::kMaxCleanValues) known.clean.clear();
  known.clean.insert(hash);
}

bool KnownFamilies::is_news(ProjectId project, const wire::MetricFamily& family) {
  std::uint64_t hash = hash64(family.name, project.value * 8 + static_cast<std::uint64_t>(family.kind));
  hash = hash64(family.unit, hash64(family.help, hash));
  const MutexLock lock(mutex_);
  if (known_.size() >= limits::kMaxKnownFamilies) known_.clear();
  return known_.insert(hash).second;
}

void KnownFamilies::forget() {
  const MutexLock lock(mutex_);
  known_.clear();
}

}  // namespace telltale::ingest
