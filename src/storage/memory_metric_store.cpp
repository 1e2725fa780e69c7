#include "storage/memory_metric_store.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/mutex.hpp"
#include "storage/cardinality.hpp"

namespace telltale::storage {
namespace {

struct MemorySeries {
  SeriesId id;
  ProjectId project;
  Labels labels;
  bool journaled = false;
  std::map<std::int64_t, Sample> samples;

  auto first(const MillisRange& r) const { return samples.lower_bound(r.min.ms); }
  auto last(const MillisRange& r) const { return samples.upper_bound(r.max.ms); }
  bool has_samples(const MillisRange& r) const { return r.min <= r.max && first(r) != last(r); }
};

struct CopiedSeries {
  Labels labels;
  std::vector<std::int64_t> times;
  std::vector<double> values;
  std::vector<std::shared_ptr<const Histogram>> histograms;  // empty: none
  std::vector<std::int64_t> starts;                          // empty: none

  void add(const Sample& sample) {
    times.push_back(sample.time.ms);
    values.push_back(sample.value);
    if (sample.histogram || !histograms.empty()) {
      histograms.resize(times.size());
      histograms.back() = sample.histogram;
    }
    if (sample.start.ms != 0 || !starts.empty()) {
      starts.resize(times.size());
      starts.back() = sample.start.ms;
    }
  }
  std::size_t bytes() const {
    return times.size() * 16 + histograms.size() * sizeof(histograms[0]) + starts.size() * 8;
  }
};

class MemoryCursor final : public SeriesCursor {
 public:
  MemoryCursor(std::vector<CopiedSeries> series, WorkContext& context)
      : series_(std::move(series)), context_(context) {}

  Result<bool> next(SeriesView& out) override {
    TT_TRY(context_.check());
    if (at_ == series_.size()) return false;
    const CopiedSeries& s = series_[at_++];
    labels_ = KeptLabels(s.labels);
    out = {&labels_, s.times, s.values, s.histograms, s.starts};
    return true;
  }

 private:
  const std::vector<CopiedSeries> series_;
  WorkContext& context_;
  std::size_t at_ = 0;
  KeptLabels labels_;
};

class MemoryMetricStore final : public MetricStore {
 public:
  explicit MemoryMetricStore(std::size_t max_series) : max_series_(max_series) {}

  std::string_view name() const override { return "memory-metrics"; }

  Result<> apply(Sequence sequence, const Batch& batch) override {
    MutexLock lock(mutex_);
    if (sequence <= applied_) return {};
    for (const SeriesDef& def : batch.new_series) define(def.id, batch.project, def.labels).journaled = true;
    for (const SamplePoint& p : batch.samples) {
      const auto it = by_id_.find(p.series);
      if (it != by_id_.end()) it->second->samples[p.sample.time.ms] = p.sample;
    }
    applied_ = sequence;
    return {};
  }
  Sequence applied() const override {
    MutexLock lock(mutex_);
    return applied_;
  }
  Sequence durable() const override { return applied(); }
  Result<> checkpoint() override { return {}; }
  bool wants_checkpoint() const override { return false; }

  Result<SeriesId> resolve(ProjectId project, const Labels& labels, std::vector<SeriesDef>& defs) override {
    MutexLock lock(mutex_);
    auto& of_project = projects_[project];
    auto it = of_project.find(labels);
    if (it == of_project.end()) {
      if (of_project.size() >= max_series_) {
        return fail(ErrorKind::resource_exhausted, "project " + std::to_string(project.value) +
                                                       " has reached its limit of " +
                                                       std::to_string(max_series_) + " series");
      }
      define(SeriesId{next_id_}, project, labels);
      it = of_project.find(labels);
    }
    MemorySeries& s = *it->second;
    const bool listed =
        std::any_of(defs.begin(), defs.end(), [&s](const SeriesDef& d) { return d.id == s.id; });
    if (!s.journaled && !listed) defs.push_back({s.id, labels});
    return s.id;
  }
  void journaled(std::span<const SeriesDef> defs) override {
    MutexLock lock(mutex_);
    for (const SeriesDef& def : defs) {
      if (const auto it = by_id_.find(def.id); it != by_id_.end()) it->second->journaled = true;
    }
  }

  Result<std::unique_ptr<SeriesCursor>> select(const SeriesSelect& query, WorkContext& context) override {
    TT_TRY(context.check());
    MutexLock lock(mutex_);
    std::vector<CopiedSeries> out;
    for (const MemorySeries* s : matching(query.projects, query.matchers, query.range)) {
      CopiedSeries copy{s->labels, {}, {}, {}, {}};
      for (auto it = s->first(query.range); it != s->last(query.range); ++it) copy.add(it->second);
      TT_TRY(context.charge(copy.bytes()));
      out.push_back(std::move(copy));
    }
    return std::make_unique<MemoryCursor>(std::move(out), context);
  }
  Result<std::vector<std::string>> label_names(const LabelQuery& query, WorkContext& context) override {
    TT_TRY(context.check());
    MutexLock lock(mutex_);
    std::set<std::string> out;
    for (const MemorySeries* s : matching(query.projects, query.matchers, query.range)) {
      for (const Label& l : s->labels) out.insert(l.name);
    }
    return first_of(out, query.limit);
  }
  Result<TextList> label_values(std::string_view name, const LabelQuery& query,
                                WorkContext& context) override {
    TT_TRY(context.check());
    MutexLock lock(mutex_);
    std::set<std::string> out;
    for (const MemorySeries* s : matching(query.projects, query.matchers, query.range)) {
      if (s->labels.has(name)) out.emplace(s->labels.get(name));
    }
    return TextList::of(first_of(out, query.limit));
  }
  Result<std::vector<Labels>> series(const LabelQuery& query, WorkContext& context) override {
    TT_TRY(context.check());
    MutexLock lock(mutex_);
    std::set<Labels> out;
    for (const MemorySeries* s : matching(query.projects, query.matchers, query.range)) out.insert(s->labels);
    return first_of(out, query.limit);
  }
  Result<Cardinality> cardinality(const LabelQuery& query, WorkContext& context) override {
    TT_TRY(context.check());
    MutexLock lock(mutex_);
    CardinalityCounter counter(context);
    for (const MemorySeries* s : matching(query.projects, query.matchers, query.range)) {
      counter.series();
      for (const Label& l : s->labels) TT_TRY(counter.label(l.name, l.value));
    }
    return counter.take(query.limit);
  }
  Result<std::uint64_t> delete_samples(const LabelQuery& query, WorkContext& context) override {
    TT_TRY(context.check());
    MutexLock lock(mutex_);
    std::uint64_t deleted = 0;
    for (const MemorySeries* found : matching(query.projects, query.matchers, query.range)) {
      auto& samples = by_id_.at(found->id)->samples;
      const auto first = samples.lower_bound(query.range.min.ms);
      const auto last = samples.upper_bound(query.range.max.ms);
      deleted += static_cast<std::uint64_t>(std::distance(first, last));
      samples.erase(first, last);
    }
    return deleted;
  }

 private:
  MemorySeries& define(SeriesId id, ProjectId project, const Labels& labels) TT_REQUIRES(mutex_) {
    auto& slot = projects_[project][labels];
    if (!slot) slot = std::make_shared<MemorySeries>(MemorySeries{id, project, labels, false, {}});
    by_id_[id] = slot;
    next_id_ = std::max(next_id_, id.value + 1);
    return *slot;
  }
  /// In the order of labels, then projects.
  std::vector<const MemorySeries*> matching(const Projects& projects,
                                            const std::vector<LabelMatcher>& matchers,
                                            const MillisRange& range) const TT_REQUIRES(mutex_) {
    std::vector<const MemorySeries*> out;
    for (const auto& [project, of_project] : projects_) {
      if (std::find(projects.begin(), projects.end(), project) == projects.end()) continue;
      for (const auto& [labels, s] : of_project) {
        if (s->has_samples(range) && matches_all(matchers, labels)) out.push_back(s.get());
      }
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const MemorySeries* a, const MemorySeries* b) { return a->labels < b->labels; });
    return out;
  }
  template <class T>
  static std::vector<T> first_of(const std::set<T>& all, std::size_t limit) {
    std::vector<T> out(all.begin(), all.end());
    if (limit > 0 && out.size() > limit) out.resize(limit);
    return out;
  }

  const std::size_t max_series_;
  mutable Mutex mutex_;
  Sequence applied_ TT_GUARDED_BY(mutex_);
  std::uint64_t next_id_ TT_GUARDED_BY(mutex_) = 1;
  std::map<ProjectId, std::map<Labels, std::shared_ptr<MemorySeries>>> projects_ TT_GUARDED_BY(mutex_);
  std::map<SeriesId, std::shared_ptr<MemorySeries>> by_id_ TT_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<MetricStore> make_memory_metric_store(std::size_t max_series_per_project) {
  return std::make_unique<MemoryMetricStore>(max_series_per_project);
}

}  // namespace telltale::storage
