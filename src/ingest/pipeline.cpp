#include "ingest/pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

#include <fmt/format.h>

#include "base/mutex.hpp"
#include "ingest/applier.hpp"

namespace telltale::ingest {
namespace {

// Ids admitted for one commit; forgets them again unless kept.
class Admissions {
 public:
  explicit Admissions(io::Journal& journal) : journal_(journal) {}
  ~Admissions() {
    for (const Id128& id : fresh_) journal_.forget(id);
  }
  // `ids` sorted and distinct.
  void admit(const std::vector<Id128>& ids) {
    for (const Id128& id : ids) {
      if (journal_.admit(id) == io::Journal::Admission::fresh) fresh_.push_back(id);
    }
  }
  bool is_fresh(Id128 id) const { return std::binary_search(fresh_.begin(), fresh_.end(), id); }
  const std::vector<Id128>& fresh() const { return fresh_; }
  void keep() { fresh_.clear(); }

 private:
  io::Journal& journal_;
  std::vector<Id128> fresh_;
};

// Keeps the rows whose id is absent or fresh, and the first of several with the same id; returns how many
// went.
std::size_t drop_duplicates(std::vector<EventRow>& rows, const std::vector<Id128>& ids,
                            const Admissions& admissions) {
  if (ids.empty()) return 0;
  std::vector<Id128> used;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (ids[i].present()) {
      const auto place = std::lower_bound(used.begin(), used.end(), ids[i]);
      if (place != used.end() && *place == ids[i]) continue;
      if (!admissions.is_fresh(ids[i])) continue;
      used.insert(place, ids[i]);
    }
    if (kept != i) rows[kept] = std::move(rows[i]);
    ++kept;
  }
  const std::size_t dropped = rows.size() - kept;
  rows.resize(kept);
  return dropped;
}

std::vector<Id128> sorted_ids(const ClientIds& ids) {
  std::vector<Id128> all;
  for (const auto* list : {&ids.logs, &ids.spans, &ids.errors}) {
    std::copy_if(list->begin(), list->end(), std::back_inserter(all), [](Id128 id) { return id.present(); });
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

struct Pipeline::Impl {
  Impl(io::Journal& j, storage::MetricStore& m, std::function<bool()> a, const Clock& c, const Logger& l,
       MetricsRegistry& registry, std::uint64_t replay_bytes)
      : journal(j),
        metric_store(m),
        accepting(std::move(a)),
        clock(c),
        log(l),
        max_replay_bytes(replay_bytes),
        rows_total(registry.counter("telltale_ingest_rows_total", "Rows accepted into the journal.")),
        samples_total(
            registry.counter("telltale_ingest_samples_total", "Samples accepted into the journal.")),
        duplicates_total(
            registry.counter("telltale_ingest_duplicates_total", "Rows sent again by a client.")),
        series_refused(registry.counter("telltale_ingest_dropped_total", "What was not accepted, by reason.",
                                        {{"reason", "series_limit"}})),
        checkpoint_seconds(
            registry.histogram("telltale_checkpoint_seconds", "Time to make a store durable.")) {}

  io::Journal& journal;
  storage::MetricStore& metric_store;
  const std::function<bool()> accepting;
  const Clock& clock;
  const Logger& log;
  const std::uint64_t max_replay_bytes;
  Counter& rows_total;
  Counter& samples_total;
  Counter& duplicates_total;
  Counter& series_refused;
  LatencyHistogram& checkpoint_seconds;
  std::vector<std::unique_ptr<Applier>> appliers;
  Tap tap;
  std::atomic<std::uint64_t> pushed{0};  // the newest sequence given to the appliers
  Mutex checkpoint_mutex;
  bool started = false;
};

Pipeline::Pipeline(io::Journal& journal, const std::vector<storage::DerivedStore*>& stores,
                   storage::MetricStore& metric_store, std::function<bool()> accepting, const Clock& clock,
                   const Logger& log, MetricsRegistry& metrics, std::uint64_t max_replay_bytes)
    : impl_(std::make_unique<Impl>(journal, metric_store, std::move(accepting), clock, log, metrics,
                                   max_replay_bytes)) {
  for (auto* store : stores) impl_->appliers.push_back(std::make_unique<Applier>(*store, log, metrics));
}

Pipeline::~Pipeline() { stop(); }

Result<> Pipeline::replay() {
  Sequence from{UINT64_MAX};
  for (const auto& a : impl_->appliers) from = std::min(from, a->store().applied());
  std::uint64_t records = 0;
  auto done = impl_->journal.replay(from, [&](Sequence sequence, std::string_view payload) -> Result<> {
    TT_ASSIGN(const auto batch, storage::decode_batch(payload));
    for (const auto& a : impl_->appliers) TT_TRY(a->store().apply(sequence, batch));
    impl_->metric_store.journaled(batch.new_series);
    ++records;
    return {};
  });
  if (!done) return tl::unexpected<Error>(std::move(done).error().within("journal replay"));
  impl_->log.info("journal replayed", {{"after", from.value}, {"records", records}});
  return {};
}

void Pipeline::set_tap(Tap tap) { impl_->tap = std::move(tap); }

void Pipeline::start() {
  for (const auto& a : impl_->appliers) a->start();
  impl_->journal.set_sink([this](Sequence sequence, const io::Attachment& attachment) {
    const auto batch = std::static_pointer_cast<const storage::Batch>(attachment);
    for (const auto& a : impl_->appliers) a->push(sequence, batch);
    impl_->pushed = sequence.value;
    if (impl_->tap) impl_->tap(batch);
  });
  impl_->started = true;
}

void Pipeline::stop() {
  if (!impl_->started) return;
  impl_->started = false;
  for (const auto& a : impl_->appliers) a->stop();
  if (const auto done = checkpoint(true); !done) {
    impl_->log.warn("last checkpoint failed; the journal keeps the rest",
                    {{"reason", done.error().message()}});
  }
}

bool Pipeline::accepting() const { return impl_->accepting(); }

Result<Committed> Pipeline::commit(storage::Batch batch, const ClientIds& ids, storage::BatchEncoder* encoder,
                                   const Settle& settle) {
  if (!impl_->accepting())
    return fail(ErrorKind::disk_full, "the disk is full: writes wait until there is space");
  for (const auto& a : impl_->appliers) {
    if (!a->wait_for_room(batch))
      return fail(ErrorKind::resource_exhausted,
                  fmt::format("full: store {} is catching up", a->store().name()));
  }
  Committed committed;
  Admissions admissions(impl_->journal);
  admissions.admit(sorted_ids(ids));
  committed.duplicates += drop_duplicates(batch.logs, ids.logs, admissions);
  committed.duplicates += drop_duplicates(batch.spans, ids.spans, admissions);
  committed.duplicates += drop_duplicates(batch.errors, ids.errors, admissions);
  impl_->duplicates_total.add(committed.duplicates);
  if (settle) settle(batch);
  if (batch.empty()) return committed;

  committed.rows = batch.row_count();
  if (committed.duplicates > 0)
    batch.row_bytes = batch.row_bytes / (committed.rows + committed.duplicates) * committed.rows;
  const std::size_t samples = batch.samples.size();
  const auto shared = std::make_shared<const storage::Batch>(std::move(batch));
  std::string record = encoder != nullptr ? encoder->finish(*shared) : storage::encode_batch(*shared);
  auto appended = impl_->journal.append(std::move(record), admissions.fresh(), shared);
  if (!appended) return tl::unexpected<Error>(std::move(appended).error());
  admissions.keep();
  impl_->metric_store.journaled(shared->new_series);
  impl_->rows_total.add(committed.rows);
  impl_->samples_total.add(samples);
  committed.sequence = *appended;
  return committed;
}

Result<SeriesId> Pipeline::resolve(ProjectId project, const Labels& labels,
                                   std::vector<storage::SeriesDef>& defs) {
  auto id = impl_->metric_store.resolve(project, labels, defs);
  if (!id) impl_->series_refused.add();
  return id;
}

Result<> Pipeline::write_samples(ProjectId project, UnixNanos received,
                                 const std::vector<std::pair<Labels, Sample>>& samples,
                                 storage::BatchItems items) {
  storage::Batch batch;
  batch.project = project;
  batch.received = received;
  batch.items = std::move(items);
  batch.samples.reserve(samples.size());
  std::optional<Error> refused;
  for (const auto& [labels, sample] : samples) {
    auto id = resolve(project, labels, batch.new_series);
    if (!id) {
      refused = std::move(id).error().within(labels.get(kMetricName));
      continue;
    }
    batch.samples.push_back({*id, sample});
  }
  if (!batch.empty()) {
    if (auto done = commit(std::move(batch)); !done) return tl::unexpected<Error>(std::move(done).error());
  }
  if (refused) return tl::unexpected<Error>(*std::move(refused));
  return {};
}

Sequence Pipeline::oldest_durable() const {
  Sequence oldest{UINT64_MAX};
  for (const auto& a : impl_->appliers) oldest = std::min(oldest, a->store().durable());
  return oldest;
}

Result<> Pipeline::checkpoint(bool force) {
  const MutexLock lock(impl_->checkpoint_mutex);
  std::optional<Error> failed;
  Sequence oldest{UINT64_MAX};
  const bool too_much_to_replay = impl_->journal.bytes() > impl_->max_replay_bytes;
  const Sequence slowest = oldest_durable();
  for (const auto& a : impl_->appliers) {
    auto& store = a->store();
    const bool holds_the_journal = too_much_to_replay && store.durable() == slowest;
    if (force || holds_the_journal || store.wants_checkpoint()) {
      const Nanos start = impl_->clock.steady();
      auto done = store.checkpoint();
      impl_->checkpoint_seconds.observe(std::chrono::duration<double>(impl_->clock.steady() - start).count());
      if (!done) {
        impl_->log.warn("checkpoint failed", {{"store", store.name()}, {"reason", done.error().message()}});
        failed = std::move(done).error();
      }
    }
    oldest = std::min(oldest, store.durable());
  }
  if (!impl_->appliers.empty()) TT_TRY(impl_->journal.release(oldest));
  if (failed) return tl::unexpected<Error>(*std::move(failed));
  return {};
}

Result<> Pipeline::empty_journal(Nanos timeout) {
  storage::Batch marker;
  marker.received = impl_->clock.now();
  const auto shared = std::make_shared<const storage::Batch>(std::move(marker));
  impl_->journal.cut();
  TT_ASSIGN(const Sequence sequence, impl_->journal.append(storage::encode_batch(*shared), {}, shared));
  if (!wait_applied(sequence, timeout)) return fail(ErrorKind::unavailable, "a store is catching up");
  return checkpoint(true);
}

Result<> Pipeline::without_checkpoints(const std::function<Result<>()>& body) {
  const MutexLock lock(impl_->checkpoint_mutex);
  return body();
}

bool Pipeline::wait_applied(Sequence sequence, Nanos timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  return std::all_of(impl_->appliers.begin(), impl_->appliers.end(),
                     [&](const auto& a) { return a->wait_applied(sequence, until); });
}

bool Pipeline::wait_settled(Nanos timeout) { return wait_applied(Sequence{impl_->pushed.load()}, timeout); }

}  // namespace telltale::ingest
