// How long samples stay. Which time a series has follows from its labels and its project alone, so a change
// of the rules holds at once for everything that is there, and nothing of it stands on the disk.
//
// A part is the samples of one day. When the longest of all times has passed since its last sample, it goes
// as it is. When only shorter ones have, the series that have these are left out of the part, which is
// written anew: once for each time, whatever the number of rules. What a part was looked through for is
// remembered, so that maintenance asks the catalog only when another of the times has passed for some part.
#include <algorithm>

#include "tsdb/engine.hpp"

namespace telltale::tsdb {
namespace {

std::int64_t millis_of(Nanos d) { return std::chrono::duration_cast<Millis>(d).count(); }

/// Every time of the rules, ascending, in ms.
std::vector<std::int64_t> times_of(const MetricRetention& rules) {
  std::vector<std::int64_t> out{millis_of(rules.keep)};
  for (const auto& [project, keep] : rules.projects) out.push_back(millis_of(keep));
  for (const auto& rule : rules.rules) out.push_back(millis_of(rule.keep));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

/// Which series have a time other than that of the whole store: by rules and by projects.
class Engine::SeriesTimes {
 public:
  SeriesTimes(const Engine& engine, const MetricRetention& rules) : keep_(millis_of(rules.keep)) {
    std::vector<ProjectId> projects;
    {
      std::shared_lock lock(engine.state_);
      projects = engine.catalog_.projects();
    }
    for (const ProjectId project : projects) {
      Times of_project;
      for (const auto& rule : rules.rules) {
        if (rule.project.value == 0 || rule.project == project)
          add(engine, project, rule.matchers, millis_of(rule.keep), of_project);
      }
      if (const auto own = rules.projects.find(project); own != rules.projects.end())
        add(engine, project, {}, millis_of(own->second), of_project);
      times_.insert(times_.end(), of_project.begin(), of_project.end());
    }
    std::sort(times_.begin(), times_.end(), by_id);
  }

  /// In ms.
  std::int64_t of(SeriesId id) const {
    const auto found =
        std::lower_bound(times_.begin(), times_.end(), id,
                         [](const auto& entry, SeriesId wanted) { return entry.first < wanted; });
    return found != times_.end() && found->first == id ? found->second : keep_;
  }

 private:
  using Times = std::vector<std::pair<SeriesId, std::int64_t>>;  // by id
  static bool by_id(const Times::value_type& a, const Times::value_type& b) { return a.first < b.first; }

  /// Of the series that have no time in `out` yet.
  static void add(const Engine& engine, ProjectId project, const std::vector<storage::LabelMatcher>& matchers,
                  std::int64_t keep, Times& out) {
    Times more;
    {
      std::shared_lock lock(engine.state_);
      for (const SeriesId id : engine.catalog_.match(project, matchers)) more.emplace_back(id, keep);
    }
    Times both;
    both.reserve(out.size() + more.size());
    // Of equal ones those of the first range are taken.
    std::set_union(out.begin(), out.end(), more.begin(), more.end(), std::back_inserter(both), by_id);
    out = std::move(both);
  }

  const std::int64_t keep_;
  Times times_;
};

void Engine::set_retention(MetricRetention retention) {
  auto next = std::make_shared<const MetricRetention>(std::move(retention));
  std::lock_guard lock(retention_mutex_);
  retention_ = std::move(next);
}

std::shared_ptr<const MetricRetention> Engine::retention() const {
  std::lock_guard lock(retention_mutex_);
  return retention_;
}

Result<> Engine::expire_parts() {
  const auto rules = retention();
  const auto times = times_of(*rules);
  const std::int64_t now = now_ms().ms;
  if (looked_by_ != rules) looked_through_.clear();
  looked_by_ = rules;
  std::set<std::uint64_t> gone;
  std::vector<std::pair<std::shared_ptr<Part>, std::size_t>> due;
  std::uint64_t samples = 0;
  Manifest next;
  // A day goes as a whole: a part alone might have written over what would show again.
  std::map<std::int64_t, std::int64_t> last_of_day;
  {
    std::shared_lock lock(state_);
    next = manifest_;
    for (const auto& part : parts_) {
      const PartMeta& meta = part->meta();
      const auto [last, is_first] = last_of_day.try_emplace(meta.day, meta.max_ms);
      last->second = std::max(last->second, meta.max_ms);
    }
    for (const auto& part : parts_) {
      const PartMeta& meta = part->meta();
      const std::int64_t last_ms = last_of_day.at(meta.day);
      const auto passed = static_cast<std::size_t>(
          std::partition_point(times.begin(), times.end(),
                               [&](std::int64_t keep) { return last_ms < now - keep; }) -
          times.begin());
      if (passed == times.size()) {
        gone.insert(meta.number);
        samples += meta.samples;
      } else if (const auto looked = looked_through_.find(meta.number);
                 passed > (looked == looked_through_.end() ? 0 : looked->second)) {
        due.emplace_back(part, passed);
      }
    }
    std::erase_if(looked_through_, [&](const auto& entry) {
      return std::none_of(parts_.begin(), parts_.end(),
                          [&](const auto& part) { return part->meta().number == entry.first; });
    });
  }
  if (!gone.empty()) {
    TT_TRY(commit(std::move(next), {}, gone, 0));
    expired_.add(samples);
    log_.info("tsdb parts past retention dropped", {{"parts", gone.size()}});
  }
  if (due.empty()) return {};
  const SeriesTimes of_series(*this, *rules);
  for (const auto& [part, passed] : due) {
    TT_ASSIGN(const bool readable, expire_series(part, of_series, last_of_day.at(part->meta().day), now));
    if (readable) looked_through_[part->meta().number] = passed;
  }
  return {};
}

/// False: the part is damaged, which the next round sees to.
Result<bool> Engine::expire_series(const std::shared_ptr<Part>& part, const SeriesTimes& times,
                                   std::int64_t last_ms, std::int64_t now) {
  const PartMeta& meta = part->meta();
  Ids past;
  bool all = true;
  Manifest next;
  {
    std::shared_lock lock(state_);
    next = manifest_;
    part->series().for_each([&](SeriesId id) {
      // A series whose definition was lost has no labels to say its time: it goes with the whole part.
      if (catalog_.project_of(id).value != 0 && last_ms < now - times.of(id)) {
        past.push_back(id);
      } else {
        all = false;
      }
    });
  }
  if (past.empty()) return true;
  Parts added;
  if (!all) {
    if (auto done = rewrite(next, {part}, past, {}, added); !done) {
      if (done.error().kind() == ErrorKind::corruption) return false;
      return tl::unexpected<Error>(std::move(done.error()));
    }
  }
  const std::uint64_t left = added.empty() ? 0 : added.front()->meta().samples;
  TT_TRY(commit(std::move(next), added, {meta.number}, 0));
  expired_.add(meta.samples - left);
  log_.info("tsdb series past their retention left out",
            {{"file", meta.file()}, {"series", past.size()}, {"samples", meta.samples - left}});
  return true;
}

}  // namespace telltale::tsdb
