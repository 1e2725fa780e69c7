// What all ways in share: a request on its way collects rows, each bounded, enriched and masked as it comes,
// and what was refused, with the reason. One file a protocol (loki.cpp, otlp.cpp, …) decodes and fills it;
// Ingest::Impl commits it. For this folder's .cpp files only.
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/time_zone.hpp"
#include "ingest/delta_totals.hpp"
#include "ingest/ingest.hpp"
#include "ingest/metric_labels.hpp"
#include "ingest/refusals.hpp"
#include "ingest/sentry_quota.hpp"
#include "ingest/series_cache.hpp"
#include "ingest/work_slots.hpp"

namespace telltale::ingest {

/// The id under which a client's own id is remembered: ids of different projects and kinds must not meet.
Id128 dedup_id(ProjectId project, char kind, std::string_view id);
Id128 span_dedup_id(ProjectId project, const EventRow& span);

/// On a row that had more attributes than it may keep: how many were left out.
inline constexpr std::string_view kDroppedAttributes = "dropped_attributes";

struct TimeBounds {
  Nanos max_past;
  Nanos max_future;
};

/// A file that came with an event, on its way to the disk.
struct PendingFile {
  storage::AttachmentItem item;
  std::string_view bytes;  // into the request's body
  std::string masked;      // what is kept of it instead
  bool is_masked = false;
  std::size_t index = 0;
};

/// Not thread-safe; lives as long as one call.
class Request {
 public:
  Request(ProjectId project, UnixNanos now, std::shared_ptr<const redact::Redactor> redactor,
          const IngestOptions& options, TimeBounds bounds, WorkSlots::Slot slot);

  /// Makes room for so many rows.
  void expect(Table table, std::size_t rows) {
    batch.rows(table).reserve(rows);
    ids_of(table).reserve(rows);
  }
  /// False, with a reason in the outcome, when the row's time is out of bounds. A row without a time gets
  /// what its line says (logs), else ours. `parse_line`: a log line's own fields are read into attributes.
  bool add(Table table, EventRow row, Id128 id, std::size_t index, bool parse_line = true);
  void error(std::size_t index, std::string reason) {
    last_error_ = std::move(reason);
    outcome.rejected.add(index, last_error_);
  }
  /// What a decoder left out, at its own places.
  void errors(const wire::ItemErrors& list) {
    for (const auto& e : list) error(e.index, e.reason);
    outcome.rejected.add_untold(list.untold());
  }
  /// The same of one item's list; reasons follow `what` and their place in it.
  void errors(std::size_t index, std::string_view what, const wire::ItemErrors& list);
  /// Whether there is no room for another row, which is refused then: ask before a costly one is made; add()
  /// asks, too.
  bool is_full(std::size_t index);
  /// The newest reason, also when it is not kept.
  const std::string& last_error() const { return last_error_; }
  /// Of the last row: the next is likely to have as many.
  std::size_t usual_attributes() const { return usual_attributes_; }
  UnixNanos now() const { return now_; }
  bool in_bounds(UnixNanos time) const;

  bool by_project = false;           // a row that names no service belongs to the project's
  std::string fallback_service;      // of a row that names none; Loki says `unknown_service`
  TimeZone zone;                     // of times in lines that say no offset
  std::optional<SentryQuota> quota;  // of Sentry's ways in
  storage::Batch batch;
  storage::BatchEncoder encoder;  // has the batch's rows
  ClientIds ids;
  std::vector<PendingFile> files;
  std::vector<wire::sentry::MetricItem> measured;
  Outcome outcome;
  redact::Counts counts;
  std::size_t dropped_attributes = 0;  // of rows with more than limits::kMaxAttributes
  const std::shared_ptr<const redact::Redactor> redactor;
  WorkSlots::Slot slot;  // for as long as there is work to do

 private:
  std::vector<Id128>& ids_of(Table table) {
    return table == Table::logs ? ids.logs : table == Table::spans ? ids.spans : ids.errors;
  }
  // Read once a request, and only by those that need it: most clients name their server.
  const std::string& project_slug();

  std::string last_error_;
  std::string full_;  // why, once there is no more room
  std::optional<std::string> slug_;
  std::size_t usual_attributes_ = 0;
  const ProjectId project_;
  const UnixNanos now_;
  const IngestOptions& options_;
  const TimeBounds bounds_;
};

struct Ingest::Impl {
  Pipeline& pipeline;
  const redact::Redactor& redactor;
  const Clock& clock;
  const IngestOptions options;
  MetricsRegistry& metrics;
  Counter& rejected;
  Counter& skipped;
  Counter& client_discards;
  Counter& dropped_attributes;
  std::atomic<Nanos> max_past{options.max_past};
  std::atomic<Nanos> max_future{options.max_future};

  Refusals refusals;
  SeriesCache known_series{limits::kMaxKnownSeries};
  CleanValues clean_values;
  KnownFamilies known_families;
  DeltaTotals delta_totals;
  WorkSlots slots{std::max<std::size_t>(kLeastWorkSlots, std::thread::hardware_concurrency())};

  /// Before anything is decoded; a thread has one request at a time. unavailable: no slot came free in time.
  Result<Request> begin(ProjectId project) {
    TT_ASSIGN(WorkSlots::Slot slot, slots.take());
    return Request(project, clock.now(), redactor_of(project), options, {max_past.load(), max_future.load()},
                   std::move(slot));
  }
  Result<Request> begin_sentry(ProjectId project, const SentrySender& sender) {
    TT_ASSIGN(Request request, begin(project));
    request.by_project = true;
    request.quota.emplace(options.intake, project, sender);
    return request;
  }
  /// A request holds it for as long as it takes: a change of rules makes another one.
  std::shared_ptr<const redact::Redactor> redactor_of(ProjectId project) const {
    if (options.redactor_of) return options.redactor_of(project);
    return {std::shared_ptr<const void>(), &redactor};
  }
  std::shared_ptr<const errors::GroupingRules> grouping_of(ProjectId project) const {
    if (options.grouping_of) return options.grouping_of(project);
    return {std::shared_ptr<const void>(), &errors::GroupingRules::none()};
  }
  void count_masked(const redact::Redactor& rules, const redact::Counts& counts, ProjectId project) const;
  /// Puts files on the disk and names them in the batch; those that are too many are rejected.
  Result<> keep_files(Request& request);
  void drop_files(const std::vector<storage::AttachmentItem>& files);
  /// Commits what was collected and counts what was masked and refused.
  Result<Outcome> finish(Request request);
  /// The same of a request that is one thing: it is refused when that is.
  Result<Outcome> finish_one(Request request) {
    const bool refused = !request.outcome.rejected.empty();
    const std::string reason = refused ? request.outcome.rejected.front().reason : std::string();
    TT_ASSIGN(auto outcome, finish(std::move(request)));
    if (refused) return fail(ErrorKind::invalid_argument, reason);
    return outcome;
  }
};

}  // namespace telltale::ingest
