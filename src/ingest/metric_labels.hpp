// The labels of a series that is new: whether they are labels that may be stored, and without secrets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/mutex.hpp"
#include "base/result.hpp"
#include "base/strong.hpp"
#include "model/labels.hpp"
#include "redact/redactor.hpp"
#include "wire/metric/metric_write.hpp"

namespace telltale::ingest {

/// Masks a label: a value under its name, and a name that holds a secret itself.
using MaskLabel = std::function<void(Label& label)>;

/// In whatever order they are sent. invalid_argument names the metric and the label: no metric name, an empty
/// name, one that stands twice, bytes that are not UTF-8, or over limits::kMaxLabelsPerSeries,
/// kMaxLabelNameBytes or kMaxLabelValueBytes. Labels without a value are as none.
Result<Labels> checked_labels(std::span<const wire::LabelView> views, const MaskLabel& mask);

/// Masks labels by a project's rules, and remembers which were clean: new series mostly consist of
/// values that have been seen. Names of metrics and bounds of buckets are left alone. Thread-safe.
class CleanValues {
 public:
  void mask(ProjectId project, const std::shared_ptr<const redact::Redactor>& rules, Label& label,
            redact::Counts& counts);

 private:
  struct Project {
    std::weak_ptr<const redact::Redactor> rules;
    std::unordered_set<std::uint64_t> clean;  // hashes of name and value
  };
  Mutex mutex_;
  std::map<ProjectId, Project> projects_ TT_GUARDED_BY(mutex_);
};

/// Which metric families the journal has been told of, so that what clients say of them again and again is
/// kept once. Thread-safe.
class KnownFamilies {
 public:
  /// True when it is news; then it counts as told from now on.
  bool is_news(ProjectId project, const wire::MetricFamily& family);
  /// They have not been told after all.
  void forget();

 private:
  Mutex mutex_;
  std::unordered_set<std::uint64_t> known_ TT_GUARDED_BY(mutex_);
};

}  // namespace telltale::ingest
