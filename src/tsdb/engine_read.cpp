// Reading: select() takes a snapshot (immutable parts and frozen heads by reference, the active head's
// samples by copy) and the cursor merges it a series at a time, in the order of labels.
#include <algorithm>
#include <tuple>

#include "storage/cardinality.hpp"
#include "tsdb/engine.hpp"

namespace telltale::tsdb {
using storage::TextList;

namespace {

std::vector<ProjectId> distinct(std::vector<ProjectId> projects) {
  std::sort(projects.begin(), projects.end());
  projects.erase(std::unique(projects.begin(), projects.end()), projects.end());
  return projects;
}

constexpr std::size_t kFirstAsked = 16;  // series of a label's value
constexpr int kOrderTries = 2;           // to put a label's values in order before another one comes

template <class T, class Less>
std::vector<T> first_of(const std::set<T, Less>& all, std::size_t limit) {
  std::vector<T> out(all.begin(), all.end());
  if (limit > 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

Result<> Engine::for_each_series(const storage::LabelQuery& query, WorkContext& context,
                                 const std::function<Result<bool>(const LabelRef&)>& visit) {
  struct Candidate {
    SeriesId id;
    LabelRef labels;
    bool in_head;
  };
  TT_TRY(context.check());
  std::vector<Candidate> candidates;
  std::shared_ptr<const void> labels;
  Parts parts;
  Frozen frozen;
  {
    std::shared_lock lock(state_);
    labels = catalog_.hold();
    for (const auto& p : parts_) {
      if (p->overlaps(query.range)) parts.push_back(p);
    }
    frozen = frozen_;
    for (const ProjectId project : distinct(query.projects)) {
      for (const SeriesId id : catalog_.match(project, query.matchers)) {
        candidates.push_back({id, catalog_.labels(id), head_->has_samples(id, query.range)});
      }
    }
  }
  BlockHold hold(cache_);
  std::size_t done = 0;
  for (const Candidate& c : candidates) {
    if (++done % 1024 == 0) TT_TRY(context.check());
    bool found = c.in_head;
    for (auto f = frozen.begin(); f != frozen.end() && !found; ++f)
      found = (*f)->has_samples(c.id, query.range);
    for (auto p = parts.begin(); p != parts.end() && !found; ++p) {
      TT_ASSIGN(found, (*p)->has_samples(c.id, query.range, hold));
    }
    if (!found) continue;
    TT_ASSIGN(const bool more, visit(c.labels));
    if (!more) break;
  }
  return {};
}

Result<std::vector<std::string>> Engine::label_names(const storage::LabelQuery& query, WorkContext& context) {
  std::set<std::string, std::less<>> out;
  auto status = for_each_series(query, context, [&out](const LabelRef& labels) -> Result<bool> {
    for (std::size_t i = 0; i < labels.pairs().size(); ++i)
      if (!out.contains(labels.name(i))) out.emplace(labels.name(i));
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<TextList> Engine::label_values(std::string_view name, const storage::LabelQuery& query,
                                      WorkContext& context) {
  if (query.matchers.empty()) return values_of_all(name, query, context);
  std::set<std::string, std::less<>> out;
  auto status = for_each_series(query, context, [&](const LabelRef& labels) -> Result<bool> {
    const std::string_view value = labels.get(name);
    if (value.empty() || out.contains(value)) return true;
    TT_TRY(context.charge(value.size() + 64));
    out.emplace(value);
    return true;
  });
  TT_TRY(std::move(status));
  return TextList::of(first_of(out, query.limit));
}

Result<TextList> Engine::values_of_all(std::string_view name, const storage::LabelQuery& query,
                                       WorkContext& context) {
  std::vector<TextList> lists;
  for (const ProjectId project : distinct(query.projects)) {
    TT_ASSIGN(auto list, values_of_project(project, name, query.range, context));
    if (!list.empty()) lists.push_back(std::move(list));
  }
  return TextList::united(std::move(lists)).first(query.limit);
}

/// Null: there are none. They are put in order without the lock, and under it where new ones keep coming.
std::shared_ptr<const ValueOrder> Engine::ordered_values(ProjectId project, std::string_view name,
                                                         std::shared_lock<std::shared_mutex>& lock) {
  for (int tries = 0;; ++tries) {
    LabelValues values = catalog_.values(project, name);
    if (values.version == 0 || values.order) return values.order;
    const auto arena = catalog_.hold();
    const bool last = tries == kOrderTries;
    if (!last) lock.unlock();
    auto order = std::make_shared<const ValueOrder>(arena, std::move(values.unordered));
    if (!last) lock.lock();
    catalog_.keep_order(project, name, values.version, std::move(order));
  }
}

Result<TextList> Engine::values_of_project(ProjectId project, std::string_view name,
                                           const storage::MillisRange& range, WorkContext& context) {
  // One series with samples settles a value, and where a whole part lies in the range, its list of series
  // does.
  struct Undecided {
    std::size_t at;             // of the value
    std::vector<SeriesId> ids;  // the first ones; mostly the very first has samples
    bool more = false;
  };
  std::shared_ptr<const ValueOrder> order;
  std::vector<bool> present;
  std::vector<Undecided> undecided;
  Parts across;
  {
    std::shared_lock lock(state_);
    order = ordered_values(project, name, lock);
    if (!order) return TextList();
    const std::uint64_t gone = changes_.gone();
    if (order->all_seen(gone, range)) return TextList::shared(order, order->texts());
    TT_TRY(context.charge(order->texts().size() / 8));
    present.resize(order->texts().size());
    Parts inside;
    for (const auto& p : parts_) {
      if (p->within(range)) {
        inside.push_back(p);
      } else if (p->overlaps(range)) {
        across.push_back(p);
      }
    }
    storage::MillisRange seen{{INT64_MAX}, {INT64_MIN}};
    const auto saw = [&seen](UnixMillis first, UnixMillis last) {
      seen = {std::min(seen.min, first), std::max(seen.max, last)};
      return true;
    };
    const auto surely = [&](std::uint32_t slot) {
      const SeriesId id = catalog_.id_of(slot);
      if (const auto t = head_->time_within(id, range)) return saw(*t, *t);
      for (const auto& f : frozen_)
        if (const auto t = f->time_within(id, range)) return saw(*t, *t);
      for (const auto& p : inside)
        if (p->series().contains(id)) return saw({p->meta().min_ms}, {p->meta().max_ms});
      return false;
    };
    const auto maybe = [&](SeriesId id) {
      return std::any_of(across.begin(), across.end(),
                         [id](const auto& p) { return p->series().contains(id); });
    };
    bool all = true;
    for (std::size_t at = 0; at < present.size(); ++at) {
      if (at % 1024 == 0) TT_TRY(context.check());
      const PostingList& list = order->series(at);
      present[at] = surely(list.first()) || !list.for_each([&](std::uint32_t slot) { return !surely(slot); });
      if (present[at]) continue;
      all = false;
      if (across.empty()) continue;
      Undecided u{at, {}};
      list.for_each([&](std::uint32_t slot) {
        const SeriesId id = catalog_.id_of(slot);
        if (!maybe(id)) return true;
        u.more = u.ids.size() == kFirstAsked;
        if (!u.more) u.ids.push_back(id);
        return !u.more;
      });
      if (!u.ids.empty()) undecided.push_back(std::move(u));
    }
    if (all) {
      order->seen_all(gone, seen);
      return TextList::shared(order, order->texts());
    }
  }
  std::sort(undecided.begin(), undecided.end(),
            [](const Undecided& a, const Undecided& b) { return a.ids.front() < b.ids.front(); });
  BlockHold hold(cache_);
  for (const Undecided& u : undecided) {
    TT_TRY(context.check());
    bool found = false;
    for (auto id = u.ids.begin(); id != u.ids.end() && !found; ++id)
      for (auto p = across.begin(); p != across.end() && !found; ++p) {
        TT_ASSIGN(found, (*p)->has_samples(*id, range, hold));
      }
    if (!found && u.more) {
      TT_ASSIGN(auto matcher, storage::LabelMatcher::make(storage::MatchOp::eq, std::string(name),
                                                          std::string(order->texts()[u.at])));
      const storage::LabelQuery of_value{{project}, range, {std::move(matcher)}, 0};
      TT_TRY(for_each_series(of_value, context, [&found](const LabelRef&) -> Result<bool> {
        found = true;
        return false;
      }));
    }
    present[u.at] = found;
  }
  TextList::Views views;
  TT_TRY(context.charge(present.size() * sizeof(std::string_view)));
  for (std::size_t at = 0; at < present.size(); ++at)
    if (present[at]) views.push_back(order->texts()[at]);
  return TextList(order, std::move(views));
}

Result<std::vector<Labels>> Engine::series(const storage::LabelQuery& query, WorkContext& context) {
  std::set<Labels> out;
  auto status = for_each_series(query, context, [&](const LabelRef& labels) -> Result<bool> {
    TT_TRY(context.charge(labels.pairs().size() * sizeof(Label) + 64));
    out.insert(labels.labels());
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<storage::Cardinality> Engine::cardinality(const storage::LabelQuery& query, WorkContext& context) {
  storage::CardinalityCounter counter(context);
  auto status = for_each_series(query, context, [&counter](const LabelRef& labels) -> Result<bool> {
    counter.series();
    for (std::size_t i = 0; i < labels.pairs().size(); ++i)
      TT_TRY(counter.label(labels.name(i), labels.value(i)));
    return true;
  });
  TT_TRY(std::move(status));
  return counter.take(query.limit);
}

Result<std::vector<std::string>> Engine::verify() {
  Parts parts;
  std::vector<std::uint64_t> catalogs;
  {
    std::shared_lock lock(state_);
    parts = parts_;
    catalogs = manifest_.catalogs;
  }
  std::vector<std::string> bad;
  if (auto m = load_manifest(fs_, dir_); !m) bad.push_back(m.error().message());
  for (const auto& p : parts) {
    if (auto status = p->verify(); !status) bad.push_back(p->meta().file() + ": " + status.error().message());
  }
  for (const std::uint64_t c : catalogs) {
    auto file =
        io::BlockFileReader::open(fs_, path(catalog_file(c)), io::FileFormat{{'T', 'T', 'S', 'C'}, 1, 1});
    Result<> status = file ? (*file)->verify() : tl::unexpected<Error>(std::move(file.error()));
    if (!status) bad.push_back(catalog_file(c) + ": " + status.error().message());
  }
  return bad;
}

TsdbStats Engine::stats() const {
  std::shared_lock lock(state_);
  TsdbStats out;
  out.series = catalog_.size();
  out.head_samples = head_->samples();
  out.head_bytes = head_->bytes();
  for (const auto& f : frozen_) {
    out.head_samples += f->samples();
    out.head_bytes += f->bytes();
  }
  out.index_bytes = catalog_.bytes();
  out.quarantined = quarantined_.value();
  for (const auto& p : parts_) {
    const PartMeta& m = p->meta();
    out.index_bytes += p->memory_bytes();
    out.disk_bytes += m.bytes;
    out.parts.push_back({m.file(), m.day, m.min_ms, m.max_ms, m.series, m.samples, m.bytes});
  }
  return out;
}

Tsdb::Backup Engine::backup_files() {
  std::unique_lock lock(state_);
  Backup out;
  auto hold = std::make_shared<const Parts>(parts_);
  for (const std::uint64_t c : manifest_.catalogs) out.files.push_back(catalog_file(c));
  for (const PartMeta& p : manifest_.parts) out.files.push_back(p.file());
  out.manifest = encode_manifest(manifest_);
  out.durable = manifest_.applied;
  out.hold = hold;
  holds_.emplace_back(out.hold);
  return out;
}

}  // namespace telltale::tsdb
