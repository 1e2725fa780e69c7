// Reading: select() takes a snapshot (immutable parts and frozen heads by reference, the active head's
// samples by copy) and the cursor merges it a series at a time, in the order of labels.
#include <algorithm>
#include <tuple>

#include "tsdb/engine.hpp"

namespace telltale::tsdb {
namespace {

constexpr std::size_t kSampleBytes = 16;

struct SnapshotSeries {
  std::shared_ptr<const Labels> labels;
  ProjectId project;
  std::vector<SeriesId> ids;  // more than one only if a lost catalog made a series get a second id
  SampleRun active;
};

/// Sorts and joins what is the same series.
void order_by_labels(std::vector<SnapshotSeries>& all) {
  std::sort(all.begin(), all.end(), [](const SnapshotSeries& a, const SnapshotSeries& b) {
    if (const auto c = *a.labels <=> *b.labels; c != 0) return c < 0;
    return std::tie(a.project, a.ids) < std::tie(b.project, b.ids);
  });
  std::vector<SnapshotSeries> out;
  out.reserve(all.size());
  for (SnapshotSeries& s : all) {
    if (!out.empty() && out.back().project == s.project && *out.back().labels == *s.labels) {
      out.back().ids.push_back(s.ids.front());
      merge_newer(out.back().active, s.active.times, s.active.values);
    } else {
      out.push_back(std::move(s));
    }
  }
  all = std::move(out);
}

class EngineCursor final : public storage::SeriesCursor {
 public:
  EngineCursor(std::vector<SnapshotSeries> series, Parts parts,
               std::vector<std::shared_ptr<const Head>> frozen, storage::MillisRange range,
               WorkContext& context, std::size_t charged)
      : series_(std::move(series)),
        parts_(std::move(parts)),
        frozen_(std::move(frozen)),
        range_(range),
        context_(context),
        charged_(charged) {}
  ~EngineCursor() override { context_.release(charged_); }

  Result<bool> next(storage::SeriesView& out) override {
    while (at_ < series_.size()) {
      TT_TRY(context_.check());
      SnapshotSeries& s = series_[at_++];
      run_.clear();
      for (const SeriesId id : s.ids) {
        for (const auto& part : parts_) {
          TT_TRY(part->read(id, range_, cache_, run_));
          TT_TRY(charge_buffer());
        }
        for (const auto& head : frozen_) {
          if (const HeadSeries* h = head->find(id)) h->read(range_, run_);
        }
      }
      merge_newer(run_, s.active.times, s.active.values);
      s.active = SampleRun();
      TT_TRY(charge_buffer());
      if (run_.empty()) continue;
      out = {s.labels.get(), run_.times, run_.values};
      return true;
    }
    return false;
  }

 private:
  Result<> charge_buffer() {
    if (run_.size() <= charged_samples_) return {};
    const std::size_t more = (run_.size() - charged_samples_) * kSampleBytes;
    TT_TRY(context_.charge(more));
    charged_ += more;
    charged_samples_ = run_.size();
    return {};
  }

  std::vector<SnapshotSeries> series_;
  const Parts parts_;
  const std::vector<std::shared_ptr<const Head>> frozen_;
  const storage::MillisRange range_;
  WorkContext& context_;
  std::size_t charged_;
  std::size_t charged_samples_ = 0;
  std::size_t at_ = 0;
  SampleRun run_;
  BlockCache cache_;
};

std::vector<ProjectId> distinct(std::vector<ProjectId> projects) {
  std::sort(projects.begin(), projects.end());
  projects.erase(std::unique(projects.begin(), projects.end()), projects.end());
  return projects;
}

template <class T>
std::vector<T> first_of(const std::set<T>& all, std::size_t limit) {
  std::vector<T> out(all.begin(), all.end());
  if (limit > 0 && out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace

Result<std::unique_ptr<storage::SeriesCursor>> Engine::select(const storage::SeriesSelect& query,
                                                              WorkContext& context) {
  TT_TRY(context.check());
  std::vector<SnapshotSeries> series;
  Parts parts;
  Frozen frozen;
  std::size_t bytes = 0;
  {
    std::shared_lock lock(state_);
    for (const auto& p : parts_) {
      if (p->overlaps(query.range)) parts.push_back(p);
    }
    frozen = frozen_;
    for (const ProjectId project : distinct(query.projects)) {
      for (const SeriesId id : catalog_.match(project, query.matchers)) {
        SnapshotSeries s{catalog_.find(id)->labels, project, {id}, {}};
        if (const HeadSeries* h = head_.find(id)) h->read(query.range, s.active);
        bytes += sizeof(SnapshotSeries) + sizeof(SeriesId) + s.active.size() * kSampleBytes;
        series.push_back(std::move(s));
      }
    }
  }
  TT_TRY(context.charge(bytes));
  order_by_labels(series);
  return std::make_unique<EngineCursor>(std::move(series), std::move(parts), std::move(frozen), query.range,
                                        context, bytes);
}

Result<> Engine::for_each_series(const storage::LabelQuery& query, WorkContext& context,
                                 const std::function<Result<bool>(const Labels&)>& visit) {
  struct Candidate {
    SeriesId id;
    std::shared_ptr<const Labels> labels;
    bool in_head;
  };
  TT_TRY(context.check());
  std::vector<Candidate> candidates;
  Parts parts;
  Frozen frozen;
  {
    std::shared_lock lock(state_);
    for (const auto& p : parts_) {
      if (p->overlaps(query.range)) parts.push_back(p);
    }
    frozen = frozen_;
    for (const ProjectId project : distinct(query.projects)) {
      for (const SeriesId id : catalog_.match(project, query.matchers)) {
        const HeadSeries* h = head_.find(id);
        candidates.push_back({id, catalog_.find(id)->labels, h != nullptr && h->has_samples(query.range)});
      }
    }
  }
  BlockCache cache;
  std::size_t done = 0;
  for (const Candidate& c : candidates) {
    if (++done % 1024 == 0) TT_TRY(context.check());
    bool found = c.in_head;
    for (auto f = frozen.begin(); f != frozen.end() && !found; ++f) {
      const HeadSeries* h = (*f)->find(c.id);
      found = h != nullptr && h->has_samples(query.range);
    }
    for (auto p = parts.begin(); p != parts.end() && !found; ++p) {
      TT_ASSIGN(found, (*p)->has_samples(c.id, query.range, cache));
    }
    if (!found) continue;
    TT_ASSIGN(const bool more, visit(*c.labels));
    if (!more) break;
  }
  return {};
}

Result<std::vector<std::string>> Engine::label_names(const storage::LabelQuery& query, WorkContext& context) {
  std::set<std::string> out;
  auto status = for_each_series(query, context, [&out](const Labels& labels) -> Result<bool> {
    for (const Label& l : labels) out.insert(l.name);
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<std::vector<std::string>> Engine::label_values(std::string_view name, const storage::LabelQuery& query,
                                                      WorkContext& context) {
  std::set<std::string> out;
  auto status = for_each_series(query, context, [&](const Labels& labels) -> Result<bool> {
    const std::string_view value = labels.get(name);
    if (!value.empty() && out.emplace(value).second) TT_TRY(context.charge(value.size() + 64));
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
}

Result<std::vector<Labels>> Engine::series(const storage::LabelQuery& query, WorkContext& context) {
  std::set<Labels> out;
  auto status = for_each_series(query, context, [&](const Labels& labels) -> Result<bool> {
    TT_TRY(context.charge(labels.size() * sizeof(Label) + 64));
    out.insert(labels);
    return true;
  });
  TT_TRY(std::move(status));
  return first_of(out, query.limit);
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
  out.head_samples = head_.samples();
  out.head_bytes = head_.bytes();
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
