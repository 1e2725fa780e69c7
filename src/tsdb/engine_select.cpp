// Samples for queries. A selection is a snapshot: immutable parts and frozen heads by reference, and of the
// active head how far each series had come, so that its samples are decoded when it is their turn and not all
// under one lock. Cursors share a selection: in the order of labels, or each with a stretch of ids, in which
// neighbours are neighbours on the disk.
#include <algorithm>
#include <array>
#include <tuple>

#include "tsdb/engine.hpp"

namespace telltale::tsdb {

struct Selection {
  struct Series {
    SeriesId id;
    ProjectId project;
    LabelRef labels;
    Head::Mark head;
  };
  Selection(WorkContext& work, std::shared_mutex& lock) : context(work), state(lock) {}
  ~Selection() { context.release(charged); }
  Selection(const Selection&) = delete;
  Selection& operator=(const Selection&) = delete;

  WorkContext& context;
  std::shared_mutex& state;  // the engine's
  storage::MillisRange range{};
  storage::SelectHints hints;
  std::vector<Series> series;
  bool has_twins = false;  // one series may stand there twice, with two ids
  std::shared_ptr<const void> labels;
  Parts parts;
  std::vector<std::shared_ptr<const Head>> frozen;
  std::shared_ptr<const Head> head;
  std::size_t charged = 0;
};

namespace {

constexpr std::size_t kHeadBatch = 64;      // series of the head that are decoded under one lock
constexpr std::size_t kReadsPerCheck = 32;  // of the context

class EngineCursor final : public storage::SeriesCursor {
 public:
  EngineCursor(std::shared_ptr<Selection> from, std::size_t begin, std::size_t end, BlockCache& cache)
      : from_(std::move(from)), at_(begin), end_(end), hold_(cache), stand_ins_(from_->hints) {}
  ~EngineCursor() override { from_->context.release(charged_); }

  Result<bool> next(storage::SeriesView& out) override {
    while (at_ < end_) {
      if (reads_++ % kReadsPerCheck == 0) TT_TRY(from_->context.check());
      run_.clear();
      stand_ins_.clear();
      const Selection::Series& first = from_->series[at_];
      TT_TRY(read(at_, from_->has_twins || !stand_ins_.wanted() ? nullptr : &stand_ins_));
      const bool stood_for = !stand_ins_.empty() && stand_ins_.merge(run_);
      if (!stand_ins_.empty() && !stood_for) {
        run_.clear();
        TT_TRY(read(at_, nullptr));
      }
      ++at_;
      while (from_->has_twins && at_ < end_ && from_->series[at_].project == first.project &&
             from_->series[at_].labels.compare(first.labels) == 0)
        TT_TRY(read(at_++, nullptr));
      TT_TRY(charge_buffer());
      if (run_.empty() && !stood_for) continue;
      labels_.ref = first.labels;
      if (stood_for) {
        out = {&labels_, stand_ins_.times(), stand_ins_.values(), {}, {}, stand_ins_.weights()};
        return true;
      }
      out = {&labels_, run_.times, run_.values, run_.histograms, run_.starts, {}};
      return true;
    }
    return false;
  }

 private:
  struct RefLabels final : storage::SeriesLabels {
    std::string_view get(std::string_view name) const override { return ref.get(name); }
    Labels all() const override { return ref.labels(); }
    LabelRef ref;
  };

  /// Merges into run_, but for what goes to `instead`; then the series may be read once more.
  Result<> read(std::size_t i, StandIns* instead) {
    const Selection& from = *from_;
    const Selection::Series& s = from.series[i];
    for (const auto& part : from.parts) {
      TT_TRY(part->read(s.id, from.range, hold_, run_, instead));
      TT_TRY(charge_buffer());
    }
    for (const auto& head : from.frozen) head->read(s.id, from.range, run_);
    if (s.head.slot != IdTable::kNone) {
      if (i >= decoded_end_) decode_head(i);
      SampleRun& samples = decoded_[i - decoded_begin_];
      if (run_.empty() && (instead == nullptr || instead->empty())) {
        std::swap(run_, samples);
      } else {
        merge_newer(run_, samples.slice());
      }
    }
    return {};
  }

  void decode_head(std::size_t i) {
    decoded_begin_ = i;
    decoded_end_ = std::min(end_, i + kHeadBatch);
    std::shared_lock lock(from_->state);
    for (; i < decoded_end_; ++i) {
      SampleRun& run = decoded_[i - decoded_begin_];
      run.clear();
      const Selection::Series& s = from_->series[i];
      if (s.head.slot != IdTable::kNone) from_->head->read(s.head, from_->range, run);
    }
  }

  Result<> charge_buffer() {
    const std::size_t bytes = run_.bytes() + stand_ins_.bytes();
    if (bytes <= charged_) return {};
    TT_TRY(from_->context.charge(bytes - charged_));
    charged_ = bytes;
    return {};
  }

  const std::shared_ptr<Selection> from_;
  std::size_t at_;
  const std::size_t end_;
  BlockHold hold_;
  RefLabels labels_;
  SampleRun run_;
  StandIns stand_ins_;
  std::size_t charged_ = 0;
  std::size_t reads_ = 0;
  std::array<SampleRun, kHeadBatch> decoded_;  // of the head, for the series from decoded_begin_ on
  std::size_t decoded_begin_ = 0;
  std::size_t decoded_end_ = 0;
};

}  // namespace

Result<std::shared_ptr<Selection>> Engine::selection(const storage::SeriesSelect& query,
                                                     WorkContext& context) {
  TT_TRY(context.check());
  auto out = std::make_shared<Selection>(context, state_);
  out->range = query.range;
  out->hints = query.hints;
  std::vector<ProjectId> projects = query.projects;
  std::sort(projects.begin(), projects.end());
  projects.erase(std::unique(projects.begin(), projects.end()), projects.end());
  {
    std::shared_lock lock(state_);
    for (const auto& p : parts_) {
      if (p->overlaps(query.range)) out->parts.push_back(p);
    }
    out->frozen = frozen_;
    out->head = head_;
    out->labels = catalog_.hold();
    out->has_twins = catalog_.has_twins();
    for (const ProjectId project : projects) {
      const std::vector<SeriesId> ids = catalog_.match(project, query.matchers);
      out->series.reserve(out->series.size() + ids.size());
      for (const SeriesId id : ids) {
        out->series.push_back({id, project, catalog_.labels(id), head_->mark(id, query.range)});
      }
    }
  }
  const std::size_t bytes = out->series.capacity() * sizeof(Selection::Series);
  TT_TRY(context.charge(bytes));
  out->charged = bytes;
  return out;
}

Result<std::unique_ptr<storage::SeriesCursor>> Engine::select(const storage::SeriesSelect& query,
                                                              WorkContext& context) {
  TT_ASSIGN(auto from, selection(query, context));
  std::sort(from->series.begin(), from->series.end(),
            [](const Selection::Series& a, const Selection::Series& b) {
              if (const auto c = a.labels.compare(b.labels); c != 0) return c < 0;
              return std::tie(a.project, a.id) < std::tie(b.project, b.id);
            });
  const std::size_t count = from->series.size();
  return std::make_unique<EngineCursor>(std::move(from), 0, count, cache_);
}

Result<storage::SeriesCursors> Engine::select_shares(const storage::SeriesSelect& query, std::size_t most,
                                                     WorkContext& context) {
  {
    std::shared_lock lock(state_);
    if (catalog_.has_twins() || query.projects.size() != 1) most = 0;
  }
  if (most == 0) return Tsdb::select_shares(query, 1, context);
  TT_ASSIGN(const auto from, selection(query, context));
  const std::size_t count = from->series.size();
  const std::size_t shares = std::clamp<std::size_t>(count / options_.least_share_series, 1, most);
  storage::SeriesCursors out;
  for (std::size_t i = 0; i < shares; ++i)
    out.push_back(std::make_unique<EngineCursor>(from, count * i / shares, count * (i + 1) / shares, cache_));
  return out;
}

storage::Changes Engine::changes(const storage::Projects& projects, std::uint64_t since) const {
  std::shared_lock lock(state_);
  return changes_.since(projects, since);
}

}  // namespace telltale::tsdb
