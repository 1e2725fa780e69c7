#include "ingest/request.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/health_limits.hpp"
#include "base/intake_limits.hpp"
#include "ingest/enrich.hpp"
#include "logs/line.hpp"

namespace telltale::ingest {

namespace {

/// About: texts of these are short, but for feedback's.
std::size_t items_bytes(const storage::BatchItems& items) {
  return items.sessions.size() * (sizeof(storage::SessionUpdate) + 64) +
         items.check_ins.size() * (sizeof(storage::CheckIn) + 512) +
         items.feedback.size() * (sizeof(storage::FeedbackItem) + limits::kMaxFeedbackMessageBytes) +
         items.outcomes.size() * (sizeof(storage::OutcomeCount) + 64) +
         items.attachments.size() * (sizeof(storage::AttachmentItem) + 128);
}

/// There is nothing but refusals, which need no journal record of their own.
bool is_refused(const std::vector<storage::UsageCount>& usage) {
  return !usage.empty() && std::all_of(usage.begin(), usage.end(), [](const storage::UsageCount& u) {
    return u.kind == storage::UsageKind::rate_limited || u.kind == storage::UsageKind::invalid;
  });
}

}  // namespace

Id128 dedup_id(ProjectId project, char kind, std::string_view id) {
  std::string key = fmt::format("{}/{}/", project.value, kind);
  key.append(id);
  return hash128(key);
}

Id128 span_dedup_id(ProjectId project, const EventRow& span) {
  return dedup_id(project, 's', span.ids.trace_id.hex() + span.ids.span_id.hex());
}

Request::Request(ProjectId project, UnixNanos now, std::shared_ptr<const redact::Redactor> rules,
                 const IngestOptions& options, TimeBounds bounds, WorkSlots::Slot work)
    : encoder(project, now),
      redactor(std::move(rules)),
      slot(std::move(work)),
      project_(project),
      now_(now),
      options_(options),
      bounds_(bounds) {
  batch.project = project;
  batch.received = now;
}

void Request::errors(std::size_t index, std::string_view what, const wire::ItemErrors& list) {
  for (const auto& e : list) error(index, fmt::format("{}[{}]: {}", what, e.index, e.reason));
  outcome.rejected.add_untold(list.untold());
}

bool Request::is_full(std::size_t index) {
  const bool rows = batch.row_count() >= limits::kMaxRowsPerRequest;
  if (!rows && batch.row_bytes < limits::kMaxRequestRowBytes) return false;
  if (!full_.empty()) {
    last_error_ = full_;
    outcome.rejected.add_untold(1);
    return true;
  }
  full_ = rows ? fmt::format("the request has over {} rows; the rest is dropped", limits::kMaxRowsPerRequest)
               : fmt::format("the request's rows have over {} bytes; the rest is dropped",
                             limits::kMaxRequestRowBytes);
  error(index, full_);
  return true;
}

bool Request::add(Table table, EventRow row, Id128 id, std::size_t index, bool parse_line) {
  if (is_full(index)) return false;
  row.attributes.reserve(usual_attributes_);
  row.project = project_;
  row.received = now_;
  std::size_t first_parsed = SIZE_MAX;
  if (table == Table::logs) {
    const std::size_t beside = row.attributes.size();
    const auto form = logs::normalise_line(row, {zone, now_, parse_line});
    // JSON's fields need a look only where the message was struck, unless it is cut and holds less than they
    // do. The escapes of other forms are not known to whoever masks the message.
    if (form == logs::LineForm::json && row.message.size() <= limits::kMaxLogLineBytes) first_parsed = beside;
  } else {
    fill_ids(row);
  }
  if (row.time.ns == 0) row.time = now_;
  if (!in_bounds(row.time)) {
    error(index, fmt::format("timestamp {}: outside of ingest.max_past and ingest.max_future",
                             format_rfc3339(row.time)));
    return false;
  }
  if (row.ids.service.empty() && by_project) row.ids.service = project_slug();
  if (row.ids.service.empty()) row.ids.service = fallback_service;
  const std::size_t left_out = bound_row(row);
  redact_row(row, *redactor, counts, first_parsed);
  if (left_out > 0) {
    dropped_attributes += left_out;
    row.set(std::string(kDroppedAttributes), static_cast<std::int64_t>(left_out));
  }
  if (table == Table::logs) logs::name_stream(row);  // of what is masked
  // An error's payload is masked before it is read; a span's is made of what was read.
  if (table == Table::spans && !row.payload.empty()) redactor->redact_json(row.payload, &counts);
  encoder.add(table, row);
  batch.row_bytes += memory_bytes(row);
  batch.rows(table).push_back(std::move(row));
  ids_of(table).push_back(id);
  usual_attributes_ = batch.rows(table).back().attributes.size();
  return true;
}

bool Request::in_bounds(UnixNanos time) const {
  return time >= now_ - bounds_.max_past && time <= now_ + bounds_.max_future;
}

const std::string& Request::project_slug() {
  if (!slug_) slug_ = options_.slug_of(project_);
  return *slug_;
}

void Ingest::Impl::count_masked(const redact::Redactor& rules, const redact::Counts& counts,
                                ProjectId project) const {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto rule = static_cast<redact::RuleId>(i);
    const std::uint64_t struck = counts.of(rule);
    if (struck == 0) continue;
    metrics
        .counter("telltale_redacted_total", "Values masked before they were stored, by rule and project.",
                 {{"rule", std::string(rules.rule_name(rule))}, {"project", std::to_string(project.value)}})
        .add(struck);
  }
}

Result<Outcome> Ingest::Impl::finish(Request request) {
  count_masked(*request.redactor, request.counts, request.batch.project);
  if (!request.files.empty()) request.slot.release();
  if (auto kept = keep_files(request); !kept) {
    if (request.quota) request.quota->give_back(request);
    return tl::unexpected<Error>(std::move(kept).error());
  }
  rejected.add(request.outcome.rejected.size());
  dropped_attributes.add(request.dropped_attributes);
  const std::size_t items = request.batch.items.count();
  request.batch.row_bytes += items_bytes(request.batch.items);
  request.slot.release();
  if (request.batch.row_count() == 0 && items == 0 && request.batch.samples.empty() &&
      is_refused(request.batch.items.usage)) {
    refusals.add(request.batch.project, request.batch.items.usage);
    return std::move(request.outcome);
  }
  Pipeline::Settle settle;
  if (request.quota) settle = [&quota = *request.quota](storage::Batch& batch) { quota.settle(batch); };
  const auto files = request.batch.items.attachments;
  auto done = pipeline.commit(std::move(request.batch), request.ids, &request.encoder, settle);
  if (!done) {
    drop_files(files);
    if (request.quota) request.quota->give_back(request);
    return tl::unexpected<Error>(std::move(done).error());
  }
  const Committed& committed = *done;
  request.outcome.accepted = committed.rows + items;
  request.outcome.duplicates = committed.duplicates;
  return std::move(request.outcome);
}

}  // namespace telltale::ingest
